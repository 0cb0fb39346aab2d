"""Signed links: who may open a page of ours, for what, and until when.

    sign    a link for a purpose, a person and a thing, as text that fits into an address
    read    what such a text says, if we signed it for that purpose and it is not over

Invariant: what is read was signed with the key of this installation, for exactly that purpose.  A
link is no right by itself: whoever opens a page is asked about as in chat, each time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import astuple, dataclass
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer

from bot.studio.rights import Asker
from generation.job import UserId
from storage.ids import PictureId

LONGEST = 600  # letters; what is longer is none of ours


class LinkPurpose(StrEnum):
    """What a link is for.  One for a purpose opens nothing else."""

    PAINT = "paint"
    GALLERY = "gallery"
    PICTURE = "picture"


class NoLink(Exception):
    """A link that opens nothing.

    LinkForged     nobody here signed it, or not for this
    LinkExpired    its time is over
    LinkUsed       it works once, and has
    """


class LinkForged(NoLink):
    """Signed by nobody here, or not for this."""


class LinkExpired(NoLink):
    """Over by its own time."""


class LinkUsed(NoLink):
    """Works once, and has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever asked for a link, where, and by which interaction."""

    person: UserId
    guild: int | None
    channel: int
    locale: str
    source: int
    private: bool = False  # what they ask for is for nobody else

    @property
    def asker(self) -> Asker:
        """Who asks, for `bot.studio.rights`."""
        return Asker(id=self.person, guild=self.guild)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link says."""

    purpose: LinkPurpose
    visitor: Visitor
    thing: int  # the number of a picture; 0 for a link about none
    until: int  # Unix time
    serial: str  # tells it from all others

    @property
    def picture(self) -> PictureId:
        """The thing, as a picture's number."""
        return PictureId(self.thing)


def _visitor(
    person: int, guild: int | None, channel: int, locale: str, source: int, private: bool
) -> Visitor:
    return Visitor(
        person=UserId(person),
        guild=guild,
        channel=channel,
        locale=locale,
        source=source,
        private=private,
    )


class Links:
    """Signs and reads them."""

    def __init__(
        self, key: bytes, *, clock: Callable[[], float], serial: Callable[[], str]
    ) -> None:
        self._key, self.clock, self._serial = key, clock, serial

    def sign(self, purpose: LinkPurpose, visitor: Visitor, thing: int, *, seconds: float) -> str:
        """A link for that person and thing, for so long: letters, digits, "-", "_" and "."."""
        who = astuple(visitor)
        until = int(self.clock() + seconds)
        return str(self._signer(purpose).dumps([until, self._serial(), thing, *who]))

    def read(self, purpose: LinkPurpose, text: str) -> Link:
        """What a link says.  Raises LinkForged, or LinkExpired."""
        if len(text) > LONGEST:
            raise LinkForged
        try:
            said = self._signer(purpose).loads(text)
            until, serial, thing, *who = said
            visitor = _visitor(*who)
        except (BadData, TypeError, ValueError):  # also one of another release
            raise LinkForged from None
        if self.clock() >= until:
            raise LinkExpired
        return Link(purpose=purpose, visitor=visitor, thing=thing, until=until, serial=serial)

    def _signer(self, purpose: LinkPurpose) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._key,
            salt=f"atelier.{purpose}",  # a key of its own for each purpose
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
