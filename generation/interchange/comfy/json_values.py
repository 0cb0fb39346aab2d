"""JSON as ComfyUI and its custom nodes write it: with NaN, within bounds, of any shape.

The invariant: a text becomes plain values, or NotRead; a shape that is not the expected one is as
if it were empty.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from generation.interchange.imported import NotRead

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

_DIGITS = re.compile(r"\s*-?[0-9]+\s*")

MAX_NESTED = 40  # JSON in a text of JSON in ...: some writers encode twice or three times


def parsed(text: str) -> object:
    """The values; a text of JSON that holds nothing but a text of JSON is unpacked.

    Raises NotRead.
    """
    for _ in range(4):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NotRead("what it says of ComfyUI is no JSON") from error
        if not isinstance(value, str):
            return value
        text = value
    raise NotRead("what it says of ComfyUI is no JSON")


def mapping(value: object) -> Mapping[str, object]:
    """The value, if it is an object of JSON; else one of nothing."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> Sequence[object]:
    """The value, if it is a list; else one of nothing."""
    return value if isinstance(value, list) else ()


def text(value: object) -> str:
    """The value, if it is a text or a number; else nothing."""
    if isinstance(value, str):
        return value
    whole = isinstance(value, int) and not isinstance(value, bool)
    return number_text(value) if whole else ""


def number_text(value: object) -> str:
    """A whole number's digits; nothing where there are too many of them."""
    return str(value) if isinstance(value, int) and abs(value) < 2**128 else ""


def index(value: object) -> int | None:
    """The value, if it counts something."""
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if counts and isinstance(value, int) else None


def number(value: object) -> float | None:
    """The value, if it is a number that can be reckoned with; a text of one counts, too."""
    if isinstance(value, str):
        try:
            value = float(value) if len(value) < 40 else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int) and abs(value) >= 2**128:
        return None
    return float(value) if math.isfinite(value) else None


def whole(value: object) -> int | None:
    """The value, if it is a whole number, in whatever way it is written."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 2**128 else None
    if isinstance(value, str) and len(value) < 40 and _DIGITS.fullmatch(value):
        return int(value)
    found = number(value)
    return int(found) if found is not None and found == int(found) else None
