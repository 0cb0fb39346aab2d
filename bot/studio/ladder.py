"""The ladder: in which ways a finished result is shown, one after the other, until one is taken.

    in the channel, as an answer to the message that asked
    in the channel, without that reference
    in the channel, smaller
    in the progress message, which is edited
    in the answer of the interaction, while its token lives
    by direct message to the owner

Pure.  Invariant: a way is left only for a refusal that Discord is sure of; what may or may not have
happened (no answer, 5xx) is no refusal, and is looked into before anything else is tried.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """Where a result is shown."""

    CHANNEL = "channel"
    PROGRESS = "progress"
    ANSWER = "answer"
    DIRECT = "direct"


class Refusal(StrEnum):
    """What Discord said no to."""

    REFERENCE = "reference"  # the message that is answered
    SIZE = "size"  # of the files
    FORM = "form"  # something about the message
    CLOSED = "closed"  # we may not, there
    GONE = "gone"  # there is no such place


SHRINKS = 3  # how often a result that is too large is made smaller

# Discord's error codes, where the HTTP status alone does not say it.
_CODES = {
    160002: Refusal.REFERENCE,  # a reply without Read Message History
    40005: Refusal.SIZE,  # request entity too large
    50045: Refusal.SIZE,  # file uploaded exceeds the maximum size
    10003: Refusal.GONE,  # unknown channel
    10004: Refusal.GONE,  # unknown guild
    10013: Refusal.GONE,  # unknown user
    10008: Refusal.CLOSED,  # unknown message: there is none to edit
    10015: Refusal.CLOSED,  # unknown webhook: the interaction's token is over
    50001: Refusal.CLOSED,  # missing access
    50007: Refusal.CLOSED,  # no direct messages to this person
    50008: Refusal.CLOSED,  # not in this kind of channel
    50013: Refusal.CLOSED,  # missing permissions
    50024: Refusal.CLOSED,  # not in this kind of channel, either
    50027: Refusal.CLOSED,  # the interaction's token is over
    50083: Refusal.CLOSED,  # the thread is archived
    160005: Refusal.CLOSED,  # the thread is locked
    50278: Refusal.CLOSED,  # no server in common
    200000: Refusal.CLOSED,  # stopped by the server's own rules for messages
    200001: Refusal.CLOSED,
    40003: Refusal.CLOSED,  # direct messages are opened too fast
}
_STATUSES = {413: Refusal.SIZE, 403: Refusal.CLOSED, 404: Refusal.GONE, 400: Refusal.FORM}
# The channel is in slow mode: the same again, later.
_LATER = frozenset({20016, 20028, 20029})


def refusal(status: int, code: int, text: str = "", *, referred: bool = False) -> Refusal | None:
    """What an answer of Discord refuses; None: nothing is sure, and it is to be tried again.

    `referred`: the message answers another one.
    """
    if status == 429 or status >= 500 or code in _LATER:
        return None
    if referred and (code == 10008 or "message_reference" in text):
        return Refusal.REFERENCE
    return _CODES.get(code) or _STATUSES.get(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt."""

    way: Way
    reference: bool = False
    shrunk: int = 0  # how often it was made smaller


def steps(ways: frozenset[Way], *, reference: bool) -> Generator[Step, Refusal, None]:
    """The attempts in their order; each is sent why the one before was refused.

    `ways` are those that there are; `reference`: there is a message to answer.
    """
    shrunk, why = 0, Refusal.CLOSED
    if Way.CHANNEL in ways:
        why = yield Step(way=Way.CHANNEL, reference=reference)
        if reference and why not in (Refusal.SIZE, Refusal.GONE):
            reference = False
            why = yield Step(way=Way.CHANNEL)
        while why in (Refusal.SIZE, Refusal.FORM) and shrunk < SHRINKS:
            shrunk += 1
            why = yield Step(way=Way.CHANNEL, reference=reference, shrunk=shrunk)
    here = (Way.PROGRESS, Way.ANSWER) if why is not Refusal.GONE else ()
    for way in (*here, Way.DIRECT):
        if way not in ways:
            continue
        why = yield Step(way=way, shrunk=shrunk)
        while why is Refusal.SIZE and shrunk < SHRINKS:
            shrunk += 1
            why = yield Step(way=way, shrunk=shrunk)
