"""What words mean beside each other, as `meanings.toml` has it.

The invariant: words are canonical English, as the lexicon names them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_suffix(".toml")


@lru_cache(maxsize=1)
def meanings() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """The groups of each table, by name."""
    with FILE.open("rb") as file:
        tables = tomllib.load(file)
    return {
        table: {name: frozenset(words.split("/")) for name, words in rows.items()}
        for table, rows in tables.items()
    }
