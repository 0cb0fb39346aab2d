"""Lives of the bot that end by SIGKILL, and the audit of what they left behind.

A channel must outlive the bot, as Discord does: it is a file, of which a post is a line, appended
in one write.  Lives are forked from a process that has imported everything, so that a life costs
little more than what happens in it; the worker is a process of its own, as in the real bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil

from bot.app import App, open_app
from bot.dispatch.audience import Outcome, Shown
from bot.studio.retention import Retention
from bot.studio.rights import Asker
from generation.fleet.local import LocalWorker
from generation.job import UserId
from storage import failpoints
from storage.tickets import Request, RequestId
from tests.given.apps import a_wish, some_settings
from tests.given.audiences import Quiet

WORKER = (sys.executable, "-m", "tests.given.doodling_worker")
PEOPLE = (UserId(101), UserId(102), UserId(103))
BUSY = 6  # requests at once
TERMINAL = {"drawn", "failed", "cancelled", "quarantined"}

_lives = multiprocessing.get_context("forkserver")
_lives.set_forkserver_preload(["tests.given.lives"])


class FileChannel(Quiet):
    """An audience whose messages are the lines of a file, each with a request's number."""

    def __init__(self, file: Path) -> None:
        self.file = file

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:
        wanted = str(outcome.request.id)
        lines = self.file.read_text().split() if self.file.exists() else []
        if perhaps_posted and wanted in lines:
            return Shown(message=lines.index(wanted) + 1, channel=0)
        _append(self.file, wanted)
        # The instant in which a kill leaves a post that nobody has noted.
        await asyncio.sleep(0.01)
        return Shown(message=len(lines) + 1, channel=0)


# -- the life ----------------------------------------------------------------------------------


def _live(folder: Path, requests: int, wanted: str | None, lingers: bool) -> None:
    """In the forked process: the bot, with everything that people do to it."""
    logging.disable()
    if wanted is not None:
        failpoints.arm(wanted)
    else:
        failpoints.listen(lambda name: _append(folder / "failpoints.txt", name))
    asyncio.run(_main(folder, requests, lingers))


async def _main(folder: Path, requests: int, lingers: bool) -> None:
    settings = some_settings(folder, max_waiting_per_person=1000, max_seconds_per_person=1e6)
    digests, env = folder / "digests.json", {"DOODLER": str(folder)}
    worker = LocalWorker((), digests, program=WORKER, env=env)
    channel = FileChannel(folder / "channel.txt")
    async with open_app(settings, [worker]) as app, app.at_work(channel):
        await _tidy(app)
        for number in range(requests):
            while len(app.studio.open_requests.requests()) >= BUSY:  # noqa: ASYNC110  # as below
                await asyncio.sleep(0.01)
            words = {5: "a failure", 6: "a death"}.get(number % 12, f"wish {number}")
            owner = PEOPLE[number % len(PEOPLE)]
            wish = a_wish(words, owner=owner, count=1 + number % 3)
            request = await app.studio.requests.submit(wish)
            _append(folder / "acknowledged.txt", str(request.id))
            await _touch(app, request, number)
        while app.studio.open_requests.requests() or await app.stores.tickets.undelivered():  # noqa: ASYNC110  # a program for tests polls
            await asyncio.sleep(0.01)
        if lingers:
            await asyncio.Event().wait()


async def _tidy(app: App) -> None:
    stores = app.stores
    tidying = Retention(
        pictures=stores.pictures,
        files=stores.files,
        ledger=stores.ledger,
        keep_days=1,
        clock=time.time,
    )
    await tidying.tidy()


async def _touch(app: App, request: Request, number: int) -> None:
    """What people do with a request after they made it."""
    await app.studio.messages.say_progress_is(request.id, number + 1)
    if number % 5 == 3:
        await app.studio.requests.cancel(request.id, by=Asker(id=request.origin.owner, guild=None))
    if number % 5 == 4:
        before = RequestId(request.id - 1)
        await app.stores.deletions.delete(before, by=request.origin.owner, until=0.0, at=0.0)
        for unused in await app.stores.deletions.let_go(now=1.0):
            await asyncio.to_thread(app.stores.files.drop, unused)


