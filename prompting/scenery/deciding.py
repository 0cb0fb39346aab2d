"""Decides what a picture is, before a word of it is said: where, when, how near, in which mood.

    Gist ─▶ medium ─▶ place ─▶ hour ─▶ sky ─▶ distance ─▶ mood ─▶ tone ─▶ facts of one picture

The invariant: of each of these a picture has at most one, what the wish says of it stands, and
each is drawn only from what agrees with those before it.  So no line can contradict another.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from prompting.scenery.gist import Gist
from prompting.scenery.grammar import TABLES

HOURS = ("dawn", "day", "dusk", "night")
SKIES = ("clear", "cloudy", "overcast", "mist", "rain", "snowing", "storm")
DISTANCES = ("close", "mid", "wide")
MOODS = (
    *("calm", "joyful", "dreamy", "sad", "eerie", "epic", "cosy", "tense", "lively", "solemn"),
    "plainly",
)
_MEDIA = ("ink", "pixel", "render", "craft", "flat", "drawn", "painted", "anime", "photo")
# What a scene of this kind is made in when nothing says so.
_PLAIN = frozenset({"icon", "diagram", "pattern"})
# What asks for its full colour.
_BRIGHT = frozenset(
    [
        "bright",
        "neon",
        "joyful",
        "lively",
        "flower",
        "fruit",
        "dish",
        "sweet",
        "baked",
        "drink",
        "edible",
        "feels:joyful",
    ]
)
# What is seen whole: no tight crop holds a group, a leap or a gesture of the whole figure.
_WHOLE = frozenset({"grouped", "acting", "moved", "crowd"})
# Moods that no picture has together.
_AGAINST: Mapping[str, frozenset[str]] = {
    "sad": frozenset({"joyful", "lively", "cosy", "epic"}),
    "eerie": frozenset({"joyful", "cosy", "lively"}),
    "tense": frozenset({"calm", "cosy", "joyful"}),
    "calm": frozenset({"tense", "lively"}),
    "joyful": frozenset({"sad", "eerie", "tense", "solemn"}),
    "cosy": frozenset({"tense", "eerie", "epic"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a picture is."""

    facts: frozenset[str]
    place: str  # a group of the tables; "somewhere" where none is known, empty for none at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Dice:
    """Dice for each purpose, so that what is thrown for one changes nothing for the others."""

    seed: int
    text: str  # what else they depend on

    def of(self, purpose: str) -> Random:
        # Another form of this text would be other details for every wish.
        digest = hashlib.sha256(f"{self.seed}/0/{purpose}/{self.text}".encode()).digest()
        return Random(int.from_bytes(digest[:8], "big"))


def decide(gist: Gist, dice: Dice, *, booru: bool = False) -> Decided:
    """What the picture is."""
    facts = set(gist.facts)
    facts |= _medium(facts, booru=booru)
    place = _place(gist, facts, dice)
    facts |= {fact for fact, places in settings().items() if place in places}
    if place:
        facts.add(f"in:{place}")
    facts |= _hour(facts, dice)
    facts |= _sky(facts, dice)
    facts |= _distance(facts, dice)
    facts |= _mood(gist, facts, dice)
    facts |= _tone(facts, dice)
    return Decided(facts=frozenset(facts), place=place)


@lru_cache(maxsize=1)
def settings() -> Mapping[str, frozenset[str]]:
    """What is true of places: a fact, and the places of which it is."""
    table = tomllib.loads((TABLES / "settings.toml").read_text("utf-8"))["holds"]
    return {fact: frozenset(str(places).split()) for fact, places in table.items()}


