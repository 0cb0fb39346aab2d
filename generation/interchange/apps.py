"""Draw Things and Easy Diffusion, whose settings are a flat list of their own names.  Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from generation.interchange.gathering import Gathering, given, number_of, size_of
from generation.interchange.imported import Imported, Why
from generation.interchange.json_texts import object_in, object_of, objects, texts_in
from generation.parameters import CFG, DENOISE, SHIFT, STEPS
from generation.tasks import Task

DRAW_THINGS, EASY_DIFFUSION = "draw things", "easy diffusion"

_XMP = re.compile(
    r"<exif:UserComment>.{0,200}?<rdf:li[^>]{0,100}>(.{1,200000}?)</rdf:li>", re.DOTALL
)
_LINE = re.compile(r"([A-Za-z][\w ]{2,40}):[ \t]*(.*)")


def read_draw_things(texts: Mapping[str, str]) -> Imported | None:
    """What Draw Things says, as JSON of short names; None where it says nothing."""
    packed = _XMP.search(texts.get("XML:com.adobe.xmp", "")[:300_000])
    for text in (html.unescape(packed[1]) if packed else "", *map(texts.get, _KEYS)):
        said = object_in(text)
        if said is not None and {"c", "sampler", "scale"} <= said.keys():
            return _draw_things(said)
    return None


_KEYS = ("UserComment", "comment", "parameters", "")


def _draw_things(said: Mapping[str, object]) -> Imported:
    gathering = Gathering(DRAW_THINGS, Task.TEXT_TO_IMAGE)
    newer = object_of(said.get("v2"))
    gathering.words(said.get("c"), said.get("uc", ""), where="c")
    gathering.number(STEPS, said.get("steps"), where="steps")
    gathering.number(CFG, said.get("scale"), where="scale")
    gathering.number(SHIFT, said.get("shift", newer.get("shift")), where="shift")
    if (size := size_of(said.get("size"))) is not None:
        gathering.size(*size, where="size")
    else:
        gathering.size(newer.get("width"), newer.get("height"), where="width")
    gathering.seeded(said.get("seed"), where="seed")
    gathering.sampler(said.get("sampler"), where="sampler")
    gathering.file("checkpoint", said.get("model"), where="model")
    for one in (*objects(said.get("lora")), *objects(newer.get("loras"))):
        gathering.file(
            "lora", one.get("model") or one.get("file"), strength=one.get("weight"), where="lora"
        )
    if number_of(said.get("strength")) not in (None, 1.0, 0.0):
        gathering.task = Task.IMAGE_TO_IMAGE
        gathering.number(DENOISE, said.get("strength"), where="strength")
        gathering.lose("image", Why.WANTS_A_PICTURE, where="strength")
    for one in objects(said.get("control")):
        gathering.lose("control picture", Why.WANTS_A_PICTURE, one.get("file"), where="control")
    if given((said.get("upscaler"),)):
        gathering.lose("upscale", Why.A_STEP_OF_ITS_OWN, said.get("upscaler"), where="upscaler")
    return gathering.imported()


_EASY = {"num_inference_steps", "guidance_scale", "use_stable_diffusion_model"}


def read_easy_diffusion(texts: Mapping[str, str]) -> Imported | None:
    """What Easy Diffusion says: texts of a PNG, JSON, or lines; None where it says nothing."""
    whole: Mapping[str, object] = object_in(texts.get("", texts.get("UserComment"))) or {}
    whole = object_of(whole.get("reqBody")) or whole
    lines = {_easy(key): value.strip() for key, value in _LINE.findall(texts.get("", "")[:50_000])}
    for said in (texts, whole, lines):
        if len(_EASY & said.keys()) > 1:
            return _easy_diffusion(said)
    return None


def _easy(label: str) -> str:
    """The name of what a line of its text files says in words."""
    key = re.sub(r"\s+", "_", label.strip().casefold())
    return {
        "steps": "num_inference_steps",
        "stable_diffusion_model": "use_stable_diffusion_model",
        "sampler": "sampler_name",
        "vae_model": "use_vae_model",
        "lora_model": "use_lora_model",
        "lora_strength": "lora_alpha",
    }.get(key, key)


def _easy_diffusion(said: Mapping[str, object]) -> Imported:
    gathering = Gathering(EASY_DIFFUSION, Task.TEXT_TO_IMAGE)
    gathering.words(said.get("prompt"), said.get("negative_prompt") or "", where="prompt")
    gathering.number(STEPS, said.get("num_inference_steps"), where="num_inference_steps")
    gathering.number(CFG, said.get("guidance_scale"), where="guidance_scale")
    gathering.size(said.get("width"), said.get("height"), where="width")
    gathering.seeded(said.get("seed"), where="seed")
    gathering.sampler(said.get("sampler_name"), where="sampler_name")
    gathering.scheduler(said.get("scheduler_name"), where="scheduler_name")
    if str(said.get("clip_skip")).casefold() == "true":
        gathering.clip_skip(2, where="clip_skip")
    gathering.file("checkpoint", said.get("use_stable_diffusion_model"), where="model")
    gathering.file("vae", said.get("use_vae_model"), where="use_vae_model")
    strengths = texts_in(_listed(said.get("lora_alpha")))
    for number, name in enumerate(texts_in(_listed(said.get("use_lora_model")))):
        strength = strengths[number] if number < len(strengths) else 1.0
        gathering.file("lora", name, strength=strength, where="use_lora_model")
    if given((said.get("init_image"), said.get("prompt_strength"))):
        gathering.task = Task.IMAGE_TO_IMAGE
        gathering.number(DENOISE, said.get("prompt_strength"), where="prompt_strength")
        gathering.lose("image", Why.WANTS_A_PICTURE, where="init_image")
    for key, what in (("use_upscale", "upscale"), ("use_face_correction", "face restoration")):
        if given((said.get(key),)):
            gathering.lose(what, Why.A_STEP_OF_ITS_OWN, said.get(key), where=key)
    return gathering.imported()


def _listed(value: object) -> object:
    return str(value) if isinstance(value, int | float) else value
