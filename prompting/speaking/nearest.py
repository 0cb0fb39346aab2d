"""What the built-in image model is told first: one thing that it draws, its colour and its place.

    "my kid asks for a pussycat the colour of a carrot"  ▶  "an orange cat"
    "the farm house should be painted red"               ▶  "a red house in a grass field"

The invariant: every word of it is one that the model was trained with, and stands for a word of
the wish; where the wish names no such thing, or two alike, there is none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon, Word, fold
from prompting.speaking.captions import vocabulary

FILE = Path(__file__).with_suffix(".toml")
_NAMING = OBJECTS | SCENERY | {"part"}
_FAR = 24  # words between a thing and its colour, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionCore:
    """A caption, and the words of the wish that it stands for."""

    text: str
    noun: str  # the thing and its colour alone
    said: frozenset[str]  # keys


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    at: int  # which word of the wish
    drawn: str
    key: str


@lru_cache(maxsize=1)
def _near() -> Mapping[str, Mapping[str, str]]:
    tables = tomllib.loads(FILE.read_text("utf-8"))
    return {
        name: {word: drawn for drawn, words in table.items() for word in words.split()}
        for name, table in tables.items()
    }


def core_of(text: str, lexicon: Lexicon) -> CaptionCore | None:
    """The core of an English wish, or None where the model knows no thing of it."""
    words = [word for word in lexicon.read(text, "en") if not word.mark]
    things = _things(words)
    if not things or _several(words, things):
        return None
    colours = _colours(words, things)
    thing, colour = _pair(things, colours)
    place = next(iter(_places(words)), None)
    told = [each for each in (thing, colour, place) if each is not None]
    # What is no word of the model's stays beside the core: a yacht, a carrot.
    said = {each.key for each in told if fold(words[each.at].text) == each.drawn}
    said |= {each.key for each in told if each.key == each.drawn}
    noun = f"{colour.drawn} {thing.drawn}" if colour else thing.drawn
    caption = f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    text = f"{caption} {place.drawn}" if place else caption
    return CaptionCore(text=text, noun=noun, said=frozenset(said))


def drawn_for(key: str) -> tuple[str, ...]:
    """What may be drawn in the stead of a word: for a fox a cat, for a taxi a car."""
    singular = key.removesuffix("s")
    near = _near()["objects"].get(key) or _near()["objects"].get(singular)
    return tuple(filter(None, (vocabulary().drawn(key), vocabulary().drawn(singular), near)))


def _several(words: Sequence[Word], things: Sequence[_Named]) -> bool:
    """Whether more than one thing is to be seen, which no caption of the model has."""
    counted = any(w.entry and w.entry.kind == "number" and w.key != "one" for w in words)
    return counted or len({thing.drawn for thing in things}) > 2


def rest_of(text: str, core: CaptionCore, lexicon: Lexicon) -> str:
    """The words of a wish that its core does not stand for, in order, with commas as typed."""
    parts: list[list[Word]] = [[]]
    for word in lexicon.read(text, "en"):
        if word.mark and word.text in ",.;:!?":
            parts.append([])
        elif word.content and word.key not in core.said:
            parts[-1].append(word)
    for part in parts:  # the spoon is black: it would be a spoon black
        if len(part) == 2 and part[-1].entry and part[-1].entry.kind == "colour":
            part.reverse()
    return ", ".join(" ".join(dict.fromkeys(w.text for w in part)) for part in parts if part)


def _things(words: Sequence[Word]) -> list[_Named]:
    known, near = vocabulary().objects, _near()["objects"]
    found = []
    for at, word in enumerate(words):
        last = _singular(word).rpartition(" ")[2]  # a fishing boat is a boat
        drawn = near.get(last) or known.get(word.key)
        if drawn and not _is_likeness(words, at) and not _in_compound(words, at):
            found.append(_Named(at=at, drawn=_own(word) or drawn, key=word.key))
    # Lilac and violet are colours where anything else is there that can have one.
    plain = [each for each in found if fold(words[each.at].text) not in _near()["shades"]]
    return plain or found


def _own(word: Word) -> str:
    """The word as it was typed, where the model was trained with it."""
    said = fold(word.text)
    return said if said in vocabulary().knows and not said.endswith("s") else ""


def _in_compound(words: Sequence[Word], at: int) -> bool:
    """Whether a thing follows at once that the model knows: the tree of a tree house."""
    if at + 1 >= len(words) or words[at + 1].start != words[at].end + 1:
        return False
    follower = words[at + 1]
    known = vocabulary().objects.get(follower.key) or _near()["objects"].get(_singular(follower))
    return known is not None


def _colours(words: Sequence[Word], things: Sequence[_Named]) -> list[_Named]:
    known, shades, like = vocabulary().colours, _near()["shades"], _near()["likenesses"]
    taken = {thing.at for thing in things}
    found = []
    for at, word in enumerate(words):
        said = fold(word.text)
        parts = re.split(r"[-\s]", said)
        drawn = known.get(word.key) or shades.get(said)
        if drawn is None and len(parts) > 1:  # midnight-dark, rose-coloured, deep blue
            drawn = next((d for p in parts if (d := known.get(p) or shades.get(p))), None)
            drawn = drawn or next((like[p] for p in parts if p in like), None)
        if drawn is None and at not in taken and _is_likeness(words, at):
            drawn = like.get(_singular(word))
        if drawn and at not in taken and not _is_of_another(words, at, taken):
            found.append(_Named(at=at, drawn=_own(word) or drawn, key=word.key))
    return found


def _is_of_another(words: Sequence[Word], at: int, things: Collection[int]) -> bool:
    """Whether the colour stands before a thing that the model does not know: green walls."""
    another = False
    for index, word in enumerate(words[at + 1 :], at + 1):
        if word.start != words[index - 1].end + 1 or not word.content:
            break
        if index in things:  # the red wooden house
            return False
        another = another or (word.entry is not None and word.entry.kind in _NAMING)
    return another


def _is_likeness(words: Sequence[Word], at: int) -> bool:
    """Whether something is named for its colour: the colour of a carrot, white as milk."""
    before = [fold(word.text) for word in words[max(0, at - 4) : at]]
    behind = [fold(word.text) for word in words[at + 1 : at + 2]]
    named = bool({"colour", "color", "shade", "hue"} & set(before)) or "as" in before[-2:]
    return named or bool({"coloured", "colored", "colour", "color"} & set(behind))


def _pair(things: Sequence[_Named], colours: Sequence[_Named]) -> tuple[_Named, _Named | None]:
    """The thing that is meant and its colour: those that stand nearest to each other."""
    pairs = [
        (_distance(thing, colour), thing.at, thing, colour)
        for thing in things
        for colour in colours
    ]
    if not pairs:
        return things[0], None
    least, _, thing, colour = min(pairs, key=lambda pair: pair[:2])
    return (thing, colour) if least <= _FAR else (things[0], None)


def _distance(thing: _Named, colour: _Named) -> int:
    """How far a colour is from a thing: behind it a little further than before it."""
    apart = thing.at - colour.at
    return apart if apart > 0 else 1 - apart


def _places(words: Sequence[Word]) -> list[_Named]:
    known = vocabulary().places
    return [
        _Named(at=at, drawn=known[word.key], key=word.key)
        for at, word in enumerate(words)
        if word.key in known and not _is_likeness(words, at)
    ]


def _singular(word: Word) -> str:
    said = fold(word.text)
    return said[:-1] if said.endswith("s") and not said.endswith("ss") else said
