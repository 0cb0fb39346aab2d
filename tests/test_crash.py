"""Claims about kill -9 at any instant: no job lost, none shown twice, every file whole.

What is audited stands in `tests/given/lives.py`.
"""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.given.lives import Lives, kept_files, sound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


def be_killed(lives: Lives, kills: int, dice: random.Random) -> None:
    """Kill the bot or its worker at random instants until there were so many deaths."""
    while sum(lives.killed.values()) < kills:
        life = lives.begin()
        while dice.random() < 0.5:
            lives.kill_worker(life, after=dice.uniform(0.0, 0.3))
        time.sleep(dice.uniform(0.0, 0.7))
        lives.end(life)


@pytest.mark.parametrize("kills", [15, pytest.param(200, marks=pytest.mark.slow)])
def test_whoever_kills_bot_and_worker_at_random_loses_and_doubles_nothing(
    tmp_path: Path, kills: int
) -> None:
    lives = Lives(tmp_path)
    be_killed(lives, kills, random.Random(kills))
    lives.finish()
    lives.audit()
    print(dict(lives.killed))


def test_after_a_power_cut_nothing_contradicts_itself_and_every_picture_has_its_file(
    tmp_path: Path,
) -> None:
    """The disk had got part of the log, with or without nonsense where the writing stopped."""
    lives, dice = Lives(tmp_path / "lives"), random.Random(3)
    life = lives.begin(8, lingers=True)
    lives.wait_for_posts(8)
    life.kill()
    life.join()  # without a look, which would fold the log in
    data = tmp_path / "lives" / "data"
    there = {file.stem for file in data.rglob("*.png")}  # and those that were deleted in the end
    log = (data / "atelier.sqlite3-wal").read_bytes()
    assert len(log) < 1000 * 4120  # else some of it is in the file already, and cannot be cut off
    cuts = [len(log), *(dice.randrange(len(log)) for _ in range(40))]
    histories = []
    for number, cut in enumerate(cuts):
        path = tmp_path / str(number) / "atelier.sqlite3"
        path.parent.mkdir()
        shutil.copy(data / "atelier.sqlite3", path)
        nonsense = dice.randbytes(dice.choice((0, 700, 9000)))
        path.with_name("atelier.sqlite3-wal").write_bytes(log[:cut] + nonsense)
        with closing(sqlite3.connect(path)) as db:
            if sound(db):
                histories.append(kept_files(db))
                there |= {file for (file,) in db.execute(_DELETED)}
    assert all(files <= there for files in histories)
    assert len({len(files) for files in histories}) > 4


@pytest.mark.slow
def test_a_death_at_any_named_instant_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Before and after each commit, write, fsync, rename, post and note."""
    lives = Lives(tmp_path)
    assert lives.wait_for_end(lives.begin(12)) == 0
    names = lives.names()
    assert names >= SOME_OF_THEM
    for name in sorted(names):
        assert lives.wait_for_end(lives.begin(instant=name)) == -signal.SIGKILL, name
    lives.finish()
    lives.audit()
    print(len(names), "instants")


_DELETED = "SELECT png_sha256 FROM pictures WHERE deleted = 1"

SOME_OF_THEM = {
    *(f"file.{moment}" for moment in ("made", "written", "synced", "renamed", "kept")),
    *(
        f"{transaction}.{moment}"
        for transaction in ("add", "started", "put_back", "drawn", "ended", "cancel", "let_go")
        for moment in ("written", "committed")
    ),
    *("delivering.written", "delivering.committed", "delivered.written", "delivered.committed"),
    *("result.posted", "accounts.written"),
    *("accounts.committed", "replay.committed", "delete.committed"),
}
