"""The metrics, as a Prometheus on this machine would read them."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.telemetry.events import (
    ChunkPaid,
    Committed,
    Delivered,
    Event,
    JobEnded,
    Paused,
    Picked,
    Queued,
    Resumed,
    Watch,
    WorkerEnded,
    everyone,
)
from bot.telemetry.metrics import LAG_EVERY, MAX_SEATS, Metrics, serving, watching
from generation.job import GroupId, Job, Share
from storage.tickets import RequestId, State
from tests.given.apps import a_wish, an_app, drawn
from tests.given.builders import BEN, a_job
from tests.given.fakes import FakeWorker

BOARD = Path(__file__).parent.parent / "docs" / "grafana" / "atelier.json"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(port: int) -> Samples:
    """What a scrape finds: (name, labels) -> value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


async def scraped(metrics: Metrics) -> Samples:
    async with serving(metrics, 0) as port:
        assert port is not None
        return await asyncio.to_thread(read, port)


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, tuple(sorted(labels.items()))]


def a_life(watch: Watch, job: Job, *, seat: str = "cuda:0") -> None:
    watch(Queued(job=job))
    watch(Picked(job=job, seat=seat, waited=2.5))
    watch(ChunkPaid(job=job, seat=seat, seconds=3.0, swap_seconds=1.0))
    watch(Paused(job=job, seat=seat))
    watch(Resumed(job=job, seat=seat))
    watch(ChunkPaid(job=job, seat=seat, seconds=2.0, swap_seconds=0.0))
    watch(JobEnded(job=job, state=State.DRAWN, seconds=5.0))
    watch(Delivered(request=RequestId(1), seconds=8.0))


async def test_a_job_leaves_its_numbers() -> None:
    metrics = Metrics()
    a_life(metrics.count, a_job(1))
    metrics.count(Committed(seconds=0.002))
    seen = await scraped(metrics)
    assert value(seen, "atelier_gpu_seconds_total", seat="cuda:0", kind="draw") == 4.0
    assert value(seen, "atelier_gpu_seconds_total", seat="cuda:0", kind="swap") == 1.0
    assert value(seen, "atelier_model_swaps_total", seat="cuda:0") == 1
    assert value(seen, "atelier_pauses_total") == 1
    assert value(seen, "atelier_jobs_total", outcome="drawn") == 1
    assert value(seen, "atelier_jobs_total", outcome="failed") == 0
    assert value(seen, "atelier_job_seconds_sum") == 5.0
    assert value(seen, "atelier_delivery_seconds_sum") == 8.0
    assert value(seen, "atelier_database_commit_seconds_count") == 1
    for name in ("waiting", "drawing", "paused"):
        assert value(seen, f"atelier_queue_{name}") == 0


async def test_the_queue_is_counted_by_where_jobs_are() -> None:
    metrics = Metrics()
    for number in range(1, 6):
        metrics.count(Queued(job=a_job(number)))
    metrics.count(Picked(job=a_job(1), seat="cuda:0", waited=0.1))
    metrics.count(Paused(job=a_job(1), seat="cuda:0"))
    metrics.count(Picked(job=a_job(2), seat="cuda:0", waited=0.1))
    seen = await scraped(metrics)
    assert value(seen, "atelier_queue_waiting") == 3
    assert value(seen, "atelier_queue_drawing") == 1
    assert value(seen, "atelier_queue_paused") == 1


async def test_a_dead_workers_jobs_wait_again_and_their_wait_is_counted_once() -> None:
    metrics = Metrics()
    for number, seat in ((1, "a"), (2, "a"), (3, "b")):
        metrics.count(Queued(job=a_job(number)))
        metrics.count(Picked(job=a_job(number), seat=seat, waited=1.0))
    metrics.count(Paused(job=a_job(2), seat="a"))
    metrics.count(WorkerEnded(seat="a", reason="it was killed"))
    metrics.count(Picked(job=a_job(1), seat="b", waited=9.0))
    seen = await scraped(metrics)
    assert value(seen, "atelier_queue_waiting") == 1
    assert value(seen, "atelier_queue_paused") == 0
    assert value(seen, "atelier_worker_deaths_total", seat="a") == 1
    assert sum(v for (name, _), v in seen.items() if name == "atelier_wait_seconds_count") == 3


