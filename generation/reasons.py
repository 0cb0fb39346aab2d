"""Why there is no picture, as a value: which error it was, and its facts.

    an error --reason_of--> Reason(kind, facts) --error_of--> the error again

So it crosses the pipe (`Failed`) and lies in the database.  Invariant: nobody reads the kind or a
fact out of a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation import errors
from generation.errors import GenerationError, RenderFailed

LONGEST_FACT = 1_000  # letters
LONGEST_FOUND = 80  # the same, of what was to be something else
MOST_NAMES = 100  # of one fact

Fact = str | int | None | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a job ended without a picture."""

    kind: str  # the name of a class in `generation.errors`; any other is a foreign error
    facts: tuple[Fact, ...] = ()
    told: str | None = None  # the error's text, kept by a release that kept no facts


def reason_of(error: Exception) -> Reason:
    """The error as a value.  Of a foreign one, its text is the only fact."""
    kind = type(error).__name__
    if isinstance(error, GenerationError) and getattr(errors, kind, None) is type(error):
        return Reason(kind=kind, facts=tuple(_plain(fact) for fact in error.facts))
    return Reason(kind=kind, facts=(_plain(str(error)),))


def error_of(reason: Reason) -> GenerationError | None:
    """The error again; None where it is none of ours, or where the facts are none of its own."""
    kind = getattr(errors, reason.kind, None)
    if not isinstance(kind, type) or not issubclass(kind, GenerationError):
        return None
    if reason.told is not None:
        return RenderFailed(reason.told)
    try:
        error: GenerationError = kind(*reason.facts)
    except TypeError:
        return None
    return error


def _plain(fact: object) -> Fact:
    """As it may stand in a frame and in a database, whatever a library or a file's name holds."""
    match fact:
        case None:
            return None
        case str():
            return fact[:LONGEST_FACT].encode("utf-8", "replace").decode()
        case int() if type(fact) is int and abs(fact) < 2**63:
            return fact
        case tuple():
            return tuple(str(_plain(name)) for name in fact[:MOST_NAMES])
        case _:
            return str(fact)[:LONGEST_FOUND]
