"""Reads GBNF, llama.cpp's notation for grammars, into rules.

The invariant: what is returned was understood to the last character; anything else raises
BrokenGrammar, here and not at the 900th token.

Supported: rules, "literals", [classes], groups, |, and the repetitions ? * + {m} {m,} {m,n}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_REPETITIONS = 2000


class BrokenGrammar(ValueError):
    """The text is no grammar."""


@dataclass(frozen=True, eq=False, slots=True)
class Char:
    """One character out of (or, negated, outside) ranges of code points."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False

    def takes(self, char: str) -> bool:
        code = ord(char)
        for low, high in self.ranges:
            if low <= code <= high:
                return not self.negated
        return self.negated

    @property
    def foreign(self) -> bool:
        """Whether it takes any character beyond ASCII."""
        return self.negated or any(high > 0x7F for _, high in self.ranges)


@dataclass(frozen=True, eq=False, slots=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Either:
    options: tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    name: str


@dataclass(frozen=True, slots=True)
class Repeat:
    part: Node
    least: int
    most: int | None


Node = Char | Sequence | Either | Rule | Repeat


def parse(text: str) -> dict[str, Node]:
    """The rules of a grammar, by name.  Raises BrokenGrammar."""
    return _Parser(text).rules()


_TOKEN = re.compile(
    r"""
      (?P<space>\s+|\#[^\n]*)
    | (?P<define>[A-Za-z][\w-]*\s*::=)
    | (?P<name>[A-Za-z][\w-]*)
    | (?P<literal>"(?:[^"\\\n]|\\.)*")
    | (?P<chars>\[\^?(?:[^\]\\\n]|\\.)+\])
    | (?P<times>[?*+]|\{\d+(?:,\d*)?\})
    | (?P<mark>[()|])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))|(.)", re.DOTALL
)
_NAMED = {"n": "\n", "r": "\r", "t": "\t"}


class _Parser:
    """Recursive descent over the tokens of a grammar."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                raise BrokenGrammar(f"what is this: {text[at : at + 20]!r}")
            if token.lastgroup and token.lastgroup != "space":
                self._tokens.append((token.lastgroup, token[0]))
            at = token.end()
        self._at = 0

    def rules(self) -> dict[str, Node]:
        rules: dict[str, Node] = {}
        while self._at < len(self._tokens):
            name = self._take("define").removesuffix("::=").strip()
            if name in rules:
                raise BrokenGrammar(f"two rules are called {name}")
            rules[name] = self._either()
        return rules

    def _either(self) -> Node:
        options = [self._sequence()]
        while self._peek() == ("mark", "|"):
            self._at += 1
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Either(tuple(options))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while True:
            kind, text = self._peek()
            if kind in ("", "define") or (kind == "mark" and text != "("):
                return Sequence(tuple(parts))
            part = self._part(kind, text)
            if self._peek()[0] == "times":
                part = self._repeated(part, self._take("times"))
            parts.append(part)

    def _part(self, kind: str, text: str) -> Node:
        self._at += 1
        if kind == "name":
            return Rule(text)
        if kind == "literal":
            chars = (ord(char) for char in _unescaped(text[1:-1]))
            return Sequence(tuple(Char(((code, code),)) for code in chars))
        if kind == "chars":
            negated = text.startswith("[^")
            return Char(_ranges(text[2 if negated else 1 : -1]), negated)
        if kind == "mark":
            group = self._either()
            if self._peek() != ("mark", ")"):
                raise BrokenGrammar("a group is not closed")
            self._at += 1
            return group
        raise BrokenGrammar(f"nothing to repeat before {text}")

    def _repeated(self, part: Node, times: str) -> Node:
        if times in "?*+":
            least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}[times]
        else:
            low, comma, high = times[1:-1].partition(",")
            least, most = int(low), (int(high) if high else None) if comma else int(low)
        if max(least, most or 0) > MAX_REPETITIONS or (most is not None and most < least):
            raise BrokenGrammar(
                f"repetitions {times} are beyond {MAX_REPETITIONS}, or turned round"
            )
        return Repeat(part, least, most)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "")

    def _take(self, kind: str) -> str:
        found, text = self._peek()
        if found != kind:
            raise BrokenGrammar(f"expected {kind}, found {text!r}")
        self._at += 1
        return text


def _unescaped(text: str) -> Iterator[str]:
    for two, four, eight, named, plain in _ESCAPE.findall(text):
        if code := two or four or eight:
            yield chr(int(code, 16))
        else:
            yield plain or _NAMED.get(named, named)


def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    """`a-z\\n` as code points.  A hyphen is itself when it is first, last or escaped."""
    pieces = [match[0] for match in _ESCAPE.finditer(text)]
    codes = [ord(char) for char in _unescaped(text)]
    out: list[tuple[int, int]] = []
    at = 0
    while at < len(codes):
        if at + 2 < len(codes) and pieces[at + 1] == "-":
            if codes[at] > codes[at + 2]:
                raise BrokenGrammar(f"a range that is turned round in [{text}]")
            out.append((codes[at], codes[at + 2]))
            at += 3
        else:
            out.append((codes[at], codes[at]))
            at += 1
    return tuple(out)