def _medium(facts: set[str], *, booru: bool) -> set[str]:
    """Exactly one medium, and the finer ones within it."""
    if "watercolor" in facts or "oil" in facts:
        facts.add("painted")
    if "ink" in facts:
        facts |= {"painted", "mono"}
    said = next((medium for medium in _MEDIA if medium in facts), None)
    for other in _MEDIA:
        if other != said and not (said == "ink" and other == "painted"):
            facts.discard(other)
    if said is None:
        if _PLAIN & facts:
            said = "flat"
        elif booru or {"abstract"} & facts:
            said = "anime" if booru else "free"
        elif {"mythic", "fantasy", "spirit"} & facts:
            said = "free"
        else:
            said = "photo"
    finer = {"lens", "modelled"} if said == "photo" else {said}
    if said in ("render", "free", "painted", "anime"):
        finer.add("modelled")
    return {said, *finer, *({"plain"} if _PLAIN & facts else set())}


def _place(gist: Gist, facts: set[str], dice: Dice) -> str:
    """The place that the wish names, else one where its first thing belongs."""
    if _PLAIN & facts or "background" in gist.denied:
        return ""
    if gist.places:
        return min(gist.places, key=_narrow)
    if gist.settled or "macro" in facts:
        return ""  # it is somewhere, and only the person knows where
    throw = dice.of("place")
    homes = [home for home in gist.homes if _agrees(home, facts)]
    if "portrait" in facts:
        return "somewhere"
    if not homes:
        return ""  # the model knows better what is around it than an empty background
    return throw.choice(homes)


def _narrow(place: str) -> int:
    """The narrower of two places says more: a room in a city."""
    return (place in settings()["outdoor"]) + (place in ("sky", "city", "studio", "village"))


def _agrees(home: str, facts: set[str]) -> bool:
    """Whether the weather and the hour that are said can be had there."""
    outdoor = home in settings()["outdoor"]
    if facts & {*SKIES, "windy", "winter", "spring", "autumn", "summer"} and not outdoor:
        return False
    if "snowing" in facts and home in ("desert", "savanna", "jungle"):
        return False
    return not ("said:time" in facts and home in ("underwater", "space", "studio"))


def _hour(facts: set[str], dice: Dice) -> set[str]:
    """An hour, where there is a sky or a window to see it by."""
    if not facts & {"outdoor", "windowed"} or facts & set(HOURS):
        return _lamp(facts)
    weights = {"dawn": 2.0, "day": 4.0, "dusk": 3.0, "night": 0.0}
    if (
        (facts & {"lamplit", "neon", "feels:eerie", "spirit", "fearsome"} and "bright" not in facts)
        or "lamplit" in facts
        or "neon" in facts
    ):
        weights = {"dusk": 1.0, "night": 3.0}
    elif "asleep" in facts:
        weights = {"dawn": 1.0, "dusk": 1.0, "night": 3.0 if facts & {"indoor", "built"} else 0.5}
    elif "dim" in facts:
        weights = {"dusk": 3.0, "night": 1.0}
    if "clear" in facts or "rainbow" in facts:
        weights = {"dawn": 1.0, "day": 4.0}
    name = dice.of("hour").choices(list(weights), list(weights.values()))[0]
    return {name, *_lamp({*facts, name})}


def _lamp(facts: set[str]) -> set[str]:
    """What gives the light where neither sky nor window does."""
    known = {"outdoor", "windowed", "windowless", "underwater", "space", "blank", "lamplit", "neon"}
    lit = known & facts and not (known & facts <= {"outdoor"} and not facts & set(HOURS))
    return set() if lit or "indoor" in facts else {"unlit"}


def _sky(facts: set[str], dice: Dice) -> set[str]:
    """The weather, where one can see it."""
    found = set()
    if facts & {"winter", "snowing"} or "icy" in facts:
        found.add("snow")
    if "outdoor" not in facts or facts & set(SKIES):
        return found
    if "plain" in facts or facts & {"night", "pixel", "flat"}:
        return found | {"clear"}
    weights = {"clear": 6.0, "cloudy": 3.0, "overcast": 1.5, "mist": 1.0}
    if "dry" in facts or facts & {"joyful", "summer"}:
        weights |= {"mist": 0.0, "overcast": 0.0}
    if facts & {"sad", "eerie"}:
        weights = {"cloudy": 1.0, "overcast": 3.0, "mist": 3.0}
    return found | {dice.of("sky").choices(list(weights), list(weights.values()))[0]}


