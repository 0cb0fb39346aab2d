"""Scenes that somebody might wish for: things, what they do, where, when, how and without what.

The invariant: a scene is made of words that are said (`Said`); the phrasings only arrange them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from prompting.starter.speech import THINGS, Said, Speaker


# English, the Chinese pattern of the answer, other Chinese patterns, other English words for it.
def _relation_of(line: str) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    english, chinese, others, words = (part.strip() for part in line.split("|"))
    return english, chinese, tuple(others.split(" / ")), tuple(words.split(" / "))


# English, the Chinese pattern of the answer, other Chinese patterns, other English words for it.
RELATIONS = tuple(
    _relation_of(line)
    for line in Path(__file__).with_name("relations.txt").read_text("utf-8").splitlines()
    if line[0] != "#"
)

# How places and times stand in English; {} is the word.
_PLACES = {
    "beach": ("on the {}", "at the {}", "on a {}"),
    "street": ("on the {}", "in the {}", "on a {}"),
    "roof": ("on the {}", "on a {}"),
    "farm": ("on a {}", "on the {}"),
    "grass field": ("in a {}", "on a {}", "in the {}"),
    "snow field": ("in a {}", "on a {}"),
    "space": ("in {}", "floating in {}", "somewhere in {}"),
    "underwater": ("{}", "swimming {}", "deep {}"),
    "ruins": ("among {}", "in the {}"),
    "harbor": ("at the {}", "in the {}", "in a {}"),
    "sea": ("by the {}", "at the {}", "on the {}", "in the {}"),
    "mountain": ("on a {}", "in front of a {}", "on the {}"),
    "island": ("on an {}", "on a small {}"),
    "cave": ("in a {}", "inside a {}"),
    "path": ("on a {}", "along a {}"),
    "earth": ("on {}", "above the {}"),
    "galaxy": ("in a {}",),
    "planet": ("on a {}",),
    "stone": ("on a {}",),
    "fire": ("by the {}", "near a {}"),
    "sand": ("on the {}", "in the {}"),
} | dict.fromkeys(
    ("sun", "moon", "cloud", "sky", "rainbow", "night sky"),
    ("under the {}", "below the {}", "under a {}"),
)
_PLACES |= dict.fromkeys(("river", "lake", "waterfall"), ("by the {}", "near a {}", "at a {}"))
_IN = ("in the {}", "in a {}", "in the {}", "inside a {}")
_UNKNOWN_PLACES = ("in {}", "at {}", "on {}", "in the {}", "near {}", "at the {}", "in a {}")
_TIMES = {
    "night": ("at {}", "by {}", "during the {}"),
    "day": ("during the {}",),
    "morning": ("in the {}", "on a quiet {}"),
    "christmas": ("at {}", "on {}"),
    "halloween": ("at {}", "on {}"),
}
_AT = frozenset({"sunrise", "sunset", "midnight"})
_WEATHERS = {
    "sunny": ("on a {} day",),
    "storm": ("in a {}", "during a {}"),
    "lightning": ("with {}",),
    "fog": ("in the {}", "in {}"),
}
_ZH_PLACES = ("在{}", "在{}里", "在{}中", "在{}上", "在{}的")


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneThing:
    """A thing, how many of it, and what it is like."""

    noun: Said
    number: Said | None = None
    colour: Said | None = None
    qualities: tuple[Said, ...] = ()
    determiner: str = ""  # as in the wish: "", "a", "the"; for Chinese a measure word, or ""

    @property
    def described(self) -> tuple[Said, ...]:
        return (*self.qualities, *([self.colour] if self.colour else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where, when, or in what weather: a phrase of the answer around one word."""

    word: Said
    en: str  # a pattern; "" where the word stands alone, as in a list
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything a wish says."""

    things: tuple[SceneThing, ...]
    relation: int = 0  # between the first two; index of RELATIONS
    action: Said | None = None
    settings: tuple[Setting, ...] = ()
    background: Said | None = None  # a colour
    moods: tuple[Said, ...] = ()
    styles: tuple[Said, ...] = ()
    avoided: tuple[Said, ...] = ()

    def words(self) -> tuple[Said, ...]:
        """Every content word."""
        out = [word for t in self.things for word in (t.noun, *t.described, t.number) if word]
        out += [s.word for s in self.settings]
        out += [w for w in (self.action, self.background) if w]
        return (*out, *self.moods, *self.styles, *self.avoided)


def thing(by: Speaker, *, richness: float = 1.0) -> SceneThing:
    """Any thing, described as people do."""
    dice = by.dice
    known = dice.random() < 0.9 or not by.room
    noun = by.any_of(*THINGS, "animal", "person") if known else by.unknown("thing")
    number = None
    if dice.random() < 0.16 and noun.name not in ("people",):
        number = by.any_of("number")
    colour = by.any_of("colour") if dice.random() < 0.5 * richness else None
    qualities = [by.any_of("quality")] if dice.random() < 0.28 * richness else []
    if dice.random() < 0.1 and by.room:
        qualities.append(by.unknown("quality"))
    if by.language == "zh":
        determiner = by.measure(noun.kind) if dice.random() < 0.6 or number else ""
    else:
        determiner = dice.choice(("a", "a", "a", "the", "", "", "my", "one"))
    return SceneThing(
        noun=noun,
        number=number,
        colour=colour,
        qualities=tuple(qualities),
        determiner=determiner,
    )


def setting(by: Speaker) -> Setting:
    """Where, when, or in what weather."""
    dice = by.dice
    if dice.random() < 0.2 and by.room:
        word = by.unknown("place")
        options: tuple[str, ...] = _UNKNOWN_PLACES
    else:
        word = by.any_of("place", "place", "nature", "time", "weather", "light")
        known: tuple[str, ...] | None = (
            _PLACES.get(word.name) or _TIMES.get(word.name) or _WEATHERS.get(word.name)
        )
        if known is None:
            by_kind: dict[str, tuple[str, ...]] = {
                "time": ("at {}",) if word.name in _AT else ("in {}", "on a {} day"),
                "weather": ("in the {}",),
                "light": ("in the {}", "with {}", "in {}"),
            }
            known = by_kind.get(word.kind, _IN)
        options = known
        if word.kind in ("time", "weather", "light") and not word.unknown:
            word = by.exactly(by.lexicon[word.name])  # "raining" does not go with "in the"
    # Chinese does not tell "in" from "at", so its answer is always the first.
    pattern = options[0] if by.language == "zh" else dice.choice(options)
    return Setting(word=word, en=pattern, zh=dice.choice(_ZH_PLACES))


def style(by: Speaker) -> Said:
    """A style, now and then one that is not known."""
    return by.unknown("style") if by.dice.random() < 0.12 and by.room else by.any_of("style")


def _relation(by: Speaker, first: SceneThing) -> int:
    if by.dice.random() < 0.45:
        return by.dice.randrange(2)
    alive = first.noun.kind in ("animal", "person")
    return by.dice.randrange(2, len(RELATIONS) if alive else 9)


def scene(by: Speaker) -> Scene:
    """Any scene; most are small, as wishes are."""
    dice = by.dice
    many = dice.choices((1, 2, 3), (60, 34, 6))[0]
    things = tuple(thing(by, richness=1.0 if many == 1 else 1.2) for _ in range(many))
    alive = things[0].noun.kind in ("animal", "person") and many == 1
    action = None
    if dice.random() < (0.35 if alive else 0.06):
        action = by.unknown("action") if dice.random() < 0.3 and by.room else by.any_of("action")
    settings = tuple(setting(by) for _ in range(dice.choices((0, 1, 2), (50, 42, 8))[0]))
    background = by.any_of("colour") if dice.random() < 0.14 else None
    moods = (by.any_of("quality"),) if dice.random() < 0.12 else ()
    styles = [style(by) for _ in range(dice.choices((0, 1, 2), (50, 42, 8))[0])]
    avoided: list[Said] = []
    for _ in range(dice.choices((0, 1, 2), (82, 13, 5))[0]):
        hide = dice.random() < 0.4 and by.room
        avoided.append(
            by.unknown("thing")
            if hide
            else by.any_of(*THINGS, "nature", "colour", "weather", "light")
        )
    return Scene(
        things=things,
        relation=_relation(by, things[0]) if many > 1 else 0,
        action=action,
        settings=settings,
        background=background,
        moods=moods,
        styles=tuple(styles),
        avoided=tuple(avoided),
    )
