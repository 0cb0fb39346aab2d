"""GBNF, llama.cpp's notation for grammars, read and obeyed here.

    Grammar(text) ── start() ──▶ Parse ── advance(bytes of one token) ──▶ Parse | None

llama.cpp is never handed a grammar: one that it cannot parse ends the process, repetitions beyond
its limit silently become unlimited, and it tries every token of the vocabulary before each draw.
Here a broken grammar is an exception at start-up, one token is tried at a time, and the numpy
runner obeys the very same text.

The invariant: a Parse that exists can be completed, and `finish` says how in the fewest
characters; so an answer that must end early is still well-formed.

Left recursion and repetitions of what may be empty are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prompting.writers.gbnf import BrokenGrammar, Char, Either, Node, Repeat, Rule, Sequence, parse

_DEEPEST = 100  # nested expansions without reading a character: left recursion


_Stack = tuple[Node, "_Stack"] | None  # what is still to be read; None: nothing


@dataclass(frozen=True, slots=True)
class Parse:
    """How far a text has been read: every way to go on, and a character that is not whole yet."""

    grammar: Grammar
    stacks: tuple[_Stack, ...]
    partial: bytes = b""

    @property
    def complete(self) -> bool:
        """Whether the text may end here."""
        return not self.partial and None in self.stacks

    @property
    def over(self) -> bool:
        """Whether the text must end here."""
        return not self.partial and self.stacks == (None,)

    def advance(self, piece: bytes) -> Parse | None:
        """Read on; None where the grammar does not go on like this."""
        if not piece:
            return None
        data = self.partial + piece
        try:
            text, partial = data.decode(), b""
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                return None
            text, partial = data[: error.start].decode(), data[error.start :]
        stacks = self.stacks
        for char in text:
            stacks = self.grammar.step(stacks, char)
            if not stacks:
                return None
        if partial and not any(s and isinstance(s[0], Char) and s[0].foreign for s in stacks):
            return None
        return Parse(self.grammar, stacks, partial)

    def first_bytes(self) -> bytes:
        """Every byte that the next token may begin with."""
        if self.partial:
            return bytes(range(0x80, 0xC0))
        heads = [stack[0] for stack in self.stacks if stack]
        chars = [head for head in heads if isinstance(head, Char)]
        plain = [code for code in range(0x80) if any(c.takes(chr(code)) for c in chars)]
        return bytes([*plain, *(range(0xC2, 0xF5) if any(c.foreign for c in chars) else ())])

    def finish(self) -> str:
        """The shortest text that completes this one, after dropping `partial`."""
        return min((self.grammar.shortest_of(stack) for stack in self.stacks), key=len)


class Grammar:
    """A grammar whose first rule is `root`.  Raises BrokenGrammar."""

    def __init__(self, text: str) -> None:
        self._rules = parse(text)
        if "root" not in self._rules:
            raise BrokenGrammar("there is no rule called root")
        self._repeats: dict[tuple[int, int, int | None], Repeat] = {}
        self._shortest = self._find_shortest()
        for (
            name
        ) in self._rules:  # finds unknown names and left recursion now, not at the 900th token
            list(self._open((Rule(name), None)))
        self._start = Parse(self, tuple(self._open((Rule("root"), None))))

    def start(self) -> Parse:
        """Before the first character."""
        return self._start

    def matches(self, text: str) -> bool:
        """Whether the whole text belongs to the grammar."""
        reading = self._start.advance(text.encode()) if text else self._start
        return reading is not None and reading.complete

    def step(self, stacks: tuple[_Stack, ...], char: str) -> tuple[_Stack, ...]:
        """Read one character."""
        out: dict[_Stack, None] = {}
        for stack in stacks:
            if stack and isinstance(stack[0], Char) and stack[0].takes(char):
                out.update(dict.fromkeys(self._open(stack[1])))
        return tuple(out)

    def shortest_of(self, stack: _Stack) -> str:
        """The shortest text that this stack reads."""
        text = ""
        while stack:
            text += self._shortest_text(stack[0], self._shortest) or ""
            stack = stack[1]
        return text

    def _open(self, stack: _Stack, depth: int = 0) -> Iterator[_Stack]:
        """Every stack that this one stands for whose top is a character (or that is empty)."""
        if depth > _DEEPEST:
            raise BrokenGrammar("a rule that begins with itself, or repeats what may be empty")
        if stack is None or isinstance(stack[0], Char):
            yield stack
            return
        top, rest = stack
        match top:
            case Sequence(parts):
                for part in reversed(parts):
                    rest = (part, rest)
                yield from self._open(rest, depth + 1)
            case Either(options):
                for option in options:
                    yield from self._open((option, rest), depth + 1)
            case Rule(name):
                yield from self._open((self._rules[name], rest), depth + 1)
            case Repeat(part, least, most):
                if least == 0:
                    yield from self._open(rest, depth + 1)
                if most != 0:
                    fewer = self._repeat(
                        part, max(0, least - 1), None if most is None else most - 1
                    )
                    yield from self._open((part, (fewer, rest)), depth + 1)

    def _repeat(self, part: Node, least: int, most: int | None) -> Repeat:
        """One object for each repetition, so that equal stacks are found equal."""
        key = (id(part), least, most)
        return self._repeats.setdefault(key, Repeat(part, least, most))

    def _find_shortest(self) -> dict[str, str | None]:
        """The shortest text of each rule, by going round until nothing gets shorter."""
        found: dict[str, str | None] = dict.fromkeys(self._rules)
        changed = True
        while changed:
            changed = False
            for name, node in self._rules.items():
                text, before = self._shortest_text(node, found), found[name]
                if text is not None and (before is None or len(text) < len(before)):
                    found[name], changed = text, True
        if endless := [name for name, text in found.items() if text is None]:
            raise BrokenGrammar(f"no text ever ends these rules: {', '.join(endless)}")
        return found

    def _shortest_text(self, node: Node, known: dict[str, str | None]) -> str | None:
        match node:
            case Char():
                return next(
                    (c for c in map(chr, (*range(97, 123), *range(32, 0x300))) if node.takes(c)),
                    None,
                )
            case Sequence(parts):
                texts = [self._shortest_text(part, known) for part in parts]
                return None if None in texts else "".join(text or "" for text in texts)
            case Either(options):
                some = [t for o in options if (t := self._shortest_text(o, known)) is not None]
                return min(some, key=len, default=None)
            case Rule(name):
                if name not in known:
                    raise BrokenGrammar(f"there is no rule called {name}")
                return known[name]
            case Repeat(part, least, _):
                text = self._shortest_text(part, known) if least else ""
                return None if text is None else text * least
