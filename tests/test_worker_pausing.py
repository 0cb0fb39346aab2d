"""Claims about pausing: whatever is drawn between two steps of a job, it ends in the same bits."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from generation.errors import Cancelled, GenerationError, MissingWeights, WeightsChanged
from generation.fleet.wire import (
    Drawn,
    Holding,
    Loading,
    Render,
    Stepped,
)
from generation.job import JobId
from generation.model_key import model_key
from generation.recipe import Placement, Recipe, Variation, needed
from generation.samplers import SAMPLERS
from generation.worker.memory import needs
from generation.worker.text.remembered import RememberedWords
from tests.given.builders import a_blue_png
from tests.given.partly import a_mask, further, masked
from tests.given.pausing import LIMIT, House, Outcome, Table, a_table, house
from tests.given.told import blending, editing
from tests.given.worker_process import a_photo, redrawing

pytestmark = pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning")

__all__ = ["house"]  # a fixture
ZOOMED = Placement(left=8, top=8, width=48, height=48)
WIDER = 13 * 2**20  # room for one larger model
SLOW = pytest.mark.slow
_FAMILIES = {"mine": "starter", "second": "sd2-768", "large": "sdxl", "flow": "sd3"}


@pytest.fixture(scope="module")
def calm(house: House) -> Table:
    """Where nothing is ever paused or moved."""
    return a_table(house, None)


@pytest.fixture(scope="module")
def narrow(house: House) -> Table:
    """Where one model at a time has room, and the others are only on disk."""
    return a_table(house, LIMIT)


@pytest.fixture(scope="module")
def layered(house: House) -> Table:
    """Where one model at a time has room, and host memory holds the others."""
    return a_table(house, LIMIT, host_memory=2**30)


def disturb(table: Table, house: House) -> Callable[[int], None]:
    """Other LoRAs of the same model, another model in its room, and nothing, in turns."""

    def meanwhile(step: int) -> None:
        others: Sequence[Recipe] = (
            house.recipe("mine", "oil", steps=2, seed=step),
            house.recipe("other", "ink", steps=2, seed=step),
        )
        for recipe in others[: step % 3] if step % 3 else ():
            table.draw(recipe)

    return meanwhile


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        *(("mine", "euler_ancestral"), ("mine", "dpmpp_3m_sde"), ("flow", "lms")),
        *(pytest.param("mine", s, marks=SLOW) for s in ("lms", "dpmpp_2m", "uni_pc", "dpmpp_sde")),
        pytest.param("flow", "euler", marks=SLOW),
    ],
)
def test_paused_at_every_step_with_its_weights_moved_out_it_is_the_same_picture(
    house: House, calm: Table, narrow: Table, sampler: str, name: str
) -> None:
    loras = ("ink",) if name == "mine" else ()
    table = narrow if name == "mine" else a_table(house, WIDER)
    recipe = house.recipe(name, *loras, sampler=sampler, scheduler="karras")
    expected = calm.draw(recipe)
    gone: list[bool] = []

    def meanwhile(step: int) -> None:
        table.draw(house.recipe("other", "oil", steps=1, seed=step))
        gone.append(model_key(recipe) not in table.cache.holding.on_device)

    assert table.draw_with_pauses(recipe, meanwhile=meanwhile) == expected
    assert gone == [True] * needed(recipe.sampling).steps


def test_paused_at_every_step_of_an_image_to_image_with_other_loras_between(
    house: House, calm: Table, layered: Table
) -> None:
    recipe = redrawing(house.recipe("mine", "ink", sampler="dpmpp_2m_sde", steps=5), a_photo())
    expected = calm.draw(recipe, a_photo())
    meanwhile = disturb(layered, house)
    assert layered.draw_with_pauses(recipe, a_photo(), meanwhile=meanwhile) == expected
    assert layered.draw(recipe, a_photo()) == expected


def test_so_are_an_edit_and_a_blend(house: House, calm: Table, layered: Table) -> None:
    photos = a_photo(), a_blue_png()
    edit = editing(house.recipe("editor", sampler="euler_ancestral", steps=5), photos[0])
    blend = blending(house.recipe("mine", "ink", sampler="lms"), *photos, shares=(0.3, 0.7))
    for recipe, inputs in ((edit, photos[:1]), (blend, photos)):
        expected = calm.draw(recipe, *inputs)
        meanwhile = disturb(layered, house)
        assert layered.draw_with_pauses(recipe, *inputs, meanwhile=meanwhile) == expected


def test_so_is_a_variation(house: House, calm: Table, layered: Table) -> None:
    upon = (Variation(seed=7, strength=0.2), Variation(seed=8, strength=0.5))
    recipe = house.recipe("mine", sampler="euler_ancestral", steps=5, variations=upon)
    expected = calm.draw(recipe)
    assert expected != calm.draw(replace(recipe, variations=()))
    meanwhile = disturb(layered, house)
    assert layered.draw_with_pauses(recipe, meanwhile=meanwhile) == expected


@pytest.mark.parametrize(("name", "sampler"), [("mine", "dpmpp_sde"), ("flow", "lms")])
def test_paused_at_every_step_of_a_part_of_a_picture_it_is_the_same_picture(
    house: House, calm: Table, layered: Table, name: str, sampler: str
) -> None:
    photo, mask = a_photo(), a_mask()
    recipe = masked(house.recipe(name, sampler=sampler), photo, mask, denoise=0.8, steps=5)
    expected = calm.draw(recipe, photo, mask)
    table = layered if name == "mine" else a_table(house, WIDER)
    meanwhile = disturb(table, house)
    assert table.draw_with_pauses(recipe, photo, mask, meanwhile=meanwhile) == expected
    around = further(house.recipe(name, sampler=sampler), photo, ZOOMED, steps=5)
    expected = calm.draw(around, photo)
    assert table.draw_with_pauses(around, photo, meanwhile=meanwhile) == expected


@pytest.mark.parametrize("name", ["second", "refiner"])
def test_so_is_an_image_to_image_of_their_kin(
    house: House, calm: Table, layered: Table, name: str
) -> None:
    recipe = redrawing(house.recipe(name, sampler="lms", steps=5), a_photo())
    expected = calm.draw(recipe, a_photo())
    meanwhile = disturb(layered, house)
    assert layered.draw_with_pauses(recipe, a_photo(), meanwhile=meanwhile) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "sampler", "name"),
    [
        (number, sampler, name)
        for name, family in _FAMILIES.items()
        for number, sampler in enumerate(SAMPLERS)
    ],
)
def test_every_sampler_and_both_tasks(
    house: House, calm: Table, narrow: Table, layered: Table, number: int, sampler: str, name: str
) -> None:
    photo = a_photo()
    loras = ("ink",) if name == "mine" else ()
    words = house.recipe(name, *loras, sampler=sampler, scheduler="karras")
    table = (narrow, layered)[number % 2] if name == "mine" else a_table(house, WIDER)
    for recipe, inputs in ((words, ()), (redrawing(words, photo), (photo,))):
        expected = calm.draw(recipe, *inputs)
        meanwhile = disturb(table, house)
        assert table.draw_with_pauses(recipe, *inputs, meanwhile=meanwhile) == expected


def test_two_jobs_of_one_model_that_was_moved_out_share_it_when_it_comes_back(
    house: House, calm: Table, narrow: Table
) -> None:
    recipe, inner = house.recipe(sampler="heun"), house.recipe(seed=8, sampler="lms")
    expected = calm.draw(recipe), calm.draw(inner)
    found: list[Outcome] = []

    def meanwhile(_step: int) -> None:
        narrow.draw(house.recipe("other", steps=1))
        found.append(narrow.draw(inner))

    assert narrow.draw_with_pauses(recipe, meanwhile=meanwhile) == expected[0]
    assert found == [expected[1]] * needed(recipe.sampling).steps


def test_a_model_that_was_changed_or_taken_away_in_a_pause_ends_its_job(
    house: House, narrow: Table
) -> None:
    unet = house.folder / "mine" / "unet" / "diffusion_pytorch_model.safetensors"
    sound, hidden = unet.read_bytes(), house.folder.parent / "hidden"
    recipe, other = house.recipe(), house.recipe("other", steps=1)

    def expect(error: type[GenerationError], damage: Callable[[], object]) -> None:
        def meanwhile(_step: int) -> None:
            narrow.draw(other)
            damage()

        with pytest.raises(error) as refusal:
            narrow.draw_with_pauses(recipe, meanwhile=meanwhile, pause_at=lambda step: step == 2)
        assert refusal.value.name == "mine"  # type: ignore[attr-defined]  # both have it

    mine = house.folder / "mine"
    whole = narrow.draw(recipe)
    try:
        expect(MissingWeights, lambda: mine.rename(hidden))
    finally:
        hidden.rename(mine)
    try:
        expect(WeightsChanged, lambda: unet.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1])))
    finally:
        unet.write_bytes(sound)
        os.utime(unet, (1.0, 1.0))  # a clock too coarse would show no change
        house.catalog.scan()
    assert narrow.draw(recipe) == whole


def test_a_cancelled_job_makes_not_one_step_more(house: House) -> None:
    table = a_table(house, None)
    table.cancel_at = 3
    job = table.victim = JobId(77)
    table.jobs.take(Render(job=job, recipe=house.recipe(steps=30), inputs=(), preview_every=1))
    with pytest.raises(Cancelled):
        table.outcome(job)
    assert [r.done for r in table.heard if isinstance(r, Stepped)] == [1, 2, 3]


def test_a_pause_without_company_moves_nothing(house: House, calm: Table) -> None:
    recipe = house.recipe(steps=6)
    expected = calm.draw(recipe)
    calm.heard.clear()
    assert calm.draw_with_pauses(recipe, meanwhile=lambda _: None) == expected
    assert not [r for r in calm.heard if isinstance(r, (Loading, Holding))]


def test_the_device_seconds_count_the_way_back_and_not_the_pause(
    house: House, narrow: Table
) -> None:
    away: list[float] = []

    def meanwhile(_step: int) -> None:
        narrow.heard.clear()
        assert narrow.victim is not None
        place = narrow.jobs._places[narrow.victim]
        for _ in range(2):  # once the first of them is drawn, it has given way
            narrow.draw(house.recipe("other", steps=2))
            away.append(place.seconds)

    narrow.draw(house.recipe(steps=2))
    narrow.draw_with_pauses(
        house.recipe(steps=3), meanwhile=meanwhile, pause_at=lambda step: step == 1
    )
    mine = [r for r in narrow.heard if getattr(r, "job", None) == narrow.victim]
    (drawn,) = (r for r in mine if isinstance(r, Drawn))
    last = max((r for r in mine if isinstance(r, Stepped)), key=lambda r: r.done)
    assert any(isinstance(r, Loading) for r in mine)
    assert drawn.loading_seconds > 0
    assert 0 < last.seconds <= drawn.seconds + drawn.loading_seconds + 0.01
    assert away[0] == away[1]


def test_the_copies_in_memory_are_bounded_and_the_least_used_goes_first(house: House) -> None:
    size = 6 * 2**20  # one model, and not two
    mine, other = house.recipe("mine"), house.recipe("other")
    with a_table(house, None).cache.take(mine, on_load=lambda _: None) as model:
        limit = model.bytes + needs.most_activations(mine, model)  # and no part of another one
    table = a_table(house, limit, host_memory=size)
    for recipe in (mine, other, mine, other):
        table.draw(recipe)
    cache = table.cache
    assert cache.holding == Holding(on_device=(model_key(other),), in_memory=(model_key(mine),))
    loads = [r for r in table.heard if isinstance(r, Loading)]
    assert len(loads) == 3  # "other" found no room for a copy beside the one of "mine"
    roomy = a_table(house, limit, host_memory=3 * size)
    for recipe in (mine, other, mine, other):
        roomy.draw(recipe)
    assert len([r for r in roomy.heard if isinstance(r, Loading)]) == 2
    assert set(roomy.cache.holding.in_memory) == {model_key(r) for r in (mine, other)}


def test_what_is_at_hand_is_told_whenever_it_changes(house: House) -> None:
    table = a_table(house, LIMIT)
    mine, other = (model_key(house.recipe(name)) for name in ("mine", "other"))
    for name in ("mine", "mine", "other"):
        table.draw(house.recipe(name))
    told = [r.on_device for r in table.heard if isinstance(r, Holding)]
    assert told[0] == (mine,)
    assert told[-1] == (other,)
    assert all(one != following for one, following in pairwise(told))
    first = next(r for r in table.heard if isinstance(r, (Holding, Stepped)))
    assert isinstance(first, Holding)


def _tensors() -> dict[int, torch.Tensor]:
    """Everything that is a tensor now, by its storage."""
    gc.collect()
    found = [thing for thing in gc.get_objects() if type(thing) is torch.Tensor]
    return {tensor.untyped_storage().data_ptr(): tensor for tensor in found}


@pytest.mark.parametrize(
    "sampler",
    ["dpmpp_3m_sde", *(pytest.param(s, marks=SLOW) for s in ("euler", "lms", "uni_pc"))],
)
def test_a_parked_job_keeps_its_words_and_a_few_latents(
    house: House, calm: Table, sampler: str
) -> None:
    recipe = house.recipe("large", sampler=sampler, steps=6)
    calm.cache.words = RememberedWords(most=0)  # the job has its own, and nobody else has
    calm.draw(recipe)
    before = set(_tensors())
    latents = (1, 4, needed(recipe.canvas).height // 8, needed(recipe.canvas).width // 8)
    kept: list[tuple[int, int]] = []

    def meanwhile(_step: int) -> None:
        new = [tensor for place, tensor in _tensors().items() if place not in before]
        rest = sum(t.untyped_storage().nbytes() for t in new if t.shape != latents)
        kept.append((len([t for t in new if t.shape == latents]), rest))

    calm.draw_with_pauses(recipe, meanwhile=meanwhile, pause_at=lambda step: step == 5)
    ((pictures, rest),) = kept
    assert 0 < pictures <= 9
    words = 4 * 77 * 80 * 4  # both prompts twice, 80 wide, in 32 bits
    assert words <= rest <= 1.2 * words
