"""InvokeAI, of every age: `invokeai_metadata` (3 and later), `sd-metadata` (2), `Dream` (1, 2).

Pure.  Its weights in words are written as A1111's; a negative prompt stood once in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generation.interchange.compel import in_a1111s_signs
from generation.interchange.gathering import Gathering, given, number_of, whole_of
from generation.interchange.imported import Imported, NotRead, Why
from generation.interchange.json_texts import object_in, object_of, objects
from generation.parameters import CFG, CLIP_SKIP, DENOISE, GUIDANCE, SHIFT, STEPS
from generation.tasks import Task

PROGRAM = "invokeai"
KEYS = ("invokeai_metadata", "invokeai", "sd-metadata", "Dream")

_KINDS = {"main": "checkpoint", "lora": "lora", "vae": "vae", "embedding": "embedding"}
_SILENT = re.compile(
    r"app_version|app_id|generation_mode|positive_prompt|negative_prompt|width|height|seed|steps|"
    r"rand_device|cfg_scale|guidance|scheduler|clip_skip|model|vae|loras|strength|init_image|"
    r"positive_style_prompt|negative_style_prompt|metadata_version|id|is_intermediate|"
    r"aspect_ratio|created_at|board_id|canvas_v2_metadata|ref_images|fp32|z_image.*|"
    r"original_(?:width|height)|crop_(?:top|left)|target_(?:width|height)|t5_encoder|"
    r"clip_embed_model|clip_g_embed_model|clip_l_embed_model|qwen.*encoder.*|dype_.*|"
    r"scheduler_shift|shift"
)
# Of models that are told weights; to others every sign is a word's.
_WEIGHTED = ("txt2img", "img2img", "inpaint", "outpaint")
_OLD_NAMES = {"klms": "lms", "plms": "PLMS"}
_NEGATIVE = re.compile(r"(?<!\\)\[([^\[\]]{1,5000})\]")
_DREAM = re.compile(r'\s*"((?:[^"\\]|\\.){0,20000}+)"\s*(.*)', re.DOTALL)
# -s50, -s 50, --steps 50, --steps=50
_OPTION = re.compile(r"(?:^|(?<=\s))-(?:-([A-Za-z_]\w*)|([A-Za-z]))[ =]?([^\s-]\S*|-\d\S*)?")


def read(texts: Mapping[str, str]) -> Imported | None:
    """What InvokeAI says; None where it says nothing.  Raises NotRead."""
    for key in KEYS[:2]:
        if key in texts:
            return _newer(_object(texts[key]))
    if "sd-metadata" in texts:
        return _older(_object(texts["sd-metadata"]))
    if "Dream" in texts:
        return _dream(texts["Dream"])
    whole = object_in(texts.get(""))
    if whole is not None and "positive_prompt" in whole and "scheduler" in whole:
        return _newer(whole)
    return None


def _object(text: str) -> Mapping[str, object]:
    if (found := object_in(text)) is None:
        raise NotRead("what InvokeAI wrote into it is damaged")
    return found


# --- 3 and later ------------------------------------------------------------------------------


def _newer(said: Mapping[str, object]) -> Imported:
    mode = str(said.get("generation_mode") or "")
    gathering = Gathering(PROGRAM, _task(mode))
    weighted = mode.removeprefix("sdxl_").startswith(_WEIGHTED) or not mode
    _words(said.get("positive_prompt"), said.get("negative_prompt"), gathering, weighted=weighted)
    _style(said, gathering)
    for row, key in ((STEPS, "steps"), (CFG, "cfg_scale"), (GUIDANCE, "guidance")):
        gathering.number(row, said.get(key), where=key)
    gathering.number(SHIFT, said.get("scheduler_shift", said.get("shift")), where="shift")
    gathering.size(said.get("width"), said.get("height"), where="width")
    gathering.seeded(said.get("seed"), where="seed")
    gathering.sampler(said.get("scheduler"), where="scheduler")
    if (skipped := whole_of(said.get("clip_skip"))) is not None:
        gathering.number(CLIP_SKIP, skipped + 1, where="clip_skip")
    device = str(said.get("rand_device") or "cpu")
    if device != "cpu":
        gathering.lose("noise", Why.OTHER_NOISE, device, where="rand_device")
    _files(said, gathering)
    if gathering.task in (Task.IMAGE_TO_IMAGE, Task.INPAINT, Task.OUTPAINT):
        gathering.number(DENOISE, said.get("strength"), where="strength")
        gathering.lose("image", Why.WANTS_A_PICTURE, said.get("init_image"), where="init_image")
    _losses(said, gathering)
    return gathering.imported()


def _task(mode: str) -> Task:
    folded = mode.casefold()
    for word, task in (
        ("outpaint", Task.OUTPAINT),
        ("inpaint", Task.INPAINT),
        ("img2img", Task.IMAGE_TO_IMAGE),
        ("i2i", Task.IMAGE_TO_IMAGE),
        ("edit", Task.EDIT),
    ):
        if word in folded:
            return task
    return Task.TEXT_TO_IMAGE


def _words(
    prompt: object, negative: object, gathering: Gathering, *, weighted: bool = True
) -> None:
    told: list[object] = []
    for text in (prompt, "" if negative is None else negative):
        if not isinstance(text, str) or not weighted:
            told.append(text)
            continue
        written, unheard = in_a1111s_signs(text)
        if unheard:
            gathering.lose(f".{unheard}()", Why.NOT_HERE, text, where="prompt")
        told.append(written)
    gathering.words(told[0], told[1], where="positive_prompt")


def _style(said: Mapping[str, object], gathering: Gathering) -> None:
    """SDXL's second prompt, which is the first where nobody gave another."""
    for key, usual in (
        ("positive_style_prompt", said.get("positive_prompt")),
        ("negative_style_prompt", said.get("negative_prompt")),
    ):
        if given((said.get(key),)) and said.get(key) != usual:
            gathering.lose("style prompt", Why.NOT_HERE, said.get(key), where=key)


