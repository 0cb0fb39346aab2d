"""How one thing stands to another: the same relation in every language, as a fact to be kept.

    "a cat under a table", 桌子下面的猫, eine Katze unter einem Tisch   ▶  {under}

The invariant: a relation is named by the links of a language, which are put into English by them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from prompting.reading.forms import fold
from prompting.reading.word import Word

FILE = Path(__file__).with_name("relations.toml")
_HOURS = frozenset({"time", "weather"})
_LATER = frozenset({"behind", "front"})  # of what takes time, after and before it: 雨后
_LOOSE = frozenset({"in"})  # said of almost everything: nobody misses it


def relations(words: Sequence[Word], language: str, links: Mapping[str, str]) -> frozenset[str]:
    """The relations that a text in that language names."""
    english = _english()
    found: set[str] = set()
    before: Word | None = None
    for word in words:
        if word.mark:
            continue
        if word.function or word.entry is None:
            text = links.get(fold(word.text), word.text if language == "en" else "")
            names = {name for part in text.split() for name in english.get(part, ())}
            hour = before is not None and before.entry and before.entry.kind in _HOURS
            found |= names - _LATER if hour else names
        before = word
    return frozenset(found - _LOOSE)


def same(asked: str, found: frozenset[str]) -> bool:
    """Whether one of the relations that were found says as much."""
    alike = (names for names in _english().values() if asked in names)
    return asked in found or any(names & found for names in alike)


@lru_cache(maxsize=1)
def _english() -> Mapping[str, frozenset[str]]:
    """An English word, and the relations that it may say."""
    with FILE.open("rb") as file:
        tables = tomllib.load(file)
    said: dict[str, set[str]] = {}
    for name, words in tables["english"].items():
        for word in words.split("/"):
            said.setdefault(word.strip(), set()).add(name)
    return {word: frozenset(found) for word, found in said.items()}
