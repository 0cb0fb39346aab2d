"""What people might type of a clip: a moving scene and a die make one of many phrasings.

Invariant: a caption mentions an attribute exactly when `Caption.says` names it, and what it says is
true of the scene.
"""

from random import Random

from generation.starter.words import (
    CLIP_OPENINGS,
    FILLERS,
    MANNERS,
    MOTION_VERBS,
    MOTION_WORDS,
    OPENINGS,
    STRANGERS,
)
from generation.training.starter.captions import Caption, article, backdrop, noun_phrase, typed

from .scenes import MovingScene

EVERYTHING = frozenset({"object", "colour", "motion", "background"})
ASKED = EVERYTHING - {"background"}  # what the judge's wishes always name
_LEFT_OUT = {"object": 0.03, "colour": 0.08, "motion": 0.08, "background": 0.45}
_ARTICLES = ("a ", "an ", "one ")


def _mentions(dice: Random) -> frozenset[str]:
    says = frozenset(name for name, chance in _LEFT_OUT.items() if dice.random() >= chance)
    return says if "object" in says else says - {"colour"}


def _moving(thing: str, motion: str, dice: Random) -> str:
    """The thing and how it moves, in one phrase."""
    words = dice.choice(MOTION_WORDS[motion])
    manner = f" {dice.choice(MANNERS)}" if dice.random() < 0.15 else ""
    way = dice.random()
    single = [word for word in MOTION_WORDS[motion] if word.endswith("ing") and " " not in word]
    if way < 0.12 and single:
        bare = next((thing.removeprefix(a) for a in _ARTICLES if thing.startswith(a)), thing)
        return article(f"{dice.choice(single)} {bare}")
    if way < 0.3:
        verb = dice.choice(MOTION_VERBS[motion])
        ask = dice.choice(("let {} {}{}", "make {} {}{}", "{} should {}{}", "{} to {}{}"))
        return ask.format(thing, verb, manner)
    if way < 0.4:
        return dice.choice((f"{words}{manner}, {thing}", f"{words}{manner}: {thing}"))
    if way < 0.5:
        return f"{thing}, {words}{manner}"
    if way < 0.6 and words.endswith("ing"):
        return dice.choice((f"{thing} that is {words}{manner}", f"{thing} is {words}{manner}"))
    return f"{thing} {words}{manner}"


def caption_of(scene: MovingScene, dice: Random, says: frozenset[str] | None = None) -> Caption:
    """A caption of the clip; `says` forces which attributes it mentions."""
    says = _mentions(dice) if says is None else says
    main = scene.colour if "colour" in says else None
    thing = noun_phrase(scene.object, main, dice) if "object" in says else ""
    place = backdrop(scene.background, dice) if "background" in says else ""
    if "motion" in says:
        subject = thing or dice.choice(("something", "a thing", "it", ""))
        thing = _moving(subject, scene.motion, dice) if subject else _word(scene.motion, dice)
    if thing and dice.random() < 0.25:
        thing = f"{dice.choice((*CLIP_OPENINGS, *OPENINGS))} {thing}"
    parts = [f"{thing}{dice.choice((' ', ', '))}{place}"] if thing and place else [thing, place]
    if dice.random() < 0.15:
        for word in dice.sample(FILLERS, dice.randint(1, 2)):
            parts.insert(dice.randint(0, len(parts)), word)
    if dice.random() < 0.06:
        strange = " ".join(dice.sample(STRANGERS, dice.randint(1, 3)))
        parts.insert(dice.randint(0, len(parts)), strange)
    text = dice.choice((", ", ", ", ",", ". ")).join(part for part in parts if part)
    return Caption(text=typed(text, dice), says=says)


def _word(motion: str, dice: Random) -> str:
    return dice.choice((*MOTION_WORDS[motion], *MOTION_VERBS[motion]))
