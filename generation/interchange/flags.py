"""Parameters in the words of a prompt: "a cat --ar 3:2 --seed 5 --no hat".

    "a cat —ar 3：2, at night --s 250"  ▶  "a cat, at night", size "3：2", and Midjourney's stylize

Behind two dashes, or the one long dash that a phone makes of them, stands a spelling of the table
(`generation.parameters`); a blank, an equals sign or a colon lead to its value, which ends where it
cannot go on.  What must not be there goes on to the next parameter.  A1111's own lines are read,
too, where nothing else stands behind them: "Steps: 20, Seed: 5".

Pure; any text can be read, in time in proportion to its length.  The invariant: words that are no
parameter stay, byte for byte; a text without any comes back as it is; what was taken out is told.
What stands in quotation marks, in `<...>` and in `{...}` is no parameter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from generation.interchange.flag_values import (
    ENDS,
    QUOTED,
    IsName,
    foreign_value,
    shape_of,
    token_of,
    value_of,
)
from generation.parameters import (
    ASSIST,
    FOREIGN,
    IMAGE,
    NEGATIVE,
    PARAMETERS,
    PROMPT,
    ForeignParameter,
    Parameter,
)

MOST = 40  # parameters of one text; what is beyond stays where it stands
MOST_UNKNOWN = 6
NEAR = 0.7  # how much a slip of the keyboard is like what is meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A parameter that the words hold."""

    row: Parameter | ForeignParameter
    typed: str  # all of it
    value: str = ""  # without quotation marks; "" where nothing follows


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownFlag:
    """What looks like a parameter and is none; it stays unless a value of `nearest` follows."""

    typed: str
    nearest: Parameter | None
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """A prompt's words, and the parameters that it held."""

    text: str
    flags: tuple[Flag, ...] = ()
    unknown: tuple[UnknownFlag, ...] = ()


def flagged(text: str, is_name: IsName) -> Flagged:
    """The text without the parameters in it, and those."""
    found = _Reader(text, is_name)
    if _SOME_DASH.search(text):
        found.dashed()
    if not found.taken and ":" in text:
        found.lines()
    if not found.taken:
        return Flagged(text=text, unknown=tuple(found.unknown))
    return Flagged(
        text=_without(text, found.taken), flags=tuple(found.flags), unknown=tuple(found.unknown)
    )


# --- dashes -----------------------------------------------------------------------------------

_LONG = "‐‑‒–—―−─－﹘﹣"  # what phones and keyboards make of two hyphens
_SOME_DASH = re.compile(rf"--|[{_LONG}]|(?<!\S)-[a-z] ")
_EAST = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # letters that are written without blanks
_FLAG = re.compile(
    rf"(?:(?<![^\s,;.!?)\]”」，。；、！？）】])|(?<=[{_EAST}]))"
    rf"(?P<dash>[-{_LONG}]{{1,3}})(?P<name>[^\W\d_](?:[^\W\d_]|[-_](?=[^\W\d_])){{0,30}})"
    r"(?P<to>[ \t]{0,8}[=:：＝][ \t]{0,8}|[ \t]+(?![=:：＝])|(?=[.．]?\d)"
    r"|(?=[\s,;，；、。!！]|[.](?!\d)|$))"
)


@cache
def _by_spelling() -> dict[str, list[Parameter | ForeignParameter]]:
    """What each spelling means; where another program's value decides, that comes first."""
    found: dict[str, list[Parameter | ForeignParameter]] = {}
    for foreign in FOREIGN:
        for spelling in foreign.spellings:
            found.setdefault(folded(spelling), []).append(foreign)
    for row in PARAMETERS.values():
        if row not in (PROMPT, IMAGE):
            for spelling in (row.name, *row.spellings):
                found.setdefault(_spelled(spelling), []).append(row)
    return found


@cache
def _ours() -> dict[str, Parameter]:
    """What is meant by a slip; other programs' parameters are suggested to nobody."""
    found = ((spelling, rows[-1]) for spelling, rows in _by_spelling().items())
    return {spelling: row for spelling, row in found if isinstance(row, Parameter)}


