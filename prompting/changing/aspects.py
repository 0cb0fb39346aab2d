"""Which side of a picture some words are about: "dark blue" its colour, "at dusk" its light.

The invariant: words that name a thing are about objects, whatever stands before them: "a blue hat"
is a hat.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from prompting.changing.intents import Aspect
from prompting.changing.vocabulary import COLOURS, vocabulary, words_of
from prompting.reading.lexicon import Word, fold

_OF_KIND = {
    "colour": Aspect.COLOUR,
    "material": Aspect.COLOUR,
    "time": Aspect.LIGHT,
    "light": Aspect.LIGHT,
    "weather": Aspect.WEATHER,
    "style": Aspect.STYLE,
    "look": Aspect.FRAMING,
    "mood": Aspect.MOOD,
    "place": Aspect.BACKGROUND,
    "nature": Aspect.BACKGROUND,
}
# Qualities that are of the whole picture's light or mood, where they are said of the picture.
_LIGHT = frozenset({"dark", "bright", "warm", "cold", "golden hour"})
_MOOD = frozenset({"happy", "sad", "cozy", "lonely", "quiet", "mysterious", "magical", "cute"})
_ATTRIBUTES = frozenset({"quality", "action", "number", *_OF_KIND}) - {"place", "nature"}


def content(text: str, language: str) -> tuple[Word, ...]:
    """The words of a phrase that carry something of a picture."""
    return tuple(
        word for word in words_of(text, language) if word.content and fold(word.text) not in _SAYS
    )


# Words that say which side of a picture is meant, and nothing of it.
_SAYS = frozenset(
    (
        *("mood", "atmosphere", "vibe", "vibes", "feeling", "feel", "ambience", "ambiance", "tone"),
        *(
            "tones",
            "weather",
            "colors",
            "colours",
            "palette",
            "theme",
            "aesthetic",
            "stimmung",
            "ambiance",
            "ambiente",
        ),
    )
)


def kind_of(word: Word) -> str:
    """The kind of a word; "" where it is not known.  Comparatives are known by their adjective."""
    if word.entry:
        return word.entry.kind
    return "quality" if adjective_of(word.text) else ""


def adjective_of(word: str) -> str:
    """The adjective that "redder", "stormier" or "wärmer" compares; "" where there is none."""
    return compared(word, "en") or compared(word, "de")


def compared(word: str, language: str) -> str:
    """The English adjective that a comparative of English or German compares; "" for others."""
    folded = fold(word)
    if language == "de":
        return _german_adjective_of(folded)
    if language != "en":
        return ""
    for ending, instead in (("ier", "y"), ("iest", "y"), ("er", ""), ("est", ""), ("er", "e")):
        if folded.endswith(ending) and len(folded) > len(ending) + 2:
            stem = folded.removesuffix(ending) + instead
            for form in (stem, stem[:-1] if stem[-1:] == stem[-2:-1] else stem):
                entry = vocabulary().find(form, "en")
                if entry and entry.kind in _ATTRIBUTES:
                    return form
    return ""


def _german_adjective_of(folded: str) -> str:
    """The adjective of "wärmer" and "dunkler", by its key."""
    if not folded.endswith("er"):
        return ""
    stem = folded.removesuffix("er")
    forms = [stem.translate(_WITHOUT_UMLAUT)] if stem != stem.translate(_WITHOUT_UMLAUT) else []
    forms += [f"{stem[:-1]}e{stem[-1:]}"] if stem[-1:] in ("l", "r") else []
    entries = (vocabulary().find(form, "de") for form in forms)
    return next((e.form("en") for e in entries if e and e.kind in _ATTRIBUTES), "")


_WITHOUT_UMLAUT = str.maketrans("äöü", "aou")


def is_attribute(text: str, language: str) -> bool:
    """Whether all of it says how something is, and nothing what is there."""
    words = content(text, language)
    return bool(words) and all(kind_of(word) in _ATTRIBUTES for word in words)


def aspect_of(text: str, language: str) -> Aspect | None:
    """The side of a picture that the words are about; None where no word of them is known."""
    words = content(text, language)
    if not words or not any(kind_of(word) for word in words):
        return None
    return _aspect(words)


def _aspect(words: Sequence[Word]) -> Aspect:
    kinds = [kind_of(word) for word in words]
    if all(kind in COLOURS for kind in kinds):
        return Aspect.COLOUR
    if not all(kinds):
        return Aspect.OBJECT
    if all(kind in ("time", "light", "weather", "quality", "colour", "mood") for kind in kinds):
        return _of_the_air(words, kinds)
    if kinds[-1] in ("style",) or all(kind in ("style", "quality", "colour") for kind in kinds):
        return Aspect.STYLE if "style" in kinds else Aspect.OBJECT
    last = kinds[-1]
    if last in ("place", "nature") and not set(kinds) - {
        *("place", "nature", "quality", "colour", "mood", "time", "weather", "number", "style")
    }:
        return Aspect.BACKGROUND
    if last == "look":
        return Aspect.FRAMING
    return Aspect.OBJECT


def _of_the_air(words: Sequence[Word], kinds: Sequence[str]) -> Aspect:
    """Time, light and weather; qualities of the picture's light or mood."""
    for kind in ("weather", "time", "light", "mood"):
        if kind in kinds:
            return _OF_KIND[kind]
    keys = {word.key for word in words} | {adjective_of(word.text) for word in words}
    if keys & _LIGHT:
        return Aspect.LIGHT
    return Aspect.MOOD if keys & _MOOD else Aspect.OBJECT


def doing(text: str) -> str:
    """ "breathe fire" as a participle, where it is something that is done; "" otherwise."""
    first, _, rest = text.partition(" ")
    word, known = fold(first), vocabulary().find(first, "en")
    if known is not None and known.kind != "action":
        return ""
    for participle in (f"{word}ing", f"{word.removesuffix('e')}ing", f"{word}{word[-1:]}ing"):
        if participle in _begun():
            return f"{participle} {rest}".strip()
    return ""


@lru_cache(maxsize=1)
def _begun() -> frozenset[str]:
    """The words that actions begin with: of "breathing fire" the first."""
    entries = vocabulary().entries.values()
    return frozenset(e.name.partition(" ")[0] for e in entries if e.kind == "action")