def _append(file: Path, line: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


# -- the killer --------------------------------------------------------------------------------


@dataclass(slots=True)
class Lives:
    """One data folder and the lives spent in it."""

    folder: Path
    killed: Counter[str] = field(default_factory=Counter)
    _epochs: dict[int, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        some_settings(self.folder)  # makes the model

    def begin(
        self, requests: int = 10_000, instant: str | None = None, *, lingers: bool = False
    ) -> ForkServerProcess:
        """A life that asks for so many pictures more, and then ends unless it `lingers`."""
        life = _lives.Process(target=_live, args=(self.folder, requests, instant, lingers))
        life.start()
        return life

    def end(self, life: ForkServerProcess) -> None:
        """kill -9 of the bot, and a look at what it left."""
        life.kill()
        self.wait_for_end(life)

    def wait_for_end(self, life: ForkServerProcess, patience: float = 60.0) -> int | None:
        """Wait for the end of a life; its exit status."""
        life.join(patience)
        status = life.exitcode
        if status is None:
            life.kill()
            life.join()
        life.close()
        assert status in (0, -signal.SIGKILL), f"a life ended with {status}"
        if status == -signal.SIGKILL:
            self.killed["bot"] += 1
        self.audit_between()
        return status

    def kill_worker(self, life: ForkServerProcess, after: float) -> None:
        """kill -9 of the worker, so long after it is seen to live."""
        assert life.pid is not None
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline and life.is_alive():
            with contextlib.suppress(psutil.NoSuchProcess):  # one killed before
                if workers := psutil.Process(life.pid).children():
                    time.sleep(after)
                    workers[0].kill()
                    self.killed["worker"] += 1
                    return
            time.sleep(0.01)

    def wait_for_posts(self, count: int) -> None:
        """Let a life go on until the channel has so many."""
        file, deadline = self.folder / "channel.txt", time.monotonic() + 120.0
        while time.monotonic() < deadline:
            if file.exists() and len(file.read_text().split()) >= count:
                return
            time.sleep(0.01)
        raise AssertionError("the bot shows nothing")

    def finish(self) -> None:
        """A life in peace: everything that waits is drawn and shown."""
        assert self.wait_for_end(self.begin(0), patience=120.0) == 0, "it did not come to an end"

    def names(self) -> set[str]:
        """Every instant that was passed in lives that were not to end at one."""
        return set((self.folder / "failpoints.txt").read_text().split())

    # -- the audit -----------------------------------------------------------------------------

    def audit_between(self) -> None:
        """After any death: nothing that was said is unsaid, and time goes only forward."""
        path = self.folder / "data" / "atelier.sqlite3"
        if not path.exists():
            assert not self._acknowledged()
            return
        with closing(sqlite3.connect(path)) as db:
            if not sound(db):
                assert not self._acknowledged()
                return
            stored = {number for (number,) in db.execute("SELECT id FROM requests")}
            assert self._acknowledged() <= stored, "something acknowledged is not stored"
            now = {job: (state, epoch) for job, state, epoch in db.execute(_STATES)}
        for job, (state, epoch) in self._epochs.items():
            assert now[job][1] >= epoch, f"job {job} has an older lease than before"
            assert state not in TERMINAL or now[job] == (state, epoch), f"job {job} ended twice"
        self._epochs = now

    def audit(self) -> None:
        """After a life in peace: everything is done, shown once, and there as it was shown."""
        with closing(sqlite3.connect(self.folder / "data" / "atelier.sqlite3")) as db:
            states = {state for (state,) in db.execute("SELECT DISTINCT state FROM tickets")}
            assert states <= TERMINAL
            for tries, reason in db.execute(_QUARANTINED):
                assert tries == 3, reason
            requests = [n for (n,) in db.execute("SELECT id FROM requests ORDER BY id")]
            closed = db.execute("SELECT request FROM outbox WHERE open = 0 AND attempts > 0")
            assert sorted(number for (number,) in closed) == requests
            pictures = db.execute("SELECT png_sha256, deleted FROM pictures").fetchall()
            assert db.execute("SELECT * FROM unsettled").fetchall() == []
        channel = self.folder / "channel.txt"  # none while nothing was said there
        lines = channel.read_text().split() if channel.exists() else []
        shown = sorted(int(line) for line in lines)
        assert shown == requests, "something was shown twice, or not at all"
        self._audit_files(pictures)

    def _audit_files(self, pictures: list[tuple[str, int]]) -> None:
        folder = self.folder / "data" / "files"
        assert not list(folder.rglob("*.unfinished"))
        there = {file.stem: file for file in folder.rglob("*.png")}
        needed = {digest for digest, deleted in pictures if not deleted}
        assert needed <= there.keys(), "a picture has lost its file"
        for digest in needed:
            assert hashlib.sha256(there[digest].read_bytes()).hexdigest() == digest
        # A file of which nobody knows is one that a death came before the note of.
        loose = there.keys() - {digest for digest, _ in pictures}
        assert len(loose) <= sum(self.killed.values())

    def _acknowledged(self) -> set[int]:
        file = self.folder / "acknowledged.txt"
        return {int(line) for line in file.read_text().split()} if file.exists() else set()


def sound(db: sqlite3.Connection) -> bool:
    """Whether it has its tables; and then they contradict neither themselves nor each other."""
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    if db.execute("PRAGMA user_version").fetchone() < (3,):
        return False
    assert db.execute(_CONTRADICTIONS).fetchall() == []
    return True


def kept_files(db: sqlite3.Connection) -> set[str]:
    """The digests of the pictures that have a file."""
    sql = "SELECT png_sha256 FROM pictures WHERE deleted = 0 AND kept = 1"
    return {digest for (digest,) in db.execute(sql)}


_STATES = "SELECT id, state, epoch FROM tickets"

# A picture is there if and only if its ticket is drawn; a request is in the outbox if and only if
# nothing of it is open; and whatever has been started has had a lease.
_CONTRADICTIONS = """
SELECT 'picture', t.id FROM tickets t LEFT JOIN pictures p ON p.ticket = t.id
    WHERE (t.state = 'drawn') != (p.id IS NOT NULL)
UNION ALL
SELECT 'outbox', r.id FROM requests r LEFT JOIN outbox o ON o.request = r.id
    WHERE (o.request IS NULL) != EXISTS (
        SELECT 1 FROM tickets WHERE request = r.id AND state IN ('waiting', 'running')
    )
UNION ALL
SELECT 'tickets', r.id FROM requests r
    WHERE NOT EXISTS (SELECT 1 FROM tickets WHERE request = r.id)
UNION ALL
SELECT 'lease', id FROM tickets
    WHERE state IN ('running', 'drawn', 'quarantined') AND (epoch < 1 OR tries < 1)
    OR tries < 0 OR tries > epoch
"""

_QUARANTINED = "SELECT tries, reason FROM tickets WHERE state = 'quarantined'"
