"""Which picture of several somebody means: "2: make it night", "#3) in blue".

Pure.  A ratio or a time of day at the beginning is no number of a picture: "16:9 poster" is words.
"""

from __future__ import annotations

import re

from generation.errors import Unacceptable

# Blanks after the mark, or a colon with anything but a digit behind it.  "16 : 9" is a ratio.
_WHICH = re.compile(
    r"#?(\d{1,2})(?:\s*[.)]\s+|[:：]\s+|[:：](?=[^\s\d])|\s+[:：](?!\s*\d)\s*)(.*)", re.S
)


class NotThatMany(Unacceptable):
    """There are `count` pictures, and `number` was asked for."""

    def __init__(self, number: int, count: int) -> None:
        super().__init__(f"picture {number} of {count}")
        self.number, self.count = number, count


def which(words: str, count: int) -> tuple[int | None, str]:
    """The index that words begin with, None where they begin with none, and the other words.

    Raises NotThatMany.
    """
    match = _WHICH.fullmatch(words)
    if match is None:
        return None, words
    number = int(match[1])
    if not 1 <= number <= count:
        raise NotThatMany(number, count)
    return number - 1, match[2]
