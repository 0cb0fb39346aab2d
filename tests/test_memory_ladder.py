"""Claims about the ladder of memory: whole models, parts by stage, blocks one after the other.

Each rung gives the same bits, and the last one says what would fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from generation.errors import OutOfMemory
from generation.families.architecture import Stage
from generation.recipe import Recipe
from generation.worker import exactness
from generation.worker.memory import needs
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import LoadedPart, Model
from generation.worker.residence import Residence, tensors_of
from tests.given.pausing import CPU, House, Table, house
from tests.given.worker_process import a_photo, redrawing

__all__ = ["house"]


def a_table(house: House, limit: int | None = None) -> Table:
    exactness.switch_on(threads=1)
    return Table(cache=ModelCache(house.catalog, CPU, limit))


def least(house: House, recipe: Recipe) -> int:
    """Bytes of the greediest stage whose blocks come one after the other, and not one more."""
    with a_table(house).cache.take(recipe, on_load=lambda _: None) as model:
        return max(
            sum(part.residence.least_bytes(CPU) for part in model.at(stage))
            + needs.activations(recipe, model, stage)
            for stage in needs.stages(recipe)
        )


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


def test_not_even_a_block_fits_and_it_is_refused_with_what_it_takes(house: House) -> None:
    recipe = house.recipe()
    limit = least(house, recipe)
    with pytest.raises(OutOfMemory) as refusal:
        a_table(house, limit - 1).draw(recipe)
    assert refusal.value.needed_bytes == limit


def test_a_call_that_fails_leaves_no_block_behind() -> None:
    module = torch.nn.Module()
    module.blocks = torch.nn.ModuleList([torch.nn.Sequential(torch.nn.Linear(8, 8))])
    numbers = [t.detach().clone() for t in tensors_of(module)]
    residence = Residence(module, Given(numbers))
    residence.stream(CPU, 0)
    block: Any = module.blocks[0]
    with pytest.raises(RuntimeError):
        block(torch.zeros(1, 3))
    assert residence.owed_bytes == residence.held_bytes
    expected = torch.nn.functional.linear(torch.ones(1, 8), *numbers)
    assert torch.equal(block(torch.ones(1, 8)), expected)


class Given:
    """Numbers that a test has."""

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        self._tensors = tensors

    def some(self, which: Any) -> Given:
        return Given([self._tensors[number] for number in which])

    def read(self, into: Any, may_go_on: Any) -> None:
        assert may_go_on()
        for one, numbers in zip(into, self._tensors, strict=True):
            one.copy_(numbers)
