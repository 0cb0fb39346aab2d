"""What a clip shows: one object, its colour, how it moves, and a plain background.

Invariant: whether a combination of object, colour and motion is held out of training depends on a
hash of its three names only, so no seed, order or set size can move it into the training stream.
"""

import hashlib
from dataclasses import dataclass
from random import Random

from generation.starter.words import MOTION_WORDS
from generation.training.starter.scenes import COLOURS, HELD_OUT_TENTH, OBJECTS

MOTIONS = tuple(MOTION_WORDS)
BACKGROUNDS = COLOURS


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingScene:
    """Everything a caption can say about a clip; the rest (place, size, pace) is chance."""

    object: str
    colour: str
    motion: str
    background: str

    @property
    def held_out(self) -> bool:
        """True for about a tenth of all combinations; these are never drawn for training."""
        name = f"{self.object}|{self.colour}|{self.motion}"
        return hashlib.sha256(name.encode()).digest()[0] % 10 == HELD_OUT_TENTH


def _scene(thing: str, colour: str, motion: str, dice: Random) -> MovingScene:
    """The combination before a background that the object does not melt into."""
    grounds = [ground for ground in BACKGROUNDS if ground != colour]
    return MovingScene(object=thing, colour=colour, motion=motion, background=dice.choice(grounds))


def _split(held_out: bool) -> list[tuple[str, str, str]]:
    return [
        (thing, colour, motion)
        for thing in OBJECTS
        for colour in COLOURS
        for motion in MOTIONS
        if MovingScene(object=thing, colour=colour, motion=motion, background="").held_out
        == held_out
    ]


_TRAINING = _split(held_out=False)
_HELD_OUT = _split(held_out=True)


def held_out_motions() -> list[tuple[str, str, str]]:
    """(object, colour, motion) that are never drawn for training, in a fixed order."""
    return list(_HELD_OUT)


def training_clip(dice: Random) -> MovingScene:
    """One scene of the training stream; never a held-out combination."""
    return _scene(*dice.choice(_TRAINING), dice)


def held_out_clips(count: int, dice: Random) -> list[MovingScene]:
    """`count` scenes of held-out combinations; none repeats before all have been used."""
    chosen: list[tuple[str, str, str]] = []
    while len(chosen) < count:
        chosen += dice.sample(_HELD_OUT, min(len(_HELD_OUT), count - len(chosen)))
    return [_scene(*one, dice) for one in chosen]
