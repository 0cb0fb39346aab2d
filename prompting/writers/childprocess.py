"""A child process that answers questions, one line of JSON each way.

The invariant: everybody who waits for a report gets one, or hears of the process's death at once
(the end of its stdout is the news, no timer).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import Mapping, Sequence

from prompting.errors import WriterDied, WriterUnavailable

_log = logging.getLogger("prompting.writers.writer")

LONGEST_LINE = 2_000  # letters of a line of its stderr


class ChildProcess:
    """One life of the process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.death: str | None = None
        self._introduction: asyncio.Future[dict[str, object]] = _future()
        self._answers: dict[object, asyncio.Future[dict[str, object]]] = {}
        self._listening = asyncio.create_task(self._listen())
        self._logging = asyncio.create_task(self._copy_log())

    @classmethod
    async def start(cls, command: Sequence[str], env: Mapping[str, str]) -> ChildProcess:
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, limit=2**20
            )
        )

    async def introduced(self, limit: float) -> dict[str, object]:
        """What it says when the model is loaded."""
        try:
            report = await asyncio.wait_for(asyncio.shield(self._introduction), limit)
        except TimeoutError:
            self.kill()
            raise WriterUnavailable(f"not loaded within {limit:g} s") from None
        if "unusable" in report:
            raise WriterUnavailable(str(report["unusable"]))
        ready = report.get("ready")
        return ready if isinstance(ready, dict) else {}

    async def ask(self, number: int, order: dict[str, object], limit: float) -> dict[str, object]:
        """The child's report on a question.  Raises TimeoutError after `limit` s, or WriterDied."""
        if self.death is not None:
            raise WriterDied(self.death)
        answer = self._answers[number] = _future()
        try:
            await self._send(order | {"ask": number})
            return await asyncio.wait_for(answer, limit)
        except asyncio.CancelledError:
            self.cancel(number)
            raise
        finally:
            del self._answers[number]

    def cancel(self, number: int) -> None:
        """Tell it that nobody wants that answer any more."""
        with contextlib.suppress(WriterDied):
            self._write({"cancel": number})

    async def end(self) -> None:
        """Leave no process, no task and no open pipe behind."""
        self.kill()
        await asyncio.gather(self._listening, self._logging)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def _send(self, order: dict[str, object]) -> None:
        self._write(order)
        assert self.process.stdin is not None  # it was started with a pipe
        try:
            await self.process.stdin.drain()
        except ConnectionError:
            await asyncio.shield(self._listening)  # the end of its stdout says how it died
            raise WriterDied(self.death or "its stdin is gone") from None

    def _write(self, order: dict[str, object]) -> None:
        stdin = self.process.stdin
        if stdin is None or stdin.is_closing() or self.death is not None:
            raise WriterDied(self.death or "its stdin is gone")
        stdin.write(json.dumps(order).encode() + b"\n")

    async def _listen(self) -> None:
        """Hand each report to who waits for it; at the end of stdout, tell everybody."""
        stdout, stdin = self.process.stdout, self.process.stdin
        assert stdout is not None  # it was started with pipes
        assert stdin is not None
        reason = ""
        try:
            while line := await stdout.readline():
                self._take(json.loads(line))
        except (ValueError, ConnectionError) as error:
            reason = f"it spoke nonsense: {error}"
            self.kill()
        status = await self.process.wait()
        self.death = reason or _how(status)
        stdin.close()
        with contextlib.suppress(OSError):
            await stdin.wait_closed()
        for waiting in (self._introduction, *self._answers.values()):
            if not waiting.done():
                waiting.set_exception(WriterDied(self.death))
                waiting.exception()  # looked at: nobody may be waiting for it

    def _take(self, report: object) -> None:
        match report:
            case {"ready": _} | {"unusable": _}:
                waiting: asyncio.Future[dict[str, object]] | None = self._introduction
            case {"answered": number} | {"failed": number}:
                waiting = self._answers.get(number)  # None: who asked has gone
            case _:
                raise ValueError(f"no report: {str(report)[:80]}")
        if waiting is not None and not waiting.done() and isinstance(report, dict):
            waiting.set_result(report)

    async def _copy_log(self) -> None:
        stderr = self.process.stderr
        assert stderr is not None  # it was started with a pipe
        while chunk := await stderr.read(2**16):
            for line in chunk.decode(errors="replace").splitlines():
                _log.info("%s", line.rstrip()[:LONGEST_LINE])


def _future() -> asyncio.Future[dict[str, object]]:
    return asyncio.get_running_loop().create_future()


def _how(status: int) -> str:
    if status >= 0:
        return f"it left with status {status}"
    with contextlib.suppress(ValueError):
        return f"it was killed by {signal.Signals(-status).name}"
    return f"it was killed by signal {-status}"
