"""What people might type: a scene and a die make a caption in one of many phrasings.

Invariant: a caption mentions an attribute exactly when `Caption.says` names it, and what it says is
true of the scene.
"""

from dataclasses import dataclass
from random import Random

from generation.starter.words import (
    ADJECTIVES,
    COLOUR_WORDS,
    FAULTS,
    FILLERS,
    OBJECT_WORDS,
    OPENINGS,
    PLAIN,
    SCENERY_WORDS,
    STRANGERS,
    STYLE_WORDS,
)

from .scenes import COLOURS, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A text and which of the scene's attributes it mentions."""

    text: str
    says: frozenset[str]


EVERYTHING = frozenset({"object", "colour", "background", "style"})


def article(words: str) -> str:
    """The words with "a" or "an" before them."""
    return f"an {words}" if words[0] in "aeiou8" else f"a {words}"


def noun_phrase(thing: str, main: str | None, dice: Random) -> str:
    """An object and its colour, if that is said, without an article where a list is meant."""
    noun = dice.choice(OBJECT_WORDS[thing])
    if dice.random() < 0.15:
        noun = f"{dice.choice(ADJECTIVES)} {noun}"
    if main is None:
        return dice.choice((noun, article(noun), f"one {noun}"))
    colour = dice.choice(COLOUR_WORDS[main]) if dice.random() < 0.4 else main
    way = dice.random()
    if way < 0.45:
        return article(f"{colour} {noun}")
    if way < 0.65:
        return f"{colour} {noun}"
    if way < 0.72:
        return f"{article(noun)} that is {colour}"
    if way < 0.79:
        return f"{noun}, {colour}"
    if way < 0.85:
        return f"{article(noun)} in {colour}"
    if way < 0.9:
        return f"the {noun} is {colour}"
    if way < 0.95:
        return f"{colour}, {noun}"
    return article(f"{colour} colored {noun}")


def backdrop(name: str, dice: Random) -> str:
    """What is said of a background."""
    if name not in COLOURS:
        return dice.choice(SCENERY_WORDS[name])
    colour = dice.choice(COLOUR_WORDS[name]) if dice.random() < 0.3 else name
    phrase = dice.choice(PLAIN) if dice.random() < 0.6 else PLAIN[0]
    return phrase.format(colour).replace("a orange", "an orange").replace("a azure", "an azure")


def _mentions(scene: Scene, dice: Random) -> frozenset[str]:
    """Leaves attributes out at times; "flat" most often, so that it is what silence means."""
    left_out = {
        "object": 0.03,
        "colour": 0.1,
        "background": 0.12,
        "style": 0.6 if scene.style == "flat" else 0.12,
    }
    return frozenset(name for name, chance in sorted(left_out.items()) if dice.random() >= chance)


def caption(scene: Scene, dice: Random, says: frozenset[str] | None = None) -> Caption:
    """A caption of the scene; `says` forces which attributes it mentions."""
    says = _mentions(scene, dice) if says is None else says
    if "object" not in says:
        says -= {"colour"}
    main = scene.colour if "colour" in says else None
    thing = noun_phrase(scene.object, main, dice) if "object" in says else ""
    place = backdrop(scene.background, dice) if "background" in says else ""
    style = dice.choice(STYLE_WORDS[scene.style]) if "style" in says else ""
    if style and thing and dice.random() < 0.25:
        joined = dice.choice(("{style} of {thing}", "{thing} in {style}", "{style}: {thing}"))
        thing, style = joined.format(style=style, thing=thing), ""
    elif thing and dice.random() < 0.25:
        thing = f"{dice.choice(OPENINGS)} {thing}"
    if dice.random() < 0.6:
        glue = dice.choice((" ", ", ")) if thing and place else ""
        parts = [f"{thing}{glue}{place}", style]
    else:
        parts = [thing, place, style]
        dice.shuffle(parts)
    if dice.random() < 0.2:
        for word in dice.sample(FILLERS, dice.randint(1, 3)):
            parts.insert(dice.randint(0, len(parts)), word)
    if dice.random() < 0.06:
        parts.insert(
            dice.randint(0, len(parts)), " ".join(dice.sample(STRANGERS, dice.randint(1, 3)))
        )
    text = dice.choice((", ", ", ", ",", ". ")).join(part for part in parts if part)
    return Caption(text=typed(text, dice), says=says)


def typed(text: str, dice: Random) -> str:
    """Capitals and full stops as people happen to type them."""
    way = dice.random()
    if way < 0.1:
        text = text.capitalize()
    elif way < 0.13:
        text = text.upper()
    return text + "." if dice.random() < 0.08 else text


def silence(dice: Random) -> Caption:
    """A text that asks for nothing in particular: empty, or the usual negative prompts."""
    words = dice.choice((FAULTS, FAULTS, FILLERS, STRANGERS))
    count = dice.choice((0, 0, 0, 1, 3, 6))
    text = dice.choice((", ", " ")).join(dice.sample(words, count))
    return Caption(text=text, says=frozenset())
