"""Puts what Chinese and Japanese say behind a thing before it, as English does.

    桌子下面有一只白猫   ▶  一只白猫 under 桌子          左边是红灯笼   ▶  红灯笼 on the left
    站在两棵树之间       ▶  站在 between 两棵树          木の下の猫     ▶  猫 under 木

The invariant: no word that carries something is lost, only moved.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from prompting.reading.forms import fold
from prompting.reading.word import Word

FILE = Path(__file__).with_name("relations.toml")
_HOURS = frozenset({"time", "weather"})
_ORDER = {"behind": "after", "front": "before"}  # behind what takes time: 雨后
_LOOSE = frozenset({"in"})  # said of almost everything: nobody misses it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grammar:
    """How one language says where something is."""

    places: Mapping[str, str]  # a word and its relation
    at: frozenset[str]  # before the thing
    being: frozenset[str]  # that something is there
    of: frozenset[str]

    @property
    def behind(self) -> frozenset[str]:
        """What may be written to a place."""
        return self.of | self.being | {""}


def relations(words: Sequence[Word], language: str, links: Mapping[str, str]) -> frozenset[str]:
    """The relations that a text in that language names."""
    grammar = _tables().grammars.get(language)
    if grammar:
        found = {_relation(words, at, grammar) for at in range(len(words))}
    else:
        english = _tables().english
        said = (links.get(fold(w.text), w.text) for w in words if w.function or w.entry is None)
        found = {name for text in said for part in text.split() for name in english.get(part, ())}
    return frozenset(found - _LOOSE - {"", *_ORDER.values()})


def same(asked: str, found: frozenset[str]) -> bool:
    """Whether one of the relations that were found says as much."""
    alike = (names for names in _tables().english.values() if asked in names)
    return asked in found or any(names & found for names in alike)


def arranged(words: Sequence[Word], language: str) -> list[Word]:
    """The words with each relation before its thing, in English; other languages as they are."""
    grammar = _tables().grammars.get(language)
    if grammar is None:
        return list(words)
    out: list[Word] = []
    clause: list[Word] = []
    for word in words:
        if word.mark and not word.text.isspace():
            out += [*_moved(clause, grammar), word]
            clause = []
        else:
            clause.append(word)
    return [*out, *_moved(clause, grammar)]


def _moved(clause: Sequence[Word], grammar: _Grammar) -> list[Word]:
    """A clause with its first relation, and then the next, before its thing."""
    at = next((at for at in range(len(clause)) if _relation(clause, at, grammar)), None)
    if at is None:
        return list(clause)
    relation, end = _relation(clause, at, grammar), at
    if end and clause[end - 1].text in grammar.of:  # 木の下
        end -= 1
    begin = _beginning(clause, end, grammar)
    thing, rest = list(clause[begin:end]), list(clause[at + 1 :])
    before = list(clause[: begin - 1] if begin and _leads(clause[begin - 1]) else clause[:begin])
    behind = rest[0].text if rest else ""
    text = clause[at].text
    modifies = (len(text) > 1 and text[-1] in grammar.of) or behind in grammar.of
    while rest and (rest[0].text in grammar.being | grammar.of or rest[0].text.isspace()):
        rest = rest[1:]
    names = _tables().names.get(relation, (relation, relation))
    sign = replace(clause[at], text=names[0 if thing else 1], entry=None, function=False, mark=True)
    place = [sign, *thing]
    said = any(word.content for word in before)
    if not any(word.content for word in rest):
        return [*before, *place]
    if said and not modifies:
        return [*before, *place, *_moved(rest, grammar)]
    return [*before, *_moved(rest, grammar), *place]


def _relation(words: Sequence[Word], at: int, grammar: _Grammar) -> str:
    """The relation that a word names where it stands, or nothing."""
    word = words[at]
    name = grammar.places.get(_bare(word.text, grammar), "") if word.entry is None else ""
    if not name:
        return ""
    before = words[at - 1] if at else None
    if before is None or before.mark:
        there = at + 1 < len(words) and words[at + 1].text in grammar.being
        return name if there or len(word.text) > 1 else ""
    if before.text in grammar.of and at > 1:
        before = words[at - 2]
    elif not before.content and len(word.text) == 1:
        return ""
    hour = before.entry is not None and before.entry.kind in _HOURS
    return _ORDER.get(name, "") if hour else name


def _bare(text: str, grammar: _Grammar) -> str:
    """The place in 上的, 下面是 and の下の, which are read as one word."""
    if text in grammar.places:
        return text
    whole = text[1:] if text[0] in grammar.of else text
    for size in range(len(whole), 0, -1):
        if whole[:size] in grammar.places and whole[size:] in grammar.behind:
            return whole[:size]
    return ""


def _beginning(words: Sequence[Word], end: int, grammar: _Grammar) -> int:
    """Where the thing begins that ends there."""
    at = end
    while at and not words[at - 1].mark:
        word = words[at - 1]
        if word.text in grammar.at or (word.entry is None and word.text in grammar.places):
            break
        if word.entry is not None and word.entry.kind == "action":
            break
        at -= 1
    return at


def _leads(word: Word) -> bool:
    """Whether a function word before a thing says no more than the relation behind it."""
    return word.function and word.text in "在于"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    names: Mapping[str, tuple[str, str]]  # before a thing, and alone
    grammars: Mapping[str, _Grammar]
    english: Mapping[str, frozenset[str]]  # a word and the relations that it may say


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    with FILE.open("rb") as file:
        tables = tomllib.load(file)
    said: dict[str, set[str]] = {}
    for name, words in tables["english"].items():
        for word in _parts(words):
            said.setdefault(word, set()).add(name)
    names: dict[str, tuple[str, str]] = {}
    for name, text in tables["names"].items():
        before, alone = _parts(text)
        names[name] = before, alone
    return _Tables(
        names=names,
        grammars={language: _grammar(tables, language) for language in ("zh", "ja")},
        english={word: frozenset(found) for word, found in said.items()},
    )


def _grammar(tables: Mapping[str, Mapping[str, str]], language: str) -> _Grammar:
    def words(key: str) -> frozenset[str]:
        return frozenset(_parts(tables["grammar"][f"{language}_{key}"]))

    places = {word: name for name, text in tables[language].items() for word in _parts(text)}
    return _Grammar(places=places, at=words("at"), being=words("is"), of=words("of"))


def _parts(text: str) -> Iterator[str]:
    return (part.strip() for part in text.split("/"))
