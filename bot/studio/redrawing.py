"""How much of a picture is drawn anew for a change of it, where it is drawn over from words.

The table stands here once; docs/changing.md has what was measured, and with what.  Invariant: of
several changes the one that needs most decides, as all are drawn at once; and changes of different
aspects need more than each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prompting.changing.intents import Aspect, ContentChange

# Denoise: the share of the noise that is put on and taken off again. Text, framing, mood, motion
# and sound are not measured: they have the share of what they are nearest to.
REDRAWN: Mapping[Aspect, float] = {
    Aspect.LIGHT: 0.8,
    Aspect.WEATHER: 0.8,
    Aspect.MOOD: 0.8,
    Aspect.COLOUR: 0.7,
    Aspect.OBJECT: 0.7,
    Aspect.TEXT: 0.7,
    Aspect.BACKGROUND: 0.7,
    Aspect.FRAMING: 0.7,
    Aspect.STYLE: 0.8,
    Aspect.MOTION: 0.8,
    Aspect.SOUND: 0.8,
}

TOGETHER = 0.8  # for an object and a background; other pairs are not measured


def redrawn(changes: Iterable[ContentChange], *, styled: bool = False) -> float | None:
    """The denoise for all these changes, and for another style; None where there are none."""
    aspects = [change.aspect for change in changes] + ([Aspect.STYLE] if styled else [])
    together = [TOGETHER] if len(set(aspects)) > 1 else []
    return max((*(REDRAWN[aspect] for aspect in aspects), *together), default=None)
