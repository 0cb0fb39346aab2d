"""What a writer's subject says that the wish does not, and whether it says the same otherwise.

    wish "a cat, black, on a mat"      subject "a black cat on a mat"       the same
                                       subject "a black cat on a rug"       invented: rug
                                       subject "a mat on a black cat"       displaced

The invariant: the wish's own words are never invented, whatever form they stand in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from prompting.reading.facts import facts
from prompting.reading.forms import in_either_number
from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon, Word, fold
from prompting.slots import Language, WishText

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
# English words that say how one thing stands to another; another one makes another picture.
_RELATIONS = frozenset(
    {
        *("as", "and", "or", "but", "of", "in", "on", "at", "by", "to", "from", "with", "without"),
        *("into", "onto", "over", "under", "above", "below", "beneath", "underneath", "beyond"),
        *("behind", "beside", "between", "among", "near", "next", "front", "top", "inside"),
        *("outside", "within", "around", "through", "across", "along", "against", "up", "down"),
        *("off", "before", "after", "toward", "towards"),
    }
)
# Others that no rewording of a wish needs, where the wish has none of them.
_LINKS = frozenset(
    {
        *("for", "about", "than", "i", "you", "he", "she", "we", "they", "me", "him", "us", "them"),
        *("my", "your", "am", "do", "does", "did", "if", "because", "while", "until", "during"),
    }
)
_ENDINGS = ("ing", "ers", "ed", "er", "es", "ly", "en", "s", "e", "y")
_SHORTEST = 3  # letters of a stem
_NAME = 2  # words that the translation of one unknown word may have


def invented(
    wish: WishText, text: str, *, lexicon: Lexicon, language: Language, free: bool = False
) -> tuple[str, ...]:
    """Content words of the text that neither the wish nor its translation holds.

    `free` says that the writer may know words which the lexicon does not: of a wish in another
    language, each unknown word may have become a few words of the text.
    """
    read = lexicon.read(text, language)
    known = _Known(wish, lexicon)
    strange = [word.text for word in read if word.content and not known.has(word)]
    if free and strange and wish.language != language and known.said(read):
        said = fold(text)
        lost = [word.text for word in known.unknown if fold(word.text) not in said]
        if len(strange) <= sum(map(_room, lost)):
            return ()
    return tuple(dict.fromkeys(strange))


def displaced(wish: WishText, text: str, *, lexicon: Lexicon) -> bool:
    """Whether an English text relates the things of an English wish in another way."""
    for quoted in wish.quoted:  # which the wish's words do not hold
        text = text.replace(quoted, " ")
    asked, found = lexicon.read(wish.words, "en"), lexicon.read(text, "en")
    if Counter(_links(found)) - Counter(_links(asked)):
        return True
    if Counter(_relations(asked)) != Counter(_relations(found)):
        return True
    return not set(_triples(asked)) <= set(_triples(found))


class _Known:
    """The words of a wish, in every form that they may take."""

    def __init__(self, wish: WishText, lexicon: Lexicon) -> None:
        read = lexicon.read(wish.words, wish.language)
        said = facts(wish.words, lexicon, wish.language)
        self._typed = fold(wish.text)
        self._keys = {word.key for word in read if not word.mark} | set(said.words)
        self._parts = {part for key in self._keys for part in re.split(r"[\s-]+", key)}
        self._parts |= {fold(found) for found in re.findall(r"[^\W_]+", wish.text)}
        self._stems = {stem for part in self._parts for stem in _stems(part)}
        self.unknown = [
            word for word in read if word.content and word.key in set(said.words) - set(said.kinds)
        ]
        self._kinds = set(said.kinds) & set(said.words)

    def said(self, words: Iterable[Word]) -> bool:
        """Whether a text says all that the lexicon knows of the wish: only then is the rest of it
        a translation of the rest of the wish.
        """
        return self._kinds <= {word.key for word in words}

    def has(self, word: Word) -> bool:
        """Whether the wish says it, as this word or as another form of it."""
        text, key = fold(word.text), word.key
        if key in self._keys or text in self._parts:
            return True
        if _CJK.search(text):
            return text in self._typed
        forms = {*in_either_number(key), text}
        if forms & (self._keys | self._parts):
            return True
        parts = re.split(r"[\s-]+", text)
        return all(part in self._parts or _stems(part) & self._stems for part in parts)


def _stems(word: str) -> frozenset[str]:
    """What is left of a word without the endings of its forms: sitting, sits, sit."""
    found = {word}
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST:
            found.add(stem)
            if stem[-1] == stem[-2]:
                found.add(stem[:-1])
    return frozenset(found)


def _room(text: str) -> int:
    """How many words the translation of an unknown word may have."""
    return max(_NAME, len(text)) if _CJK.search(text) else _NAME


def _links(words: Iterable[Word]) -> list[str]:
    """Words of grammar that say who is meant or what for; articles are free."""
    return [key for word in words if word.function and (key := fold(word.text)) in _LINKS]


def _relations(words: Iterable[Word]) -> list[str]:
    return [fold(word.text) for word in words if fold(word.text) in _RELATIONS]


def _triples(words: Iterable[Word]) -> list[tuple[str, str, str]]:
    """What stands on, under or beside what: the things around each relation."""
    found: list[tuple[str, str, str]] = []
    thing, between = "", ""
    for word in words:
        if fold(word.text) in _RELATIONS:
            between = f"{between} {fold(word.text)}".strip()
        elif _thing(word):
            if between and thing:
                found.append((thing, between, word.key))
            thing, between = word.key, ""
    return found


def _thing(word: Word) -> bool:
    return word.content and (word.entry is None or word.entry.kind in OBJECTS | SCENERY)
