"""What is bounded, in seconds of the device (argued in docs/fairness.md).

Omega is what may be spent on passing by whoever is due first: one bypass and one detour.  c is the
longest chunk with its swap, R a slice, h what a job may still need without being paused, N the
seats.
"""

from __future__ import annotations

from generation.queue.fair_queue import Rules
from generation.simulator.engine import Log
from generation.simulator.traces import Trace


def omega(rules: Rules, trace: Trace, seats: int) -> float:
    """The budget for newcomers and for staying with a model."""
    swaps = {asked.job.needs: asked.checkpoint.swap for asked in trace}
    return seats * (rules.express + rules.affinity * sum(swaps.values()))


def ahead(rules: Rules, trace: Trace, log: Log, share: float) -> float:
    """B1: nobody gets further ahead of the ideal than this; `share` is their part of the device."""
    longest = _longest_chunk(log)
    turn = rules.slice + rules.nearly + longest
    return share * omega(rules, trace, log.seats) + log.seats * turn + longest


def first_wait(rules: Rules, trace: Trace, log: Log, others: int) -> float:
    """B4: who arrives without debt, while so many others want something, waits at most this."""
    chunk = _longest_chunk(log)
    turns = 2 * others * (rules.slice + chunk + rules.nearly)
    return (2 * omega(rules, trace, log.seats) + turns + log.seats * chunk) / log.seats


def _longest_chunk(log: Log) -> float:
    return max(served.end - served.start for served in log.served)
