"""Whose turn the device is: exactly one job holds the baton.

    line:    [paused?] [waiting] [waiting]      the first that is not paused is next
    holder:  one place or none

A job holds the baton from `enter` to `leave`, and gives it away in between only at `boundary`,
which it calls after every step.  Its state stays on its own thread's stack, so a paused job goes
on with the bits it stopped with; only what jobs share must be set again, and `boundary` says when.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from generation.errors import Cancelled


class Baton:
    """Hands out places in the line."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self._changed = threading.Condition()
        self._line: list[Turn] = []
        self._holder: Turn | None = None
        self.beats = 0  # pieces that were done, of all jobs together

    @property
    def stage(self) -> str:
        """What the holder is at; "" while there is none."""
        holder = self._holder
        return holder.stage if holder is not None else ""

    def place(self) -> Turn:
        """Join the end of the line."""
        place = Turn(self)
        with self._changed:
            self._line.append(place)
        return place

    def _is_next(self, place: Turn) -> bool:
        if self._holder is not None:
            return False
        return next((p for p in self._line if not p.paused), None) is place


class Turn:
    """One job's place: `enter`, `boundary` and `leave` on its own thread, the rest on any."""

    def __init__(self, baton: Baton) -> None:
        self._baton = baton
        self.paused = False
        self.cancelled = False
        self.stage = "loading"
        self._held = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has held the baton so far."""
        running = self._baton.clock() - self._since if self._since is not None else 0.0
        return self._held + running

    def enter(self) -> None:
        """Wait until it is this job's turn.  Raises Cancelled."""
        changed = self._baton._changed
        with changed:
            changed.wait_for(lambda: self.cancelled or self._baton._is_next(self))
            self._baton._line.remove(self)
            changed.notify_all()
            if self.cancelled:
                raise Cancelled
            self._baton._holder = self
            self._since = self._baton.clock()

    def count(self) -> None:
        """A piece of a stage is done."""
        self._baton.beats += 1

    def beat(self) -> None:
        """A piece of a stage is done.  Raises Cancelled."""
        self.count()
        if self.cancelled:
            raise Cancelled

    def boundary(self) -> bool:
        """Between two steps: wait while paused.

        Tells whether another job may have held the baton meanwhile.  Raises Cancelled; the caller
        calls `leave` in any case.
        """
        with self._baton._changed:
            if self.cancelled:
                raise Cancelled
            if not self.paused:
                return False
            self._let_go()
            # At the front: it has waited longest, and the device owes it the rest.
            self._baton._line.insert(0, self)
        self.enter()
        return True

    def leave(self) -> None:
        """Give the baton to the next.  Without effect for a job that does not hold it."""
        with self._baton._changed:
            if self._baton._holder is self:
                self._let_go()

    def pause(self) -> None:
        """Stop at the next boundary (or do not even begin)."""
        self._set(paused=True)

    def resume(self) -> None:
        """Go on when the device is free."""
        self._set(paused=False)

    def cancel(self) -> None:
        """End at the next beat or boundary, or at once when waiting."""
        self._set(cancelled=True)

    def _set(self, *, paused: bool | None = None, cancelled: bool | None = None) -> None:
        with self._baton._changed:
            if paused is not None:
                self.paused = paused
            if cancelled is not None:
                self.cancelled = cancelled
            self._baton._changed.notify_all()

    def _let_go(self) -> None:
        if self._since is not None:
            self._held += self._baton.clock() - self._since
        self._since = None
        self._baton._holder = None
        self._baton._changed.notify_all()
