"""What the doctor found: one thing that was looked at, how it is, and what to do about it.

Invariant: what is not good comes with a deed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a finding is to be taken."""

    GOOD = "good"
    NOTE = "note"  # worth knowing; the bot works
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Health
    found: str
    advice: str = ""


def good(what: str, found: str) -> Finding:
    """As it should be."""
    return Finding(what=what, state=Health.GOOD, found=found)


def note(what: str, found: str, advice: str) -> Finding:
    """Worth knowing, and what would change it."""
    return Finding(what=what, state=Health.NOTE, found=found, advice=advice)


def wrong(what: str, found: str, advice: str) -> Finding:
    """What must be mended, and how."""
    return Finding(what=what, state=Health.WRONG, found=found, advice=advice)
