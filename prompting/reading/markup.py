"""What a prompt says besides words, in the languages of A1111, NovelAI and Midjourney.

    <lora:ink:0.8> <lyco:...>      a network: taken out, for whoever can apply it
    [cat:dog:0.5] [cat|dog] AND    words that change or part while drawing: read as plain words
    {{{gold}}}                     NovelAI's emphasis: the same weight as A1111 spells it
    --ar 3:2                       an option of another program: taken out
    <:smile:123>                   Discord's own emoji: its name

Weights, BREAK and [weak] words are A1111's, and stay.  Pure.  The invariant: what is changed here
is told (`Read.tags`, `Read.changes`), so that nothing of it is drawn as letters in silence; a text
without any of it stays as it is, and every text takes time in proportion to its length.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

MOST_TOLD = 20  # changes of one prompt, and how many characters of each
LONGEST_TOLD = 200

MAX_DEPTH = 20  # brackets within brackets that are looked into

NOTHING = "<atelier:none>"  # what a PNG of ours puts before a prompt that readers would misread

NOVELAI = 1.05  # what one pair of its braces multiplies by


class ChangeKind(StrEnum):
    """What was changed."""

    SCHEDULE = "schedule"  # [cat:dog:0.5], [cat:0.5], [cat::0.5]
    ALTERNATION = "alternation"  # [cat|dog]
    COMPOSITION = "composition"  # a cat AND a dog
    EMPHASIS = "emphasis"  # {{{gold}}}
    OPTION = "option"  # --ar 3:2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """<kind:args>, as it was typed."""

    kind: str  # in lower case
    args: str
    typed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was typed, and as what it is read; "" where it was taken out."""

    kind: ChangeKind
    typed: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A prompt of words and weights, and what it said besides."""

    text: str
    tags: tuple[Tag, ...] = ()
    changes: tuple[Change, ...] = ()


@lru_cache(maxsize=64)
def read(text: str) -> Read:
    """Take out and turn into words what is no weight.  Any text can be read."""
    if not any(sign in text for sign in ("<", "[", "{", "--", "AND")):
        return Read(text=text)
    tags: list[Tag] = []
    changes: list[Change] = []
    text = text.replace(NOTHING, "")
    text = _EMOJI.sub(lambda found: f" {found[1].replace('_', ' ')} ", text)
    text = _TAG.sub(lambda found: _taken(found, tags), text)
    text = _OPTION.sub(lambda found: _option(found, changes), text)
    text = _parts(text, changes)
    text = _scheduled(text, changes)
    text = _braced(text, changes)
    text = re.sub(r" {2,}", " ", text).strip() if tags or changes else text
    return Read(text=text, tags=tuple(tags), changes=tuple(changes))


def _tell(changes: list[Change], kind: ChangeKind, typed: str, read: str) -> None:
    if len(changes) < MOST_TOLD:
        changes.append(Change(kind=kind, typed=typed[:LONGEST_TOLD], read=read[:LONGEST_TOLD]))


# --- <lora:ink:0.8> ---------------------------------------------------------------------------

_EMOJI = re.compile(r"<a?:([A-Za-z0-9_]{1,40}):[0-9]{15,22}>")
# The names that are known are known with blanks around them, too, which keyboards put there.
_NETWORKS = "lora|lyco|locon|loha|lokr|dora|hypernet"
_TAG = re.compile(
    rf"<(?:([A-Za-z_]\w{{0,40}})| {{0,3}}((?i:{_NETWORKS})) {{0,3}}):([^<>\x00-\x1f]{{1,300}})>"
)


def _taken(found: re.Match[str], tags: list[Tag]) -> str:
    tags.append(Tag(kind=(found[1] or found[2]).lower(), args=found[3].strip(), typed=found[0]))
    return " "


# --- --ar 3:2 ---------------------------------------------------------------------------------

# Midjourney's, and what bots took over from it.  The first kind is followed by words.
_WORDY = "no|neg|negative"
_VALUED = (
    "ar|aspect|seed|steps|step|cfg|scale|sampler|scheduler|size|width|height|w|h|s|stylize|c|chaos|"
    "q|quality|v|version|niji|style|iw|sref|cref|oref|cw|sw|ow|weird|stop|exp|repeat|r|profile|p|"
    "model|strength|denoise|count|n"
)
_BARE = "tile|video|raw|hd|uplight|upbeta|test|testp|creative|turbo|fast|relax|public|stealth|draft"
_OPTION = re.compile(
    rf"(?<!\S)--(?:(?:{_WORDY})(?:[ =]+(?:(?!\ --|<)[^\n]){{1,400}}?(?=\s+--|\s*<|\s*$))?"
    rf"|(?:{_VALUED})[ =]+(?!--)[^\s<]{{1,200}}|(?:{_BARE}|niji)(?![\w-]))(?=\s|<|$)"
)


def without_options(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without other programs' options, and those."""
    changes: list[Change] = []
    left = _OPTION.sub(lambda found: _option(found, changes), text)
    return (left.strip(), tuple(change.typed for change in changes)) if changes else (text, ())


