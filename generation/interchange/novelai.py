"""NovelAI: the words as a description, and its settings as JSON in a comment.

Its weights are written as A1111's: {x} is 1.05, [x] the inverse, 1.5::x:: a number.  Its models are
at NovelAI alone, so the picture is another one here.  Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from generation.interchange.gathering import Gathering, given
from generation.interchange.imported import Imported, Why
from generation.interchange.json_texts import object_in, object_of, objects
from generation.parameters import CFG, DENOISE, STEPS
from generation.tasks import Task

PROGRAM = "novelai"

# As they are called there; "native" is what a model was trained with.
_SCHEDULES = {"native": None, "": None}
_NUMBERED = re.compile(r"(-?[0-9]{1,3}(?:\.[0-9]{1,4})?)::(.{0,5000}?)::", re.DOTALL)
_CURLY = re.compile(r"\{([^{}]{0,5000})\}")
_SQUARE = re.compile(r"\[([^\[\]]{0,5000})\]")
_OPEN, _CLOSE = "\ue000", "\ue001"  # until all brackets of the words are escaped
MOST = 60  # brackets in brackets


def read(texts: Mapping[str, str]) -> Imported | None:
    """What NovelAI says; None where it says nothing."""
    said = object_in(texts.get("comment", texts.get("Comment")))
    software = texts.get("Software", "")
    if said is None or not ("NovelAI" in software or {"uc", "scale", "sampler"} <= said.keys()):
        return None
    gathering = Gathering(PROGRAM, Task.TEXT_TO_IMAGE)
    gathering.words(
        _weighted(_prompt(said, "v4_prompt", said.get("prompt", texts.get("Description")))),
        _weighted(_prompt(said, "v4_negative_prompt", said.get("uc", ""))),
        where="Description",
    )
    gathering.number(STEPS, said.get("steps"), where="steps")
    gathering.number(CFG, said.get("scale"), where="scale")
    gathering.size(said.get("width"), said.get("height"), where="width")
    gathering.seeded(said.get("seed"), where="seed")
    gathering.sampler(said.get("sampler"), where="sampler")
    schedule = said.get("noise_schedule")
    gathering.scheduler(_SCHEDULES.get(str(schedule or ""), schedule), where="noise_schedule")
    _losses(said, texts, gathering)
    return gathering.imported()


def _prompt(said: Mapping[str, object], key: str, otherwise: object) -> object:
    """The words of all characters, which are told apart there."""
    caption = object_of(object_of(said.get(key)).get("caption"))
    base = caption.get("base_caption")
    if not isinstance(base, str):
        return otherwise
    others = [one.get("char_caption") for one in objects(caption.get("char_captions"))]
    return ", ".join([base, *(one for one in others if isinstance(one, str) and one)])


def _weighted(text: object) -> object:
    """The same words with A1111's weights."""
    if not isinstance(text, str):
        return text
    text = re.sub(r"(?<!\\)([()])", r"\\\1", text)
    text = _NUMBERED.sub(lambda one: f"{_OPEN}{one[2]}:{float(one[1]):g}{_CLOSE}", text)
    for pattern, factor in ((_CURLY, "1.05"), (_SQUARE, "0.9524")):
        for _ in range(MOST):
            replaced = pattern.sub(rf"{_OPEN}\1:{factor}{_CLOSE}", text)
            if replaced == text:
                break
            text = replaced
    return text.replace(_OPEN, "(").replace(_CLOSE, ")")


def _losses(said: Mapping[str, object], texts: Mapping[str, str], gathering: Gathering) -> None:
    model = texts.get("Source", "")
    gathering.lose("model", Why.NOT_HERE, model or "NovelAI", where="Source")
    if given((said.get("strength"),)) and said.get("request_type") == "Img2ImgRequest":
        gathering.task = Task.IMAGE_TO_IMAGE
        gathering.number(DENOISE, said.get("strength"), where="strength")
        gathering.lose("image", Why.WANTS_A_PICTURE, where="strength")
    for key in ("cfg_rescale", "sm", "sm_dyn", "dynamic_thresholding", "uncond_scale"):
        if said.get(key) not in (None, False, 0, 0.0, 1.0):
            gathering.lose(key, Why.NOT_HERE, said[key], where=key)
    for key in ("reference_image_multiple", "controlnet_model", "director_reference_images"):
        if said.get(key):
            gathering.lose("control picture", Why.WANTS_A_PICTURE, where=key)
