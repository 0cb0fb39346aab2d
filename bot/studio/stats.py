"""The last day in numbers: who had the GPU, and who waited how long.

Pure, but for reading the ledger.  Invariant: whoever is no moderator learns about themselves and
about everybody together; a moderator learns about the people of their own server.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.languages.speaking import mark
from generation.job import GroupId, UserId
from storage.accounts import BUCKET, Ledger, Service, Waited, bucket_of

DAY = 86_400
MOST = 8  # people that are told apart
SPAN = 1800  # seconds in which waits are put together

YOU, OTHERS = mark("you"), mark("others")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What the ledger knows of the day before `until` (Unix seconds)."""

    until: float
    served: tuple[Service, ...]
    waits: tuple[Waited, ...]

    @property
    def buckets(self) -> range:
        """The starts of its ten minutes."""
        return range(bucket_of(self.until - DAY), bucket_of(self.until) + BUCKET, BUCKET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks.  `guild`: the server whose people they may see, for a moderator."""

    id: int
    guild: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One area of the plot: the service of somebody, or of everybody else."""

    name: str  # what stands in the picture: a number, "you" or "others"
    user: UserId | None
    seconds: tuple[float, ...]  # in each ten minutes of the day

    @property
    def total(self) -> float:
        """In the whole day."""
        return sum(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """What those waited whose pictures were begun within a span."""

    at: float  # Unix seconds in the middle of it
    p50: float
    p95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evenness:
    """How equal the parts of those were who waited all the time: Jain's index, 1 when equal."""

    jain: float
    spans: int  # of ten minutes, in one group each


async def last_day(ledger: Ledger, now: float) -> Day:
    """Read the history of the day before now."""
    since = now - DAY
    return Day(
        until=now,
        served=await ledger.served_since(since),
        waits=await ledger.waits_since(since),
    )


def parts(day: Day, viewer: Viewer) -> tuple[Area, ...]:
    """Who had how much of the GPU, as that viewer may know it; everybody else comes last."""
    place = {bucket: number for number, bucket in enumerate(day.buckets)}
    own = GroupId(f"guild {viewer.guild}")
    shown: dict[UserId, list[float]] = defaultdict(lambda: [0.0] * len(place))
    others = [0.0] * len(place)
    for row in day.served:
        if row.bucket not in place:
            continue
        known = row.user == viewer.id if viewer.guild is None else row.group == own
        line = shown[row.user] if known else others
        line[place[row.bucket]] += row.seconds
    ranked = sorted(shown, key=lambda user: -sum(shown[user]))
    for user in ranked[MOST:]:
        others = [a + b for a, b in zip(others, shown[user], strict=True)]
    names = [YOU] if viewer.guild is None else [str(n) for n in range(1, MOST + 1)]
    people = [
        Area(name=name, user=user, seconds=tuple(shown[user]))
        for name, user in zip(names, ranked[:MOST], strict=False)
    ]
    if people and not any(others):
        return tuple(people)
    return (*people, Area(name=OTHERS, user=None, seconds=tuple(others)))


def waits_over_time(day: Day) -> tuple[Waits, ...]:
    """Median and 95th percentile of the waits, for each half hour in which somebody waited."""
    spans: dict[int, list[float]] = defaultdict(list)
    for row in day.waits:
        spans[int(row.started_at // SPAN)].append(_waited(row))
    return tuple(
        Waits(at=(n + 0.5) * SPAN, p50=percentile(found, 0.5), p95=percentile(found, 0.95))
        for n, found in sorted(spans.items())
    )


def evenness(day: Day) -> Evenness | None:
    """Jain's index among those of a group who waited through the same ten minutes.

    Who did not want more is no measure of fairness, so only they count; None: nobody had to.
    """
    crowds: dict[tuple[int, GroupId], set[UserId]] = defaultdict(set)
    for (group, user), spans in _waiting_times(day.waits).items():
        for begin, end in spans:
            for bucket in range(-(-int(begin) // BUCKET) * BUCKET, int(end) - BUCKET + 1, BUCKET):
                crowds[bucket, group].add(user)
    given: dict[tuple[int, GroupId, UserId], float] = defaultdict(float)
    for row in day.served:
        given[row.bucket, row.group, row.user] += row.seconds
    found = [
        (jain(tuple(given[bucket, group, user] for user in users)), len(users))
        for (bucket, group), users in crowds.items()
        if len(users) > 1
    ]
    if not found:
        return None
    people = sum(count for _, count in found)
    return Evenness(jain=sum(index * count for index, count in found) / people, spans=len(found))


def jain(shares: Sequence[float]) -> float:
    """(sum of x)^2 / (n * sum of x^2): 1 when all are equal, 1/n when one has everything."""
    squares = sum(x * x for x in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def percentile(values: Iterable[float], part: float) -> float:
    """The smallest value that this part of them does not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(part * len(ranked)) - 1)]


def waited(day: Day) -> tuple[float, ...]:
    """Seconds that each picture of the day waited."""
    return tuple(_waited(row) for row in day.waits)


def waited_by(day: Day, user: int) -> tuple[tuple[float, float], ...]:
    """When that person's pictures were begun, and what each waited."""
    return tuple((row.started_at, _waited(row)) for row in day.waits if row.user == user)


def _waited(row: Waited) -> float:
    return max(0.0, row.started_at - row.asked_at)  # a clock can be set back


def _waiting_times(
    waits: Iterable[Waited],
) -> dict[tuple[GroupId, UserId], list[tuple[float, float]]]:
    """When each person had something waiting, put together from all their jobs."""
    merged: dict[tuple[GroupId, UserId], list[tuple[float, float]]] = defaultdict(list)
    for row in sorted(waits, key=lambda row: row.asked_at):
        spans = merged[row.group, row.user]
        begin, end = row.asked_at, row.started_at
        if spans and begin <= spans[-1][1]:
            begin, before = spans.pop()
            end = max(end, before)
        spans.append((begin, end))
    return merged
