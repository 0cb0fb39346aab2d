"""Texts as they are seen: what people type, without what nobody sees in it.

Pure.  Invariant: cleaning a clean text changes nothing.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from generation.parameters import PROMPT


def clean_text(what: str, text: str) -> str:
    """The text as it is seen, every blank a plain one.  Raises OutOfRange when too long.

    Line breaks, tabs, no-break and ideographic spaces become blanks: they mean nothing else to a
    text encoder, and a picture's words should survive being copied from a chat.  What is not seen
    goes (zero-width and bidirectional marks, half surrogates), except joiners in emoji and in the
    scripts that need them.
    """
    PROMPT.check(text, what)
    if text.isascii() and text.isprintable():
        return text.strip()
    return _cleaned(text)


@lru_cache(maxsize=32)  # the pictures of one request share their words
def _cleaned(text: str) -> str:
    return "".join(_seen(text, at, char) for at, char in enumerate(text)).strip()


def _seen(text: str, at: int, char: str) -> str:
    if char.isspace() or char in _LOOK_BLANK:
        return " "
    if char in "\u200c\u200d":
        joined = at and at + 1 < len(text) and text[at - 1] > _LATIN and text[at + 1] > _LATIN
        return char if joined else ""
    # Private and unassigned ones stay: an emoji may be younger than this Python.
    return "" if unicodedata.category(char) in ("Cc", "Cf", "Cs") else char


_LOOK_BLANK = "\u2800\u3164\uffa0"  # a Braille pattern without dots, Hangul fillers
_LATIN = "\u036f"  # the last of the letters that no joiner is needed between