def folded(name: str) -> str:
    """A spelling without what does not matter: "Best-of" is "best_of"."""
    return name.casefold().replace("_", "").replace("-", "")


def _spelled(spelling: str) -> str:
    return spelling if spelling.startswith("-") else folded(spelling)


class _Reader:
    """A text while it is read."""

    def __init__(self, text: str, is_name: IsName) -> None:
        self.text, self.is_name = text, is_name
        self.flags: list[Flag] = []
        self.unknown: list[UnknownFlag] = []
        self.taken: list[tuple[int, int]] = []

    def dashed(self) -> None:
        """Take out what stands behind dashes."""
        inside = _protected(self.text)
        marks = [m for m in _FLAG.finditer(self.text) if not inside[m.start()]]
        marks = [mark for mark in marks if self._looks(mark)]
        for at, mark in enumerate(marks):
            end = marks[at + 1].start() if at + 1 < len(marks) else len(self.text)
            if len(self.flags) < MOST and (not self.taken or mark.start() >= self.taken[-1][1]):
                self._read(mark, end)

    def _looks(self, mark: re.Match[str]) -> bool:
        """Whether it may be a parameter, so that the one before it ends here."""
        if _rows(mark):
            return True
        return len(mark["dash"]) > 1 and not _in_the_east(mark) and len(mark["name"]) > 1

    def _read(self, mark: re.Match[str], end: int) -> None:
        rows = _rows(mark)
        for row in rows:
            if self._took(row, mark, end):
                return
        if not rows and mark["dash"].startswith("--") and len(self.unknown) < MOST_UNKNOWN:
            self._slip(mark, end)

    def _took(self, row: Parameter | ForeignParameter, mark: re.Match[str], end: int) -> bool:
        rest = self.text[mark.end() : end]
        if rest.startswith("{") and row is not NEGATIVE:
            return False  # several values: each is read where they have been told apart
        quoted = QUOTED.match(rest)
        if isinstance(row, ForeignParameter):
            found = foreign_value(row, rest)
            if row.values and found[0].casefold() not in row.values:
                return False
        elif quoted is not None:
            found = next(group for group in quoted.groups() if group is not None), quoted.end()
        else:
            fits = value_of(row, rest, self.is_name)
            if fits is None and _short(mark):
                return False  # a dash of prose
            found = fits or (("", 0) if row is ASSIST else token_of(rest) or ("", 0))
        if _short(mark) and not self._ends_so(row, found, rest):
            return False
        self._take(row, mark.start(), mark.end() + found[1], found[0])
        return True

    def _ends_so(
        self, row: Parameter | ForeignParameter, found: tuple[str, int], rest: str
    ) -> bool:
        """Whether one dash is meant for two: a value follows, or nothing more."""
        if isinstance(row, ForeignParameter) and not found[0]:
            return not rest.strip()
        return bool(found[0])

    def _slip(self, mark: re.Match[str], end: int) -> None:
        """Nothing is called so; what is meant is taken out where its value follows."""
        near = get_close_matches(folded(mark["name"]), _ours(), n=1, cutoff=NEAR)
        known = _ours()[near[0]] if near and len(mark["name"]) > 2 else None
        rest = self.text[mark.end() : end]
        shaped = known is not None and shape_of(known) is not None
        fits = value_of(known, rest, self.is_name) if known is not None and shaped else None
        until = mark.end() + fits[1] if fits is not None else mark.end("name")
        typed = self.text[mark.start() : until]
        self.unknown.append(UnknownFlag(typed=typed, nearest=known, taken=fits is not None))
        if fits is not None:
            self.taken.append((mark.start(), until))

    def _take(self, row: Parameter | ForeignParameter, start: int, until: int, value: str) -> None:
        typed = self.text[start:until].strip()
        self.flags.append(Flag(row=row, typed=typed, value=value.strip()))
        self.taken.append((start, until))

    def lines(self) -> None:
        """Take out a last line of A1111's pairs, or two and more of them behind the words."""
        for start in _PAIR_STARTS.finditer(self.text):
            pairs = list(_pairs(self.text, start.end(), self.is_name))
            own_line = start[0].startswith("\n") or not self.text[: start.start()].strip()
            if pairs and pairs[-1][2] == len(self.text) and (own_line or len(pairs) > 1):
                for row, value, _ in pairs:
                    self.flags.append(Flag(row=row, typed=f"{row.a1111}: {value}", value=value))
                self.taken.append((start.start(), len(self.text)))
                return