def _option(found: re.Match[str], changes: list[Change]) -> str:
    _tell(changes, ChangeKind.OPTION, found[0], "")
    return " "


# --- a cat AND a dog --------------------------------------------------------------------------

_AND = re.compile(r"(?<!\w)AND(?!\w)")


def _parts(text: str, changes: list[Change]) -> str:
    # Who shouts means the word.
    if not _AND.search(text) or text == text.upper():
        return text
    parts: list[str] = []
    for part in _AND.split(text):
        words, colon, weight = part.rpartition(":")
        if not colon or not _NUMBER.fullmatch(weight):
            words, weight = part, "1"
        words = words.strip(" ,")
        if words and float(weight) > 0:
            parts.append(words)
    plain = ", ".join(parts)
    _tell(changes, ChangeKind.COMPOSITION, text.strip(), plain)
    return plain


# --- [cat:dog:0.5] and [cat|dog] --------------------------------------------------------------

_NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)\s*")


@dataclass(slots=True)
class _Open:
    bracket: str
    start: int  # in the text
    place: int  # in what is written, where the bracket stands
    colons: list[int] = field(default_factory=list)
    pipes: list[int] = field(default_factory=list)


def _scheduled(text: str, changes: list[Change]) -> str:
    if "[" not in text or not (":" in text or "|" in text):
        return text
    out: list[str] = []
    open_: list[_Open] = []
    escaped = False
    for at, char in enumerate(text):
        if escaped or char == "\\":
            escaped = not escaped
        elif char in "([":
            open_.append(_Open(char, at, len(out)))
        elif char == ":" and open_:
            open_[-1].colons.append(len(out))
        elif char == "|" and open_:
            open_[-1].pipes.append(len(out))
        elif char in ")]" and open_ and open_[-1].bracket == _OPENING[char]:
            found = open_.pop()
            if char == "]" and len(open_) < MAX_DEPTH and _ends(out, found, changes, text, at):
                continue
        out.append(char)
    return "".join(out)


_OPENING = {")": "(", "]": "["}


def _ends(out: list[str], found: _Open, changes: list[Change], text: str, at: int) -> bool:
    """Whether a square bracket that ends here is more than weak words; then it becomes words."""
    begin, typed = found.place + 1, text[found.start : at + 1]
    if found.pipes:
        cuts, kind = found.pipes, ChangeKind.ALTERNATION
    elif len(found.colons) in (1, 2) and _NUMBER.fullmatch("".join(out[found.colons[-1] + 1 :])):
        cuts, kind = found.colons, ChangeKind.SCHEDULE
    else:
        return False
    edges = [begin - 1, *cuts, len(out)]
    parts = ["".join(out[a + 1 : b]).strip() for a, b in itertools.pairwise(edges)]
    if kind is ChangeKind.SCHEDULE:
        parts = parts[:-1]  # the last one is the number
    plain = " ".join(part for part in parts if part)
    del out[found.place :]
    out += plain
    _tell(changes, kind, typed, plain)
    return True


# --- {{{gold}}} -------------------------------------------------------------------------------


def _braced(text: str, changes: list[Change]) -> str:
    if "{" not in text:
        return text
    pairs = dict(_pairs(text))
    ends = {end: start for start, end in pairs.items()}
    out: list[str] = []
    closing: dict[int, str] = {}
    at = 0
    while at < len(text):
        if at in pairs and at not in closing:
            deep = 1
            while pairs.get(at + deep) == pairs[at] - deep:
                deep += 1
            inner = text[at + deep : pairs[at] - deep + 1]
            if inner.strip() and '":' not in inner:
                weight = f"{NOVELAI ** min(deep, MAX_DEPTH):.4g}"
                closing[pairs[at] - deep + 1] = f":{weight})"
                whole = text[at : pairs[at] + 1]
                _tell(changes, ChangeKind.EMPHASIS, whole, f"({inner}:{weight})")
                out.append("(")
            else:
                out.append(text[at : at + deep])
            at += deep
        elif at in closing:
            out.append(closing[at])
            while at in ends and text[at : at + 1] == "}" and (at + 1) in ends:
                if ends[at + 1] != ends[at] - 1:
                    break
                at += 1
            at += 1
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """Where braces begin and end; escaped ones do not count."""
    open_: list[int] = []
    for at, char in enumerate(text):
        if char in "{}" and not (at and text[at - 1] == "\\"):
            if char == "{":
                open_.append(at)
            elif open_:
                yield open_.pop(), at