def _distance(facts: set[str], dice: Dice) -> set[str]:
    """How near: what is said, else what the thing asks for."""
    said = [distance for distance in DISTANCES if distance in facts]
    for other in said[1:]:
        facts.discard(other)
    if said:
        return set()
    throw = dice.of("distance")
    if facts & {"plain"}:
        return set()
    if facts & {"insect", "macro", "still"} and not facts & {"grouped", "acting"}:
        return {"close"}
    if facts & _WHOLE:
        return {
            throw.choice(("wide", "mid") if facts & {"crowd", "building", "land"} else ("mid",))
        }
    if facts & {"fruit", "baked", "dish", "sweet", "drink", "edible", "flower", "fungus"}:
        return {throw.choice(("close", "close", "mid"))}
    if facts & {"building", "land", "urban", "crowd", "landscape"}:
        return {throw.choice(("wide", "wide", "mid"))}
    if facts & {"road", "rail", "airborne", "floating", "spacefaring"}:
        return {throw.choice(("wide", "mid", "mid"))}
    if facts & {"said:place"} and facts & {"outdoor", "underwater", "space"}:
        return {throw.choice(("wide", "mid"))}
    if facts & {"person", "furry", "feathered", "scaly", "smooth"}:
        return {throw.choices(("close", "mid", "wide"), (3, 5, 1))[0]}
    return {throw.choice(("close", "mid"))}


def _mood(gist: Gist, facts: set[str], dice: Dice) -> set[str]:
    """The mood that the words have, else one that the picture could have."""
    throw = dice.of("mood")
    said = [mood for mood in MOODS if mood in gist.moods]
    if facts & {"gruff", "acting", "moved"}:
        said = [mood for mood in said if mood not in ("calm", "cosy", "solemn", "dreamy")]
    if "gruff" in facts:
        said = [mood for mood in said if mood not in ("joyful", "lively")]
    strong = [mood for mood in said if mood in ("sad", "eerie", "tense")]
    if strong:
        return {strong[0]}
    if said:
        bars = {other for mood in said for other in _AGAINST.get(mood, ())}
        return {throw.choice([mood for mood in said if mood not in bars] or said[:1])}
    if facts & {"storm"}:
        return {"tense"}
    quiet = facts & {"land", "flower", "leafy"} and not facts & {"acting", "crowd", "grouped"}
    if quiet and facts & {"dawn", "dusk", "mist", "overcast"}:
        return {throw.choice(("calm", "plainly"))}
    return {"plainly"}  # nothing says how it feels, and a guess would be wrong too often


def _tone(facts: set[str], dice: Dice) -> set[str]:
    """The colour mood."""
    if "mono" in facts:
        return set()
    weights: dict[str, float] = {"natural": 2.0, "muted": 0.5, "rich": 1.5}
    if facts & {"dusk", "lamplit", "cosy"} or "dry" in facts:
        weights |= {"warm": 4.0}
    elif facts & {"night", "winter", "snow", "rain", "overcast", "underwater", "space", "eerie"}:
        weights |= {"cool": 4.0}
    else:
        weights |= {"warm": 1.0, "cool": 1.0, "pale": 1.0}
    if facts & {"flat", "pixel", "neon", "tense"}:
        weights |= {"strong": 3.0}
    if facts & {"sad", "mist"}:
        weights |= {"muted": 4.0, "rich": 0.0}
    if facts & {"dreamy", "watercolor"}:
        weights |= {"pale": 3.0}
    if "coloured" in facts:  # the wish's own colours lead
        weights = {"natural": 2.0, "rich": 2.0}
    elif facts & _BRIGHT or (facts & {"day"} and "clear" in facts):
        weights = {"natural": 1.0, "rich": 2.0, "warm": 1.0}
        weights |= {"strong": 3.0} if facts & {"flat", "pixel", "neon"} else {}
    return {dice.of("tone").choices(list(weights), list(weights.values()))[0]}
