"""The verdict: what was read off in a day, held against the targets.

Memory is judged from a third of the day on: until then caches fill, which are bounded (the
database's pages, the last messages that discord.py keeps, the allocators' arenas).  The worker's is
judged over the last worker's life, since one that was killed takes what it had leaked with it.

Times are allowed as much longer as a fixed piece of work took at the day's rests, on the median.

Invariant: a figure that cannot be judged says so, and is not counted as passed for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median

from bot.trials.bench.figure import Figure
from bot.trials.soak.audit import Audit
from bot.trials.soak.gauges import AtRest, Lateness, LogWatch, quarters
from bot.trials.soak.people import Notebook

WARM = 1 / 3  # of the day, until which memory may grow
JUDGED_SECONDS = 600.0  # a shorter day is all warm-up: its memory is shown and not judged
READINGS = 8  # fewer are no ground for a verdict
TOO_SLOW = 3.0  # times the reference: what must be done in Discord's 3 s is shown and not judged
WORKER_SETTLES = 0.1  # of the day, from a worker's start


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordeal:
    """What is to be lived through."""

    seconds: float  # real ones
    people: int
    hours: float  # of the day
    seed: int = 0
    behind: int = 200_000  # pictures that the studio has drawn before this day


@dataclass(slots=True, kw_only=True)
class Lived:
    """What came of it."""

    figures: tuple[Figure, ...]
    findings: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Gauges:
    """Everything that is read off."""

    lateness: Lateness = field(default_factory=Lateness)
    log: LogWatch = field(default_factory=LogWatch)
    noticed: Notebook = field(default_factory=Notebook)
    readings: list[AtRest] = field(default_factory=list)
    most_open: int = 0
    drain: str = ""
    mishaps: list[str] = field(default_factory=list)


def judged(plan: Ordeal, gauges: Gauges, found: Audit) -> Lived:
    """Hold what was read off and what was found against the targets."""
    slowness = median([reading.slowness for reading in gauges.readings] or [1.0])
    figures = (*_deliveries(gauges, found), *_memory(plan, gauges), *_patience(gauges, slowness))
    figures = tuple(figure.at_pace(slowness) for figure in figures)
    findings = [*found.lost, *found.doubled, *found.left_open, *found.damaged]
    findings += gauges.log.unexpected
    if gauges.log.more:
        findings.append(f"... and {gauges.log.more} more lines in the log")
    return Lived(figures=figures, findings=tuple(findings[:100]))


def _deliveries(gauges: Gauges, found: Audit) -> tuple[Figure, ...]:
    acts = ", ".join(f"{name} {count}" for name, count in gauges.noticed.acts.most_common())
    return (
        _count(
            "lost",
            "acknowledged requests lost",
            len(found.lost),
            f"{found.requests} requests with {found.pictures} pictures, {found.cancelled} wholly "
            f"cancelled; {acts}",
        ),
        _count("doubled", "results posted twice", len(found.doubled), "by the channels' messages"),
        _count(
            "left_open",
            "requests open after the drain",
            len(found.left_open),
            f"{gauges.drain}; at most {gauges.most_open} were open at once",
        ),
        _count("damaged", "pictures' files missing or damaged", len(found.damaged), "all read"),
        _count(
            "unexpected",
            "unexpected warnings and errors in the log",
            len(gauges.log.unexpected) + gauges.log.more,
            f"{gauges.log.provoked} provoked: {', '.join(gauges.mishaps)}",
        ),
    )


def _memory(plan: Ordeal, gauges: Gauges) -> tuple[Figure, ...]:
    judged = plan.seconds >= JUDGED_SECONDS
    warm = [r for r in gauges.readings if r.at >= WARM] if judged else gauges.readings
    last = [r for r in warm if r.worker_pid == warm[-1].worker_pid]
    settled = [r for r in last if r.at >= last[0].at + WORKER_SETTLES] if judged else last
    kept = f"; {warm[0].tasks} -> {warm[-1].tasks} tasks" if warm else ""
    kept += f", {warm[0].files} -> {warm[-1].files} open files" if warm else ""
    return (
        _growth("bot_memory", "memory of the bot", [r.bot for r in warm], judged, kept),
        _growth("worker_memory", "memory of the worker", [r.worker for r in settled], judged, ""),
    )


def _growth(name: str, what: str, sizes: list[int], judged: bool, kept: str) -> Figure:
    enough = len(sizes) >= (READINGS if judged else 1)
    before, after = quarters(sizes) if enough else (0.0, 0.0)
    how = f"{before / 2**20:.1f} -> {after / 2**20:.1f} MiB, medians of the first and the last "
    how += f"quarter of {len(sizes)} readings at rest{kept}"
    if not enough:
        how = f"only {len(sizes)} readings at rest"
    elif not judged:
        how += "; not judged in a day this short"
    return Figure(
        name=name,
        what=f"{what}, growth",
        value=100 * (after / before - 1) if enough else math.inf,
        target=2.0 if judged else math.inf,
        unit="%",
        how=how,
    )


def _patience(gauges: Gauges, slowness: float) -> tuple[Figure, ...]:
    late, answered = gauges.lateness.spread, gauges.noticed.answered
    queue = answered.get("queue")
    others = ", ".join(
        f"{name} {spread.percentile(99) * 1000:.0f} ms" for name, spread in sorted(answered.items())
    )
    return (
        Figure(
            name="soak_lag",
            what="event loop late, p99",
            value=late.percentile(99) * 1000,
            target=50.0,
            unit="ms",
            how=f"{late.number} ticks; median {late.percentile(50) * 1000:.1f} ms, p99.9 "
            f"{late.percentile(99.9) * 1000:.0f} ms, longest {late.longest * 1000:.0f} ms",
        ),
        Figure(
            name="soak_queue",
            what="/queue acknowledged, p99",
            value=queue.percentile(99) * 1000 if queue else math.inf,
            target=500.0,
            unit="ms",
            how=f"{queue.number if queue else 0} times; p99 of all: {others}",
        ),
        Figure(
            name="unanswered",
            what="interactions not acknowledged in 3 s",
            value=sum(gauges.noticed.unanswered.values()),
            # Discord's 3 seconds do not grow with a slow machine.
            target=0 if slowness < TOO_SLOW else math.inf,
            unit="",
            how=f"of {sum(spread.number for spread in answered.values())}",
        ),
    )


def _count(name: str, what: str, value: int, how: str) -> Figure:
    return Figure(name=name, what=what, value=value, target=0, unit="", how=how)
