"""Finds what a wish says should not be there: "no hats", "without people", "不要帽子".

    "a girl without shoes on the beach"  ▶  shoes; what stays is "a girl on the beach"

The invariant: a denial names at least one thing and eats no place, time or doer; names and signs
that merely begin like one ("No Parking", 无人机) are none, and what is wished for elsewhere in the
same text ("a man with a hat beside a man without a hat") stays as it was said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from prompting.reading.cues import cues, spaced_languages
from prompting.reading.denied_chinese import Chinese
from prompting.reading.denied_japanese import Japanese
from prompting.reading.denied_spaced import Denial, Spaced
from prompting.reading.forms import fold
from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon, Word

__all__ = ["Denial", "denials", "without"]

_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_LATIN = re.compile(r"[A-Za-z]{2}")


@lru_cache(maxsize=1000)
def denials(text: str, lexicon: Lexicon, language: str | None = None) -> tuple[Denial, ...]:
    """Where the text says what should not be there, in reading order."""
    language = _spoken(text, language or lexicon.language(text))
    found: list[Denial] = []
    for tongue in (language, *_others(text, language)):
        for denial in _in(text, lexicon, tongue):
            if not any(denial.start < it.end and it.start < denial.end for it in found):
                found.append(denial)
    found.sort(key=lambda denial: denial.start)
    return tuple(_unwished(text, found, lexicon, language))


def without(text: str, found: tuple[Denial, ...]) -> str:
    """The text without its denials, and without the commas that stood around them."""
    for denial in reversed(found):
        text = f"{text[: denial.start]} {text[denial.end :]}"
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?:\s*([,，、;；]))(?:\s*[,，、;；])+", r"\1", text)
    return re.sub(r"\s+([,，.。!！?？;；])", r"\1", text).strip(" ,，、;；")


def _spoken(text: str, language: str) -> str:
    return "ru" if language == "other" and _CYRILLIC.search(text) else language


def _others(text: str, language: str) -> tuple[str, ...]:
    """Other languages that deny in the same text by words that mean nothing else."""
    found = [
        other
        for other in spaced_languages()
        if other != language and (known := cues(other)) and known.sure.search(text)
    ]
    if cues(language) is None and "en" not in found and _LATIN.search(text):
        found.append("en")
    return tuple(found)


def _in(text: str, lexicon: Lexicon, language: str) -> list[Denial]:
    if language == "zh":
        return Chinese(text, lexicon).denials()
    if language == "ja":
        return Japanese(text, lexicon).denials()
    known = cues(language)
    return Spaced(text, lexicon, language, known).denials() if known else []


def _unwished(text: str, found: list[Denial], lexicon: Lexicon, language: str) -> list[Denial]:
    """Those whose thing the rest of the text does not wish for."""
    if not found:
        return found
    words = lexicon.read(without(text, tuple(found)), language)
    rest = {_same(word) for at, word in enumerate(words) if not _in_compound(words, at, language)}
    out: list[Denial] = []
    for denial in found:
        said = {_same(word) for word in lexicon.read(denial.what, language) if word.content}
        if not said or not said <= rest:
            out.append(denial)
    return out


def _same(word: Word) -> tuple[str, str]:
    """What two words share that are one word in two forms; a chef who cannot cook has none."""
    key = word.key if word.entry else word.key.removesuffix("s")
    return key, fold(word.text)[:3] if word.text.isascii() else ""


def _in_compound(words: Sequence[Word], at: int, language: str) -> bool:
    """Whether an English noun only describes the next: the ghost of a ghost town."""
    following = words[at + 1 : at + 3]
    kinds = [word.entry.kind if word.entry else "" for word in (words[at], *following[1:])]
    return (
        language == "en"
        and len(following) == 2
        and following[0].text == " "
        and all(kind in OBJECTS | SCENERY for kind in kinds)
    )
