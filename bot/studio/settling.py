"""Settings that a reply asks for, from "a bit wider" and "less steps" to numbers.

Pure: what is relative is counted from the picture that is answered.  Invariant: a setting that was
not named is not in the answer, and one that was is within its parameter's range.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.studio.answered import Answered, NamedLora
from bot.studio.wishes import SHAPES, seed_named
from generation.errors import OutOfRange
from generation.parameters import (
    BPM,
    CFG,
    CLIP_SKIP,
    COUNT,
    DENOISE,
    FPS,
    FRAMES,
    SECONDS,
    STEPS,
)
from generation.spans import BOTH, on_one
from prompting.changing.intents import AskedSetting, Direction

LORA_STRENGTH = 1.0  # of one that is put on without a number
MOST_STRENGTH = 2.0  # that "more of it" leads to

# How far "more" and "a bit more" go: a factor, or a step to be added.
_MUCH, _LITTLE = 1.5, 1.2
_STEPS: Mapping[str, tuple[float, float]] = {
    "cfg": (2.0, 1.0),
    "denoise": (0.15, 0.08),
    "lora": (0.3, 0.15),
    "count": (1.0, 1.0),
    "clip_skip": (1.0, 1.0),
    "seed": (1.0, 1.0),
}
_WIDER, _A_BIT_WIDER = 4 / 3, 7 / 6

_SIZE = re.compile(r"\s*([0-9]{1,5})\s*[x×*]\s*([0-9]{1,5})\s*", re.IGNORECASE)
_RATIO = re.compile(r"\s*([0-9]{1,3}(?:\.[0-9]+)?)\s*[:/]\s*([0-9]{1,3}(?:\.[0-9]+)?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """New values; None where nothing was asked."""

    seed: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    denoise: float | None = None
    clip_skip: int | None = None
    seconds: float | None = None
    frames: int | None = None
    fps: float | None = None
    bpm: int | None = None
    count: int | None = None
    model: str | None = None
    style: str | None = None  # "" takes it off
    negative: str | None = None
    width: int | None = None
    height: int | None = None
    loras: tuple[NamedLora, ...] | None = None  # the whole new list


NOTHING_ASKED = Settled()


def settled(asked: Sequence[AskedSetting], answered: Answered) -> Settled:
    """What the settings come to for that picture, the later over the earlier.

    Raises OutOfRange.
    """
    found = Settled()
    for one in asked:
        found = replace(found, **_READERS.get(one.name, _nothing)(one, found, answered))
    return found


Read = Callable[[AskedSetting, Settled, Answered], dict[str, Any]]


def _nothing(_: AskedSetting, __: Settled, ___: Answered) -> dict[str, Any]:
    return {}


def _text(one: AskedSetting, _: Settled, __: Answered) -> dict[str, Any]:
    if one.direction is Direction.OFF:
        return {one.name: ""}
    return {one.name: str(one.value)} if one.value is not None else {}


def _negative(one: AskedSetting, now: Settled, answered: Answered) -> dict[str, Any]:
    value = str(one.value or "").strip()
    before = answered.negative if now.negative is None else now.negative
    if one.direction is Direction.OFF:
        return {"negative": ""}
    if one.direction is Direction.LESS:
        kept = [part for part in _parts(before) if part.casefold() != value.casefold()]
        return {"negative": ", ".join(kept)}
    if one.direction is Direction.MORE:
        new = [part for part in _parts(value) if part.casefold() not in before.casefold()]
        return {"negative": ", ".join((*_parts(before), *new))}
    return {"negative": value}


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _seed(one: AskedSetting, _: Settled, answered: Answered) -> dict[str, Any]:
    if one.direction is not None and not isinstance(one.value, str):
        return {"seed": max(0, round(_moved(one, answered.seed)))}
    return {"seed": seed_named(str(one.value))} if one.value is not None else {}


_WHOLE = {"steps": STEPS, "count": COUNT, "clip_skip": CLIP_SKIP, "frames": FRAMES, "bpm": BPM}


def _whole(one: AskedSetting, _: Settled, answered: Answered) -> dict[str, Any]:
    row = _WHOLE[one.name]
    before = getattr(answered, one.name)
    value = _number(one, before)
    if value is None:
        return {}
    if one.direction is None and one.factor is None:
        row.check(round(value))  # what is typed is taken as it is, or refused
    elif before is not None and round(value) == before:
        value = before + (1 if one.direction is Direction.MORE else -1)
    return {one.name: min(row.high, max(row.low, round(value)))}


def _amount(one: AskedSetting, _: Settled, answered: Answered) -> dict[str, Any]:
    row = {"cfg": CFG, "denoise": DENOISE, "seconds": SECONDS, "fps": FPS}[one.name]
    value = _number(one, getattr(answered, one.name))
    if value is None:
        return {}
    if one.direction is None and one.factor is None:
        row.check(value)
    return {one.name: round(min(row.high, max(row.low, value)), 2)}


def _number(one: AskedSetting, before: float | None) -> float | None:
    """The value, absolute or counted from the one before; None where that is not known."""
    if one.direction is None and one.factor is None:
        try:
            return float(str(one.value).replace(",", "."))
        except ValueError:
            raise OutOfRange(one.name, one.value, "a number") from None
    return None if before is None else _moved(one, before)


def _moved(one: AskedSetting, before: float) -> float:
    less = one.direction is Direction.LESS
    if one.factor is not None:
        return before * one.factor
    if isinstance(one.value, int | float):
        return before - one.value if less else before + one.value
    if one.name in _STEPS:
        step = _STEPS[one.name][1 if one.slightly else 0]
        return before - step if less else before + step
    by = _LITTLE if one.slightly else _MUCH
    return before / by if less else before * by


def _lora(one: AskedSetting, now: Settled, answered: Answered) -> dict[str, Any]:
    before = answered.loras if now.loras is None else now.loras
    name, expert = on_one(one.of or (one.value if isinstance(one.value, str) else ""))
    expert = None if expert == BOTH else expert
    if not name and len(before) == 1 and one.direction is not Direction.OFF:
        name = before[0].name  # whose strength, if not its?
    # Of one that is on two networks both are meant, where nobody says which.
    same = [
        lora
        for lora in before
        if lora.name.casefold() == name.casefold() and expert in (None, lora.expert)
    ]
    others = tuple(lora for lora in before if lora not in same)
    if one.direction is Direction.OFF:
        return {"loras": others if name else ()}
    if not name:
        return {}

    def strength(lora: NamedLora | None) -> float:
        if one.direction is not None or one.factor is not None:
            moved = _moved(replace(one, name="lora"), lora.strength if lora else 0.0)
            return round(min(MOST_STRENGTH, max(-MOST_STRENGTH, moved)), 2)
        return float(one.value) if isinstance(one.value, int | float) else LORA_STRENGTH

    if not same:
        new = NamedLora(name=name, strength=strength(None), expert=expert)
        return {"loras": (*others, new)}
    kept = (replace(lora, strength=strength(lora)) if lora in same else lora for lora in before)
    return {"loras": tuple(kept)}


def _side(one: AskedSetting, _: Settled, answered: Answered) -> dict[str, Any]:
    value = _number(one, getattr(answered, one.name))
    return {one.name: round(value)} if value is not None else {}


def _size(one: AskedSetting, _: Settled, answered: Answered) -> dict[str, Any]:
    text = str(one.value or "").strip().casefold()
    if not answered.width:
        return {}  # a sound has none
    if one.value is None:
        if one.direction is None and one.factor is None:
            return {}
        scale = _moved(one, 1.0)
        return _sides(answered.shaped(answered.width / answered.height, scale * scale))
    if match := _SIZE.fullmatch(text):
        return {"width": int(match[1]), "height": int(match[2])}
    ratio = SHAPES.get(text)
    if match := _RATIO.fullmatch(text):
        ratio = float(match[1]), float(match[2])  # type: ignore[assignment]  # halves are said, too
    if ratio is None or 0 in ratio:
        raise OutOfRange("size", one.value, f"such as 768x512, 3:2, or {', '.join(SHAPES)}")
    return _sides(answered.shaped(ratio[0] / ratio[1]))


def _aspect(one: AskedSetting, _: Settled, answered: Answered) -> dict[str, Any]:
    if not answered.width:
        return {}
    by = one.factor or (_A_BIT_WIDER if one.slightly else _WIDER)
    before = answered.width / answered.height
    wider = before / by if one.direction is Direction.LESS else before * by
    return _sides(answered.shaped(wider))


def _sides(size: tuple[int, int]) -> dict[str, Any]:
    return {"width": size[0], "height": size[1]}


_READERS: Mapping[str, Read] = {
    "seed": _seed,
    "steps": _whole,
    "count": _whole,
    "clip_skip": _whole,
    "frames": _whole,
    "bpm": _whole,
    "cfg": _amount,
    "seconds": _amount,
    "fps": _amount,
    "denoise": _amount,
    "sampler": _text,
    "scheduler": _text,
    "model": _text,
    "style": _text,
    "negative": _negative,
    "lora": _lora,
    "width": _side,
    "height": _side,
    "size": _size,
    "aspect": _aspect,
}
