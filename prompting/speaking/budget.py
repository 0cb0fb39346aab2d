"""How many tokens a text takes, and what is left out when it takes too many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Count = Callable[[str], int]


def estimate(text: str) -> int:
    """Tokens of a text when the image model's own tokenizer is not at hand.

    Four Latin characters, or three quarters of a Chinese one, are a token; on the safe side for
    CLIP, where a comma is a token of its own.
    """
    cjk = sum("\u2e80" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in text)
    marks = sum(not char.isalnum() and not char.isspace() for char in text)
    return math.ceil((len(text) - cjk - marks) / 4 + 1.3 * cjk + marks)


def fit(
    compose: Callable[[Sequence[int]], str], sizes: Sequence[int], limit: int, count: Count
) -> str:
    """The longest text within the limit.

    `compose` takes how many items of each list to use; `sizes` are their lengths, the list that
    gives way first coming first.  With nothing left to give, the text is as long as it is: what
    remains are the person's own words.
    """
    used = list(sizes)
    text = compose(used)
    for at in range(len(used)):
        while used[at] and count(text) > limit:
            used[at] -= 1
            text = compose(used)
    return text
