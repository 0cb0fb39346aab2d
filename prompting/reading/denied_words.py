"""The words of a text around its denials, in a language that divides them by blanks.

The invariant: a place in the text is the index of a word; past either end there is a mark.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from prompting.reading.cues import Cues
from prompting.reading.forms import fold
from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon

DESCRIBES = frozenset({"colour", "quality", "number"})
_NO_PLURALS = ("ss", "us", "is", "sports", "christmas", "news", "series", "gas")


class CuedText:
    """A text, its words without blanks, and the words that deny in its language."""

    def __init__(self, text: str, lexicon: Lexicon, language: str, cues: Cues) -> None:
        self.text, self.lexicon, self.language, self.cues = text, lexicon, language, cues
        self.words = [word for word in lexicon.read(text, language) if not word.text.isspace()]
        self._starts = [word.start for word in self.words]
        self.folded = [fold(word.text) for word in self.words]

    def index(self, at: int) -> int:
        """The first word that begins at this character or behind it."""
        return bisect_left(self._starts, at)

    def word(self, at: int) -> str:
        """The folded word; empty past either end."""
        return self.folded[at] if 0 <= at < len(self.folded) else ""

    def kind(self, at: int) -> str:
        """The kind of a known word; empty of another."""
        entry = self.words[at].entry if 0 <= at < len(self.words) else None
        return entry.kind if entry else ""

    def mark(self, at: int) -> bool:
        """Whether punctuation stands here, or nothing."""
        return not 0 <= at < len(self.words) or self.words[at].mark

    def noun(self, at: int) -> bool:
        """Whether it is known as a thing or a place."""
        return self.kind(at) in OBJECTS | SCENERY

    def plural(self, at: int) -> bool:
        """Whether an English word looks like more than one."""
        word = self.word(at)
        return word == "people" or (word.endswith("s") and not word.endswith(_NO_PLURALS))

    def describing(self, at: int) -> bool:
        """Whether it says how a thing is, rather than which."""
        return (
            self.kind(at) in DESCRIBES | {"action"}
            or self.word(at).endswith("ly")
            or (self.verbal(at) and not self.mark(at + 1))
        )

    def verbal(self, at: int) -> bool:
        """Whether it is an action, or has the ending of an English participle."""
        word, kind = self.word(at), self.kind(at)
        if kind == "action" or word in self.cues.participle:
            return True
        if kind or self.language != "en" or word in self.cues.noun or len(word) < 5:
            return False
        return word.endswith("ing") or (word.endswith("ed") and not word.endswith("eed"))

    def said(self, at: int, after: int) -> str:
        """The text from this word to the one before `after`."""
        return self.text[self.words[at].start : self.words[after - 1].end]

    def cue(self, at: int) -> re.Match[str] | None:
        """The cue that begins at this word."""
        return None if self.mark(at) else self.cues.search.match(self.text, self.words[at].start)
