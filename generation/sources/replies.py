"""Reading what servers answer: JSON of which nothing is promised.

Invariant: an odd answer gives less, and never raises.
"""

from __future__ import annotations

from collections.abc import Mapping


def table(said: object, key: str) -> Mapping[str, object]:
    """The table of that key; an empty one where there is none."""
    found = said.get(key) if isinstance(said, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(said: object, key: str | None = None) -> list[object]:
    """The list of that key, or the answer itself as one."""
    found = said if key is None else said.get(key) if isinstance(said, Mapping) else None
    return list(found) if isinstance(found, list) else []


def text(said: object, key: str) -> str:
    """The text of that key; "" where there is none."""
    found = said.get(key) if isinstance(said, Mapping) else None
    return found.strip() if isinstance(found, str) else ""


def number(said: object, key: str) -> int | None:
    """The whole number of that key."""
    found = said.get(key) if isinstance(said, Mapping) else None
    whole = isinstance(found, int | float) and not isinstance(found, bool) and found >= 0
    return int(found) if whole and isinstance(found, int | float) else None


def yes(said: object, key: str) -> bool:
    """Whether the key says something that is not false or empty."""
    return bool(said.get(key)) if isinstance(said, Mapping) else False
