"""Clauses: what errors of the lower rooms say in English, "at most 75 steps", in other languages.

Those rooms know no languages, and fill their texts themselves.  A language's file has each text
with numbered gaps, "at most {0} steps", under the context of clauses; by it, the text is taken
apart.

Invariant: what no file knows is said as it is.
"""

from __future__ import annotations

import re
from functools import cache
from string import Formatter

from bot.languages.catalogues import ENGLISH, catalogue, languages, read
from bot.languages.extraction import CLAUSE
from bot.languages.speaking import spoken, tr
from prompting.speaking import notes

DEEP = 3  # clauses within clauses


def clause(text: str, deep: int = DEEP) -> str:
    """A clause of an error in the reader's language."""
    if spoken() == ENGLISH or not text or not deep:
        return text
    whole, patterns = _clauses(spoken())
    if (said := whole.get(text) or tr(text)) != text:
        return said
    for pattern, translation in patterns:
        if found := pattern.fullmatch(text):
            return translation.format(*(clause(part, deep - 1) for part in found.groups()))
    return text


def prepare() -> None:
    """Read every language's file now: it takes a third of a second, in which nobody waits."""
    for language in languages():
        if language != ENGLISH:
            notes.teach(language, catalogue(language).gettext)
            _clauses(language)


@cache
def _clauses(language: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Texts without gaps, and patterns of those with some, the most telling first."""
    whole: dict[str, str] = {}
    patterns: list[tuple[str, str]] = []
    for message in read(language):
        if message.context != CLAUSE or not message.string:
            continue
        text, said = str(message.id), str(message.string)
        if "{" in text:
            patterns.append((text, said))
        else:
            whole[text] = said
    patterns.sort(key=lambda pair: -len(pair[0]))
    return whole, [(_pattern(text), said) for text, said in patterns]


def _pattern(text: str) -> re.Pattern[str]:
    parts = []
    for literal, gap, _, _ in Formatter().parse(text):
        parts.append(re.escape(literal))
        parts.append("(.+?)" if gap is not None else "")
    return re.compile("".join(parts), re.DOTALL)
