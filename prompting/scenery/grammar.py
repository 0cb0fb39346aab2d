"""A grammar whose lines say when they fit: a symbol, facts and dice in, a text out.

    [surface]                       expand("surface", {"furry", "night"}, dice)
    furry = "the thick coat ..."    ▶ "the thick coat"

A table of a file is a symbol, a key of it says of which facts its lines need all ("dawn/day": one
of them, "!rain": not that one), and behind a bar a line says the same of itself.  The invariant:
a text consists of lines that fit the facts, and the same dice give the same text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random

from prompting.reading.lexicon import fold

TABLES = Path(__file__).with_name("tables")
_SYMBOL = re.compile(r"\{(\w+)\}")
_STEM = re.compile(r"[a-z]{4,}|[\u3400-\u9fff]{2}")
_TRIES = 6  # lines that are compared for what has been said already
_WEIGHTS = (1.0, 4.0, 7.0, 9.0)  # of a line, by how much its facts say of this picture

Facts = frozenset[str]
Allows = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a line fits."""

    needs: tuple[frozenset[str], ...] = ()  # of each, one must hold
    bars: frozenset[str] = frozenset()  # none may hold

    @classmethod
    def read(cls, text: str) -> Condition:
        words = [word for word in text.split() if word != "any"]
        return cls(
            needs=tuple(frozenset(word.split("/")) for word in words if word[0] != "!"),
            bars=frozenset(word[1:] for word in words if word[0] == "!"),
        )

    def fits(self, facts: Facts) -> bool:
        return self.bars.isdisjoint(facts) and all(need & facts for need in self.needs)

    def and_also(self, other: Condition) -> Condition:
        return Condition(needs=(*self.needs, *other.needs), bars=self.bars | other.bars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One way of saying a symbol; it may hold symbols itself."""

    text: str
    when: Condition
    stems: frozenset[str] = field(hash=False)

    @property
    def weight(self) -> float:
        return _WEIGHTS[min(len(self.when.needs), len(_WEIGHTS) - 1)]


@dataclass(slots=True, kw_only=True)
class Telling:
    """What one text is told with: its facts and dice, and what it has said so far."""

    facts: Facts
    dice: Random
    values: Mapping[str, str]  # symbols that are given
    said: set[str]  # stems
    allows: Allows  # whether a line's words may be said at all


class SceneGrammar:
    """Symbols and their lines."""

    def __init__(self, symbols: Mapping[str, tuple[Line, ...]]) -> None:
        self.symbols = symbols

    def fitting(self, symbol: str, facts: Facts) -> tuple[Line, ...]:
        return tuple(line for line in self.symbols.get(symbol, ()) if line.when.fits(facts))

    def expand(self, symbol: str, telling: Telling) -> str:
        """A text for the symbol; empty where no line fits."""
        if symbol in telling.values:
            return telling.values[symbol]
        name = symbol[0].lower() + symbol[1:]
        if name in telling.values:
            return _capital(telling.values[name])
        line = self._line(name, telling)
        if line is None:
            return ""
        telling.said |= line.stems
        text = _SYMBOL.sub(lambda found: self.expand(found[1], telling), line.text)
        return _capital(text) if symbol != name else text

    def _line(self, symbol: str, telling: Telling) -> Line | None:
        """One that repeats least of what has been said, among some that the dice show."""
        fitting = [
            line for line in self.fitting(symbol, telling.facts) if telling.allows(line.text)
        ]
        if not fitting:
            return None
        weights = [line.weight for line in fitting]
        shown = telling.dice.choices(fitting, weights, k=_TRIES)
        return min(shown, key=lambda line: len(line.stems & telling.said))


def stems(text: str) -> frozenset[str]:
    """What two phrases share that say the same thing twice."""
    return frozenset(word[:6] for word in _STEM.findall(_SYMBOL.sub(" ", fold(text))))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def read(paths: Iterable[Path]) -> SceneGrammar:
    """The grammar of some files, of which none has a symbol of another."""
    symbols: dict[str, tuple[Line, ...]] = {}
    for path in paths:
        for symbol, keys in tomllib.loads(path.read_text("utf-8")).items():
            symbols[symbol] = tuple(
                line for key, text in keys.items() for line in _lines(key, text)
            )
    return SceneGrammar(symbols)


def _lines(key: str, text: str) -> Iterable[Line]:
    common = Condition.read(key)
    for row in filter(None, map(str.strip, text.splitlines())):
        words, _, when = (part.strip() for part in row.partition(" | "))
        yield Line(text=words, when=common.and_also(Condition.read(when)), stems=stems(words))


@lru_cache(maxsize=8)
def grammar(name: str) -> SceneGrammar:
    """The grammar of that name: a file of the tables, or a folder of them."""
    folder = TABLES / name
    return read(sorted(folder.glob("*.toml")) if folder.is_dir() else [TABLES / f"{name}.toml"])
