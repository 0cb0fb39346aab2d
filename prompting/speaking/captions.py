"""Captions for the built-in image model, in the phrasing that it was trained to read.

    "two gatitos in a forest"  ▶  "two cats in a forest, in a grass field"
    "a red castle"             ▶  "a red house, castle"

The invariant: what the person said stays; where the model knows another word for it, that one
stands in its place, and the person's own beside it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prompting.reading.facts import Facts, facts
from prompting.reading.forms import fold, plural
from prompting.reading.lexicon import OBJECTS, Lexicon, Word

FILE = Path(__file__).with_name("captions.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Which word of the lexicon is drawn as what."""

    objects: Mapping[str, str]
    colours: Mapping[str, str]
    places: Mapping[str, str]
    styles: Mapping[str, str]
    knows: frozenset[str]
    homes: Mapping[str, tuple[str, ...]]  # places of a thing; of any other, "other"
    hides: Mapping[str, frozenset[str]]  # colours in which a thing is hardly seen at a place

    def drawn(self, key: str) -> str | None:
        """What the model draws for that word."""
        for table in (self.objects, self.colours, self.places, self.styles):
            if key in table:
                return table[key]
        return None


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary of the built-in image model, read once."""
    with FILE.open("rb") as file:
        tables = tomllib.load(file)

    def turned(name: str) -> dict[str, str]:
        return {word: drawn for drawn, words in tables[name].items() for word in words}

    return Vocabulary(
        objects=turned("objects"),
        colours=turned("colours"),
        places=turned("places"),
        styles=turned("styles"),
        knows=frozenset(tables["words"]["knows"].split()),
        homes={thing: tuple(places) for thing, places in tables["homes"].items()},
        hides={place: frozenset(colours) for place, colours in tables["hides"].items()},
    )


def canonical(text: str, lexicon: Lexicon) -> str:
    """The English text with the model's own word for every word that has one."""
    words = lexicon.read(text, "en")
    out = [word.text for word in words]
    for at, word in enumerate(words):
        known = word.text if _in_compound(words, at) else _known(word)
        if known != word.text and at > 1 and fold(out[at - 2]) in ("a", "an"):
            out[at - 2] = _article(known).split()[0]
        out[at] = known
    return "".join(out)


def beside(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """What is told besides the canonical text: what the model knows of places and styles, and the
    person's own word where another one is drawn: a castle is drawn as a house.
    """
    known = vocabulary()
    found: dict[str, None] = {}
    for key in facts(text, lexicon, "en").words:
        for table in (known.places, known.styles):
            drawn = table.get(key)
            if drawn and key not in fold(drawn):
                found.setdefault(drawn)
    return tuple(dict.fromkeys((*found, *drawn_otherwise(text, lexicon))))


def drawn_otherwise(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The person's own words where others are drawn: castle, where a house is drawn for it."""
    words = lexicon.read(text, "en")
    return tuple(
        word.text
        for at, word in enumerate(words)
        if _drawn_otherwise(word) and not _in_compound(words, at)
    )


def allowed(text: str, lexicon: Lexicon) -> bool:
    """Whether the model was trained with every word of the text."""
    known = vocabulary()
    words = [word for word in lexicon.read(text, "en") if word.content]
    return bool(words) and all(
        known.drawn(word.key) is not None or word.key in ("background", "flat") for word in words
    )


def caption(said: Facts, lexicon: Lexicon) -> str:
    """A caption out of facts alone: what is left when no sentence was to be had."""
    known = vocabulary()
    used: set[str] = set()
    things = " and ".join(_things(said, lexicon, used))
    places = [known.places[key] for key in said.words if key in known.places][:1]
    if not places:
        colours = [colour for colour, thing in said.colours if thing == "background"]
        places = [f"on {_article(colour)} background" for colour in sorted(colours)]
        used.update(colours, ("background",) if colours else ())
    used.update(key for key in said.words if key in known.places and key in places[0])
    looks = dict.fromkeys(known.styles[key] for key in said.words if key in known.styles)
    used.update(key for key in said.words if known.styles.get(key, "").startswith(key))
    head = " ".join(part for part in (things, *places) if part)
    rest = [_english(key, text, lexicon) for key, text in said.words.items() if key not in used]
    return ", ".join(dict.fromkeys(part for part in (head, *looks, *rest) if part))


def _in_compound(words: Sequence[Word], at: int) -> bool:
    """Whether a noun follows at once: the bus of a bus stop is no bus."""
    entry, following = words[at].entry, words[at + 1 : at + 3]
    return (
        entry is not None
        and entry.kind in OBJECTS
        and len(following) == 2
        and following[0].text == " "
        and following[1].content
        and (following[1].entry is None or following[1].entry.kind in OBJECTS)
    )


def _known(word: Word) -> str:
    """The word as the model knows it."""
    known = vocabulary()
    key, text = word.key, word.text
    if word.entry is None or fold(text) in known.knows:
        return text
    drawn = known.objects.get(key) or known.colours.get(key)
    if drawn is None:
        return text
    many = fold(text).endswith("s") and not key.endswith("s")
    return plural(drawn) if many else drawn


def _drawn_otherwise(word: Word) -> bool:
    drawn = vocabulary().objects.get(word.key, word.key)
    return (
        word.entry is not None and drawn != word.key and fold(word.text) not in vocabulary().knows
    )


def _things(said: Facts, lexicon: Lexicon, used: set[str]) -> Iterator[str]:
    """ "two red cats", for every thing of the facts."""
    for key, text in said.words.items():
        kind = said.kinds.get(key)
        if kind not in OBJECTS and key not in vocabulary().objects:
            continue
        noun = _english(key, text, lexicon)
        colours = [colour for colour, thing in sorted(said.colours) if thing == key]
        numbers = [number for number, thing in sorted(said.numbers) if thing == key]
        used.update((key, *colours, *numbers))
        phrase = " ".join((*(" and ".join(colours),) * bool(colours), noun))
        if not numbers:
            yield phrase if noun == plural(key) else _article(phrase)
        elif noun.endswith("s"):
            yield f"{numbers[0]} {phrase}"
        else:
            yield f"{numbers[0]} {phrase.removesuffix(noun)}{plural(noun)}"


def _english(key: str, text: str, lexicon: Lexicon) -> str:
    """The word as the person wrote it, or in English where they wrote another language."""
    entry = lexicon.entries.get(key)
    if entry is None:
        return text
    return text if lexicon.find(text, "en") is entry and fold(text) in vocabulary().knows else key


def _article(phrase: str) -> str:
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"
