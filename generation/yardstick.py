"""How fast this processor is, now, told by a piece of work that is always the same.

Promises in seconds were made on one machine.  A slower one, or one that is busy with others, gets
as much more time as this work takes it; so a missed target tells what is slow about the program,
and never what is slow about the machine.  The work is of the queue's kind (a heap, look-ups all
over the memory, a little arithmetic), so that caches count as they do there.

Invariant: the work is the same for ever; change it, and every limit changes its meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heapreplace
from statistics import median
from time import perf_counter, process_time

ENTRIES, TURNS, ROUNDS = 50_000, 10_000, 9
STRIDE = 7_919  # a prime: visits entries all over the memory

REFERENCE = 0.016  # seconds of a round on the machine of docs/performance.md, idle


def processor_slowness() -> float:
    """How many times as long as the reference the processor takes, whoever else uses it; from 1."""
    return max(1.0, min(rounds(process_time)) / REFERENCE)


def machine_slowness() -> float:
    """How many times as long the same takes by the clock on the wall, others included; from 1."""
    return max(1.0, median(rounds(perf_counter)) / REFERENCE)


def rounds(clock: Callable[[], float]) -> list[float]:
    """The seconds of each round of the work."""
    known = {number: [float(number), 1.0] for number in range(ENTRIES)}
    heap = [(values[0], number) for number, values in known.items()]
    heapify(heap)
    took = []
    for _ in range(ROUNDS):
        began = clock()
        for turn in range(TURNS):
            due, number = heap[0]
            entry, other = known[number], known[turn * STRIDE % ENTRIES]
            entry[1] += other[0] * 0.5
            heapreplace(heap, (due + entry[1] % 97.0 + 1.0, number))
        took.append(clock() - began)
    return took
