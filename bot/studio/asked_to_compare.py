"""Replies that ask for pictures side by side: "compare with #12", "和 #12 对比".

Pure.  Invariant: only words that say nothing else are taken for that; all others are read as what
they ask of a picture.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERBS = (
    *("compare", "compares", "comparison", "comparar", "compara", "comparer", "comparez"),
    *("confronta", "confrontare", "vergleich", "vergleiche", "vergleichen", "porównaj"),
    *("vergelijk", "сравни", "сравнить", "сравните"),
)
_UNSPACED_VERBS = ("比较", "比較", "对比", "對比", "比一比", "比べて", "비교")
_VERB = re.compile(
    rf"(?<!\w)(?:{'|'.join(_VERBS)})(?!\w)|(?:{'|'.join(_UNSPACED_VERBS)})(?:해\s?줘|해|する)?"
)
_BESIDE = frozenset(
    [
        "please",
        "this",
        "it",
        "that",
        "these",
        "them",
        "picture",
        "pictures",
        "with",
        "to",
        "and",
        "against",
        "beside",
        "all",
        "both",
        "the",
        "of",
        "mit",
        "und",
        "das",
        "bild",
        "bilder",
        "diese",
        "dieses",
        "bitte",
        "alle",
        "avec",
        "et",
        "cette",
        "image",
        "images",
        "ça",
        "con",
        "y",
        "e",
        "esta",
        "esto",
        "imagen",
        "imágenes",
        "com",
        "da",
        "met",
        "en",
        "с",
        "и",
        "это",
    ]
)
# What stands beside it without blanks, in Chinese, Japanese and Korean.
_BESIDE_UNSPACED = re.compile(
    "[和与與跟同把这這张張图圖片请請都一下个個它们們的两兩幾几これとを과와이랑]+"
)
_NUMBER = re.compile(r"(#?)\s*(\d{1,19})")
_MARKS = re.compile(r"[.,;:!?，。、！？：；]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedComparison:
    """What stands beside each other; neither: all that the answered message shows."""

    numbers: tuple[int, ...]  # of pictures: "#12"
    places: tuple[int, ...]  # within the answered message, from 1


def asked_to_compare(words: str) -> AskedComparison | None:
    """What a reply wants side by side; None: it asks for other things."""
    said = _MARKS.sub(" ", words.casefold())
    if not _VERB.search(said):
        return None
    numbers: list[int] = []
    places: list[int] = []
    for hash_, digits in _NUMBER.findall(said):
        (numbers if hash_ else places).append(int(digits))
    left = _BESIDE_UNSPACED.sub(" ", _NUMBER.sub(" ", _VERB.sub(" ", said))).split()
    if any(word not in _BESIDE for word in left):
        return None
    return AskedComparison(numbers=tuple(numbers), places=tuple(places))
