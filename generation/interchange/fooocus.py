"""Fooocus: JSON, or infotext with its own keys, as its scheme says; and the lines of its log.

What was typed is taken as the words, and its styles, which were written around them, are a loss:
Fooocus itself reads its files so.  Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generation.interchange.a1111 import imported_of
from generation.interchange.gathering import Gathering, given, size_of
from generation.interchange.imported import Imported, Why
from generation.interchange.infotext_grammar import Infotext, infotext_in
from generation.interchange.json_texts import object_in, texts_in
from generation.parameters import CFG, DENOISE, STEPS
from generation.tasks import Task

PROGRAM = "fooocus"
SCHEME = "fooocus_scheme"
KEYS = ("parameters", "UserComment", "comment", "")

# How many steps each takes, where it does not say so.
_STEPS = {
    "speed": 30,
    "quality": 60,
    "extreme speed": 8,
    "lightning": 4,
    "hyper-sd": 4,
    "turbo": 4,
}
_MARKS = (
    *("performance", "adm_guidance", "base_model", "sharpness", "fooocus_v2_expansion"),
    *("full_prompt", "metadata_scheme", "lora_combined_1"),
)
_LORA = re.compile(r"lora(?:_combined|_weight|_\[.*\]_weight)?_?(\d{1,2})")
_SILENT = re.compile(
    r"prompt|negative_prompt|full_(?:raw_)?(?:negative_)?prompt|raw_(?:negative_)?prompt|steps|"
    r"prompt_expansion|fooocus_v2_expansion|resolution|width|height|guidance_scale|cfg|sampler|"
    r"base_model(?:_hash)?|scheduler|seed|vae(?:_name)?|loras|metadata_scheme|version|created_by|"
    r"clip_skip|performance|refiner_switch|refiner_model_hash|refiner_swap_method|styles|"
    r"image_number|output_format|aspect_ratios?_selection|read_wildcards_in_order|backend_engine|"
    r"save_metadata_to_images|black_out_nsfw|disable_.*"
)


def read(texts: Mapping[str, str]) -> Imported | None:
    """What Fooocus says; None where it says nothing."""
    marked = SCHEME in texts or texts.get("MakerNote", "").strip("\0 ") in ("fooocus", "a1111")
    for key in KEYS:
        text = texts.get(key)
        if text is None:
            continue
        said = object_in(text)
        if said is not None:
            folded = {_folded(name): value for name, value in said.items()}
            if marked or sum(mark in folded for mark in _MARKS) > 1:
                return _of_json(folded)
        elif (found := infotext_in(text)) is not None and (marked or _its_own(found)):
            return _of_infotext(found)
    return None


def _its_own(found: Infotext) -> bool:
    return found.get("ADM Guidance") is not None


def _folded(name: str) -> str:
    return re.sub(r"[\s]+", "_", name.strip().casefold())


def _of_infotext(found: Infotext) -> Imported:
    """A1111's form, with what was typed beside what was made of it."""
    raw, negative = found.get("Raw prompt"), found.get("Raw negative prompt")
    pairs = {k: v for k, v in found.pairs.items() if not k.startswith("Raw ")}
    typed = Infotext(
        prompt=raw if raw is not None else found.prompt,
        negative=negative if negative is not None else found.negative,
        pairs={"RNG": "CPU", **pairs},
    )
    read_as = imported_of(typed)
    return Imported(
        program=PROGRAM,
        draft=read_as.draft,
        task=read_as.task,
        seed=read_as.seed,
        lost=read_as.lost,
        files=read_as.files,
    )


def _of_json(said: Mapping[str, object]) -> Imported:
    gathering = Gathering(PROGRAM, Task.TEXT_TO_IMAGE)
    prompt = said.get("prompt", said.get("raw_prompt", said.get("full_raw_prompt")))
    gathering.words(prompt, said.get("negative_prompt", ""), where="prompt")
    pace = str(said.get("performance") or "").casefold()
    gathering.number(STEPS, said.get("steps", _STEPS.get(pace)), where="steps")
    gathering.number(CFG, said.get("guidance_scale", said.get("cfg")), where="guidance_scale")
    if (size := size_of(said.get("resolution"))) is not None:
        gathering.size(*size, where="resolution")
    elif sides := texts_in(said.get("resolution")):
        gathering.size(*(*sides, None)[:2], where="resolution")
    else:
        gathering.size(said.get("width"), said.get("height"), where="width")
    gathering.seeded(said.get("seed"), where="seed")
    gathering.sampler(said.get("sampler"), where="sampler")
    gathering.scheduler(said.get("scheduler"), where="scheduler")
    gathering.clip_skip(said.get("clip_skip"), where="clip_skip")
    _files(said, gathering)
    _losses(said, gathering)
    return gathering.imported()


def _files(said: Mapping[str, object], gathering: Gathering) -> None:
    model, digest = said.get("base_model"), said.get("base_model_hash")
    gathering.file("checkpoint", model, digest, where="base_model")
    gathering.file("vae", said.get("vae"), where="vae")
    loras = said.get("loras")
    for one in loras if isinstance(loras, list) else []:  # name, strength, hash
        if isinstance(one, list) and one:
            name, strength, digest = (*one, None, None)[:3]
            gathering.file("lora", name, digest, strength=strength, where="loras")
    for key, value in said.items():
        if _LORA.fullmatch(key) and isinstance(value, str) and ":" in value:
            on, named, rest = value.partition(" : ")  # forks write first whether it is on
            told = rest if named and on.strip() in ("True", "False") and " : " in rest else value
            name, _, strength = told.rpartition(":")
            if on.strip() != "False":
                gathering.file("lora", name.strip(), strength=strength.strip(), where=key)


def _losses(said: Mapping[str, object], gathering: Gathering) -> None:
    if styles := texts_in(said.get("styles")):
        gathering.lose("styles", Why.NOT_HERE, ", ".join(styles), where="styles")
    tuned: list[str] = []
    for key, value in said.items():
        if _SILENT.fullmatch(key) or _LORA.fullmatch(key) or not given((value,)):
            continue
        if key in ("sharpness", "adm_guidance", "adaptive_cfg", "freeu", "overwrite_switch"):
            tuned.append(f"{key}: {value}")
        elif key == "refiner_model":
            gathering.lose("refiner", Why.NOT_HERE, value, where=key)
        elif key in ("overwrite_vary_strength", "overwrite_upscale_strength", "denoising_strength"):
            gathering.task = Task.IMAGE_TO_IMAGE
            gathering.number(DENOISE, value, where=key)
            gathering.lose("image", Why.WANTS_A_PICTURE, where=key)
        elif key.startswith(("inpaint", "outpaint", "mixing", "cn_", "uov", "enhance")):
            gathering.lose("image", Why.WANTS_A_PICTURE, f"{key}: {value}", where=key)
        else:
            gathering.lose(key, Why.UNKNOWN, value, where=key)
    if tuned:
        gathering.lose("sharpness", Why.NOT_HERE, ", ".join(tuned), where="sharpness")
