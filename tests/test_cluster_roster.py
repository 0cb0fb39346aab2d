"""Claims about who may draw with us, seen from the bot, with a lookout that reads from a script."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from bot.cli import machine
from bot.cli.findings import Health
from generation.errors import WorkerDied
from generation.fleet.cluster import roster, versions
from generation.fleet.cluster.roster import Cluster, Joined, Left, Node
from generation.fleet.cluster.source import WeightsAddress

HERE = versions.here()

# Says each line of its file, and then waits for more; leaves while the last one says so.
LOOKOUT = """
import os, pathlib, sys, threading, time
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
lines = pathlib.Path(sys.argv[1])
said = 0
while True:
    there = lines.read_text().splitlines()
    if there[-1:] == ["leave"]:
        sys.exit(1)
    for line in there[said:]:
        if line != "leave":
            print(line, flush=True)
    said = len(there)
    time.sleep(0.02)
"""


def a_node(number: int = 1, **changes: object) -> Node:
    fields = {
        "id": f"{number:02}" * 28,
        "address": f"10.0.0.{number}",
        "gpus": 1,
        "seats": 0,
        "versions": json.dumps(asdict(HERE)),
        "trouble": "",
    }
    return Node(**(fields | changes))  # type: ignore[arg-type]  # the fields of Node


Say = Callable[..., None]


@pytest.fixture
def say(tmp_path: Path) -> Say:
    script = tmp_path / "lines"
    script.touch()

    def say(*nodes: Node) -> None:
        line = json.dumps({"here": "10.0.0.9", "nodes": [asdict(node) for node in nodes]})
        with script.open("a") as file:
            file.write(line + "\n")

    return say


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    async def open_door(here: str) -> WeightsAddress:
        assert here == "10.0.0.9"
        return WeightsAddress(url="http://10.0.0.9:1", token="token")

    lookout = (sys.executable, "-c", LOOKOUT, str(tmp_path / "lines"))
    return Cluster("10.0.0.9:6379", open_door, bound=1, lookout=lookout)


async def test_every_card_and_every_offered_seat_of_a_node_joins(
    cluster: Cluster, say: Say
) -> None:
    say(a_node(gpus=2, seats=1))
    changes = cluster.changes()
    joined = [await anext(changes) for _ in range(3)]
    assert all(isinstance(change, Joined) for change in joined)
    names = [change.worker.name for change in joined]
    assert names == ["10.0.0.1/010101/gpu0", "10.0.0.1/010101/gpu1", "10.0.0.1/010101/cpu0"]
    await cluster.close()


async def test_a_node_with_other_versions_is_refused_in_a_sentence(
    cluster: Cluster, say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    other = replace(HERE, torch="2.1.0", code="000000000000")
    say(a_node(1, versions=json.dumps(asdict(other))), a_node(2))
    with caplog.at_level(logging.INFO):
        joined = await anext(cluster.changes())
    assert joined.worker.name.startswith("10.0.0.2")
    (refusal,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert f"10.0.0.1 may not draw here: torch 2.1.0 there, {HERE.torch} here, code" in refusal
    assert "git pull" in refusal
    await cluster.close()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"versions": "", "trouble": "No module named 'generation'"}, "No module named"),
        ({"versions": "{}"}, "torch unknown there"),
        ({"versions": "[]"}, "did not say"),
        ({"versions": "nonsense"}, "Expecting value"),
    ],
)
async def test_a_node_that_cannot_say_its_versions_is_refused(
    cluster: Cluster,
    say: Say,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, object],
    why: str,
) -> None:
    say(a_node(1, **changes), a_node(2))
    joined = await anext(cluster.changes())
    assert joined.worker.name.startswith("10.0.0.2")
    assert why in caplog.text
    await cluster.close()


async def test_a_card_that_would_be_used_by_the_bot_and_by_ray_is_warned_of(
    cluster: Cluster, say: Say, caplog: pytest.LogCaptureFixture
) -> None:
    say(a_node(1), a_node(9, gpus=0, seats=1), a_node(9, id="ff" * 28))
    changes = cluster.changes()
    joined = [(await anext(changes)).worker.name for _ in range(3)]
    assert joined == ["10.0.0.1/010101/gpu0", "10.0.0.9/090909/cpu0", "10.0.0.9/ffffff/gpu0"]
    (warned,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert "10.0.0.9 is this machine" in warned
    assert "--num-gpus=0" in warned
    await cluster.close()


async def test_a_node_that_leaves_takes_its_seats_for_good_and_may_come_back(
    cluster: Cluster, say: Say
) -> None:
    changes = cluster.changes()
    say(a_node(1), a_node(2))
    first, second = [(await anext(changes)).worker for _ in range(2)]
    say(a_node(2))
    left = await anext(changes)
    assert isinstance(left, Left)
    assert left.worker is first
    with pytest.raises(WorkerDied, match="left the cluster"):
        await first.start()
    say(a_node(2), a_node(1, id="aa" * 28))  # Ray was started again there
    again = await anext(changes)
    assert isinstance(again, Joined)
    assert again.worker is not first
    assert again.worker is not second
    await cluster.close()


async def test_a_lookout_that_ends_is_sent_again_and_seats_stay(
    cluster: Cluster,
    say: Say,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(roster, "FIRST_DELAY", 0.05)
    changes = cluster.changes()
    say(a_node(1))
    await anext(changes)
    waiting = asyncio.ensure_future(anext(changes))
    with (tmp_path / "lines").open("a") as file:
        file.write("leave\n")
    async with asyncio.timeout(60):
        while "out of sight" not in caplog.text:  # noqa: ASYNC110  # it tells nobody else
            await asyncio.sleep(0.01)
    say(a_node(1), a_node(2))
    change = await waiting
    assert isinstance(change, Joined)
    assert change.worker.name.startswith("10.0.0.2")
    await cluster.close()


def test_the_doctor_says_when_nothing_answers_at_the_clusters_address() -> None:
    finding = machine.cluster("127.0.0.1:1")
    assert finding.state is Health.WRONG
    assert finding.advice


def test_a_build_for_a_processor_counts_as_the_same_version() -> None:
    assert "+" not in HERE.torch
    assert versions.parse(versions.say()) == HERE


def test_the_digest_of_our_code_follows_the_code_and_not_its_line_ends(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    (one / "a.py").write_bytes(b"x = 1\ny = 2\n")
    (other / "a.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    assert versions.here(one) == versions.here(other)
    (other / "a.py").write_bytes(b"x = 1\ny = 3\n")
    assert versions.differing(versions.here(one), versions.here(other))[0].startswith("code ")
    shutil.copy(one / "a.py", other / "a.py")
    assert versions.differing(versions.here(one), versions.here(other)) == ()
    (other / "b.py").touch()
    assert versions.differing(versions.here(one), versions.here(other))


def test_the_digest_of_our_code_follows_the_configs_that_build_models(tmp_path: Path) -> None:
    before = versions.here(tmp_path)
    config = tmp_path / "worker" / "configs" / "sd1" / "unet" / "config.json"
    config.parent.mkdir(parents=True)
    config.write_text("{}")
    assert versions.differing(before, versions.here(tmp_path))
