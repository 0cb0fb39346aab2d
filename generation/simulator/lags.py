"""How far everybody is from what the ideal device would have given them, at every instant.

Invariant: the largest lags are exact, not sampled.  Between two events all service flows at
constant rates; whoever is not served falls behind, so their lag is largest where they are served
again, and whoever is served is looked at wherever a rate changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from generation.job import Job
from generation.simulator.engine import Log
from generation.simulator.fluid import Fluid, Person
from generation.simulator.traces import Trace

_NOTHING = 1e-9  # seconds; what rounding leaves


@dataclass(slots=True)
class Lag:
    """One person's, in seconds of the device."""

    behind: float = 0.0  # the most that the ideal had given more
    ahead: float = 0.0  # the most that it had given less
    share: float = 0.0  # of the device, by the ideal; the largest at a start of theirs
    served: float = 0.0
    seats: int = 0  # that serve them now
    series: list[float] = field(default_factory=list)  # ideal - served, at the instants asked for
    served_series: list[float] = field(default_factory=list)


class _Kind(IntEnum):
    """What happens first among what happens at once."""

    ARRIVES = 0
    ENDS = 1
    BEGINS = 2
    LOOKS = 3


class _Event(NamedTuple):
    at: float
    kind: _Kind
    number: int  # of the job that arrives, or of the stretch of service
    job: Job | None
    overhead: float


def lags(trace: Trace, log: Log, *, at: Sequence[float] = ()) -> dict[Person, Lag]:
    """Everybody's lag under a policy, fed to the ideal as seconds delivered."""
    return _Watch(trace).follow(_events(trace, log, at), log.horizon)


def _events(trace: Trace, log: Log, instants: Sequence[float]) -> list[_Event]:
    events = [
        _Event(asked.at, _Kind.ARRIVES, number, asked.job, 0.0)
        for number, asked in enumerate(trace)
        if asked.at <= log.horizon
    ]
    for number, served in enumerate(log.served):
        job = trace[served.job].job
        events.append(_Event(served.start, _Kind.BEGINS, number, job, served.overhead))
        if served.end <= log.horizon:
            events.append(_Event(served.end, _Kind.ENDS, number, job, 0.0))
    events += [
        _Event(instant, _Kind.LOOKS, number, None, 0.0) for number, instant in enumerate(instants)
    ]
    events.sort(key=lambda event: event[:3])
    return events


class _Watch:
    """The ideal device beside the real one."""

    def __init__(self, trace: Trace) -> None:
        self._seconds = [asked.seconds for asked in trace]
        self._fluid = Fluid()
        self._lags: dict[Person, Lag] = {}
        self._running: dict[Person, Lag] = {}
        self._seats = 0

    def follow(self, events: Sequence[_Event], horizon: float) -> dict[Person, Lag]:
        now = 0.0
        for event in events:
            if event.at > now:
                self._flow(event.at - now)
                now = event.at
            self._happen(event)
        self._flow(horizon - now)
        for person, lag in self._lags.items():
            self._look(person, lag)
        return self._lags

    def _flow(self, seconds: float) -> None:
        left = seconds * self._seats
        while left > _NOTHING:
            moved = self._fluid.deliver(left)
            left -= moved
            for person, lag in self._running.items():
                lag.served += moved / self._seats * lag.seats
                self._look(person, lag)

    def _happen(self, event: _Event) -> None:
        job = event.job
        if job is None:
            for person, lag in self._lags.items():
                lag.series.append(self._fluid.served(person) - lag.served)
                lag.served_series.append(lag.served)
            return
        person = (job.share.group, job.owner)
        if event.kind is _Kind.ARRIVES:
            if person not in self._lags:
                self._lags[person] = Lag()
            self._fluid.ask(job.owner, job.share, self._seconds[event.number])
        elif event.kind is _Kind.BEGINS:
            lag = self._lags[person]
            self._look(person, lag)
            if event.overhead:
                self._fluid.ask(job.owner, job.share, event.overhead)
            lag.share = max(lag.share, self._fluid.share(person))
            lag.seats += 1
            self._seats += 1
            self._running[person] = lag
        else:
            lag = self._lags[person]
            lag.seats -= 1
            self._seats -= 1
            if not lag.seats:
                del self._running[person]

    def _look(self, person: Person, lag: Lag) -> None:
        behind = self._fluid.served(person) - lag.served
        if behind > lag.behind:
            lag.behind = behind
        elif -behind > lag.ahead:
            lag.ahead = -behind
