"""Choices in a prompt: wildcards, decided by the seed, and permutations, which are more pictures.

    {red|blue} cat        one of them, by the seed          {2::red|blue}  red is twice as likely
    {2$$red|blue|green}   two of them, joined by ", "       {1-2$$ and $$red|blue}  one, or both
    __animal__            a line of the owner's animal.txt  __forest/bird__  of a folder
    {red, blue} cat       two pictures: "red cat" and "blue cat"
    \\{not a choice\\}      braces that mean themselves, kept as they are

Pure.  Two invariants.  The same text, seed and lists give the same words on every machine and
every version of Python, because the dice are a sha256; neighbouring seeds choose independently.
And a text takes time in proportion to its length: braces are paired once, however deep they lie,
and what a seed may choose is bounded in depth, in number and in work.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from prompting.errors import TooMany
from prompting.ownlists import read_lists

__all__ = ["Expanded", "count", "expand", "permutations", "read_lists"]

MAX_TEXT = 20_000  # characters of an expanded prompt
MAX_DEPTH = 12  # wildcards within wildcards
MAX_CHOICES = 2000  # that one seed decides in one prompt
MAX_WORK = 200_000  # options with broken weights (1.5::) that are looked at in one prompt
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
    braces = _permutations(text)
    number = _number(braces)
    if number > limit:
        raise TooMany("pictures", number, limit)
    return tuple(dict.fromkeys(_permuted(text, 0, len(text), braces)))


def count(text: str) -> int:
    """How many prompts the text stands for, without making them; equal ones count apart."""
    return _number(_permutations(text))


class _Dice:
    """The n-th throw is a function of the seed and n alone."""

    def __init__(self, seed: int) -> None:
        self._seed, self._throws, self._work = seed, 0, 0
        self.lists: dict[str, _Options] = {}  # those that were asked for

    def choose(self, options: _Options) -> str:
        """One of the options.  Raises TooMany when one prompt asks for too many choices."""
        digest = hashlib.sha256(f"{self._seed}/{self._throws}".encode()).digest()
        self._throws += 1
        if self._throws > MAX_CHOICES:
            raise TooMany("choices in a prompt", self._throws, MAX_CHOICES)
        # 53 bits are exact in a float, on every machine.
        point = (int.from_bytes(digest[:8], "big") >> 11) / 2**53 * options.total
        if options.sums is not None:
            at = bisect_right(options.sums, point)
            return options.words[min(at, len(options.words) - 1)]
        self._work += len(options.words)
        if self._work > MAX_WORK:
            raise TooMany("options in a prompt", self._work, MAX_WORK)
        for word, weight in zip(options.words, options.weights, strict=True):
            point -= weight
            if point < 0:
                return word
        return options.words[-1]

    def several(self, options: _Options, number: tuple[int, int]) -> list[str]:
        """Different ones of the options, as many as the seed says between the two numbers."""
        least, most = number
        if least < most:
            counts = tuple(map(str, range(least, most + 1)))
            least = int(self.choose(_options(counts)))
        left = list(zip(options.words, options.weights or [1.0] * len(options.words), strict=True))
        picked: list[str] = []
        for _ in range(least):
            self._work += len(left)
            words, weights = zip(*left, strict=True)
            indices = tuple(map(str, range(len(left))))
            at = int(self.choose(_Options(indices, weights, math.fsum(weights), None)))
            picked.append(words[at])
            del left[at]
        return picked


@dataclass(frozen=True, slots=True)
class _Options:
    """What one of is chosen."""

    words: tuple[str, ...]
    weights: tuple[float, ...]
    total: float
    # Of whole numbers, their sums: looking one up gives what subtracting one after the other does,
    # to the last bit.  None where a weight is broken.
    sums: Sequence[float] | None


@lru_cache(maxsize=64)
def _options(lines: tuple[str, ...]) -> _Options:
    if not any("::" in line for line in lines):
        words = tuple(map(str.strip, lines))
        return _Options(words, (), float(len(words)), range(1, len(words) + 1))
    weights, words = zip(*map(_weighted, lines), strict=True)
    whole = all(weight.is_integer() for weight in weights)
    sums = tuple(itertools.accumulate(weights)) if whole else None
    return _Options(words, weights, math.fsum(weights), sums)


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
        if options is not None and (several := _several(options, lists)):
            number, joint, options = several
            picked = dice.several(_options(options), number)
            words = (_expanded(each, dice, lists, unknown, depth + 1) for each in picked)
            yield joint.join(words)
            continue
        if options is not None:
            found = _options(options)
        else:  # a wildcard
            name = text[start + 2 : stop - 2]
            if not lists.get(name):
                unknown.setdefault(name)
                yield text[start:stop]
                continue
            if name not in dice.lists:
                dice.lists[name] = _options(tuple(lists[name]))
            found = dice.lists[name]
        yield _expanded(dice.choose(found), dice, lists, unknown, depth + 1)
    yield text[end:]


_SEVERAL = re.compile(r"\s*(\d{1,3})?(-)?(\d{1,3})?\$\$(?:([^$]{0,40})\$\$)?")


def _several(
    options: tuple[str, ...], lists: Lists
) -> tuple[tuple[int, int], str, tuple[str, ...]] | None:
    """How many of the options, from and to, what joins them, and what they are."""
    found = _SEVERAL.match(options[0]) if "$$" in options[0] else None
    if not found:
        return None
    rest = (options[0][found.end() :].strip(), *options[1:])
    if len(rest) == 1 and (name := _NAME.fullmatch(rest[0])):
        rest = tuple(lists.get(name[1]) or rest)
    low, dash, high, joint = found.groups()
    least = int(low) if low else (0 if dash else 1)
    most = int(high) if high else (len(rest) if dash else least)
    least, most = sorted((min(least, len(rest)), min(most, len(rest))))
    return (least, most), ", " if joint is None else joint, rest


def _weighted(option: str) -> tuple[float, str]:
    found = _WEIGHT.match(option) if "::" in option else None
    if not found:
        return 1.0, option.strip()
    return max(float(found[1]), 1e-9), option[found.end() :].strip()


@dataclass(frozen=True, slots=True)
class _Brace:
    """A pair of braces, and where the signs stand that divide what is in it."""

    end: int  # behind the closing one
    pipes: tuple[int, ...]
    commas: tuple[int, ...]

    def options(self, text: str, start: int) -> tuple[str, ...]:
        edges = (start, *self.pipes, self.end - 1)
        return tuple(text[a + 1 : b].strip() for a, b in itertools.pairwise(edges))


def _tokens(text: str) -> Iterator[tuple[int, int, tuple[str, ...] | None]]:
    """Choices and wildcards of the text, outermost, in order; a wildcard has no options."""
    braces = _braces(text)
    at = 0
    while at < len(text):
        brace = braces.get(at)
        if brace and (brace.pipes or _SEVERAL.match(text, at + 1)):
            yield at, brace.end, brace.options(text, at)
            at = brace.end
        elif text[at] == "_" and (found := _NAME.match(text, at)):
            yield at, found.end(), None
            at = found.end()
        else:
            at += 1


@dataclass(slots=True)
class _Permutation:
    """Braces that stand for several prompts; each item has such braces of its own."""

    start: int
    end: int
    items: list[_Item]


@dataclass(slots=True)
class _Item:
    start: int
    end: int
    inner: list[_Permutation]


def _permutations(text: str) -> list[_Permutation]:
    """Permutations of the text, outermost, in order."""
    # A wish that contains JSON stands for itself.
    json = [found.start() for found in re.finditer('":', text)]
    top: list[_Permutation] = []
    around: list[_Permutation] = []  # those that are open where we are
    for start, brace in sorted(_braces(text).items()):
        at = bisect_left(json, start)
        several = _SEVERAL.match(text, start + 1)
        if (
            not brace.commas
            or brace.pipes
            or several
            or (at < len(json) and json[at] < brace.end - 1)
        ):
            continue
        edges = itertools.pairwise((start, *brace.commas, brace.end - 1))
        items = [_Item(*_stripped(text, a + 1, b), []) for a, b in edges]
        found = _Permutation(start, brace.end, items)
        while around and around[-1].end <= start:
            around.pop()
        if around:
            outer = around[-1].items
            outer[bisect_right(outer, start, key=lambda item: item.start) - 1].inner.append(found)
        else:
            top.append(found)
        around.append(found)
    return top


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a part of the text begins and ends without the blanks around it."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _number(braces: Sequence[_Permutation]) -> int:
    """How many prompts they stand for together."""
    order = list(braces)
    for brace in order:  # grows while it is gone through: outer ones come first
        order += [inner for item in brace.items for inner in item.inner]
    numbers: dict[int, int] = {}
    for brace in reversed(order):
        numbers[brace.start] = sum(
            math.prod(numbers[inner.start] for inner in item.inner) for item in brace.items
        )
    return math.prod(numbers[brace.start] for brace in braces)


def _permuted(text: str, start: int, end: int, braces: Sequence[_Permutation]) -> list[str]:
    """The prompts that a part of the text stands for; as deep as they are many at most."""
    pieces: list[list[str]] = []
    for brace in braces:
        pieces.append([text[start : brace.start]])
        pieces.append(
            [
                words
                for item in brace.items
                for words in _permuted(text, item.start, item.end, item.inner)
            ]
        )
        start = brace.end
    pieces.append([text[start:end]])
    return ["".join(chosen) for chosen in itertools.product(*pieces)]


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
