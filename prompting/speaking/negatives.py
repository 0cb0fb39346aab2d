"""What should not be in the picture: a negative prompt, or something positive in its stead.

The invariant: nothing unwanted is dropped in silence.  It stands in the negative prompt, or the
person is told what it became.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prompting.reading.facts import facts
from prompting.reading.lexicon import Lexicon, fold
from prompting.slots import Language, Slots, WishText
from prompting.speaking.dialects import Dialect, Speech
from prompting.speaking.notes import joined, note
from prompting.speaking.styles import Style

FILE = Path(__file__).with_name("positive.toml")
MEANINGS = FILE.with_name("meanings.toml")

_ARTICLE = re.compile(r"^(?:an?|the|any)\s+", re.IGNORECASE)
_WRITING = frozenset({"text", "watermark", "signature", "username", "logo", "subtitles"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Negatives:
    """What became of the unwanted."""

    text: str  # the negative prompt; empty where it has no effect
    positive: tuple[str, ...] = ()  # statements for the prompt
    handled: tuple[str, ...] = ()  # the unwanted phrases that both stand for
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instead:
    """What is shown instead of something; by its English words and by those of other languages."""

    english: Mapping[str, Mapping[str, str]]
    said: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def _positive() -> _Instead:
    with FILE.open("rb") as file:
        tables = tomllib.load(file)
    english: dict[str, Mapping[str, str]] = {}
    said: dict[str, Mapping[str, str]] = {}
    for table in tables.values():
        for keys, shown in table.items():
            names = keys.split("/")
            english.update(dict.fromkeys(names, shown))
            named = {**shown, "name": names[0]}
            said.update((fold(form), named) for form in shown.get("said", "").split("/") if form)
    return _Instead(english=english, said=said)


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
        somebody = "person" in said.kinds.values()
        asker = _Asker(dialect, lexicon, wish.language, language, somebody)
        return _turned([*mine, *typed_parts], asker, locale)
    wanted = set(said.words)
    quoting = bool(wish.quoted)
    others = ",".join((style.negative if style else "", dialect.default_negative))
    ours = [
        part
        for part in _parts(others)
        if not _wanted(part, wanted, lexicon) and not (quoting and fold(part) in _WRITING)
    ]
    kinds = frozenset(said.kinds.values())
    translated = [
        _ARTICLE.sub("", name)
        for part in mine
        for name in (language == "en" and _meant(part, wish.language, kinds))
        or (_said_in(language, part, wish.language, lexicon),)
    ]
    echoes = [part for part in slots.avoid if not _wanted(part, wanted, lexicon)]
    asked = {_keys(part, lexicon) for part in mine}  # a writer may say it untranslated
    echoes = [part for part in echoes if not any(_keys(part, lexicon) <= it for it in asked)]
    parts = _distinct(typed_parts, translated, echoes, ours, lexicon=lexicon)
    text = ", ".join(parts) or dialect.default_negative  # " " switches the true CFG on
    return Negatives(text=text, handled=tuple(mine))


def _distinct(
    typed: Sequence[str],
    mine: Sequence[str],
    echoes: Sequence[str],
    ours: Sequence[str],
    *,
    lexicon: Lexicon,
) -> tuple[str, ...]:
    """Each thing once: "a hat" and "hats" are one, and "car" is an echo of "cars parked".

    What the person typed stays byte by byte: a comma of theirs may stand inside a weight.
    """
    out = dict.fromkeys(typed)
    said = {_keys(part, lexicon) for part in typed}
    for part in mine:
        if (keys := _keys(part, lexicon)) not in said:
            said.add(keys)
            out[part] = None
    for part in (*echoes, *ours):
        keys = _keys(part, lexicon)
        echo = part in echoes and any(keys <= other for other in said)
        if not echo and keys not in said:
            said.add(keys)
            out[part] = None
    return tuple(out)


def _keys(part: str, lexicon: Lexicon) -> frozenset[str]:
    """The words of a phrase in the singular, as far as that is regular."""
    words = (word for word in lexicon.read(part, "en") if word.content)
    keys = frozenset(word.key if word.entry else word.key.removesuffix("s") for word in words)
    return keys or frozenset({fold(part)})


@dataclass(frozen=True, slots=True)
class _Asker:
    """Who asks for a picture, how, and whether somebody is wished for in it."""

    dialect: Dialect
    lexicon: Lexicon
    spoken: Language
    language: Language  # of the prompt
    somebody: bool

    def english(self, what: str) -> str:
        return _said_in("en", what, self.spoken, self.lexicon)


def _turned(unwanted: list[str], asker: _Asker, locale: str) -> Negatives:
    """Positive statements where a negative prompt has no effect; what has none is left out."""
    whats = tuple(dict.fromkeys(unwanted))
    into = {what: _statement(what, asker) for what in whats}
    if asker.dialect.kind is not Speech.INSTRUCTION:
        named = [_keys(asker.english(what), asker.lexicon) for what in whats]
        for what, shown in into.items():  # no stars alone where there are to be none
            if any(keys <= _keys(shown, asker.lexicon) for keys in named):
                into[what] = ""
    pairs = ", ".join(
        note("became", locale, what=what, into=shown) for what, shown in into.items() if shown
    )
    rest = ", ".join(note("quoted", locale, what=what) for what, shown in into.items() if not shown)
    told = (
        note("positive", locale, pairs=pairs) if pairs else "",
        note("left out", locale, things=rest) if rest else "",
    )
    return Negatives(
        text=asker.dialect.default_negative,
        positive=tuple(dict.fromkeys(filter(None, into.values()))),
        handled=whats,
        note=joined(*told),
    )


def _statement(what: str, asker: _Asker) -> str:
    """What the picture shows instead; empty where nothing is known."""
    chinese = asker.language == "zh"
    if asker.dialect.kind is Speech.INSTRUCTION:  # an instruction may name what it takes away
        return f"去掉{what}" if chinese else f"remove {asker.english(what)}"
    shown = _instead(what, asker.english(what), asker.lexicon)
    if shown is None:
        return ""
    if asker.somebody and "beside" in shown:
        return shown["beside_zh" if chinese else "beside"]
    return shown["zh" if chinese else "en"]


def _instead(what: str, english: str, lexicon: Lexicon) -> Mapping[str, str] | None:
    """The entry of a phrase; of a thing that does something, that of the thing.

    A red hat is not every hat: who wears none may wear a blue one, so it has no entry.
    """
    known = _positive()
    if found := known.said.get(fold(what)):
        return found
    words = [word for word in lexicon.read(english, "en") if not word.mark]
    content = [word for word in words if word.content] or words
    things = [word for word in content if not (word.entry and word.entry.kind == "action")]
    for some in (words, content, things if len(things) == 1 else ()):
        name = " ".join(word.key for word in some)
        for key in (name, name.removesuffix("s"), name.removesuffix("es")):
            if key in known.english:
                return known.english[key]
    return None


def _said_in(language: Language, text: str, spoken: Language, lexicon: Lexicon) -> str:
    if language == spoken or language != "en":
        return text
    known = _positive().said.get(fold(text))
    words = lexicon.read(text, spoken)
    if known and any(word.content and word.entry is None for word in words):
        return known["name"]
    return lexicon.english(text, spoken) or text


@lru_cache(maxsize=1)
def _meanings() -> Mapping[str, Mapping[str, str]]:
    """Of words of two meanings, each by who wears it."""
    tables = tomllib.loads(MEANINGS.read_text("utf-8"))
    return {form: by_kind for forms, by_kind in tables.items() for form in forms.split("/")}


def _meant(text: str, spoken: Language, kinds: frozenset[str]) -> tuple[str, ...]:
    """The meanings of a word of two that fit the kinds of things wished for; else both."""
    by_kind = _meanings().get(fold(text), {}) if spoken != "en" else {}
    return tuple(name for kind, name in by_kind.items() if kind in kinds) or tuple(by_kind.values())


def _wanted(part: str, wanted: set[str], lexicon: Lexicon) -> bool:
    """Whether the person asked for just that: no style may forbid it."""
    keys = {word.key for word in lexicon.read(part, "en") if word.content}
    return bool(keys) and keys <= wanted


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
