"""Words that were mistyped: "remvoe the hta", "in watercolr".

The invariant: a word that is known, stands in the prompt, or begins with a capital is never
changed; and one that is changed differs as typing errors do: two letters swapped, one doubled or
left out, or one of its neighbour on the keyboard.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from prompting.changing.aspects import compared
from prompting.changing.phrasebook import Phrasebook
from prompting.changing.reply import LONGEST
from prompting.changing.tongues import cues
from prompting.changing.vocabulary import vocabulary
from prompting.reading.lexicon import fold

_WORD = re.compile(r"(?<![\w'<:/\\.-])[a-zà-ÿ]{3,24}(?![\w'>:/\\-])")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHORTEST = 5  # letters of a word with one too few, too many or another


def mended(text: str, book: Phrasebook, prompt: str) -> str:
    """The text with its typing errors mended."""
    if not book.spaced or len(text) > LONGEST:
        return text  # what is longer is a description, and its words are its writer's
    theirs = {fold(word) for word in re.findall(r"[^\W\d_]+", prompt)}
    return _WORD.sub(lambda found: _mended(found[0], book, frozenset(theirs)), text)


def _mended(word: str, book: Phrasebook, theirs: frozenset[str]) -> str:
    if mended_word := book.typos.get(word):
        return mended_word
    language = book.language
    if word in theirs or _known(word, language) or _known(word.removesuffix("s"), language):
        return word
    near = _near_of(language)
    for candidate in _once_wrong(word):
        if candidate in near or candidate in theirs:
            return candidate
    return word


def _known(word: str, language: str) -> bool:
    words = vocabulary()
    return (
        words.find(word, language) is not None
        or words.find(word, "en") is not None
        or word in words.function.get(language, ())
        or word in words.function["en"]
        or word in cues(language)
        or bool(compared(word, language))
    )


@lru_cache(maxsize=8)
def _near_of(language: str) -> frozenset[str]:
    """The words that a mistyped one may be meant for."""
    forms = {
        fold(form)
        for entry in vocabulary().entries.values()
        for form in entry.forms.get(language, ())
        if " " not in form and len(form) > 3
    }
    return frozenset(forms | {cue for cue in cues(language) if len(cue) > 3})


def _once_wrong(word: str) -> Iterator[str]:
    """The words that it may be with one error mended, likeliest first."""
    places = range(len(word))
    for at in places[:-1]:
        yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]  # two letters swapped
    if len(word) >= _SHORTEST - 1:
        yield from (word[: at + 1] + word[at:] for at in places)  # one of two left out
    if len(word) >= _SHORTEST:
        yield from (
            word[:at] + char + word[at:] for at in (*places[1:], len(word)) for char in _ALL
        )
        yield from (word[:at] + o + word[at + 1 :] for at in places for o in _beside(word[at]))
        yield from (word[:at] + word[at + 1 :] for at in places if _slipped(word, at))


def _slipped(word: str, at: int) -> bool:
    """Whether a letter stands there twice, or beside its neighbour on the keyboard."""
    around = word[max(0, at - 1) : at] + word[at + 1 : at + 2]
    return any(other == word[at] or other in _beside(word[at]) for other in around)


_ALL = "aeioulrnstcdghmpbkyvwf"


@lru_cache(maxsize=64)
def _beside(char: str) -> str:
    for row in _ROWS:
        at = row.find(char)
        if at >= 0:
            return row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    return ""
