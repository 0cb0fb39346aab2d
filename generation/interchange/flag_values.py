"""What the value of a parameter in the words looks like, and where it ends.

    number      "20", "7,5", ".5"          size       "3:2", "512 x 768", "portrait"
    name        as many words as are one here, else one; LoRAs with commas between them
    negative    the rest of the line
    lyrics      all that follows, line by line
    key         "C", "F# minor", "B flat major"; else as a name

Pure.  The invariant: a value ends where it cannot go on, and what stands behind it stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from generation.parameters import (
    ASSIST,
    KEY,
    LORA,
    LYRICS,
    NEGATIVE,
    SEED,
    SIZE,
    AmountParameter,
    ForeignParameter,
    Parameter,
    WholeParameter,
)

LONGEST_NAME = 8  # words of the name of a model, a style, a LoRA

# Whether the words name something of a parameter's kind: `is_name("style", "pixel art")`.
IsName = Callable[[str, str], bool]

_NUMBER = re.compile(r"[-+−]?(?:\d{1,20}(?:[.,．]\d{1,10})?|[.．]\d{1,10})(?![\w.]*\w)")
_SEED = re.compile(r"(?:-?\d{1,40}|random)(?!\w)", re.IGNORECASE)
_SIDES = r"\d{1,5}(?:[.．]\d{1,3})?"
_SIZE = re.compile(rf"{_SIDES}\s?[x×*∶:：/ｘ比]\s?{_SIDES}(?!\w)", re.IGNORECASE)
_CODE = re.compile(r"(?=[A-Za-z]*\d)[A-Za-z0-9]{5,12}(?!\w)")
_MODE = re.compile(r"(?:on|off|auto)(?!\w)", re.IGNORECASE)
_KEY = re.compile(
    r"[a-g](?:\s?[#♯b♭]|[ -](?:sharp|flat))?(?:[ -]?(?:major|minor|maj|min|m)|\s?[大小]调)?(?!\w)",
    re.IGNORECASE,
)
_COMMA = re.compile(r"\s*[,，]\s*")
_TOKEN = re.compile(r"[^\s<>]+")
QUOTED = re.compile(
    r'"([^"\n]*)"|“([^”\n]*)”|「([^」\n]*)」|『([^』\n]*)』|«([^»\n]*)»|‘([^’\n]*)’'
    r"|'([^'\n]*)'(?!\w)"
)
ENDS = " \t,;，；、"  # of a value, and of words before which a parameter stood


def value_of(row: Parameter, rest: str, is_name: IsName) -> tuple[str, int] | None:
    """The value at the beginning of the rest, and where it ends; None: nothing that fits."""
    if row is NEGATIVE:
        kept = rest.partition("\n")[0].rstrip(ENDS)
        return (kept, len(kept)) if kept else None
    if row is LYRICS:
        kept = rest.rstrip(ENDS + "\n")
        return (kept, len(kept)) if kept else None
    if row is KEY and (match := _KEY.match(rest)) is not None:
        return match[0], match.end()
    if row is LORA:
        return _several_names(row, rest, is_name)
    shape = shape_of(row)
    if shape is None:
        return _name(row, rest, is_name)
    match = shape.match(rest)
    if match is None and row is SIZE:  # "portrait"
        token = token_of(rest)
        return token if token is not None and is_name(row.name, token[0]) else None
    return (match[0], match.end()) if match is not None else None


def shape_of(row: Parameter) -> re.Pattern[str] | None:
    """What a parameter's values look like; None where they are words."""
    if isinstance(row, WholeParameter | AmountParameter):
        return _NUMBER
    return {SEED.name: _SEED, SIZE.name: _SIZE, ASSIST.name: _MODE}.get(row.name)


def token_of(rest: str) -> tuple[str, int] | None:
    """The next word, without what ends a clause."""
    match = _TOKEN.match(rest)
    kept = match[0].rstrip(".!?。！？" + ENDS) if match is not None else ""
    return (kept, len(kept)) if kept else None


def _name(row: Parameter, rest: str, is_name: IsName) -> tuple[str, int] | None:
    """The most words that are a name here, else one."""
    line = rest.partition("\n")[0]
    ends = [match.end() for match in _TOKEN.finditer(line)][:LONGEST_NAME]
    for end in reversed(ends[1:]):
        words = line[:end].rstrip(ENDS)
        if is_name(row.name, words):
            return words, len(words)
    return token_of(rest)


def _several_names(row: Parameter, rest: str, is_name: IsName) -> tuple[str, int] | None:
    """Names with a comma between them, as long as there are such."""
    first = _name(row, rest, is_name)
    if first is None:
        return None
    end = first[1]
    while (comma := _COMMA.match(rest, end)) is not None:
        further = _name(row, rest[comma.end() :], is_name)
        if further is None or not is_name(row.name, further[0]):
            break
        end = comma.end() + further[1]
    return rest[:end], end


def foreign_value(row: ForeignParameter, rest: str) -> tuple[str, int]:
    """The value of another program's parameter, and where it ends; "" where none follows."""
    shapes = {"number": _NUMBER, "code": _CODE, "word": _TOKEN}
    match = shapes[row.takes].match(rest) if row.takes else None
    return (match[0], match.end()) if match is not None else ("", 0)


def plain_number(value: str) -> float | None:
    """A number as it was typed, in digits of any script; None where it is none."""
    text = unicodedata.normalize("NFKC", value).replace("−", "-").replace(",", ".")
    try:
        return float(text) if _NUMBER.fullmatch(text) else None
    except ValueError:
        return None


def plain_size(value: str) -> str:
    """A size as it was typed, as "512x768" or "3:2"."""
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", value)).casefold()
    return re.sub(r"[∶/比]", ":", re.sub(r"[×*]", "x", text))
