"""The people who wait, seen from the studio: a port, and the values that go through it.

The studio says that something changed and hands over what is finished; whether that becomes a
Discord message or a line on a console is the audience's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from generation.picture import Comparison
from storage.pictures import StoredPicture
from storage.tickets import Request, RequestId, Ticket
from storage.words import Wording


class Phase(StrEnum):
    """Where a request is on its way."""

    WAITING = "waiting"
    LOADING = "loading"
    DRAWING = "drawing"
    KEEPING = "keeping"  # drawn, being saved and posted


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How an open request stands at this moment."""

    request: RequestId
    owner: int
    phase: Phase
    done: int  # pictures of this request that are finished
    total: int
    ahead: int  # other jobs that come before its next one
    starts_in: float  # seconds until its next picture is begun, predicted
    ready_in: float  # seconds until all of it is finished, predicted
    loading: str  # the model that is being read, or ""
    step: int
    steps: int
    preview: bytes  # a small JPEG, or empty
    words: str
    guild: int | None = None  # the server it was asked in
    share: float = 1.0  # of one device, while things stay as they are
    ready_p90: float = 0.0  # seconds in which nine of ten such promises were kept
    paused: bool = False  # begun, and held at a step so that others need not wait
    rest: str | None = None  # why nothing is drawn in its server; None: it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A request whose every job has ended, ready to be shown."""

    request: Request
    tickets: tuple[Ticket, ...]
    pictures: tuple[StoredPicture, ...]
    files: tuple[bytes, ...]  # those of `pictures`, in order
    comparison: Comparison | None  # when the request was to draw a picture again
    wording: Wording | None = None  # when an assistant found the words
    parent: StoredPicture | None = None  # what they were made of, where that may be named
    unnamed: frozenset[int] = frozenset()  # pictures whose numbers are not for all who see it
    returned: int = 0  # how often it was brought back, and so posted anew
    private: bool = False  # of somebody else's picture: not for direct messages
    withheld: tuple[int, ...] = ()  # numbers of pictures that their owner alone sees
    direct: int | None = None  # the direct messages in which an earlier attempt may have posted it


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Where a result is."""

    message: int
    channel: int


class Undeliverable(Exception):
    """No place takes the result as things are; `why` is a Refusal's value, or "fault"."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why = why


class Audience(Protocol):
    """Whoever is told."""

    def changed(self, request: RequestId) -> None:
        """Something about an open request is new.  Returns at once."""

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:
        """Show the result and return where it is; None: there is nothing to show.

        `perhaps_posted` tells that an earlier attempt may have succeeded unnoticed: look before
        posting.  Raises Undeliverable when no place takes it; anything else is tried again later.
        """

    async def conclude(self, outcome: Outcome, shown: Shown | None, *, held: str = "") -> None:
        """Let the progress message end: it goes, or tells what became of the request.

        `held` says why no place takes the result.  Done again, it changes nothing.
        """

    def may_post(self, channel: int) -> bool:
        """Whether nothing is known that keeps a result out of a channel.  Returns at once."""
