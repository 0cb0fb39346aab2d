"""Claims about long steps: others may have the device in their middle, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from generation.catalog.catalog import Catalog
from generation.families.architecture import Stage
from generation.fleet.wire import Midway, Stepped
from generation.model_key import model_key
from generation.recipe import Recipe
from generation.worker import pulse
from generation.worker.memory import needs
from tests.given import loaded, tinymodels
from tests.given.builders import changed
from tests.given.pausing import LIMIT, House, Table, a_table, a_table_of, house
from tests.given.worker_process import a_photo, redrawing

pytestmark = pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning")

__all__ = ["house"]  # a fixture
AT_ONCE = 0.0  # patience, with which every step is a long one


def blocks_of(network: nn.Module) -> int:
    """Between how many blocks of it somebody could come."""
    return sum(pulse._let_others_in in each._forward_hooks.values() for each in network.modules())


def disturb(table: Table, house: House) -> Callable[[int], None]:
    """Other LoRAs of the same model, and another model in its room, in turns."""

    def meanwhile(time: int) -> None:
        other = ("mine", "oil") if time % 2 else ("other", "ink")
        table.draw(house.recipe(*other, steps=1, seed=time))

    return meanwhile


@pytest.mark.parametrize("host_memory", [0, 2**30])
def test_left_between_all_blocks_with_its_weights_moved_out_it_is_the_same_picture(
    house: House, host_memory: int
) -> None:
    recipe = house.recipe("mine", "ink", sampler="dpmpp_sde", steps=2)
    expected = a_table(house, None).draw(recipe)
    table = a_table(house, LIMIT, host_memory=host_memory, patience=AT_ONCE)
    gone: list[bool] = []

    def meanwhile(time: int) -> None:
        disturb(table, house)(time)
        gone.append(model_key(recipe) not in table.cache.holding.on_device)

    assert table.draw_with_pauses_midway(recipe, meanwhile=meanwhile) == expected
    assert len(gone) >= 3 * 6  # calls of the model, blocks of each
    assert any(gone)
    assert table.draw(recipe) == expected


def test_so_is_one_whose_blocks_come_one_after_the_other(house: House) -> None:
    """In the middle of a network that is streamed, and streamed anew when it comes back."""
    recipe = house.recipe("large", sampler="euler", steps=2)
    table = a_table(house, None)
    expected = table.draw(recipe)
    with table.cache.take(recipe, on_load=lambda _: None) as model:
        least = needs.predict(recipe, model, table.cache.device).least
        whole = model.bytes
    narrow = a_table(house, least + (whole - least) // 8, patience=AT_ONCE)
    streamed: list[bool] = []

    def meanwhile(time: int) -> None:
        with narrow.cache._parts.lock:
            streamed.append(any(p.residence.streaming for p in narrow.cache._parts.all()))
        if time % 3 == 0:
            narrow.draw(house.recipe("other", steps=1, seed=time))

    assert narrow.draw_with_pauses_midway(recipe, meanwhile=meanwhile) == expected
    assert any(streamed)


@pytest.mark.parametrize(
    "architecture",
    [
        pytest.param(name, marks=() if name in ("sdxl", "flux1") else pytest.mark.slow)
        for name in tinymodels.BUILDS
    ],
)
def test_no_denoiser_keeps_anything_of_a_call_in_itself(architecture: str) -> None:
    """Left between any two blocks, and called for another picture meanwhile."""
    source = tinymodels.of(architecture)
    catalog = Catalog([source], tinymodels.home() / f"loaded-{architecture}.json")
    catalog.scan()
    table = a_table_of(catalog, None, patience=AT_ONCE)
    recipe, inputs = a_recipe_of(architecture)
    expected = table.draw(recipe, *inputs)
    other = changed(recipe, seed=9, prompt="another one")
    before = table.draw(other, *inputs)
    found = [table.draw_with_pauses_midway(recipe, *inputs, meanwhile=draws(table, other, inputs))]
    assert found == [expected]
    assert table.draw(other, *inputs) == before
    assert len([r for r in table.heard if isinstance(r, Midway)]) >= 2


def a_recipe_of(architecture: str) -> tuple[Recipe, tuple[bytes, ...]]:
    base = loaded.recipe_of(architecture)
    recipe = changed(base, steps=1, sigmas=(1.0, 0.0), cfg=3.0, prompt="a red cat")
    if architecture == "sdxl-refiner":
        return redrawing(recipe, a_photo()), (a_photo(),)
    return recipe, ()


def draws(table: Table, other: Recipe, inputs: tuple[bytes, ...]) -> Callable[[int], Any]:
    """The second and third time another picture; each time it would take long."""
    return lambda time: table.draw(other, *inputs) if time in (2, 3) else None


def test_a_step_that_is_short_is_waited_for(house: House) -> None:
    table = a_table(house, None, patience=3600.0)
    table.draw_with_pauses(house.recipe(steps=3), meanwhile=lambda _: None)
    assert not [report for report in table.heard if isinstance(report, Midway)]


def test_others_can_come_between_any_two_blocks_of_a_step_and_never_behind_the_last(
    house: House,
) -> None:
    table = a_table(house, None, patience=AT_ONCE)
    recipe = house.recipe(sampler="euler", steps=2)
    table.draw(recipe)
    with table.cache.take(recipe, on_load=lambda _: None) as model:
        blocks = blocks_of(model.denoiser)
    told = [type(r) for r in table.heard if isinstance(r, Midway | Stepped)]
    steps = ([Midway] * blocks + [Stepped]) * 2
    assert told[-len(steps) :] == steps
    assert set(told[: -len(steps)]) <= {Midway}  # while its words are read


def test_what_a_job_keeps_in_the_middle_of_a_step_is_not_there_for_others(house: House) -> None:
    table = a_table(house, LIMIT, patience=AT_ONCE)
    recipe = house.recipe(sampler="euler", steps=2)
    before: list[int] = []

    def meanwhile(time: int) -> None:
        table.draw(house.recipe(steps=1, seed=time))  # when it has begun, the other one rests
        before.append(table.cache._parts._kept_bytes)

    table.draw_with_pauses_midway(recipe, meanwhile=meanwhile)
    with table.cache.take(recipe, on_load=lambda _: None) as model:
        kept, blocks = needs.activations(recipe, model, Stage.DENOISE), blocks_of(model.denoiser)
    assert [size for size in before if size] == [kept] * (2 * blocks)  # else its words are read
    assert table.cache._parts._kept_bytes == 0


def test_a_job_that_would_keep_much_is_left_behind_its_step(house: House) -> None:
    recipe = house.recipe(sampler="euler", steps=2)
    roomy = a_table(house, None, patience=AT_ONCE)
    with roomy.cache.take(recipe, on_load=lambda _: None) as model:
        limit = model.bytes + 3 * needs.most_activations(recipe, model) // 2
    narrow = a_table(house, limit, patience=AT_ONCE)
    with narrow.cache.take(recipe, on_load=lambda _: None) as model:
        large = changed(recipe, width=512, height=512)
        assert narrow.cache.kept_midway(model, large, Stage.DENOISE) is None
    expected = roomy.draw(recipe)
    assert narrow.draw_with_pauses_midway(recipe, meanwhile=lambda _: None) == expected
