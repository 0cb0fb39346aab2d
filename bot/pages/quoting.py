"""Words that are not ours, inside a message of ours.

    quoted(words)   text among text          code(words)    a name, as inline code
    plain(words)    where Discord formats nothing: choices, files, code blocks

Whoever types a wish, names a file or writes a recipe into a PNG chooses such words.  The invariant:
what comes out is one short line that pings nobody, formats nothing, turns no text around and ends
neither the line nor the code it stands in.
"""

from __future__ import annotations

import re
import unicodedata

_MARKDOWN = re.compile(r"([*_~`|\\>#\[\]<])")
_MENTION = re.compile(r"@(everyone|here|[!&]?\d+)")
_JOINERS = "\u200c\u200d"  # part of emoji and of some scripts
_TAGS = range(0xE0020, 0xE0080)  # the letters in the flag of Scotland


def plain(words: str, limit: int = 300) -> str:
    """The words on one line, without what is not seen, at most so many characters of them."""
    line = " ".join(_seen(words).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def quoted(words: str, limit: int = 300) -> str:
    """Words of a person, short, on one line, that ping nobody and format nothing."""
    escaped = _MARKDOWN.sub(r"\\\1", plain(words, limit))
    return _MENTION.sub("@\u200b\\1", escaped)


def code(words: str, limit: int = 120) -> str:
    """Words as inline code, in which nothing pings or formats; "nothing" where there are none."""
    # Back quotes would end the code, and with it the protection.
    line = plain(words, limit).replace("`", "'")
    return f"`{line}`" if line else "nothing"


def _seen(words: str) -> str:
    if words.isascii() and words.isprintable():
        return words
    odd = {char: _instead(char) for char in set(words) if not char.isprintable()}
    return words.translate({ord(char): instead for char, instead in odd.items()})


def _instead(char: str) -> str:
    if char in _JOINERS or ord(char) in _TAGS:
        return char
    # Formatting characters turn text around or are not seen; half a surrogate is no character.
    gone = unicodedata.category(char) in ("Cf", "Cs")
    return "" if gone else " " if unicodedata.category(char)[0] in "CZ" else char
