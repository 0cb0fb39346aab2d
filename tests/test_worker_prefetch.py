"""Claims about reading ahead: a hint changes when weights are read, and never what is drawn."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from generation.catalog.catalog import Catalog
from generation.errors import Cancelled
from generation.fleet.wire import Loading, Prefetch
from generation.model_key import model_key
from generation.recipe import Precision, Sha256, Weights
from generation.worker import exactness, pulse
from generation.worker.baton import Baton
from generation.worker.loading.loader import load
from generation.worker.memory.model_cache import ModelCache
from generation.worker.memory.prefetch import Prefetcher
from tests.given import tinymodels
from tests.given.builders import a_recipe
from tests.given.pausing import CPU, LIMIT, House, a_table

SOON = 60.0  # seconds; only what hangs takes longer


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("prefetch")
    tinymodels.build_sd15(folder / "mine", seed=1)
    tinymodels.build_sd15(folder / "other", seed=2)
    tinymodels.build_sdxl(folder / "large", seed=3)
    catalog = Catalog([folder], folder.parent / "prefetch.json")
    catalog.scan()
    return House(folder=folder, catalog=catalog)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("host_memory", [0, 2**30])
def test_what_was_read_ahead_is_drawn_with_at_once_and_to_the_same_bits(
    house: House, host_memory: int
) -> None:
    recipe = house.recipe("other", sampler="euler_ancestral")
    expected = a_table(house, None).draw(recipe)
    table = a_table(house, None, host_memory=host_memory)
    job = table.order(house.recipe(steps=10))
    table.jobs.take(Prefetch(recipe=recipe))
    table.outcome(job)
    key = model_key(recipe)
    until(lambda: key in (*table.cache.holding.on_device, *table.cache.holding.in_memory))
    assert (key in table.cache.holding.in_memory) is bool(host_memory)
    table.heard.clear()
    assert table.draw(recipe) == expected
    assert not any(isinstance(report, Loading) for report in table.heard)


def test_reading_beside_a_drawing_leaves_the_processs_dtype_alone(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The libraries set it while they build, for every thread, as a config says."""
    folder = shutil.copytree(house.folder / "large", tmp_path / "large")
    config = folder / "text_encoder" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "dtype": "float16"}))
    asked: list[torch.dtype] = []
    monkeypatch.setattr(torch, "set_default_dtype", asked.append)
    load(house.recipe("large", precision=Precision.BF16), folder, None, CPU)
    assert set(asked) <= {torch.float32}


def test_a_hint_evicts_nothing_that_is_in_use(house: House) -> None:
    table = a_table(house, LIMIT)
    mine, other = house.recipe(steps=10), house.recipe("other")

    def meanwhile(_step: int) -> None:
        table.jobs.take(Prefetch(recipe=other))
        time.sleep(0.02)

    table.draw_with_pauses(mine, meanwhile=meanwhile)
    assert table.cache.holding.on_device == (model_key(mine),)


def test_a_hint_that_cannot_be_followed_is_dropped_without_a_word(house: House) -> None:
    table = a_table(house, None)
    gone = Weights(name="gone", sha256=Sha256("0" * 64))
    table.jobs.take(Prefetch(recipe=a_recipe(checkpoint=gone)))
    table.draw(house.recipe())
    assert [type(r).__name__ for r in table.heard[:3]] == ["Loading", "Holding", "Stepped"]


class Held(Catalog):
    """Lets who reads ahead begin, and go on when it may."""

    began, may_go_on = threading.Event(), threading.Event()

    def locate(self, weights: Weights) -> Path:
        if threading.current_thread().name == "prefetch":
            self.began.set()
            assert self.may_go_on.wait(SOON)
        return super().locate(weights)


def test_a_job_takes_over_a_read_that_is_half_way(house: House) -> None:
    exactness.switch_on(threads=1)
    catalog = Held([house.folder], house.folder.parent / "prefetch.json")
    catalog.scan()
    cache = ModelCache(catalog, CPU, None)
    recipe = house.recipe("large")
    loads: list[str] = []

    def on_load(name: str) -> None:
        loads.append(name)
        catalog.may_go_on.set()

    cache.prefetch(recipe)
    assert catalog.began.wait(SOON)
    with cache.take(recipe, on_load=on_load) as model:
        assert model.residence.on_device
    assert loads == ["large"]  # told once, read once
    with cache.take(recipe, on_load=on_load) as again:
        assert again is model


class Reading:
    """Something that is read until it may end, or must."""

    def __init__(self, error: Exception | None = None) -> None:
        self.began, self.may_end, self.stopped = threading.Event(), threading.Event(), False
        self.error = error

    def __call__(self, may_go_on: Callable[[], bool]) -> None:
        self.began.set()
        while not self.may_end.wait(0.002):
            if not may_go_on():
                self.stopped = True
                raise Cancelled
        if self.error is not None:
            raise self.error


def test_who_needs_something_else_interrupts_a_read() -> None:
    prefetcher, slow = Prefetcher(), Reading()
    prefetcher.wish("a", slow)
    assert slow.began.wait(SOON)
    with prefetcher.giving_way("b"):
        assert slow.stopped
        assert not prefetcher.is_reading("a")
        slow.began.clear()
        assert not slow.began.wait(0.05)
    assert slow.began.wait(SOON)  # another time
    slow.may_end.set()


def test_who_needs_what_is_being_read_waits_for_its_end() -> None:
    prefetcher, slow = Prefetcher(), Reading()
    prefetcher.wish("a", slow)
    assert slow.began.wait(SOON)
    threading.Timer(0.05, slow.may_end.set).start()
    with prefetcher.giving_way("a"):
        assert slow.may_end.is_set()
        assert not slow.stopped


def test_the_newest_hint_replaces_one_that_has_not_begun() -> None:
    prefetcher, first, second, third = Prefetcher(), Reading(), Reading(), Reading()
    prefetcher.wish("a", first)
    assert first.began.wait(SOON)
    prefetcher.wish("b", second)
    prefetcher.wish("c", third)
    first.may_end.set()
    assert third.began.wait(SOON)
    third.may_end.set()
    prefetcher.stop()
    assert not second.began.is_set()


def test_after_an_error_the_next_hint_is_followed() -> None:
    prefetcher, broken, sound = Prefetcher(), Reading(OSError("torn")), Reading()
    prefetcher.wish("a", broken)
    assert broken.began.wait(SOON)
    prefetcher.wish("b", sound)
    broken.may_end.set()
    assert sound.began.wait(SOON)
    prefetcher.stop()
    assert sound.stopped


def test_a_job_that_waits_for_a_read_under_way_can_be_cancelled_and_the_read_goes_on() -> None:
    prefetcher, place = Prefetcher(), Baton().place()
    reading, may_end, ended = (threading.Event() for _ in range(3))

    def read(may_go_on: Callable[[], bool]) -> None:
        reading.set()
        may_end.wait(60)
        if may_go_on():
            ended.set()

    prefetcher.wish("weights", read)
    assert reading.wait(60)
    place.cancel()
    with pulse.of(place), pytest.raises(Cancelled), prefetcher.giving_way("weights"):
        raise AssertionError("it was not to begin")
    may_end.set()
    assert ended.wait(60)
    with prefetcher.giving_way("others"):
        pass  # and nobody is kept out
