"""Claims about the ladder of memory: whole models, parts by stage, blocks one after the other.

Each rung gives the same bits, and the last one says what would fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from bot.pages.apologies import apology_for, apology_for_reason
from generation.errors import OutOfMemory
from generation.families.architecture import Stage
from generation.fleet.wire import Stepped
from generation.reasons import reason_of
from generation.recipe import Precision, Recipe
from generation.worker import exactness
from generation.worker.memory import needs
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import LoadedPart, Model
from generation.worker.render import render
from generation.worker.residence import Residence, tensors_of
from tests.given import loaded
from tests.given.pausing import CPU, House, Table, house
from tests.given.worker_process import a_photo, redrawing

__all__ = ["house"]


def a_table(house: House, limit: int | None = None) -> Table:
    exactness.switch_on(threads=1)
    return Table(cache=ModelCache(house.catalog, CPU, limit))


def least(house: House, recipe: Recipe) -> int:
    """Bytes of the greediest stage whose blocks come one after the other, and not one more."""
    with a_table(house).cache.take(recipe, on_load=lambda _: None) as model:
        return needs.predict(recipe, model, CPU).least


def there(part: LoadedPart) -> int:
    """Bytes that a part's tensors really have; what is not there repeats one number."""
    return sum(t.nbytes for t in tensors_of(part.module) if t.numel() > 1 and t.is_contiguous())


def watch(table: Table, see: Callable[[LoadedPart], None]) -> None:
    """See every part of a stage when it is called, block by block."""
    at = table.cache.at

    def watched(model: Model, recipe: Recipe, stage: Stage) -> bool:
        came = at(model, recipe, stage)
        for part in model.at(stage):
            for block in part.module.modules():
                block.register_forward_pre_hook(lambda *_, part=part: see(part))
        return came

    table.cache.at = watched  # type: ignore[method-assign]


@pytest.mark.parametrize("name", ["mine", "large", "flow"])
def test_where_no_stage_fits_whole_its_blocks_come_one_after_the_other_and_draw_the_same(
    house: House, name: str
) -> None:
    recipe = house.recipe(name, steps=2)
    table = a_table(house, least(house, recipe))
    most: dict[str, int] = {}

    def see(part: LoadedPart) -> None:
        assert there(part) <= part.residence.held_bytes
        if part.residence.streaming:
            most[part.key.part] = max(most.get(part.key.part, 0), there(part))

    watch(table, see)
    assert table.draw(recipe) == a_table(house).draw(recipe)
    assert most


@pytest.mark.parametrize("architecture", ["flux1", "qwen-image", "z-image"])
def test_every_network_draws_the_same_when_none_of_its_blocks_stays(architecture: str) -> None:
    """Encoders of words, transformers and VAEs."""
    cache, model = loaded.cache_of(architecture), loaded.model(architecture)
    recipe = replace(loaded.recipe_of(architecture), precision=Precision.FP32)

    def draw() -> bytes:
        return render(recipe, (), model, on_step=lambda *_: None).content

    whole = draw()
    with cache.take(recipe, on_load=lambda _: None):
        for part in model.loaded:
            part.residence.stream(CPU, 0)
        assert draw() == whole
        assert all(part.residence.owed_bytes for part in model.loaded)
        for part in model.loaded:
            part.residence.enter(CPU)


def test_pauses_loras_and_pictures_to_begin_with_change_nothing_of_it(house: House) -> None:
    photo = a_photo()
    recipe = redrawing(house.recipe("mine", "ink"), photo)
    other = house.recipe("other")
    expected, alone = a_table(house).draw(recipe, photo), a_table(house).draw(other)
    table = a_table(house, least(house, recipe))

    def meanwhile(_step: int) -> None:
        assert table.draw(other) == alone

    assert table.draw_with_pauses(recipe, photo, meanwhile=meanwhile) == expected


def test_two_jobs_that_are_paused_in_turns_share_a_network_that_is_streamed(house: House) -> None:
    one, two = house.recipe("mine", "ink"), house.recipe("mine", "oil")
    expected = [a_table(house).draw(recipe) for recipe in (one, two)]
    table = a_table(house, least(house, one))

    def meanwhile(_step: int) -> None:
        assert table.draw(two) == expected[1]

    assert table.draw_with_pauses(one, meanwhile=meanwhile) == expected[0]


