"""What people ask for: one of twelve solids, in a colour and a size, in many phrasings.

Invariant: whether a combination of form, colour and size is held out of training depends on a hash
of its three names only; a phrase names an attribute exactly when `Wished.says` lists it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import product
from random import Random

from generation.starter.form_words import FORM_WORDS, OPENINGS, SIZE_WORDS
from generation.starter.words import (
    ADJECTIVES,
    COLOUR_WORDS,
    FILLERS,
    PLAIN,
    SCENERY_WORDS,
    STRANGERS,
    STYLE_WORDS,
)
from generation.training.form.solids import FORMS, SIZES
from generation.training.starter.captions import article, typed
from generation.training.starter.draw import PALETTE
from generation.training.starter.scenes import COLOURS

HELD_OUT_TENTH = 3
_SPOKEN_SIZES = frozenset(word for words in SIZE_WORDS.values() for word in words)
_LOOKS = tuple(word for word in ADJECTIVES if word not in _SPOKEN_SIZES)
KINDS: dict[str, tuple[str, ...]] = {"form": FORMS, "colour": COLOURS, "size": tuple(SIZES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a wish can say about a solid."""

    form: str
    colour: str
    size: str

    @property
    def held_out(self) -> bool:
        """True for about a tenth of all combinations; these are never trained on."""
        name = f"{self.form}|{self.colour}|{self.size}"
        return hashlib.sha256(name.encode()).digest()[0] % 10 == HELD_OUT_TENTH

    def classes(self) -> list[int]:
        """The index of each attribute, in the order of KINDS."""
        return [names.index(getattr(self, kind)) for kind, names in KINDS.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """A text and which of the body's attributes it names."""

    text: str
    says: frozenset[str]


def bodies(*, held_out: bool) -> list[Body]:
    """All combinations that are for training, or all that are not."""
    every = (Body(form=f, colour=c, size=s) for f, c, s in product(*KINDS.values()))
    return [body for body in every if body.held_out == held_out]


_TRAINING = bodies(held_out=False)


def training_body(dice: Random) -> Body:
    """A solid of the training stream."""
    return dice.choice(_TRAINING)


def held_out_bodies(count: int, dice: Random) -> list[Body]:
    """`count` solids that were never trained on; none repeats before all have been used."""
    chosen: list[Body] = []
    kept = bodies(held_out=True)
    while len(chosen) < count:
        chosen += dice.sample(kept, min(len(kept), count - len(chosen)))
    return chosen


def shade(colour: str) -> tuple[float, float, float]:
    """The sRGB of a colour's name, 0..1: the starter's own ink."""
    red, green, blue = PALETTE[colour]
    return red / 255, green / 255, blue / 255


def _surroundings(dice: Random) -> str:
    """What a picture's words say beside its object, and a solid has none of."""
    if dice.random() < 0.4:
        return dice.choice(SCENERY_WORDS[dice.choice(list(SCENERY_WORDS))])
    colour = dice.choice(COLOURS)
    return dice.choice(PLAIN).format(colour).replace("a orange", "an orange")


def phrase(body: Body, dice: Random, says: frozenset[str] | None = None) -> Wished:
    """The wish in words; `says` forces which attributes it names."""
    if says is None:
        chances = {"form": 0.04, "colour": 0.1, "size": 0.4}
        says = frozenset(name for name, out in chances.items() if dice.random() >= out)
    noun = dice.choice(FORM_WORDS[body.form]) if "form" in says else "thing"
    words = [noun]
    aside = ""
    if "colour" in says:
        spoken = dice.choice(COLOUR_WORDS[body.colour]) if dice.random() < 0.35 else body.colour
        if dice.random() < 0.8:
            words.insert(0, spoken)
        else:
            aside = dice.choice((" that is {}", ", {}", " in {}", " colored {}")).format(spoken)
    if "size" in says:
        words.insert(0, dice.choice(SIZE_WORDS[body.size]))
    elif dice.random() < 0.15:
        words.insert(0, dice.choice(_LOOKS))
    thing = " ".join(words)
    thing = (article(thing) if dice.random() < 0.6 else thing) + aside
    if dice.random() < 0.25:
        thing = f"{dice.choice(OPENINGS)} {thing}"
    parts = [thing]
    if dice.random() < 0.2:
        parts[0] += " " + _surroundings(dice)
    if dice.random() < 0.1:
        parts.append(dice.choice(STYLE_WORDS[dice.choice(list(STYLE_WORDS))]))
    if dice.random() < 0.12:
        parts.append(dice.choice((*FILLERS, *STRANGERS)))
    return Wished(text=typed(", ".join(parts), dice), says=says)