def _rows(mark: re.Match[str]) -> list[Parameter | ForeignParameter]:
    dash, name = mark["dash"], mark["name"]
    if dash == "-":
        return _by_spelling().get(f"-{name}", [])
    return _by_spelling().get(folded(name), [])


def _short(mark: re.Match[str]) -> bool:
    """Whether it is one dash alone, which is seldom meant for two."""
    return len(mark["dash"]) == 1


def _in_the_east(mark: re.Match[str]) -> bool:
    before = mark.string[mark.start() - 1 : mark.start()]
    return bool(re.match(rf"[{_EAST}]", before))


def _protected(text: str) -> bytearray:
    """For each character whether it is quoted, or in brackets that mean something else."""
    inside = bytearray(len(text) + 1)
    for match in _WHOLE.finditer(text):
        inside[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    depth, opened = 0, 0
    for at, char in enumerate(text):
        if char == "{":
            opened = at if depth == 0 else opened
            depth += 1
        elif char == "}" and depth:
            depth -= 1
            if not depth:
                inside[opened : at + 1] = b"\1" * (at + 1 - opened)
    return inside


# A quotation, unless it is a parameter's value; and a tag.
_WHOLE = re.compile(
    r'(?<![^\s(（])(?<!=)"(?=[^\s"])[^"\n]{0,400}?(?<=[^\s"])"(?!\w)|“[^“”\n]{0,400}”|「[^「」\n]{0,400}」'
    r"|<[a-zA-Z]\w{0,40}:[^<>\n]{1,300}>"
)


# --- A1111's lines ----------------------------------------------------------------------------


@cache
def _by_key() -> dict[str, Parameter]:
    """What A1111's keys mean."""
    rows = (row for row in PARAMETERS.values() if row.a1111 and row is not NEGATIVE)
    return {row.key: row for row in rows}


_KEYS = "|".join(
    re.escape(row.a1111) for row in PARAMETERS.values() if row.a1111 and row is not NEGATIVE
)
_PAIR_STARTS = re.compile(rf"(?:^|\n\s*|[,.;]?[ \t]+)(?=(?:{_KEYS}): ?\S)", re.IGNORECASE)
_PAIR = re.compile(rf'({_KEYS}): ?("[^"\n]{{1,200}}"|[^,\n]{{1,200}})(?:,\s*|\s*$)', re.IGNORECASE)


def _pairs(text: str, at: int, is_name: IsName) -> Iterator[tuple[Parameter, str, int]]:
    while (match := _PAIR.match(text, at)) is not None:
        row, value = _by_key()[match[1].casefold()], match[2].strip().strip('"')
        shape = shape_of(row)
        if not (shape.fullmatch(value) if shape is not None else is_name(row.name, value)):
            return
        at = match.end()
        yield row, value, at


# --- what is left -----------------------------------------------------------------------------


def _without(text: str, taken: list[tuple[int, int]]) -> str:
    """The text without these parts; where one was, words meet as they are written."""
    left, at = "", 0
    for start, end in taken:
        left = _joined(left, text[at:start]) if left or at else text[at:start]
        at = end
    left = _joined(left, text[at:])
    return left.strip().rstrip(ENDS) if not text[at:].strip() else left.strip()


def _joined(before: str, after: str) -> str:
    before = before.rstrip(" \t")
    if not after.strip():
        return before.rstrip(ENDS) + ("\n" if "\n" in after else "")
    if after.lstrip(" \t")[0] in ",;.!?，。；、！？":
        return before.rstrip(ENDS) + after.lstrip(" \t") if before else after.lstrip(" \t" + ENDS)
    if after[0] == "\n":
        return before.rstrip() + after
    return (
        f"{before} {after.lstrip()}" if before and before[-1] != "\n" else before + after.lstrip()
    )
