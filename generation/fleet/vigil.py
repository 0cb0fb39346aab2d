"""Whether a worker still works: what is slow goes on, what hangs is ended.

A vigil reads no clock.  Whoever looks at the worker every few seconds tells it how many have
`passed`; so a look that came late, because this machine slept or was busy, ends nobody.

    starting                 no module more for START_SILENCE, or not ready after LONGEST_START
    a frame that has begun   not whole after FRAME
    reading weights          no piece more for `silence`
    words ... decode         no block more for `stall`
    any of them              no report for RUNAWAY, although there are pieces
    drawn                    no file for WRITING
    told to end              not ended after ENDING (weights being read: ENDING_READING)

Of those with a job, each is at least a multiple of the predicted seconds of its whole picture.
The invariant: every job that a worker has is ended by it, or by one of these limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.fleet.wire import (
    Cancel,
    Describe,
    Described,
    Drawn,
    Failed,
    Finished,
    Frame,
    Heard,
    Loading,
    Midway,
    Pause,
    Render,
    Resume,
    Score,
    Scored,
    Stepped,
)
from generation.job import JobId

START_SILENCE = 180.0  # seconds, all of them: a cold disk and a GPU driver can be slow
LONGEST_START = 1800.0
FRAME = 60.0
RUNAWAY = 3600.0
WRITING = 300.0
ENDING = 60.0
ENDING_READING = 300.0

STILL_TIMES, RUNAWAY_TIMES = 4.0, 20.0  # the prediction

AT_WORK = frozenset({"words", "picture", "steps", "decode"})  # stages in which blocks are counted


@dataclass(slots=True)
class _Job:
    expected: float
    paused: bool = False
    drawn: bool = False
    ending: bool = False
    since: float = 0.0  # it was drawn, or told to end


class Vigil:
    """One worker, as it was last heard of."""

    def __init__(self, *, silence: float, stall: float) -> None:
        self._silence, self._stall = silence, stall
        self._ready = False
        self._age = 0.0
        self._jobs: dict[JobId, _Job] = {}
        self._frame: float | None = None  # since when one has begun
        self._still = self._quiet = 0.0  # since a piece, and since a report
        self._stage, self._beats = "", -1

    def ready(self) -> None:
        """The worker can draw."""
        self._ready = True

    def begun(self) -> None:
        """The first byte of a frame is there."""
        self._frame = 0.0

    def told(self, order: Frame) -> None:
        """The worker was sent this order."""
        match order:
            case Render() | Describe() | Score():
                self._jobs[order.job] = _Job(expected=order.expected)
                self._moved()
            case Pause() if order.job in self._jobs:
                self._jobs[order.job].paused = True
            case Resume() if order.job in self._jobs:
                self._jobs[order.job].paused = False
                self._moved()
            case Cancel() if order.job in self._jobs:
                job = self._jobs[order.job]
                if not job.ending and not job.drawn:
                    job.ending, job.since = True, 0.0

    def heard(self, frame: Frame) -> None:
        """The worker said this frame, as it may."""
        self._frame = None
        match frame:
            case Heard():
                if (frame.stage, frame.beats) != (self._stage, self._beats):
                    self._still = 0.0
                self._stage, self._beats = frame.stage, frame.beats
            case Loading() | Stepped() | Midway():
                self._moved()
            case Drawn():
                self._moved()
                self._jobs[frame.job].drawn, self._jobs[frame.job].since = True, 0.0
            case Finished() | Described() | Scored() | Failed():
                self._moved()
                del self._jobs[frame.job]
            case _:
                pass

    def passed(self, seconds: float) -> str | None:
        """So much time is over.  Returns why the worker is to be ended, if it is."""
        self._age += seconds
        self._still += seconds
        self._quiet += seconds
        if self._frame is not None:
            self._frame += seconds
            if self._frame > FRAME:
                return f"a frame that it has begun does not end for {FRAME:g} s"
        if not self._ready:
            return self._why_not_started()
        for job in self._jobs.values():
            job.since += seconds
        return self._why_a_job_does_not_end() or self._why_it_stands_still()

    def _moved(self) -> None:
        self._still = self._quiet = 0.0

    def _why_not_started(self) -> str | None:
        if self._still > START_SILENCE:
            return f"not ready, and no sign of it for {START_SILENCE:g} s"
        return f"not ready after {LONGEST_START:g} s" if self._age > LONGEST_START else None

    def _why_a_job_does_not_end(self) -> str | None:
        ending = ENDING if self._stage in AT_WORK else ENDING_READING
        for job in self._jobs.values():
            writing = max(WRITING, STILL_TIMES * job.expected)
            if job.drawn and job.since > writing:
                return f"it drew a job and did not finish it for {writing:g} s"
            if job.ending and not job.drawn and job.since > ending:
                return f"it did not end a cancelled job for {ending:g} s"
        return None

    def _why_it_stands_still(self) -> str | None:
        wanted = [j.expected for j in self._jobs.values() if not j.paused and not j.drawn]
        if not wanted:
            self._moved()
            return None
        at_work = self._stage in AT_WORK
        limit = max(self._stall if at_work else self._silence, STILL_TIMES * max(wanted))
        if self._still > limit:
            where = f" in {self._stage!r}" if self._stage else ""
            return f"no report of its job for {limit:g} s, and it stands still{where}"
        limit = max(RUNAWAY, RUNAWAY_TIMES * max(wanted))
        return f"no report of its job for {limit:g} s" if self._quiet > limit else None