def _files(said: Mapping[str, object], gathering: Gathering) -> None:
    _file("checkpoint", said.get("model"), gathering)
    _file("vae", said.get("vae"), gathering)
    for one in objects(said.get("loras")):
        model = one.get("model") or one.get("lora") or one
        _file("lora", model, gathering, strength=one.get("weight", 0.75))
    for key in ("controlnets", "t2iAdapters", "ipAdapters"):
        for one in objects(said.get(key)):
            model = one.get("control_model") or one.get("t2i_adapter_model") or one.get("model")
            if key == "controlnets":
                strength = one.get("control_weight", 1.0)
                strength = strength if number_of(strength) is not None else None
                _file("controlnet", model, gathering, strength=strength)
            gathering.lose("control picture", Why.WANTS_A_PICTURE, _name(model), where=key)


def _file(kind: str, model: object, gathering: Gathering, *, strength: object = None) -> None:
    if isinstance(model, str):
        gathering.file(kind, model, strength=strength, where=kind)
    elif isinstance(model, dict):
        digest = str(model.get("hash") or model.get("model_hash") or "")
        digest = "" if digest.startswith(("blake3", "random")) else digest
        gathering.file(kind, _name(model), digest, strength=strength, where=kind)


def _name(model: object) -> str:
    """A model by its name, as all ages of InvokeAI wrote it."""
    if isinstance(model, str):
        return model
    said = object_of(model)
    for key in ("name", "model_name", "key"):
        if isinstance(said.get(key), str):
            return str(said[key])
    return ""


def _losses(said: Mapping[str, object], gathering: Gathering) -> None:
    grouped: dict[tuple[str, Why], list[str]] = {}
    for key, value in said.items():
        if _SILENT.fullmatch(key) or value in (None, "", [], {}, False, 0):
            continue
        if key.startswith(("controlnets", "ipAdapters", "t2iAdapters", "controlLayers")):
            continue
        if key.startswith(("control_layers", "regions", "canvas", "reference")):
            group = "layers of the canvas", Why.WANTS_A_PICTURE
        elif key.startswith("hrf_"):
            group = "hires fix", Why.A_STEP_OF_ITS_OWN
        elif key.startswith("refiner_"):
            group = "refiner", Why.NOT_HERE
        elif key.startswith(("upscale", "esrgan", "postprocess", "facetool")):
            group = "upscale", Why.A_STEP_OF_ITS_OWN
        elif key.startswith(("seamless", "cfg_rescale", "denoise_mask")):
            group = key, Why.NOT_HERE
        else:
            group = key, Why.UNKNOWN
        grouped.setdefault(group, []).append(f"{key}: {value}")
    for (what, why), told in grouped.items():
        gathering.lose(what, why, ", ".join(told), where=told[0].partition(":")[0])


