"""Figures of one run: how long people waited, and what was divided how.

Invariant: a figure is a function of a trace and a log; no policy is asked what it thinks of itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from generation.queue.fair_queue import Rules
from generation.simulator import bounds
from generation.simulator.engine import PAUSE, Log
from generation.simulator.lags import lags
from generation.simulator.traces import HOUR, Crowd, Trace

Figures = Mapping[str, float]

WINDOW = 600.0  # seconds over which equal people should have been given the same


def of_mixed(trace: Trace, log: Log, rules: Rules | None) -> Figures:
    """For light and heavy users together."""
    waits = waits_of(trace, log, Crowd.LIGHT)
    everybody = lags(trace, log)
    figures = {
        "wait50": percentile(waits, 50),
        "wait95": percentile(waits, 95),
        "longest": max(waits),
        "ready95": percentile(_until_ready(trace, log, Crowd.LIGHT), 95),
        "lag": max(lag.behind for lag in everybody.values()),
        "ahead": max(lag.ahead for lag in everybody.values()),
        "jain": _mean_jain(trace, log),
        "useful": useful(log),
        "swaps": float(log.swaps),
        "pauses": float(log.pauses),
        "paused": log.pauses * PAUSE / (log.seats * log.horizon),
        "idle": log.idle,
        "held": max(served.end - served.start - served.overhead for served in log.served),
    }
    if rules is not None:
        figures["of B1"] = max(
            lag.ahead / bounds.ahead(rules, trace, log, lag.share) for lag in everybody.values()
        )
    return figures


def of_burst(trace: Trace, log: Log, _: Rules | None) -> Figures:
    """What whoever comes back with hundreds of jobs gets in the first minute, by fair share 1."""
    end = HOUR + 60.0
    (who,) = {(asked.job.share.group, asked.job.owner) for asked in trace if asked.who == "X"}
    lag = lags(trace, log, at=(end,))[who]
    behind, served = lag.series[0], lag.served_series[0]
    steady = [asked for asked in trace if asked.kind is Crowd.LIGHT and asked.at > HOUR]
    return {
        "burst": served / (served + behind),
        "wait95": percentile(waits_of(steady, log, Crowd.LIGHT), 95),
        "lag": max(lag.behind for lag in lags(trace, log).values()),
    }


def of_alts(trace: Trace, log: Log, _: Rules | None) -> Figures:
    """What is left for the others when somebody brings many accounts."""
    parts: dict[str, float] = {}
    for served in log.served:
        asked = trace[served.job]
        part = "alts" if asked.kind is Crowd.ALT else asked.job.share.group
        parts[part] = parts.get(part, 0.0) + min(served.end, log.horizon) - served.start
    whole = sum(parts.values())
    return {
        "other": parts.get("server B", 0.0) / whole,
        "same": parts.get("server A", 0.0) / whole,
        "alts": parts.get("alts", 0.0) / whole,
    }


def of_newcomers(trace: Trace, log: Log, rules: Rules | None) -> Figures:
    """How long two people wait whom an endless stream of newcomers could pass by."""
    victim = max(waits_of(trace, log, Crowd.VICTIM))
    figures = {
        "victim": victim,
        "again": max(waits_of(trace, log, Crowd.RETURNING)),
        "wait95": percentile(waits_of(trace, log, Crowd.LIGHT), 95),
        "useful": useful(log),
    }
    if rules is not None:
        (at,) = (asked.at for asked in trace if asked.kind is Crowd.VICTIM)
        others = {
            asked.job.owner
            for asked in trace
            if asked.at <= at and log.finished.get(asked.job.id, log.horizon) > at
        }
        figures["of B4"] = victim / bounds.first_wait(rules, trace, log, len(others) - 1)
    return figures


def of_weights(trace: Trace, log: Log, _: Rules | None) -> Figures:
    """Parts of the device, and the largest error of one against its weight."""
    weights = {asked.who: asked.job.share.weight for asked in trace}
    parts = dict.fromkeys(weights, 0.0)
    for served in log.served:
        parts[trace[served.job].who] += min(served.end, log.horizon) - served.start
    whole, weight = sum(parts.values()), sum(weights.values())
    errors = [abs(parts[who] / whole - weights[who] / weight) for who in parts]
    return {"error": max(errors), "least": min(parts.values()) / whole} | {
        who: part / whole for who, part in parts.items()
    }


def waits_of(trace: Trace, log: Log, kind: Crowd) -> list[float]:
    """Seconds from asking to the first step; until the horizon for who never was begun."""
    return [
        log.started.get(asked.job.id, log.horizon) - asked.at
        for asked in trace
        if asked.kind is kind and asked.at < log.horizon
    ]


def _until_ready(trace: Trace, log: Log, kind: Crowd) -> list[float]:
    """The same to the last step."""
    return [
        log.finished.get(asked.job.id, log.horizon) - asked.at
        for asked in trace
        if asked.kind is kind and asked.at < log.horizon
    ]


def useful(log: Log) -> float:
    """The part of all seats' time in which something was drawn: not swapped, paused or idle."""
    drawn = sum(
        max(0.0, min(served.end, log.horizon) - served.start - served.overhead)
        for served in log.served
    )
    return drawn / (log.seats * log.horizon)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def jain(values: Sequence[float]) -> float:
    """Jain's index: 1 when all have the same, 1/n when one has all (Jain, Chiu and Hawe, 1984)."""
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def _mean_jain(trace: Trace, log: Log) -> float:
    """Over the windows after the first, for the heavy users, who always want more."""
    heavy = sorted({asked.who for asked in trace if asked.kind is Crowd.HEAVY})
    windows = [dict.fromkeys(heavy, 0.0) for _ in range(int(log.horizon / WINDOW))]
    for served in log.served:
        if (who := trace[served.job].who) not in windows[0]:
            continue
        start, end = served.start, min(served.end, log.horizon)
        while start < end:
            window = min(int(start / WINDOW), len(windows) - 1)
            until = end if window == len(windows) - 1 else min(end, (window + 1) * WINDOW)
            windows[window][who] += until - start
            start = until
    means = [jain(list(window.values())) for window in windows[1:]]
    return sum(means) / len(means)
