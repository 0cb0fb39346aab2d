"""What a text says should be seen: words, how many of what, and which colour is whose.

    "two red cats and a blue dog"  ▶  words {two, red, cat, blue, dog}
                                      numbers {(two, cat)}   colours {(red, cat), (blue, dog)}

The invariant: the same text has the same facts in every language of the lexicon, as far as the
lexicon knows its words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from prompting.reading.denials import denials
from prompting.reading.lexicon import NOUN_FIRST, OBJECTS, SCENERY, Lexicon, Word, fold
from prompting.reading.relating import relations

LINKS = frozenset(
    ("and", "or", "&", "+", "y", "o", "e", "et", "ou", "und", "oder", *"和与及跟或とや")
)
Pairs = frozenset[tuple[str, str]]

# "2girls" of booru tags, and "3Totoros" typed in haste.
_GLUED = re.compile(r"(?<![\w.])(\d{1,2})([A-Za-z]{3,})(?!\w)")
_SENTENCE_ENDS = frozenset(".;!?。；！？\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a text says should be seen.  Things are named by `Word.key`."""

    words: Mapping[str, str]  # key -> as written, in reading order
    kinds: Mapping[str, str]  # key -> kind, of known words
    numbers: Pairs  # (number, thing)
    colours: Pairs  # (colour, thing); of a compound, with each of its nouns
    firm: Pairs  # those of both that leave no doubt: of a compound, the first known noun's
    unwanted: tuple[str, ...]  # phrases, as written
    relations: frozenset[str] = frozenset()  # of one thing to another: under, behind


@lru_cache(maxsize=1000)
def facts(text: str, lexicon: Lexicon, language: str | None = None) -> Facts:
    """The facts of a text whose opaque parts were taken out."""
    language = language or lexicon.language(text)
    text = _GLUED.sub(r"\1 \2", text)
    denied = denials(text, lexicon, language)
    for denial in denied:  # a line break divides what stood before and after it
        blank = "\n" * (denial.end - denial.start)
        text = text[: denial.start] + blank + text[denial.end :]
    words = tuple(
        part for word in lexicon.read(text, language) for part in lexicon.parts(word, language)
    )
    said: dict[str, str] = {}
    for word in words:
        if word.content:
            said.setdefault(word.key, word.text)
    binder = _Binder(words, after=language in NOUN_FIRST)
    return Facts(
        words=said,
        kinds={word.key: _kind(word) for word in words if _kind(word)},
        numbers=frozenset(binder.numbers),
        colours=frozenset(binder.colours),
        firm=frozenset(binder.firm),
        unwanted=tuple(denial.what for denial in denied),
        relations=relations(words, language, lexicon.links.get(language, {})),
    )


class _Binder:
    """Goes through the words once; a colour waits for a noun, or falls back to the one before."""

    def __init__(self, words: Sequence[Word], *, after: bool) -> None:
        self.colours: set[tuple[str, str]] = set()
        self.numbers: set[tuple[str, str]] = set()
        self.firm: set[tuple[str, str]] = set()
        self._after = after  # whether colours follow their nouns, as in French
        self._waiting: list[str] = []
        self._number: str | None = None
        self._noun: str | None = None
        self._compound: list[Word] = []  # nouns side by side
        self._here = False  # whether that noun stands on this side of the last comma
        self._beside = False  # whether nothing has come between the last noun and here
        for index, word in enumerate(words):
            if not word.text.isspace() or word.text == "\n":
                self._take(word, words[index + 1 : index + 6])
        self._fall_back()

    def _take(self, word: Word, rest: Sequence[Word]) -> None:
        kind = _kind(word)
        if word.mark:
            self._take_mark(word, rest)
        elif not word.content:
            self._take_function(word, rest)
        elif kind == "colour":
            if self._after and self._noun and self._beside:
                self._bind(word.key, self._noun)
            else:
                self._waiting.append(word.key)
        elif kind == "number":
            self._number = word.key
        elif not kind or kind in OBJECTS | SCENERY:
            self._take_noun(word, rest)

    def _take_noun(self, word: Word, rest: Sequence[Word]) -> None:
        self._compound.append(word)
        self.colours.update((colour, word.key) for colour in self._waiting)
        if self._number:
            self.numbers.add((self._number, word.key))
        self._noun, self._here, self._beside = word.key, True, True
        follower = next((other for other in rest[:2] if other.text != " "), None)
        if self._after or follower is None or not _noun(follower):
            first = next((noun for noun in self._compound if noun.entry), self._compound[0])
            self.firm.update((colour, first.key) for colour in self._waiting)
            if self._number:
                self.firm.add((self._number, first.key))
            self._waiting, self._number, self._compound = [], None, []

    def _take_mark(self, word: Word, rest: Sequence[Word]) -> None:
        if word.text in "-–—'’\"“”":
            return
        self._beside = False
        if word.text in _SENTENCE_ENDS:
            self._fall_back()
            self._noun = self._number = None
            self._waiting = []
        elif not _colour_next(rest):
            self._fall_back()
            self._waiting = []  # "red, two dogs": nobody knows whose it is
        self._here = False

    def _take_function(self, word: Word, rest: Sequence[Word]) -> None:
        if fold(word.text) in LINKS:
            if not _colour_next(rest):
                self._fall_back()
            return
        self._beside = False
        if word.text.isascii() and self._here:
            self._fall_back()

    def _fall_back(self) -> None:
        if self._noun:
            for colour in self._waiting:
                self._bind(colour, self._noun)
            self._waiting = []

    def _bind(self, colour: str, noun: str) -> None:
        self.colours.add((colour, noun))
        self.firm.add((colour, noun))


def _noun(word: Word) -> bool:
    return word.content and (not _kind(word) or _kind(word) in OBJECTS | SCENERY)


def _colour_next(rest: Sequence[Word]) -> bool:
    following = next((word for word in rest if not word.text.isspace()), None)
    return following is not None and bool(following.entry) and _kind(following) == "colour"


def _kind(word: Word) -> str:
    """The kind of a known word; of a name, who knows whose it is, none."""
    return word.entry.kind if word.entry and word.entry.kind != "name" else ""
