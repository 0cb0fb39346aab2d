"""One life of a worker process: its pipes, what it says, and how it ends.

The invariant: when the process is gone, or has stopped to speak and was killed for it, `death` is
set and every job it had has heard of it; and after `end` there is no process, no task and no open
pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from generation.errors import WorkerDied, WorkerLost
from generation.fleet.conversation import Conversation
from generation.fleet.lines import Lines
from generation.fleet.vigil import Vigil
from generation.fleet.wire import (
    Answer,
    BrokenFrame,
    Described,
    Drawn,
    Failed,
    Finished,
    Frame,
    Heard,
    Holding,
    Loading,
    Midway,
    Order,
    Ping,
    Ready,
    Report,
    Scored,
    Stepped,
    Stop,
    encode,
    read_async,
)
from generation.job import JobId

PING_EVERY = 10.0
NOTHING = Holding(on_device=(), in_memory=())

LAST_WORDS = 300  # letters
POLITE = 2.0  # seconds between Stop and SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds after which a worker is taken for one that hangs; `Vigil` says of what.

    `patience`: without an answer to a Ping.
    """

    silence: float = 600.0
    stall: float = 120.0
    patience: float = 30.0


class Process:
    """One life of a worker."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        log: logging.Logger,
        limits: Limits,
        gone: Collection[int] = (),
    ) -> None:
        self.process, self._gone = process, gone
        self.ready: Ready | None = None
        self.death: WorkerDied | None = None
        self.death_counted = False
        self.holding = NOTHING
        self._log = log
        self._jobs: dict[JobId, asyncio.Queue[Report | WorkerDied]] = {}
        self._talk = Conversation()
        self._over = asyncio.Event()  # some job has ended there
        self._introduction: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
        self._vigil = Vigil(silence=limits.silence, stall=limits.stall)
        self._patience = limits.patience
        self._unanswered = 0  # pings
        self._listening = asyncio.create_task(self._listen())
        self._lines = Lines(lambda line: log.info("%s", line))
        assert process.stderr is not None  # it was started with a pipe
        self._logging = asyncio.create_task(self._lines.copy(process.stderr))
        self._watching = asyncio.create_task(self._watch())
        self._killed_because: str | None = None

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        env: Mapping[str, str],
        log: logging.Logger,
        limits: Limits,
        gone: Collection[int],
    ) -> Process:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={**os.environ, **env},
            limit=4 * 2**20,  # a PNG in a few gulps
        )
        return cls(process, log, limits, gone)

    async def introduced(self) -> Ready:
        """Wait for Ready."""
        try:
            return await asyncio.shield(self._introduction)
        except WorkerDied as death:
            await asyncio.wait({self._logging}, timeout=POLITE)  # its last words say why
            said = self._lines.last[:LAST_WORDS]
            raise type(death)(f"{death.reason}: {said}" if said else death.reason) from None

    def open(self, job: JobId) -> asyncio.Queue[Report | WorkerDied]:
        if job in self._jobs:
            raise ValueError(f"job {job} is being drawn already")
        queue: asyncio.Queue[Report | WorkerDied] = asyncio.Queue()
        self._jobs[job] = queue
        return queue

    async def rid_of(self, job: JobId) -> None:
        """Wait for the end of an earlier render of this job, to which nobody listens any more."""
        while job not in self._jobs and self._talk.has(job) and self.death is None:
            self._over.clear()
            await self._over.wait()

    def close(self, job: JobId) -> None:
        self._jobs.pop(job, None)

    def knows(self, job: JobId) -> bool:
        return job in self._jobs

    async def send(self, order: Order) -> None:
        stdin = self.process.stdin
        if self.death is not None or stdin is None:
            raise self.death or WorkerDied("its stdin is gone")
        data = encode(order)
        self._talk.asked(order)
        self._vigil.told(order)
        try:
            stdin.write(data)  # one write per frame: frames of two tasks never mix
            await stdin.drain()
        except (ConnectionError, OSError, RuntimeError):
            # The end of its stdout says how it died; wait for those words.
            await asyncio.shield(self._listening)
            raise self.death or WorkerDied("its stdin is gone") from None

    async def end(self) -> None:
        """Leave no process, no task and no open pipe behind."""
        if self.death is None:
            with contextlib.suppress(WorkerDied):
                await self.send(Stop())
            if self.process.stdin is not None:
                self.process.stdin.close()
            done, _ = await asyncio.wait({self._listening}, timeout=POLITE)
            if not done:
                self._kill("it did not stop when asked")
        await self._listening
        self._watching.cancel()
        await asyncio.wait({self._watching})
        # A grandchild can hold stderr open; do not wait for it.
        _, open_still = await asyncio.wait({self._logging}, timeout=POLITE)
        for task in open_still:
            task.cancel()
        if open_still:
            await asyncio.wait(open_still)
            self.process._transport.close()  # type: ignore[attr-defined]  # no public way

    async def _listen(self) -> None:
        """Hand each report to its job; at the end of stdout, tell every job."""
        stdout = self.process.stdout
        assert stdout is not None  # it was started with a pipe
        reason: str | None = None
        try:
            while True:
                self._take(await read_async(stdout, self._vigil.begun))
        except asyncio.IncompleteReadError:
            pass
        except (BrokenFrame, ConnectionError) as error:
            reason = f"it spoke nonsense: {error}"
            self._kill(reason)
        except Exception as bug:
            # Whatever it was: its jobs must hear of an end.
            self._log.exception("a frame met a bug")
            reason = f"it could not be understood: {type(bug).__name__}"
            self._kill(reason)
        status = await self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        how = self._killed_because or reason
        if status in self._gone:
            self.death = WorkerLost(how or "the way to it is gone")
        else:
            self.death = WorkerDied(how or _how(status))
        if not self._introduction.done():
            self._introduction.set_exception(self.death)
            self._introduction.exception()  # looked at: nobody may be waiting for it
        self._over.set()
        for queue in self._jobs.values():
            queue.put_nowait(self.death)

    def _take(self, frame: Frame) -> None:
        self._talk.said(frame)
        self._vigil.heard(frame)
        self._unanswered = 0
        match frame:
            case Ready():
                self.ready = frame
                self._vigil.ready()
                if not self._introduction.done():
                    self._introduction.set_result(frame)
            case Heard():
                pass
            case Holding():
                self.holding = frame
            case (
                Loading()
                | Stepped()
                | Midway()
                | Drawn()
                | Finished()
                | Described()
                | Scored()
                | Failed()
            ):
                if (queue := self._jobs.get(frame.job)) is not None:
                    queue.put_nowait(frame)
                if isinstance(frame, Finished | Answer | Failed):
                    self._over.set()
            case _:
                pass  # `said` has looked at all others

    async def _watch(self) -> None:
        """Kill a worker that lives but no longer speaks, or no longer works."""
        every = min(PING_EVERY, self._patience / 3)
        before = time.monotonic()
        while self.death is None:
            await asyncio.sleep(every)
            now = time.monotonic()
            # Of a machine that slept, or was busy, no more than this: its worker did, too.
            why = self._vigil.passed(min(now - before, 2 * every))
            before = now
            if why is not None:
                self._kill(why)
            # Counted in pings, not by the clock: when this process was held up, the answers are
            # merely unread.  One that starts may be held up by its libraries.
            elif self.ready is not None and self._unanswered * every >= self._patience:
                self._kill(f"no answer for {self._patience:g} s")
            else:
                self._unanswered += 1
                with contextlib.suppress(WorkerDied):
                    await self.send(Ping())

    def _kill(self, reason: str) -> None:
        self._killed_because = self._killed_because or reason
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


def _how(status: int) -> str:
    if status >= 0:
        return f"it left with status {status}"
    try:
        return f"it was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was killed by signal {-status}"
