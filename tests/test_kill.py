"""kill -9 of the bot: what was acknowledged is drawn and shown, and shown once."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(folder: Path, requests: int, kill_after: float | None) -> list[int]:
    """Run the bot and return the requests that it acknowledged before it was killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.channel_bot", str(folder), str(requests)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        acknowledged = []
        if kill_after is not None:
            first = process.stdout.readline()  # the start-up takes its time; the life counts
            acknowledged += [int(first.split()[1])] if first.startswith("queued") else []
            time.sleep(kill_after)
            process.kill()
        lines = process.stdout.read().splitlines()
        acknowledged += [int(line.split()[1]) for line in lines if line.startswith("queued")]
        if kill_after is None:
            assert lines[-1] == "done"
    return acknowledged


def audit(folder: Path, acknowledged: list[int]) -> None:
    """Every acknowledged request was shown exactly once, and the database is whole."""
    shown = [int(line.split()[0]) for line in (folder / "channel.txt").read_text().splitlines()]
    assert sorted(shown) == sorted(set(shown)), "something was posted twice"
    assert set(acknowledged) <= set(shown), "something acknowledged was lost"
    with sqlite3.connect(folder / "data" / "atelier.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = database.execute("SELECT state, count(*) FROM tickets GROUP BY state").fetchall()
        assert [state for state, _ in states] == ["drawn"]
        pictures = database.execute("SELECT png_sha256 FROM pictures").fetchall()
    database.close()
    for (digest,) in pictures:
        assert list((folder / "data" / "files").rglob(f"{digest}*")), "a picture has no file"


def be_killed(folder: Path, times: int, seed: int) -> None:
    dice = random.Random(seed)
    acknowledged: list[int] = []
    for _ in range(times):
        acknowledged += run(folder, 6, kill_after=dice.uniform(0.0, 0.6))
    run(folder, 0, kill_after=None)
    audit(folder, acknowledged)


def test_a_bot_that_is_killed_loses_nothing_and_posts_nothing_twice(tmp_path: Path) -> None:
    be_killed(tmp_path, times=2, seed=1)


@pytest.mark.slow
def test_a_bot_that_is_killed_thirty_times_loses_nothing(tmp_path: Path) -> None:
    be_killed(tmp_path, times=30, seed=2)
