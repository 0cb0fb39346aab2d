"""The best of the week: what everybody in a channel may see and most people have starred.

    due()     the servers whose time has come, and that have not had theirs
    best()    the pictures of one
    begin(), done()   before it is posted, and when it is over

Invariant: a week is over once, whatever is killed in between, and two posts of a server are six
days apart or more, however often its admins choose another time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.studio.gallery_pages import NOBODY, GalleryPages
from bot.studio.rights import Asker
from bot.studio.servers import ServerRules, Servers
from storage.pictures import StoredPicture
from storage.servers import RuleValue, ServerRule
from storage.weekly import WeeklyPosts

DAY = 86_400.0
WEEK = 7 * DAY
LEAST_APART = 6 * DAY
MOST = 8  # pictures of a post


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyTime:
    """Where and when a server wants it; the time is UTC's."""

    channel: int
    weekday: int  # 0: Monday
    hour: int

    def __str__(self) -> str:
        """As a rule's value."""
        return f"{self.channel} {self.weekday} {self.hour}"

    @classmethod
    def of(cls, rules: ServerRules) -> WeeklyTime | None:
        """What a server's rules say; None: it wants none."""
        return cls.read(rules.value(ServerRule.WEEKLY))

    @classmethod
    def read(cls, value: RuleValue | None) -> WeeklyTime | None:
        """What a rule's value says."""
        if value is None:
            return None
        channel, weekday, hour = map(int, str(value).split())
        return cls(channel=channel, weekday=weekday, hour=hour)

    def last(self, now: float) -> float:
        """The last time that it was that hour of that day, in Unix time."""
        today = datetime.fromtimestamp(now, UTC)
        then = today.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        then -= timedelta(days=(today.weekday() - self.weekday) % 7)
        return (then if then <= today else then - timedelta(days=7)).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyDue:
    """A server whose time has come."""

    guild: int
    channel: int
    at: float  # the time, in Unix time
    perhaps_posted: bool  # it was begun before, and may be there


class Weeklies:
    """Whose time has come, and with what."""

    def __init__(
        self,
        *,
        servers: Servers,
        posts: WeeklyPosts,
        pages: GalleryPages,
        clock: Callable[[], float],
    ) -> None:
        self._servers, self._posts, self._pages = servers, posts, pages
        self.clock = clock

    async def due(self) -> tuple[WeeklyDue, ...]:
        """Those that have not had theirs; a server that has just chosen begins with the next."""
        found = []
        for rules in self._servers.with_rule(ServerRule.WEEKLY):
            time, guild = WeeklyTime.of(rules), rules.guild
            if time is None or guild is None:
                continue
            at, seen = time.last(self.clock()), await self._posts.seen(guild)
            if seen is None:
                await self._posts.done(guild, at)
            elif at - seen.done_at >= LEAST_APART:
                again = seen.begun_at == at
                found.append(
                    WeeklyDue(guild=guild, channel=time.channel, at=at, perhaps_posted=again)
                )
        return tuple(found)

    async def best(self, due: WeeklyDue) -> tuple[tuple[StoredPicture, int], ...]:
        """The pictures of its week with their stars, the most starred first."""
        starred = await self._posts.starred(due.guild, since=due.at - WEEK, until=due.at)
        everybody = Asker(id=NOBODY.id, guild=due.guild)
        seen = {
            picture.id: picture
            for picture in await self._pages.everybodys(
                everybody, due.channel, [number for number, _ in starred]
            )
        }
        return tuple((seen[number], stars) for number, stars in starred if number in seen)[:MOST]

    async def begin(self, due: WeeklyDue) -> None:
        """Note that a post is about to be tried."""
        await self._posts.begin(due.guild, due.at)

    async def done(self, due: WeeklyDue) -> None:
        """Note that a week is over: posted, or with nothing to post."""
        await self._posts.done(due.guild, due.at)
