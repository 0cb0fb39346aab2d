"""SwarmUI: JSON under A1111's name, `{"sui_image_params": {...}, "sui_models": [...]}`.

No key is sure to be there.  Names are ComfyUI's, for that draws; a model's name is its path.  Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generation.interchange.gathering import Gathering, given, number_of
from generation.interchange.imported import Imported, Why
from generation.interchange.json_texts import object_in, object_of, objects, texts_in
from generation.interchange.prompt_tags import untagged
from generation.parameters import CFG, DENOISE, GUIDANCE, SHIFT, STEPS
from generation.recipe import COMFY
from generation.tasks import Task

PROGRAM = "swarmui"
PARAMS = "sui_image_params"
KEYS = ("parameters", "UserComment", "comment", "")

_NUMBERS = (
    (STEPS, "steps"),
    (CFG, "cfgscale"),
    (GUIDANCE, "fluxguidancescale"),
    (SHIFT, "sigmashift"),
)
# What makes the picture larger or another afterwards, and what looks at pictures.
_AFTER = ("refiner", "upscale", "segment", "videoupscale")
_LOOKING = ("controlnet", "ipadapter", "useipadapter", "promptimages", "revision")
_MASKS = ("mask", "inpaint")
_OTHER_STAGES = re.compile(r"<(?:segment|refiner|object|region|base|video|extend)[^<>]{0,500}>")
_EMBED = re.compile(r"<embed(?:ding)?:([^<>]{1,200})>", re.IGNORECASE)
_SILENT = re.compile(
    r"(?:swarm_?version|version|date|generationtime|images|batchsize|aspectratio|sidelength|"
    r"automaticvae|preferreddtype|nopreviews|donotsave.*|imageformat|wildcardseed.*|usedwildcards|"
    r"originalprompt|originalnegativeprompt|presets|saveintermediateimages|personalnote|"
    r"nointernalspecialhandling|modelspecific.*|colordepth|backendtype|outpath.*|"
    r"comfyuicustom.*|initimagenoise|initimageresettonorm|resolution|nosave|webhooks|stylename|"
    r"zeronegative|vaetile.*|clipstopatlayer|variationseed.*|loras|loraweights|lorasectionconfinement|"
    r"loratencweights|prompt|negativeprompt|model|vae|seed|steps|cfgscale|width|height|sampler|"
    r"scheduler|fluxguidancescale|sigmashift|initimage.*|videoformat|internalbackendtype|"
    r"promptenhance.*|nometadata|exactbackendid|overridepredictiontype|continueonerror|tcd.*|"
    r"debugregional.*|t5xxlmodel|clipl.*|clipg.*|qwenmodel|mistralmodel|gemmamodel|llavamodel)"
)


def read(texts: Mapping[str, str]) -> Imported | None:
    """What SwarmUI says; None where it says nothing."""
    for key in KEYS:
        found = object_in(texts.get(key))
        if found is not None and PARAMS in found:
            said = {_key(name): value for name, value in object_of(found[PARAMS]).items()}
            return _imported(said, found)
    return None


def _key(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())


def _imported(said: Mapping[str, object], found: Mapping[str, object]) -> Imported:
    gathering = Gathering(PROGRAM, Task.TEXT_TO_IMAGE)
    gathering.syntax = COMFY  # which draws for it
    _words(said, gathering)
    for row, key in _NUMBERS:
        gathering.number(row, said.get(key), where=key)
    gathering.size(said.get("width"), said.get("height"), where="width")
    gathering.seeded(said.get("seed"), where="seed")
    gathering.sampler(said.get("sampler"), where="sampler")
    gathering.scheduler(said.get("scheduler"), where="scheduler")
    if given((said.get("clipstopatlayer"),)):
        gathering.clip_skip(said["clipstopatlayer"], where="clipstopatlayer")
    if given((said.get("variationseed"),)):
        strength = said.get("variationseedstrength", 0)
        gathering.varied(said["variationseed"], strength, where="variationseed")
    _files(said, objects(found.get("sui_models")), gathering)
    beside = {_key(name) for name in object_of(found.get("sui_extra_data"))}
    begun = "initimage" in said or "initimagefilename" in beside
    if begun or number_of(said.get("initimagecreativity")) not in (None, 0.0):
        _started(said, gathering)
    _losses(said, gathering)
    return gathering.imported()


def _words(said: Mapping[str, object], gathering: Gathering) -> None:
    """The final words; what is for another stage of the drawing stands behind its tag."""
    prompt = said.get("prompt")
    if isinstance(prompt, str):
        if (stage := _OTHER_STAGES.search(prompt)) is not None:
            what = stage[0].strip("<>").partition(":")[0]
            gathering.lose(what, Why.A_STEP_OF_ITS_OWN, prompt[stage.start() :], where="prompt")
            prompt = prompt[: stage.start()]
        prompt = _EMBED.sub(lambda one: f"embedding:{one[1]}", prompt)
        prompt = untagged(prompt, gathering, where="prompt")
    negative = said.get("negativeprompt", "")
    if isinstance(negative, str):
        negative = _EMBED.sub(lambda one: f"embedding:{one[1]}", negative)
    gathering.words(prompt, negative, where="prompt")


def _files(
    said: Mapping[str, object], models: list[Mapping[str, object]], gathering: Gathering
) -> None:
    hashes = {
        (str(one.get("param", "")), _stem(one.get("name"))): one.get("hash") for one in models
    }
    model = said.get("model")
    gathering.file("checkpoint", model, hashes.get(("model", _stem(model))), where="model")
    vae = said.get("vae")
    gathering.file("vae", vae, hashes.get(("vae", _stem(vae))), where="vae")
    weights = texts_in(said.get("loraweights"))
    for number, name in enumerate(texts_in(said.get("loras"))):
        strength = weights[number] if number < len(weights) else 1.0
        gathering.file(
            "lora", name, hashes.get(("loras", _stem(name))), strength=strength, where="loras"
        )


def _stem(name: object) -> str:
    return str(name or "").removesuffix(".safetensors").casefold()


def _started(said: Mapping[str, object], gathering: Gathering) -> None:
    gathering.task = Task.INPAINT if "maskimage" in said else Task.IMAGE_TO_IMAGE
    gathering.number(DENOISE, said.get("initimagecreativity"), where="initimagecreativity")
    gathering.lose("image", Why.WANTS_A_PICTURE, said.get("initimage", ""), where="initimage")


def _losses(said: Mapping[str, object], gathering: Gathering) -> None:
    grouped: dict[tuple[str, Why], list[str]] = {}
    for key, value in said.items():
        if _SILENT.fullmatch(key) or not given((value,)) or number_of(value) == 0:
            continue
        if key.startswith(_AFTER):
            group = "refiner", Why.A_STEP_OF_ITS_OWN
        elif key.startswith(_LOOKING):
            group = "control picture", Why.WANTS_A_PICTURE
            if key == "controlnetmodel":
                strength = said.get("controlnetstrength")
                gathering.file("controlnet", value, strength=strength, where=key)
        elif "video" in key or key.startswith("text2video"):
            group = "video", Why.NOT_HERE
        elif key.startswith(_MASKS):
            group = "mask", Why.WANTS_A_PICTURE
        else:
            gathering.lose(key, Why.UNKNOWN, value, where=key)
            continue
        grouped.setdefault(group, []).append(f"{key}: {value}")
    for (what, why), told in grouped.items():
        gathering.lose(what, why, ", ".join(told), where=told[0].partition(":")[0])