def test_copies_in_host_memory_are_what_blocks_come_from(house: House) -> None:
    recipe = house.recipe("mine")
    expected = a_table(house).draw(recipe)
    exactness.switch_on(threads=1)
    cache = ModelCache(house.catalog, CPU, least(house, recipe), host_memory=2**26)
    table = Table(cache=cache)
    read: list[bool] = []
    watch(table, lambda part: read.append(part.residence.streaming and part.residence.in_memory))
    assert table.draw(recipe) == expected
    assert any(read)
    assert table.draw(recipe) == expected


def test_what_fits_beside_the_blocks_that_come_and_go_stays(house: House) -> None:
    recipe = house.recipe("mine")
    with a_table(house).cache.take(recipe, on_load=lambda _: None) as model:
        (part,) = model.at(Stage.DENOISE)
        residence: Residence = part.residence
        tight, roomy = residence.least_bytes(CPU), residence.bytes - 1
        for room in (tight, (tight + roomy) // 2, roomy):
            residence.stream(CPU, room)
            assert residence.held_bytes <= room
            assert there(part) == pytest.approx(residence.held_bytes - residence.owed_bytes)
        assert residence.held_bytes > tight
        residence.enter(CPU)
        assert there(part) == residence.bytes


def test_a_network_is_whole_again_as_soon_as_there_is_room(house: House) -> None:
    recipe = house.recipe("mine")
    table = a_table(house, least(house, recipe))
    drawn = table.draw(recipe)
    table.cache._parts._limit = None
    seen: list[bool] = []
    watch(table, lambda part: seen.append(part.residence.streaming))
    assert table.draw(recipe) == drawn
    assert seen
    assert not any(seen)


def refused(house: House, recipe: Recipe, limit: int, *inputs: bytes) -> OutOfMemory:
    with pytest.raises(OutOfMemory) as refusal:
        a_table(house, limit).draw(recipe, *inputs)
    return refusal.value


def test_not_even_a_block_fits_and_it_is_refused_with_the_size_that_would(house: House) -> None:
    recipe = house.recipe(width=512, height=256)
    limit = least(house, recipe) - 1
    error = refused(house, recipe, limit)
    assert error.needed_bytes == limit + 1
    assert (error.width, error.height) == (480, 240)
    smaller = house.recipe(width=480, height=240)
    assert least(house, smaller) <= limit
    assert a_table(house, limit).draw(smaller)
    assert "At 480x240 it would." in apology_for(error)
    assert apology_for_reason(reason_of(error)).endswith("At 480x240 it would.")


def test_nothing_is_read_for_a_recipe_that_is_refused(house: House) -> None:
    recipe = house.recipe()
    table = a_table(house, least(house, recipe) - 1)
    with pytest.raises(OutOfMemory):
        table.draw(recipe)
    assert table.cache.holding.on_device == ()
    assert not any(isinstance(report, Stepped) for report in table.heard)


def test_where_no_size_would_do_a_file_in_fewer_bits_is_named(house: House) -> None:
    recipe = house.recipe("flow")  # whose transformer takes more than what is alive besides
    with a_table(house).cache.take(recipe, on_load=lambda _: None) as model:
        stages = needs.predict(recipe, model, CPU).stages.values()
    limit = max(sum(each.least.values()) // 4 + each.drawing for each in stages)
    error = refused(house, recipe, limit)
    assert (error.width, error.bits) == (None, 8)
    assert "in 8 bits" in apology_for(error)
    assert refused(house, recipe, 1000).bits is None


def test_a_call_that_fails_leaves_no_block_behind() -> None:
    module = torch.nn.Module()
    module.blocks = torch.nn.ModuleList([torch.nn.Sequential(torch.nn.Linear(8, 8))])
    numbers = [t.detach().clone() for t in tensors_of(module)]
    residence = Residence(module, GivenNumbers(numbers))
    residence.stream(CPU, 0)
    block: Any = module.blocks[0]
    with pytest.raises(RuntimeError):
        block(torch.zeros(1, 3))
    assert residence.owed_bytes == residence.held_bytes
    expected = torch.nn.functional.linear(torch.ones(1, 8), *numbers)
    assert torch.equal(block(torch.ones(1, 8)), expected)


class GivenNumbers:
    """Numbers that a test has."""

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        self._tensors = tensors

    def some(self, which: Any) -> GivenNumbers:
        return GivenNumbers([self._tensors[number] for number in which])

    def read(self, into: Any, may_go_on: Any) -> None:
        assert may_go_on()
        for one, numbers in zip(into, self._tensors, strict=True):
            one.copy_(numbers)
