"""Traditional Chinese characters as simplified ones, so that the rules know them: 換成 ▶ 换成.

    languages/traditional.txt    pairs: each character, and what it is in simplified writing

The invariant: a text keeps its length, so that a place in one is the same place in the other.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("languages") / "traditional.txt"


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    text = "".join(FILE.read_text(encoding="utf-8").split())
    return {ord(one): other for one, other in zip(text[::2], text[1::2], strict=True)}


def simplified(text: str) -> str:
    """The text in simplified characters."""
    return text.translate(_table())
