"""Choices in a prompt: wildcards, decided by the seed, and permutations, which are more pictures.

    {red|blue} cat        one of them, by the seed          {2::red|blue}  red is twice as likely
    __animal__            a line of the owner's animal.txt  __forest/bird__  of a folder
    {red, blue} cat       two pictures: "red cat" and "blue cat"
    \\{not a choice\\}      braces that mean themselves, kept as they are

Pure.  The invariant: the same text, seed and lists give the same words on every machine and every
version of Python, because the dice are a sha256; neighbouring seeds choose independently.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prompting.errors import TooMany, Unreadable

MAX_TEXT = 20_000  # characters of an expanded prompt
MAX_DEPTH = 12  # wildcards within wildcards
MOST_PERMUTATIONS = 64

_NAME = re.compile(r"(?<!\w)__([\w./-]{1,80}?)__(?!\w)")
_WEIGHT = re.compile(r"\s*(\d{1,4}(?:\.\d{1,4})?)::")

Lists = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """A prompt without choices; `unknown` are wildcards that no list is named for."""

    text: str
    unknown: tuple[str, ...] = ()


def expand(text: str, *, seed: int, lists: Lists | None = None) -> Expanded:
    """Decide every choice and wildcard of the text by the seed.

    Permutations stay: `permutations` comes first.  A wildcard without a list stays as it was typed.
    Raises TooMany when the result is beyond all bounds (a list that contains itself).
    """
    dice = _Dice(seed)
    unknown: dict[str, None] = {}
    text = _expanded(text, dice, lists or {}, unknown, 0)
    return Expanded(text=text, unknown=tuple(unknown))


def permutations(text: str, *, limit: int = MOST_PERMUTATIONS) -> tuple[str, ...]:
    """Every prompt that the text stands for, in the order of its braces.

    Raises TooMany, before anything is made, when there are more than `limit`.
    """
    number = count(text)
    if number > limit:
        raise TooMany("pictures", number, limit)
    return tuple(dict.fromkeys(_permuted(text)))


def count(text: str) -> int:
    """How many prompts the text stands for, without making them; equal ones count apart."""
    return math.prod(sum(map(count, items)) for _, _, items in _permutations(text))


def read_lists(folder: Path) -> dict[str, tuple[str, ...]]:
    """The owner's wildcards: `animal.txt` is `__animal__`, a line is an option.

    Empty lines and lines that begin with # are none.  Raises Unreadable for a file that is no text.
    """
    lists: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.rglob("*.txt")):
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise Unreadable("wildcards", str(error), str(path.name)) from error
        options = tuple(s for line in lines if (s := line.strip()) and not s.startswith("#"))
        if options:
            lists[path.relative_to(folder).with_suffix("").as_posix()] = options
    return lists


class _Dice:
    """The n-th throw is a function of the seed and n alone."""

    def __init__(self, seed: int) -> None:
        self._seed, self._throws = seed, 0

    def choose(self, options: Sequence[str], weights: Sequence[float]) -> str:
        digest = hashlib.sha256(f"{self._seed}/{self._throws}".encode()).digest()
        self._throws += 1
        # 53 bits are exact in a float, on every machine.
        point = (int.from_bytes(digest[:8], "big") >> 11) / 2**53 * math.fsum(weights)
        for option, weight in zip(options, weights, strict=True):
            point -= weight
            if point < 0:
                return option
        return options[-1]


def _expanded(text: str, dice: _Dice, lists: Lists, unknown: dict[str, None], depth: int) -> str:
    if depth > MAX_DEPTH:
        raise TooMany("wildcards within wildcards", depth, MAX_DEPTH)
    out: list[str] = []
    length = 0
    for piece in _chosen(text, dice, lists, unknown, depth):
        length += len(piece)
        if length > MAX_TEXT:
            raise TooMany("characters", length, MAX_TEXT)
        out.append(piece)
    return "".join(out)


def _chosen(
    text: str, dice: _Dice, lists: Lists, unknown: dict[str, None], depth: int
) -> Iterator[str]:
    end = 0
    for start, stop, options in _tokens(text):
        yield text[end:start]
        end = stop
        if options is None:  # a wildcard
            name = text[start + 2 : stop - 2]
            found = lists.get(name)
            if not found:
                unknown.setdefault(name)
                yield text[start:stop]
                continue
            options = list(found)
        weights, words = zip(*map(_weighted, options), strict=True)
        yield _expanded(dice.choose(words, weights), dice, lists, unknown, depth + 1)
    yield text[end:]


def _weighted(option: str) -> tuple[float, str]:
    found = _WEIGHT.match(option)
    if not found:
        return 1.0, option.strip()
    return max(float(found[1]), 1e-9), option[found.end() :].strip()


@dataclass(frozen=True, slots=True)
class _Brace:
    """A pair of braces, and where the signs stand that divide what is in it."""

    end: int  # behind the closing one
    pipes: tuple[int, ...]
    commas: tuple[int, ...]

    def options(self, text: str, start: int, cuts: tuple[int, ...]) -> list[str]:
        edges = (start, *cuts, self.end - 1)
        return [text[a + 1 : b].strip() for a, b in itertools.pairwise(edges)]


def _tokens(text: str) -> Iterator[tuple[int, int, list[str] | None]]:
    """Choices and wildcards of the text, outermost, in order; a wildcard has no options."""
    braces = _braces(text)
    at = 0
    while at < len(text):
        brace = braces.get(at)
        if brace and brace.pipes:
            yield at, brace.end, brace.options(text, at, brace.pipes)
            at = brace.end
        elif text[at] == "_" and (found := _NAME.match(text, at)):
            yield at, found.end(), None
            at = found.end()
        else:
            at += 1


def _permutations(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Permutations of the text, outermost, in order."""
    braces = _braces(text)
    at = 0
    while at < len(text):
        brace = braces.get(at)
        # A wish that contains JSON stands for itself.
        if brace and brace.commas and not brace.pipes and '":' not in text[at : brace.end]:
            yield at, brace.end, brace.options(text, at, brace.commas)
            at = brace.end
        else:
            at += 1


def _permuted(text: str) -> Iterator[str]:
    found = next(_permutations(text), None)
    if found is None:
        yield text
        return
    start, stop, items = found
    for item in items:
        for inner in _permuted(item):
            for rest in _permuted(text[stop:]):
                yield f"{text[:start]}{inner}{rest}"


def _braces(text: str) -> dict[int, _Brace]:
    """All balanced braces in one pass; escaped ones, and signs inside brackets, do not count."""
    braces: dict[int, _Brace] = {}
    open_: list[tuple[str, int, list[int], list[int]]] = []
    for at, char in enumerate(text):
        if char not in "{}()[]|," or (at and text[at - 1] == "\\"):
            continue
        if char in "{([":
            open_.append((char, at, [], []))
        elif char in "|,":
            if open_:
                (open_[-1][2] if char == "|" else open_[-1][3]).append(at)
        elif char in "])":
            if open_ and open_[-1][0] == _OPENING[char]:
                open_.pop()
        else:
            while open_ and open_[-1][0] != "{":
                open_.pop()  # a bracket that never closes
            if open_:
                _, start, pipes, commas = open_.pop()
                braces[start] = _Brace(at + 1, tuple(pipes), tuple(commas))
    return braces


_OPENING = {"]": "[", ")": "("}
