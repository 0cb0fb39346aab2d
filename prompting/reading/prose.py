"""Prose as a reader divides it: sentences, whole or cut off, and how long they are.

    "A fox lies in the snow. Its fur is"  ▶  ("A fox lies in the snow.",)   and "Its fur is", cut

The invariant: the sentences stand in the text as they are given back, in order, and no character
of one that ends is lost.
"""

from __future__ import annotations

import math
import re

from prompting.slots import Language

_CHINESE_PER_WORD = 1.5  # characters that say as much as an English word

# A point within a number or an abbreviation ends nothing.
_END = re.compile(
    r"(?:(?<!\b[A-Z])(?<!\bSt)(?<!\b[DM]r)(?<!\bMrs)[.!?…]+[\"”’)]*(?=\s|$))|[。！？…]+[”」]?"
)
_WORD = re.compile(r"[^\W_]+(?:['’\-.,/][^\W_]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")


def divided(text: str) -> tuple[tuple[str, ...], str]:
    """The sentences that end, and what stands behind the last of them."""
    whole: list[str] = []
    at = 0
    for end in _END.finditer(text):
        if sentence := text[at : end.end()].strip():
            whole.append(sentence)
        at = end.end()
    return tuple(whole), text[at:].strip()


def length(text: str) -> int:
    """Words of a text; of Chinese, a word for each one and a half characters, rounded up."""
    han = len(_HAN.findall(text))
    return len(_WORD.findall(_HAN.sub(" ", text))) + math.ceil(han / _CHINESE_PER_WORD)


def together(sentences: tuple[str, ...], language: Language) -> str:
    """Sentences as one text."""
    return ("" if language in ("zh", "ja") else " ").join(sentences)
