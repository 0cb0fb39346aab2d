"""Room for another program: weights that nobody draws with leave the device, and come back."""

from __future__ import annotations

import time

import pytest

from generation.catalog.catalog import Catalog
from generation.fleet.wire import GiveWay
from generation.worker.memory.model_cache import ModelCache
from tests.given import tinymodels
from tests.given.pausing import House, a_table

SOON = 60.0  # seconds; only what hangs takes longer
ALL = 2**40  # bytes


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("way")
    tinymodels.build_sd15(folder / "mine", seed=1)
    catalog = Catalog([folder], folder.parent / "way.json")
    catalog.scan()
    return House(folder=folder, catalog=catalog)


def left(cache: ModelCache) -> bool:
    """Whether all weights have left the device in time."""
    until = time.monotonic() + SOON
    while cache.holding.on_device and time.monotonic() < until:
        time.sleep(0.005)
    return not cache.holding.on_device


def test_weights_that_nobody_draws_with_leave_and_the_next_picture_has_the_same_bits(
    house: House,
) -> None:
    recipe = house.recipe(sampler="euler_ancestral")
    table = a_table(house, None)
    before = table.draw(recipe)
    assert table.cache.holding.on_device
    table.jobs.take(GiveWay(size=ALL))
    assert left(table.cache)
    assert table.draw(recipe) == before


def test_what_is_being_drawn_keeps_its_weights(house: House) -> None:
    recipe = house.recipe(sampler="euler_ancestral", steps=10)
    expected = a_table(house, None).draw(recipe)
    table = a_table(house, None)
    job = table.order(recipe)
    table.jobs.take(GiveWay(size=ALL))
    drawn = table.outcome(job)
    assert drawn == expected
    assert left(table.cache), "its turn came after the picture's"
    table.jobs.take(GiveWay(size=ALL))  # nothing is left to give, and nothing is wrong with that
