"""Quotas: how much somebody may ask for in a server, by their roles.

    of one request     its pictures, their longer side, their steps
    at once            requests that have not ended
    a day, a week      pictures, and minutes of the device

Of several roles the largest number counts, 0 is without a limit; who has no role of which anything
is said is limited by nothing but `max_waiting_per_person`.  What is asked for is reserved as it is
admitted, and given back when it fails or is cancelled (`storage.usage`).  Days begin at midnight,
weeks on Mondays, UTC, so that everybody can be told when theirs is new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.languages.speaking import mark
from bot.studio.servers import ServerDeclines, ServerRules, Servers
from bot.studio.shares import DAY
from generation.recipe import Recipe
from storage.requests import Origin
from storage.servers import ServerRule
from storage.usage import Usage

WEEK = 7 * DAY
MONDAY = 4 * DAY  # the first of all Unix seconds was a Thursday
MINUTE = 60.0


class Limit(StrEnum):
    """What can be limited, as it is kept in the database."""

    PICTURES_DAY = mark("pictures a day")
    PICTURES_WEEK = mark("pictures a week")
    MINUTES_DAY = mark("minutes a day")
    MINUTES_WEEK = mark("minutes a week")
    OPEN = mark("open requests")
    SIDE = mark("longer side")
    STEPS = mark("steps")
    COUNT = mark("pictures at once")


class TooLarge(ServerDeclines):
    """One request asks for more of `limit` than the person's roles allow."""

    def __init__(self, limit: Limit, asked: float, most: float) -> None:
        super().__init__(f"{asked:g} {limit}, and {most:g} are allowed")
        self.limit, self.asked, self.most = limit, asked, most


class QuotaSpent(ServerDeclines):
    """There is not enough left of a quota, which is new at `renews`; None: as requests end."""

    def __init__(self, quota: Quota, asked: float) -> None:
        super().__init__(f"{asked:g} of {quota.limit}, and {quota.left:g} are left")
        self.quota, self.asked = quota, asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How much of something somebody may have, and has had."""

    limit: Limit
    most: float
    used: float
    renews: float | None  # Unix time

    @property
    def left(self) -> float:
        """What may still be asked for."""
        return max(self.most - self.used, 0.0)


class Quotas:
    """What people may have, and have had."""

    def __init__(self, servers: Servers, usage: Usage, *, clock: Callable[[], float]) -> None:
        self._servers, self._usage, self._clock = servers, usage, clock

    async def check(
        self, origin: Origin, recipes: Sequence[Recipe], costs: Sequence[float]
    ) -> None:
        """Raise TooLarge or QuotaSpent where that is more than the person may have."""
        allowed = allowance(self._servers.rules(origin.guild), origin.seen.roles)
        if not allowed:
            return
        for limit, asked in _sizes(recipes):
            if (most := allowed.get(limit)) is not None and asked > most:
                raise TooLarge(limit, asked, most)
        minutes = sum(costs) / MINUTE
        asked_for = {
            Limit.OPEN: 1.0,
            Limit.PICTURES_DAY: float(len(recipes)),
            Limit.PICTURES_WEEK: float(len(recipes)),
            Limit.MINUTES_DAY: minutes,
            Limit.MINUTES_WEEK: minutes,
        }
        for quota in await self.standing(origin):
            if asked_for[quota.limit] > quota.left:
                raise QuotaSpent(quota, asked_for[quota.limit])

    async def standing(self, origin: Origin) -> tuple[Quota, ...]:
        """Every quota of somebody in a server, and what is left of it."""
        guild = origin.guild
        allowed = allowance(self._servers.rules(guild), origin.seen.roles)
        if guild is None or not allowed:
            return ()
        found = []
        if (most := allowed.get(Limit.OPEN)) is not None:
            count = await self._usage.open_requests(origin.owner, guild)
            found.append(Quota(limit=Limit.OPEN, most=most, used=count, renews=None))
        now = self._clock()
        for (pictures, minutes), began, renews in (
            ((Limit.PICTURES_DAY, Limit.MINUTES_DAY), *_day(now)),
            ((Limit.PICTURES_WEEK, Limit.MINUTES_WEEK), *_week(now)),
        ):
            if allowed.keys().isdisjoint((pictures, minutes)):
                continue
            had = await self._usage.since(origin.owner, guild, began)
            for limit, used in ((pictures, had.pictures), (minutes, had.seconds / MINUTE)):
                if (most := allowed.get(limit)) is not None:
                    found.append(Quota(limit=limit, most=most, used=used, renews=renews))
        return tuple(found)


def allowance(rules: ServerRules, roles: Collection[int]) -> Mapping[Limit, float]:
    """What is limited for somebody with these roles; of each limit the largest of the roles'."""
    said = rules.by_rule.get(ServerRule.LIMIT, {})
    mine = {*map(str, roles), str(rules.guild)}  # the server's own id is the role of everybody
    rows = [value for role, value in said.items() if role in mine and isinstance(value, Mapping)]
    found: dict[Limit, float] = {}
    for limit in Limit:
        numbers = [float(row[limit]) for row in rows if limit in row]
        if numbers and 0.0 not in numbers:
            found[limit] = max(numbers)
    return found


def _sizes(recipes: Sequence[Recipe]) -> Iterable[tuple[Limit, float]]:
    yield Limit.COUNT, len(recipes)
    for recipe in recipes:
        if recipe.canvas is not None:
            yield Limit.SIDE, max(recipe.canvas.width, recipe.canvas.height)
        if recipe.sampling is not None:
            again = recipe.second.steps if recipe.second is not None else 0
            yield Limit.STEPS, recipe.sampling.steps + again


def _day(now: float) -> tuple[float, float]:
    began = now // DAY * DAY
    return began, began + DAY


def _week(now: float) -> tuple[float, float]:
    began = (now - MONDAY) // WEEK * WEEK + MONDAY
    return began, began + WEEK