# --- 2 and before -----------------------------------------------------------------------------


def _older(said: Mapping[str, object]) -> Imported:
    """The settings of an image lie in an object of their own."""
    images = objects(said.get("images"))
    image = object_of(said.get("image")) or (images[0] if images else {})
    gathering = Gathering(PROGRAM, _task(str(image.get("type") or "")))
    prompts = image.get("prompt")
    pieces = [str(one.get("prompt") or "") for one in objects(prompts)]
    _bracketed(prompts if isinstance(prompts, str) else " ".join(pieces), gathering)
    for row, key in ((STEPS, "steps"), (CFG, "cfg_scale")):
        gathering.number(row, image.get(key), where=key)
    gathering.size(image.get("width"), image.get("height"), where="width")
    gathering.seeded(image.get("seed"), where="seed")
    gathering.sampler(_older_name(image.get("sampler")), where="sampler")
    gathering.file("checkpoint", said.get("model_weights"), said.get("model_hash"), where="model")
    for one in objects(image.get("variations")):
        gathering.varied(one.get("seed"), one.get("weight"), where="variations")
    if gathering.task is not Task.TEXT_TO_IMAGE:
        gathering.number(DENOISE, image.get("strength"), where="strength")
        gathering.lose("image", Why.WANTS_A_PICTURE, image.get("init_image_path"), where="image")
    for key, why in (
        *(("postprocessing", Why.A_STEP_OF_ITS_OWN), ("hires_fix", Why.A_STEP_OF_ITS_OWN)),
        *(("seamless", Why.NOT_HERE), ("perlin", Why.NOT_HERE), ("threshold", Why.NOT_HERE)),
    ):
        if image.get(key) not in (None, "", [], False, 0, 0.0):
            gathering.lose(key.replace("_", " "), why, image.get(key), where=key)
    gathering.lose("noise", Why.OTHER_NOISE, "GPU", where="sd-metadata")
    return gathering.imported()


def _bracketed(text: str, gathering: Gathering) -> None:
    """`a cat [dog, blurry]`: what is not to be shown stands in brackets."""
    negative = ", ".join(found.strip() for found in _NEGATIVE.findall(text))
    _words(" ".join(_NEGATIVE.sub(" ", text).split()).rstrip(" ,"), negative, gathering)


def _older_name(sampler: object) -> object:
    return _OLD_NAMES.get(sampler, sampler) if isinstance(sampler, str) else sampler


def _dream(text: str) -> Imported:
    """`"a cat" -s 50 -S 123 -W 512 -H 512 -C 7.5 -A k_lms`, as it was typed."""
    found = _DREAM.fullmatch(text.strip().removeprefix("!fetch "))
    prompt, options = (found[1], found[2]) if found else (text.partition(" -")[0], text)
    prompt = prompt.replace('\\"', '"')
    said = {one[1] or one[2]: (one[3] or "").strip() for one in _OPTION.finditer(options[:20_000])}
    gathering = Gathering(PROGRAM, Task.IMAGE_TO_IMAGE if "I" in said else Task.TEXT_TO_IMAGE)
    _bracketed(prompt, gathering)
    for row, keys in ((STEPS, ("s", "steps")), (CFG, ("C", "cfg_scale"))):
        gathering.number(row, _first(said, keys), where=keys[0])
    gathering.size(_first(said, ("W", "width")), _first(said, ("H", "height")), where="W")
    gathering.seeded(_first(said, ("S", "seed")), where="S")
    gathering.sampler(_older_name(_first(said, ("A", "m", "sampler"))), where="A")
    for one in said.get("V", "").split(","):
        if one:
            gathering.varied(*one.partition(":")[::2], where="V")
    if "I" in said:
        gathering.number(DENOISE, said.get("f"), where="f")
        gathering.lose("image", Why.WANTS_A_PICTURE, said["I"], where="I")
    for key, what in (("U", "upscale"), ("G", "face restoration"), ("hires_fix", "hires fix")):
        if key in said:
            gathering.lose(what, Why.A_STEP_OF_ITS_OWN, said[key], where=key)
    gathering.lose("noise", Why.OTHER_NOISE, "GPU", where="Dream")
    return gathering.imported()


def _first(said: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    return next((said[key] for key in keys if key in said), None)
