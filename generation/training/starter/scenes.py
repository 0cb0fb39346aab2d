"""What a picture shows: one object, its colour, a background and a style.

Invariant: whether a combination of object, colour and background is held out of training depends
on a hash of its three names only, so no seed, order or set size can move it into the training
stream.
"""

import hashlib
from dataclasses import dataclass
from random import Random

OBJECTS = (
    "flower",
    "tree",
    "house",
    "fish",
    "cat",
    "boat",
    "mushroom",
    "cup",
    "star",
    "heart",
    "moon",
    "car",
)
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
SCENERY = ("night sky", "grass field", "sea", "sunset", "snow")
BACKGROUNDS = (*COLOURS, *SCENERY)
STYLES = ("flat", "outline", "pixel art", "watercolor")

# An object that melts into its background teaches nothing and cannot be judged.
CLASHES = frozenset(
    {
        ("blue", "night sky"),
        ("black", "night sky"),
        ("green", "grass field"),
        ("blue", "sea"),
        ("orange", "sunset"),
        ("red", "sunset"),
        ("purple", "sunset"),
        ("white", "snow"),
        *((colour, colour) for colour in COLOURS),
    }
)
HELD_OUT_TENTH = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything a caption can say about a picture; the rest (place, size, tilt) is chance."""

    object: str
    colour: str
    background: str
    style: str

    @property
    def held_out(self) -> bool:
        """True for about a tenth of all combinations; these are never drawn for training."""
        name = f"{self.object}|{self.colour}|{self.background}"
        return hashlib.sha256(name.encode()).digest()[0] % 10 == HELD_OUT_TENTH


def combinations() -> list[tuple[str, str, str]]:
    """All legible (object, colour, background) in a fixed order."""
    return [
        (thing, colour, background)
        for thing in OBJECTS
        for colour in COLOURS
        for background in BACKGROUNDS
        if (colour, background) not in CLASHES
    ]


def _split(held_out: bool) -> list[tuple[str, str, str]]:
    return [
        (thing, colour, background)
        for thing, colour, background in combinations()
        if Scene(object=thing, colour=colour, background=background, style="flat").held_out
        == held_out
    ]


_TRAINING = _split(held_out=False)
_HELD_OUT = _split(held_out=True)


def held_out_combinations() -> list[tuple[str, str, str]]:
    """(object, colour, background) that are never drawn for training, in a fixed order."""
    return list(_HELD_OUT)


def training_scene(dice: Random) -> Scene:
    """One scene of the training stream; never a held-out combination."""
    thing, colour, background = dice.choice(_TRAINING)
    return Scene(object=thing, colour=colour, background=background, style=dice.choice(STYLES))


def held_out_scenes(count: int, dice: Random) -> list[Scene]:
    """`count` scenes of held-out combinations; none repeats before all have been used."""
    chosen: list[tuple[str, str, str]] = []
    while len(chosen) < count:
        chosen += dice.sample(_HELD_OUT, min(len(_HELD_OUT), count - len(chosen)))
    return [
        Scene(object=thing, colour=colour, background=background, style=dice.choice(STYLES))
        for thing, colour, background in chosen
    ]
