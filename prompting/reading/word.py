"""A piece of a text, as the lexicon reads it.

The invariant: the pieces of a text, put together, are the text.
"""

from __future__ import annotations

from dataclasses import dataclass

from prompting.reading.forms import fold
from prompting.reading.tables import Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A piece of a text: a word, a phrase that is one meaning, or a mark."""

    text: str
    start: int
    entry: Meaning | None = None
    function: bool = False  # carries nothing of the picture
    mark: bool = False  # punctuation or space

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def content(self) -> bool:
        """Whether a prompt that lacks it has lost something."""
        return not self.mark and not self.function

    @property
    def key(self) -> str:
        """What two words have in common that mean the same."""
        return self.entry.name if self.entry else fold(self.text)
