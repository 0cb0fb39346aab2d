"""Rights: who may see a picture with its words and its bytes, and who may act on a request.

Pure over facts: who asks and where, whose thing it is and where it was shown, and a port that knows
what a person can do in a channel at this moment.  One rule for every way in:

    who                                    see it, draw it again   start from it   cancel, delete
    its owner                              yes                     yes             yes
    who can view, now, where it was shown  yes                     yes             no
    a moderator there, asking there        yes                     yes             yes
    anybody else                           no                      no              no

What was deleted is gone: its owner keeps the recipe, nobody keeps the bytes.  A direct message is
its owner's alone; so is what was shown in a channel that is gone.  Whoever may not see a thing is
told what they would be told of one that never was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from generation.job import UserId
from storage.requests import Origin


class NotAllowed(Exception):
    """The person may not do that; `what` is a clause, as in "cancel another person's request"."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and in which server; None: in direct messages, or in none."""

    id: UserId
    guild: int | None

    @classmethod
    def of(cls, origin: Origin) -> Self:
        """Whoever asks from there."""
        return cls(id=origin.owner, guild=origin.guild)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a person can do in a channel at this moment."""

    views: bool
    moderates: bool = False


NO_ACCESS = Access(views=False)


class Sight(Protocol):
    """Whoever knows the channels: a port."""

    async def access(self, person: int, guild: int, channel: int) -> Access:
        """What a person can do in a channel of that server; nothing where one of them is gone."""


class Blind:
    """Where there are no channels, such as on the command line: everybody has only their own."""

    async def access(self, person: int, guild: int, channel: int) -> Access:  # noqa: ARG002
        """Nothing."""
        return NO_ACCESS


class Thing(Protocol):
    """A picture or a request."""

    @property
    def owner(self) -> UserId: ...

    @property
    def guild(self) -> int | None: ...

    @property
    def channel(self) -> int: ...


async def may_see(asker: Asker, thing: Thing, sight: Sight, *, deleted: bool) -> bool:
    """Whether its picture, words and recipe are for this person."""
    if asker.id == thing.owner:
        return True
    return not deleted and (await _access(asker, thing, sight)).views


async def may_start_from(asker: Asker, thing: Thing, sight: Sight, *, deleted: bool) -> bool:
    """Whether its bytes are: those of a deleted picture are nobody's any more."""
    return not deleted and await may_see(asker, thing, sight, deleted=deleted)


async def may_act_on(asker: Asker, thing: Thing, sight: Sight) -> bool:
    """Whether this person may end it or take it away."""
    if asker.id == thing.owner:
        return True
    if asker.guild is None or asker.guild != thing.guild:
        return False
    access = await _access(asker, thing, sight)
    return access.views and access.moderates


def named_among(thing: Thing, shown: Thing, *, deleted: bool) -> bool:
    """Whether its number may stand in a result of those who see another thing's channel."""
    alone = shown.guild is None and shown.owner == thing.owner
    return alone or (not deleted and (thing.guild, thing.channel) == (shown.guild, shown.channel))


async def _access(asker: Asker, thing: Thing, sight: Sight) -> Access:
    if thing.guild is None:
        return NO_ACCESS
    return await sight.access(asker.id, thing.guild, thing.channel)
