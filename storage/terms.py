"""Terms: what a text is found by, and what somebody who searches asks for.

    indexed("A café, 红色花 🌸")    a cafe 红色 色花 花 🌸
    asked('"red hat" flow -night')  "red hat", "flow"*, and not "night"*

A script that sets no blanks between words (Chinese, Japanese, Thai, ...) is cut into every two
letters that follow each other, and the last one: so what is asked for is found wherever it stands,
be it one letter or ten.  Every other word is found by how it begins.

Pure.  Invariant: whatever people type becomes quoted terms, and nothing of it is read as the
grammar of a search.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

MOST_LETTERS = 6000  # of a text that are looked at
LONGEST = 64  # letters of a term
MOST_TERMS = 16  # of a question

_MARKS = re.compile("[\u0300-\u036f]")  # accents of Latin, Greek and Cyrillic letters

_UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u1100-\u11ff\u3005-\u3007\u3040-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_LETTER = re.compile(f"[{_UNSPACED}]")

_ASKED = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_QUOTES = str.maketrans(dict.fromkeys("“”„«»「」『』", '"'))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is asked for, each a phrase of FTS5 that stands in quotes."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


NO_TERMS = Terms(wanted=(), unwanted=())


def indexed(text: str) -> str:
    """The terms of a text, in their order, with blanks between them."""
    return " ".join(_terms(text, whole=True))


def asked(words: str) -> Terms:
    """What somebody who types these words searches; none, where there is nothing to search by."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for match in _ASKED.finditer(words.translate(_QUOTES)[:MOST_LETTERS]):
        exactly = match["phrase"] is not None
        phrase = _phrase(match["phrase"] if exactly else match["word"], exactly=exactly)
        if phrase is not None:
            (unwanted if match["minus"] else wanted).append(phrase)
    return Terms(wanted=tuple(wanted[:MOST_TERMS]), unwanted=tuple(unwanted[:MOST_TERMS]))


def phrase(text: str) -> str | None:
    """The text as a phrase of FTS5, its last word as it may begin; None: there is no term in it."""
    return _phrase(text, exactly=False)


def _phrase(text: str, *, exactly: bool) -> str | None:
    terms = list(_terms(text, whole=False))
    if not terms:
        return None
    last = terms[-1]
    if _LETTER.match(last):
        begins = len(last) == 1
    else:
        begins = not exactly and unicodedata.category(last[0]) != "So"
    return f'"{" ".join(terms)}"{"*" if begins else ""}'


def _terms(text: str, *, whole: bool) -> Iterator[str]:
    """The terms of a text; `whole`: with the last letter of its last unspaced run."""
    words = list(_words(_plain(text[:MOST_LETTERS])))
    for place, (word, unspaced) in enumerate(words, 1):
        if not unspaced:
            yield word[:LONGEST]
            continue
        yield from map("".join, pairwise(word))
        if whole or place < len(words) or len(word) == 1:
            yield word[-1]


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Runs of letters and digits, each with whether its script sets no blanks; and each symbol."""
    word = ""
    for char in f"{text} ":
        kind = unicodedata.category(char)
        if kind[0] in "LNM":
            word += char
            continue
        for run in _RUN.finditer(word):
            yield run[0], _LETTER.match(run[0]) is not None
        word = ""
        if kind == "So":
            yield char, False


def _plain(text: str) -> str:
    """The text in one spelling: full-width letters, capitals and accents make no difference."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", _MARKS.sub("", apart))
