"""What people might type to have a picture changed: two scenes and a die make an instruction.

Invariant: an instruction asks for exactly what differs between the two scenes, and `asks` says what
that is; words of the picture as it was may be in it, words of neither scene are not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from generation.starter.words import (
    COLOUR_WORDS,
    OBJECT_WORDS,
    PLAIN,
    SCENERY_WORDS,
    STYLE_WORDS,
)
from generation.training.starter.captions import EVERYTHING, article, caption, typed
from generation.training.starter.scenes import COLOURS, Scene
from generation.training.starter.text import KINDS

from .phrases import (
    AFTERTHOUGHTS,
    BACKGROUND_NOUNS,
    COLOUR_CHANGES,
    FORENOTES,
    GLUE,
    OBJECT_CHANGES,
    PLAIN_CHANGES,
    PLAINEST,
    REMOVALS,
    SCENERY_CHANGES,
    SCENERY_TURNS,
    STYLE_CHANGES,
)

NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A text, and the attributes it asks to be otherwise (`object: nothing` is a removal)."""

    text: str
    asks: Mapping[str, str]


def differing(before: Scene, after: Scene) -> tuple[str, ...]:
    """The names of the attributes in which two scenes differ."""
    return tuple(kind for kind in KINDS if getattr(before, kind) != getattr(after, kind))


def _colour(name: str, dice: Random) -> str:
    return dice.choice(COLOUR_WORDS[name]) if dice.random() < 0.3 else name


def _old(before: Scene, dice: Random) -> str:
    """The object as it was, as instructions name it."""
    noun = dice.choice(OBJECT_WORDS[before.object])
    way = dice.random()
    if way < 0.12:
        noun = f"{before.colour} {noun}"
    if way > 0.95:
        return f"this {noun}"
    return f"the {noun}"


def _object(before: Scene, after: Scene, dice: Random, *, coloured: bool = False) -> str:
    noun = dice.choice(OBJECT_WORDS[after.object])
    if coloured:
        noun = f"{_colour(after.colour, dice)} {noun}"
    new = article(noun) if dice.random() < 0.9 else noun
    return dice.choice(OBJECT_CHANGES).format(old=_old(before, dice), new=new)


def _paint(before: Scene, after: Scene, dice: Random) -> str:
    old, new = _old(before, dice), _colour(after.colour, dice)
    noun = old.split(" ", 1)[1]
    return dice.choice(COLOUR_CHANGES).format(old=old, new=new, was=before.colour, noun=noun)


def _background(before: Scene, after: Scene, dice: Random) -> str:
    name, old = after.background, _old(before, dice)
    if name in COLOURS:
        if name == "white" and dice.random() < 0.5:
            return dice.choice(PLAINEST).format(old=old)
        phrases = PLAIN_CHANGES if dice.random() < 0.7 else PLAIN
        return dice.choice(phrases).format(_colour(name, dice), old=old)
    way = dice.random()
    if way < 0.35:
        return dice.choice(SCENERY_WORDS[name])
    if way < 0.65:
        return dice.choice(SCENERY_TURNS[name]).format(old=old)
    noun = dice.choice(BACKGROUND_NOUNS[name])
    return dice.choice(SCENERY_CHANGES).format(noun, old=old)


def _style(_: Scene, after: Scene, dice: Random) -> str:
    words = dice.choice(STYLE_WORDS[after.style])
    if dice.random() < 0.25:
        words = article(words)
    return dice.choice(STYLE_CHANGES).format(words)


_CLAUSES: dict[str, Callable[[Scene, Scene, Random], str]] = {
    "object": _object,
    "colour": _paint,
    "background": _background,
    "style": _style,
}


def instruction(before: Scene, after: Scene, dice: Random) -> Instruction:
    """One phrasing of the way from the scene `before` to the scene `after`."""
    kinds = list(differing(before, after))
    asks = {kind: getattr(after, kind) for kind in kinds}
    clauses = []
    if "object" in kinds and "colour" in kinds and dice.random() < 0.8:
        clauses.append(_object(before, after, dice, coloured=True))
        kinds = [kind for kind in kinds if kind not in ("object", "colour")]
    clauses += [_CLAUSES[kind](before, after, dice) for kind in kinds]
    if dice.random() < 0.4:
        dice.shuffle(clauses)
    text = clauses[0]
    for clause in clauses[1:]:
        text += dice.choice(GLUE) + clause
    return Instruction(text=_said(text, dice), asks=asks)


def removal(before: Scene, dice: Random) -> Instruction:
    """One phrasing of: take the object away."""
    text = dice.choice(REMOVALS).format(old=_old(before, dice))
    return Instruction(text=_said(text, dice), asks={"object": NOTHING})


def described(before: Scene, after: Scene, dice: Random) -> Instruction:
    """The whole picture as it shall be, or at least all that differs, as a caption."""
    says = frozenset(EVERYTHING if dice.random() < 0.5 else differing(before, after))
    says |= {kind for kind in sorted(EVERYTHING) if dice.random() < 0.4}
    if "colour" in says:
        says |= {"object"}
    said = caption(after, dice, says)
    return Instruction(text=said.text, asks={kind: getattr(after, kind) for kind in said.says})


def _said(text: str, dice: Random) -> str:
    """What people put around an instruction, and how they happen to type it."""
    if dice.random() < 0.25:
        text = f"{dice.choice(FORENOTES)} {text}"
    if dice.random() < 0.15:
        text = f"{text}{dice.choice(AFTERTHOUGHTS)}"
    return typed(text, dice)
