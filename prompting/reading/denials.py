"""Finds what a wish says should not be there: "no hats", "without people", "不要帽子".

The invariant: a denial names at least one thing, and names and signs that merely begin like one
("No Parking", 无人机) are none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from prompting.reading.lexicon import Lexicon, Word, fold

LINKS = frozenset(
    ("and", "or", "&", "+", "y", "o", "e", "et", "ou", "und", "oder", *"和与及跟或とや")
)

_MOST_WORDS = 6  # of a denied phrase
_STOPS = frozenset(["but", "aber", "mais", "pero", "with", "mit", "avec", "con", "但", "但是"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A part of a text that denies."""

    start: int  # characters
    end: int
    what: str  # "hats"


def denials(text: str, lexicon: Lexicon, language: str | None = None) -> tuple[Denial, ...]:
    """Where the text says what should not be there, in reading order."""
    language = language or lexicon.language(text)
    cues = _cues(lexicon)
    found: list[Denial] = []
    at = 0
    while cue := cues.search(text, at):
        at = cue.end()
        denial = _denial(text, cue, lexicon, language)
        if denial:
            found.append(denial)
            at = max(at, denial.end)
    return tuple(found)


def without(text: str, found: tuple[Denial, ...]) -> str:
    """The text without its denials, and without the commas that stood around them."""
    for denial in reversed(found):
        text = f"{text[: denial.start]} {text[denial.end :]}"
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"(?:\s*([,，、;；]))(?:\s*[,，、;；])+", r"\1", text)
    return re.sub(r"\s+([,，.。!！?？;；])", r"\1", text).strip(" ,，、;；")


def _denial(text: str, cue: re.Match[str], lexicon: Lexicon, language: str) -> Denial | None:
    if cue["idiom"]:
        return None
    if cue["free"]:
        return Denial(start=cue.start(), end=cue.end(), what=cue["free"])
    if cue["after"]:
        words = lexicon.read(text[: cue.start()], language)
        if not words or not words[-1].content:
            return None
        return Denial(start=words[-1].start, end=cue.end(), what=words[-1].text)
    following = _cues(lexicon).search(text, cue.end())
    room = text[: following.start()] if following else text  # the next denial is one of its own
    end = _end(room, cue.end(), lexicon, language)
    what = text[cue.end() : end].strip(" ,的有")
    if not what:
        return None
    one = len(cue["before"]) == 1  # 无 and 没 also begin names and other words
    if one and lexicon.read(what, language)[0].entry is None:
        return None
    return Denial(start=cue.start(), end=end, what=what)


@lru_cache(maxsize=4)
def _cues(lexicon: Lexicon) -> re.Pattern[str]:
    def either(name: str) -> str:
        parts = sorted(lexicon.negation[name], key=len, reverse=True)
        return "|".join(
            rf"(?<!\w){re.escape(part)}(?!\w)" if part[:1].isascii() else re.escape(part)
            for part in parts
        ).replace("'", "['’]")

    return re.compile(
        rf"(?P<idiom>{either('idiom')})|(?<![\w-])(?P<free>[^\W_]+)-free(?!\w)"
        rf"|(?P<before>{either('before')})|(?P<after>{either('after')})",
        re.IGNORECASE,
    )


def _end(text: str, at: int, lexicon: Lexicon, language: str) -> int:
    """Where the phrase ends that begins at `at`."""
    end, count = at, 0
    words = list(lexicon.read(text[at : at + 120], language))
    for index, word in enumerate(words):
        folded = fold(word.text)
        if folded in _STOPS or (word.mark and not word.text.isspace()):
            break
        if folded in LINKS and not _goes_on(words[index + 1 :]):
            break
        if word.function and count and not word.text.isascii() and folded not in LINKS:
            break
        if word.content:
            count += 1
            end = at + word.end
        if count == _MOST_WORDS:
            break
    return end


def _goes_on(words: list[Word]) -> bool:
    """Whether "no hats and …" goes on denying: with a bare noun, no article and no colour."""
    for word in words:
        if word.mark:
            continue
        if word.entry:
            return word.entry.kind not in ("colour", "number", "quality")
        return not word.function
    return False
