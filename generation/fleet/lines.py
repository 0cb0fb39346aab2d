"""What a process says on stderr, as lines for a log that it cannot flood.

The invariant: a line has at most LONGEST letters, and in the long run REFILL lines a second pass;
how many were left out is said.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LONGEST = 2_000  # letters
LINES = 400  # at once
REFILL = 2.0  # lines a second
_GULP = 2**16


class Lines:
    """Copies one stream; `say` hears each line that passes."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self._say, self._clock = say, clock
        self._room, self._at = float(LINES), clock()
        self._left_out = 0
        self.last = ""  # also when it was left out

    async def copy(self, stream: asyncio.StreamReader) -> None:
        """Until the end of the stream."""
        rest = b""
        while chunk := await stream.read(_GULP):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.take(line)
            if len(rest) > _GULP:
                self.take(rest)
                rest = b""
        self.take(rest)
        self._confess()

    def take(self, line: bytes) -> None:
        """One line."""
        text = line[: 4 * LONGEST].decode(errors="replace").rstrip()[:LONGEST]
        if not text:
            return
        self.last = text
        now = self._clock()
        self._room, self._at = min(self._room + REFILL * (now - self._at), LINES), now
        if self._room < 1.0:
            self._left_out += 1
            return
        self._room -= 1.0
        self._confess()
        self._say(text)

    def _confess(self) -> None:
        if self._left_out:
            self._say(f"({self._left_out} lines were left out)")
            self._left_out = 0
