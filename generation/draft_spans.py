"""What a draft says of a clip, a sound and a form; and how the gaps of these sections are closed.

`generation.draft` has filled in what is usual for the model.  The invariant: a count of frames, a
length or a resolution that the family does not make is refused with the nearest that it does, and
none is rounded silently.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from generation.errors import OutOfRange
from generation.families import lengths
from generation.families.model_family import Family
from generation.parameters import PASSES
from generation.recipe import Recipe, Sampling, needed
from generation.samplers import TOKENS
from generation.spans import TWICE, Experts, Motion, SecondPass, Sound, Surface, TokenDice
from generation.tasks import Needs
from generation.texts import clean_text

MOST_LYRICS = 4_000  # characters

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftMotion:
    """A recipe's Motion, as far as it can be said."""

    frames: int | None = None
    fps: float | None = None
    piece: int | None = None
    overlap: int | None = None
    held: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftExperts:
    """A recipe's Experts, as far as they can be said."""

    boundary: float | None = None
    cfg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSecond:
    """A recipe's SecondPass, as far as it can be said."""

    passes: int | None = None  # 1: there is none
    sampler: str | None = None
    sigmas: tuple[float, ...] | None = None
    cfg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftSound:
    """A recipe's Sound, as far as it can be said."""

    seconds: float | None = None
    rate: int | None = None
    channels: int | None = None
    lyrics: str | None = None
    bpm: int | None = None
    key: str | None = None
    meter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftForm:
    """A recipe's Surface, as far as it can be said."""

    resolution: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftDice:
    """A recipe's TokenDice, as far as they can be said."""

    temperature: float | None = None
    top_k: int | None = None


NO_DICE, NO_SECOND = DraftDice(), DraftSecond()
NO_MOTION, NO_EXPERTS, NO_SOUND, NO_FORM = DraftMotion(), DraftExperts(), DraftSound(), DraftForm()


def motion(said: DraftMotion, needs: Needs, roles: Collection[str], usual: Family) -> Motion | None:
    """How long a clip is that is made of inputs of these roles.  Raises OutOfRange."""
    if "motion" not in needs.sections:
        return None
    frames = needed(said.frames)
    lengths.check(frames, usual)
    return Motion(
        frames=frames,
        fps=float(needed(said.fps)),
        piece=said.piece,
        overlap=said.overlap,
        held=_held(said.held, needs, roles, usual),
    )


def _held(said: float | None, needs: Needs, roles: Collection[str], usual: Family) -> float | None:
    """How much of the picture stays that a film begins with, where it begins with one."""
    if said in (None, 1.0) or "first" not in needs.roles:
        return None
    if usual.moving is None or not usual.moving.loosely:
        raise OutOfRange("held", said, f"1 for {usual.title}")
    if "last" in roles:
        raise OutOfRange("held", said, "1 between two pictures")
    return float(needed(said)) + 0.0  # and no -0.0


def experts(said: DraftExperts, needs: Needs) -> Experts | None:
    """How two denoisers share the work, where the model has two."""
    if "experts" not in needs.optional or said.boundary is None or said.cfg is None:
        return None
    return Experts(boundary=float(said.boundary), cfg=float(said.cfg))


def second(said: DraftSecond, needs: Needs, usual: Family) -> SecondPass | None:
    """How a film is drawn on, where it is drawn in two passes.  Raises OutOfRange."""
    if said.passes is not None:
        PASSES.check(said.passes)
    if said.passes != TWICE or "second" not in needs.optional:
        return None
    if usual.second is None:
        raise OutOfRange("passes", said.passes, f"1 for {usual.title}")
    return SecondPass(
        sampler=needed(said.sampler),
        sigmas=tuple(map(float, needed(said.sigmas))),
        cfg=float(needed(said.cfg)),
    )


