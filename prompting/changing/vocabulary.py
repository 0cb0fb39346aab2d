"""How replies look at words: those of the lexicon, a phrase as a whole.

"A dark blue" is a colour, "in the rain" weather, "a blue hat" a thing.  The invariant: what kind a
word is, is said by the lexicon's tables alone.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from prompting.reading.lexicon import Lexicon, Word, built_in

FILE = Path(__file__).with_name("function.toml")
UNSPACED = frozenset({"zh", "ja"})  # languages that put no blanks between words

# Kinds that say how something is, rather than what is there.
COLOURS = frozenset({"colour", "material"})
LOOKS = COLOURS | {"quality", "mood"}


@lru_cache(maxsize=1)
def vocabulary() -> Lexicon:
    """The words of all languages, and those that carry nothing in replies."""
    with FILE.open("rb") as file:
        return built_in().skipping(tomllib.load(file))


def language_of(text: str) -> str:
    """The language of a text, as far as there are words of it here."""
    return built_in().language(text)


def words_of(text: str, language: str) -> tuple[Word, ...]:
    """The words of a phrase, without blanks and punctuation."""
    return tuple(word for word in vocabulary().read(text, language) if not word.mark)
