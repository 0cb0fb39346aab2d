"""How many frames a family draws and how long its sounds are, as `sizes` says it of pixels.

Pure.  Invariant: what `nearest` returns, `check` accepts.
"""

from __future__ import annotations

from collections.abc import Callable

from generation.errors import OutOfRange
from generation.families.model_family import Family, Moving
from generation.recipe import Recipe, needed


def check(frames: int, usual: Family) -> None:
    """Raise OutOfRange, with the counts of frames that fit, where the family cannot draw so many.

    A family that draws no clips by itself is asked by what makes its models move.
    """
    if usual.moving is not None and not fit(frames, usual.moving):
        raise OutOfRange("frames", frames, _rule(frames, usual.moving))


def fit(frames: int, moving: Moving) -> bool:
    """Whether so many frames can be drawn."""
    return moving.step < frames <= moving.max_frames and (frames - 1) % moving.step == 0


def nearest(frames: float, usual: Family) -> int:
    """The count of frames nearest to that one which the family draws."""
    return _nearest(frames, needed(usual.moving))


def of_seconds(seconds: float, fps: float, usual: Family) -> int:
    """How many frames of the family's last about so long."""
    return nearest(seconds * fps, usual)


def check_seconds(seconds: float, usual: Family) -> None:
    """Raise OutOfRange where the family makes no sound of that length."""
    sounding = usual.sounding
    if sounding is not None and not 0.0 < seconds <= sounding.max_seconds:
        raise OutOfRange("seconds", seconds, f"up to {sounding.max_seconds:g} seconds")


def _rule(frames: int, moving: Moving) -> str:
    near = _nearest(frames, moving)
    if moving.step == 1:
        return f"2 to {moving.max_frames}; {near} fit"
    return f"a multiple of {moving.step} and one more, up to {moving.max_frames}; {near} fit"


def _nearest(frames: float, moving: Moving) -> int:
    most = (moving.max_frames - 1) // moving.step
    return max(1, min(most, round((frames - 1) / moving.step))) * moving.step + 1


def film_work(latent_frames: Callable[[int], int]) -> Callable[[Recipe], float]:
    """The work of a call: megapixels of all latent frames, of which a film has so many."""

    def work(recipe: Recipe) -> float:
        frames = recipe.motion.frames if recipe.motion is not None else 1
        return recipe.drawn_at.pixels / 1e6 * latent_frames(frames)

    return work
