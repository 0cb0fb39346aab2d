"""What should not be in the picture: a negative prompt, or something positive in its stead.

The invariant: nothing unwanted is dropped in silence.  It stands in the negative prompt, or the
person is told what it became.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prompting.reading.facts import facts
from prompting.reading.lexicon import Lexicon, fold
from prompting.slots import Language, Slots, WishText
from prompting.speaking.dialects import Dialect, Speech
from prompting.speaking.notes import note
from prompting.speaking.styles import Style

FILE = Path(__file__).with_name("positive.toml")

_WRITING = frozenset({"text", "watermark", "signature", "username", "logo", "subtitles"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Negatives:
    """What became of the unwanted."""

    text: str  # the negative prompt; empty where it has no effect
    positive: tuple[str, ...] = ()  # statements for the prompt
    handled: tuple[str, ...] = ()  # the unwanted phrases that they stand for
    note: str = ""


@lru_cache(maxsize=1)
def _positive() -> Mapping[str, Mapping[str, str]]:
    with FILE.open("rb") as file:
        return tomllib.load(file)


def negatives(
    slots: Slots,
    wish: WishText,
    dialect: Dialect,
    lexicon: Lexicon,
    *,
    style: Style | None,
    typed: str,
    locale: str,
) -> Negatives:
    """Gather what the wish, the writer, the style and the dialect do not want."""
    language = dialect.language(wish.language)
    said = facts(wish.words, lexicon, wish.language)
    mine = list(dict.fromkeys(said.unwanted))
    typed_parts = _parts(typed)
    if dialect.kind is Speech.INSTRUCTION or not dialect.negative:
        return _turned([*mine, *typed_parts], dialect, lexicon, wish.language, language, locale)
    wanted = set(said.words)
    quoting = bool(wish.quoted)
    others = ",".join((style.negative if style else "", dialect.default_negative))
    ours = [
        part
        for part in (*slots.avoid, *_parts(others))
        if not _wanted(part, wanted, lexicon) and not (quoting and fold(part) in _WRITING)
    ]
    translated = [_said_in(language, part, wish.language, lexicon) for part in mine]
    parts = dict.fromkeys((*typed_parts, *translated, *ours))
    text = ", ".join(parts) or dialect.default_negative  # " " switches the true CFG on
    return Negatives(text=text)


def _turned(
    unwanted: list[str],
    dialect: Dialect,
    lexicon: Lexicon,
    spoken: Language,
    language: Language,
    locale: str,
) -> Negatives:
    """Positive statements where a negative prompt has no effect."""
    into = {
        what: _statement(what, dialect, lexicon, spoken, language)
        for what in dict.fromkeys(unwanted)
    }
    pairs = ", ".join(
        note("became", locale, what=what, into=statement) for what, statement in into.items()
    )
    return Negatives(
        text=dialect.default_negative,
        positive=tuple(dict.fromkeys(into.values())),
        handled=tuple(into),
        note=note("positive", locale, pairs=pairs) if into else "",
    )


def _statement(
    what: str, dialect: Dialect, lexicon: Lexicon, spoken: Language, language: Language
) -> str:
    """What the picture shows instead."""
    english = _said_in("en", what, spoken, lexicon)
    if dialect.kind is Speech.INSTRUCTION:  # an instruction may name what it takes away
        return f"去掉{what}" if language == "zh" else f"remove {english}"
    for word in lexicon.read(english, "en"):
        found = _positive().get(word.key) or _positive().get(word.key.removesuffix("s"))
        if word.content and found:
            return found[language if language in found else "en"]
    return f"无{what}" if language == "zh" else f"{english}-free"


def _said_in(language: Language, text: str, spoken: Language, lexicon: Lexicon) -> str:
    if language == spoken or language != "en":
        return text
    return lexicon.english(text, spoken) or text


def _wanted(part: str, wanted: set[str], lexicon: Lexicon) -> bool:
    """Whether the person asked for just that: no style may forbid it."""
    keys = {word.key for word in lexicon.read(part, "en") if word.content}
    return bool(keys) and keys <= wanted


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
