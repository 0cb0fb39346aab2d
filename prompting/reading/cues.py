"""The words that deny, by language, out of denials.toml.

The invariant: words are data.  Nothing here knows how a language builds a sentence; `Cues` are for
languages that divide words by blanks, `Patterns` for those that do not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prompting.reading.forms import fold

FILE = Path(__file__).with_name("denials.toml")

Words = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cues:
    """The words of one language; what each is for, denials.toml says."""

    search: re.Pattern[str]  # with the groups idiom, free, nobody and cue
    acts: Words  # the cues before an action or a quality; others stand before a thing
    sure: re.Pattern[str]
    denying: Words  # single words that deny; they tell languages apart as well
    nobody: Mapping[str, str]  # "no one" -> "people"
    trail: re.Pattern[str]
    bound: Words
    light: Words
    lead: Words
    preposition: Words
    of: Words
    article: Words
    stop: Words
    both: Words  # and
    either: Words  # or
    partial: Words
    amount: Words
    degree: Words
    beside: Words
    participle: Words
    adverb: Words
    noun: Words
    free: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """What denies in a language without blanks, as parts of regular expressions and as words."""

    parts: Mapping[str, tuple[str, ...]]
    joined: Mapping[str, re.Pattern[str]]  # any of them, the longest first

    def either(self, name: str) -> str:
        """Any of these, as a part of a pattern."""
        return self.joined[name].pattern

    def words(self, name: str) -> Words:
        """The parts of that name, where they are plain words."""
        return frozenset(self.parts[name])

    def match(self, name: str, text: str, at: int) -> int:
        """Where the longest of these ends that begins at that character; -1 where none does."""
        found = self.joined[name].match(text, at)
        return found.end() if found else -1


@dataclass(frozen=True, slots=True)
class _Tables:
    """The file: words by language and purpose, and what is denied without a noun."""

    words: Mapping[str, Mapping[str, str]]
    nobody: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    with FILE.open("rb") as file:
        words = tomllib.load(file)
    return _Tables(nobody=words.pop("nobody"), words=words)


@lru_cache(maxsize=16)
def cues(language: str) -> Cues | None:
    """The words of a language that divides by blanks; None where none are known."""
    nobody = _tables().nobody.get(language)
    if nobody is None:
        return None
    table = _tables().words[language]
    named = {fold(form): what for what, forms in nobody.items() for form in _parts(forms)}
    sets = {
        name: _folded(table[name])
        for name in (
            *("bound", "light", "lead", "preposition", "of", "article", "stop", "partial"),
            *("amount", "degree", "beside", "participle", "adverb", "noun", "free"),
        )
    }
    return Cues(
        search=_search(table, named),
        sure=re.compile(_either(_parts(table["sure"])), re.IGNORECASE),
        acts=_folded(table["act"]),
        denying=_folded(f"{table['thing']} / {table['act']}"),
        nobody=named,
        trail=re.compile(rf"\s+(?:{_either(_parts(table['trail']))})", re.IGNORECASE),
        both=_folded(table["and"]),
        either=_folded(table["or"]),
        **sets,
    )


@lru_cache(maxsize=4)
def patterns(language: str) -> Patterns:
    """What denies in Chinese or Japanese."""
    parts = {name: tuple(text.split()) for name, text in _tables().words[language].items()}
    joined = {
        name: re.compile("|".join(sorted(some, key=len, reverse=True)))
        for name, some in parts.items()
    }
    return Patterns(parts=parts, joined=joined)


def spaced_languages() -> tuple[str, ...]:
    """The languages of which `cues` are known."""
    return tuple(_tables().nobody)


def _search(table: Mapping[str, str], nobody: Iterable[str]) -> re.Pattern[str]:
    cue = _either((*_parts(table["thing"]), *_parts(table["act"])))
    return re.compile(
        rf"(?P<idiom>{_either(_parts(table['idiom']))})|(?<![\w-])(?P<free>[^\W_]+)-free(?!\w)"
        rf"|(?P<nobody>{_either(nobody)})|(?P<cue>{cue})",
        re.IGNORECASE,
    )


def _either(parts: Iterable[str]) -> str:
    """Any of these words and phrases, whole, the longest first."""
    ordered = sorted(parts, key=len, reverse=True)
    return "|".join(map(_whole, ordered)) or r"(?!)"


def _whole(part: str) -> str:
    pattern = part if "\\" in part else re.escape(part).replace(r"\ ", r"\s+")
    after = "" if part.endswith(("'", ".")) else r"(?![\w-])" if part[-1:] != "-" else ""
    return rf"(?<![\w-]){pattern}{after}".replace("'", "['’]")


def _folded(text: str) -> Words:
    return frozenset(map(fold, _parts(text)))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in re.split(r"\s/\s", text.strip()))))