async def test_nobody_can_be_found_in_the_metrics_and_series_do_not_multiply() -> None:
    metrics = Metrics()
    for number in range(1, 200):
        group = GroupId(f"guild {number * 7919}" if number % 2 else f"odd {number}")
        job = a_job(number, owner=BEN, prompt=f"secret {number}")
        object.__setattr__(job, "share", Share(group=group))  # frozen, and ours
        a_life(metrics.count, job, seat=f"node {number}")
    seen = await scraped(metrics)
    labels = {text for _, pairs in seen for _, text in pairs}
    assert not any("secret" in text or "7919" in text or str(int(BEN)) == text for text in labels)
    assert (
        len({dict(pairs)["seat"] for name, pairs in seen if "seat" in dict(pairs)}) == MAX_SEATS + 1
    )
    assert value(seen, "atelier_jobs_total", outcome="drawn") == 199


async def test_memory_and_the_loops_lag_are_shown() -> None:
    metrics = Metrics()
    async with serving(metrics, 0) as port:
        assert port is not None
        await asyncio.sleep(3 * LAG_EVERY)
        seen = await asyncio.to_thread(read, port)
    assert value(seen, "atelier_loop_lag_seconds_count") >= 1
    assert value(seen, "atelier_resident_memory_bytes", process="bot") > 2**20
    assert value(seen, "atelier_resident_memory_bytes", process="workers") >= 0


async def test_only_this_machine_is_answered() -> None:
    async with serving(Metrics(), 0) as port, asyncio.timeout(60):
        with pytest.raises(OSError):  # noqa: PT011  # refused here, unreachable elsewhere
            await asyncio.open_connection("127.0.0.2", port)


async def test_a_taken_port_costs_the_metrics_only(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with watching(port) as watch:
            a_life(watch, a_job(1))
    assert f"no metrics: port {port}" in caplog.text


async def test_off_by_default() -> None:
    async with watching(0) as watch:
        a_life(watch, a_job(1))


async def test_the_port_is_free_again_afterwards() -> None:
    found = []
    for _ in range(3):  # in between, somebody else on this machine may be given one
        async with serving(Metrics(), 0) as port:
            assert port is not None
        async with serving(Metrics(), port) as again:
            found.append(again == port)
    assert any(found)


def stumbling(event: Event) -> None:
    raise RuntimeError(f"a bug with {event}")


async def test_a_watchers_bug_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    everyone(stumbling, metrics.count)(Queued(job=a_job(1)))
    assert value(await scraped(metrics), "atelier_queue_waiting") == 1
    assert "a watcher stumbled" in caplog.text


async def test_the_studio_tells_its_watcher_everything(tmp_path: Path) -> None:
    metrics = Metrics()
    async with an_app(tmp_path, FakeWorker(), watch=metrics.count) as app:
        async with asyncio.timeout(60):
            await drawn(app, a_wish(count=2))
    seen = await scraped(metrics)
    assert value(seen, "atelier_jobs_total", outcome="drawn") == 2
    assert value(seen, "atelier_wait_seconds_count", kind="console") == 2
    assert value(seen, "atelier_delivery_seconds_count") == 1
    assert value(seen, "atelier_database_commit_seconds_count") > 0
    assert sum(v for (name, _), v in seen.items() if name == "atelier_gpu_seconds_total") > 0
    assert value(seen, "atelier_queue_waiting") == value(seen, "atelier_queue_drawing") == 0


# --- the board --------------------------------------------------------------------------------


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(BOARD.read_text())["panels"]
    return found


def expressions() -> Iterator[str]:
    for panel in panels():
        for target in panel.get("targets", ()):
            yield target["expr"]


def test_every_metric_of_the_board_exists_with_its_labels() -> None:
    metrics = Metrics()
    a_life(metrics.count, a_job(1))
    metrics.count(WorkerEnded(seat="cuda:0", reason="it was killed"))
    known: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            known.setdefault(sample.name, set()).update(sample.labels)
    named = set()
    for expression in expressions():
        names = re.findall(r"atelier_\w+", expression)
        assert names, expression
        named |= set(names)
        for name in names:
            assert name in known, f"{name} in {expression}"
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        labels = {label.strip() for group in grouped for label in group.split(",")}
        labels |= set(re.findall(r"[{,]\s*(\w+)\s*=", expression))
        assert labels <= set().union(*(known[name] for name in names)), expression
    # And the other way round: what is counted can be seen.
    shown = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in named}
    assert {f.name for f in metrics.registry.collect()} <= shown


def test_the_boards_panels_are_told_apart_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(ids) == len(set(ids)) > 8
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_board_asks_for_the_readers_own_prometheus() -> None:
    open_requests = json.loads(BOARD.read_text())
    (variable,) = open_requests["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    for panel in panels():
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            refs = [target["refId"] for target in panel["targets"]]
            assert len(refs) == len(set(refs))