def sound(said: DraftSound, needs: Needs, usual: Family, clip: Motion | None) -> Sound | None:
    """How long a sound is: of a clip that has one, as long as it is played.  Raises OutOfRange."""
    if usual.sounding is None or "sound" not in (*needs.sections, *needs.optional):
        return None
    seconds = float(needed(said.seconds)) if clip is None else clip.seconds
    lengths.check_seconds(seconds, usual)
    return Sound(
        seconds=seconds,
        rate=needed(said.rate),
        channels=needed(said.channels),
        lyrics=_lyrics(said.lyrics, usual),
        bpm=_told("bpm", said.bpm, usual),
        key=_told("key", said.key, usual),
        meter=_told("meter", said.meter, usual),
    )


def heard_again(said: DraftSound) -> Sound | None:
    """The sound of a clip that is kept as it is; None where nothing is said of any."""
    if said.rate is None:
        return None
    return Sound(
        seconds=float(needed(said.seconds)),
        rate=said.rate,
        channels=needed(said.channels),
        lyrics=None,
        bpm=None,
        key=None,
        meter=None,
    )


def dice(said: DraftDice, needs: Needs, usual: Family) -> TokenDice | None:
    """How tokens are thrown, where the family's models write some.  Raises OutOfRange."""
    if usual.dice is None or "dice" not in needs.optional:
        for what in ("temperature", "top_k"):
            if (value := getattr(said, what)) is not None:
                raise OutOfRange(what, value, f"none for {usual.title}")
        return None
    return TokenDice(temperature=float(needed(said.temperature)), top_k=needed(said.top_k))


def written(cfg: float, seconds: float) -> Sampling:
    """How a model that writes tokens is walked through: a step is a second of them, whatever
    anybody likes to draw other models in."""
    steps = math.ceil(seconds)
    return Sampling(
        sampler=TOKENS,
        scheduler=TOKENS,
        sigmas=tuple(round(1 - step / steps, 7) for step in range(steps + 1)),
        steps=steps,
        cfg=float(cfg),
        denoise=1.0,
        prediction=None,
        noise=None,
        image_cfg=None,
        guidance=None,
        shift=None,
    )


def form(said: DraftForm, needs: Needs, usual: Family) -> Surface | None:
    """How finely a form is looked at.  Raises OutOfRange."""
    if "form" not in needs.sections:
        return None
    resolution, shaping = needed(said.resolution), needed(usual.shaping)
    if resolution > shaping.max_resolution:
        raise OutOfRange("resolution", resolution, f"at most {shaping.max_resolution}")
    return Surface(resolution=resolution)


def _lyrics(text: str | None, usual: Family) -> str | None:
    if text is not None and len(text) > MOST_LYRICS:
        raise OutOfRange("lyrics", f"{len(text)} characters", f"at most {MOST_LYRICS} characters")
    said = clean_text("lyrics", text) if text is not None else ""
    return _told("lyrics", said or None, usual)


def _told(what: str, value: T | None, usual: Family) -> T | None:
    """The value, where the family's models are told such a thing.  Raises OutOfRange."""
    if value is not None and not needed(usual.sounding).sings:
        raise OutOfRange(what, value, f"none for {usual.title}")
    return value


def check(recipe: Recipe, usual: Family) -> None:
    """Raise OutOfRange where a stranger's clip, sound or form is none that is made for anybody."""
    if recipe.motion is not None:
        lengths.check(recipe.motion.frames, usual)
        roles = {one.role for one in recipe.inputs}
        if recipe.motion.held is not None and "first" not in roles:
            raise OutOfRange("held", recipe.motion.held, "none without a picture to begin with")
        _held(recipe.motion.held, recipe.task.needs, roles, usual)
    if (given := recipe.sound) is not None:
        its = usual.sounding
        if its is None or (given.rate, given.channels) != (its.rate, its.channels):
            raise OutOfRange("sound", f"{given.rate} Hz", f"one that {usual.title} makes")
        lengths.check_seconds(given.seconds, usual)
        if given.lyrics is not None:
            _lyrics(given.lyrics, usual)
        for what in ("bpm", "key", "meter"):
            _told(what, getattr(given, what), usual)
    if recipe.form is not None:
        form(DraftForm(resolution=recipe.form.resolution), recipe.task.needs, usual)
