"""Whether a reply without a word of change describes another picture: "a castle in the snow".

The invariant: words to people describe nothing; what describes a picture names something that can
be seen.
"""

from __future__ import annotations

from prompting.changing.aspects import content, kind_of
from prompting.changing.clause import Clause
from prompting.reading.lexicon import OBJECTS

_SEEN = OBJECTS | {"place", "nature", "structure"}
_MOST_UNKNOWN = 0.7  # of the words


def is_description(clause: Clause) -> bool:
    """Whether the text says what a whole picture shows."""
    text = clause.reply.readable(clause.text)
    words = content(text, clause.language)
    kinds = [kind_of(word) for word in words]
    if not words or not any(kind in _SEEN for kind in kinds):
        return False
    if len(words) == 1:
        return text.split()[0].casefold() in _ARTICLES
    return kinds.count("") / len(kinds) <= _MOST_UNKNOWN


_ARTICLES = frozenset(
    ("a", "an", "the", "two", "three", "ein", "eine", "un", "une", "una", "uno", "uma", "um")
)
