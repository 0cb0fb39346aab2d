"""Claims about parts that models share, and that are on the device only while their stage runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from generation.catalog.catalog import Catalog
from generation.families.architecture import Stage
from generation.fleet.wire import Holding
from generation.model_key import model_key
from generation.recipe import Recipe, Weights
from generation.worker import exactness
from generation.worker.memory import needs
from generation.worker.memory.model_cache import ModelCache
from generation.worker.memory.parts_at_hand import RESTING
from generation.worker.model import Model
from tests.given import tinymodels
from tests.given.pausing import CPU, House, Table, house
from tests.given.worker_process import a_photo, redrawing

__all__ = ["house"]


@pytest.fixture(scope="module")
def with_vaes(house: House) -> House:
    """The house with a VAE that is a folder of its own."""
    folder = house.folder.parent / "with-vaes"
    shutil.copytree(house.folder, folder)
    other = tinymodels.build_sd15(folder.parent / "elsewhere", seed=9)
    shutil.copytree(other / "vae", folder / "fine")
    catalog = Catalog([folder], folder.parent / "with-vaes.json")
    catalog.scan()
    return House(folder=folder, catalog=catalog)


def a_table(house: House, limit: int | None = None, *, resting: int = RESTING) -> Table:
    exactness.switch_on(threads=1)
    return Table(cache=ModelCache(house.catalog, CPU, limit, resting=resting))


@contextmanager
def taken(cache: ModelCache, recipe: Recipe) -> Iterator[Model]:
    with cache.take(recipe, on_load=lambda _: None) as model:
        yield model


def fine(house: House) -> Weights:
    return house.catalog.find("fine", "vae").weights


def test_another_vae_loads_a_vae_and_no_second_unet(with_vaes: House) -> None:
    own = with_vaes.recipe()
    other = replace(own, vae=fine(with_vaes))
    cache = a_table(with_vaes).cache
    with taken(cache, own) as one, taken(cache, other) as two:
        assert one.parts["unet"] is two.parts["unet"]
        assert one.parts["text_encoder"] is two.parts["text_encoder"]
        assert one.parts["vae"] is not two.parts["vae"]
    assert set(cache.holding.on_device) == {model_key(own), model_key(other)}


def test_the_same_file_is_one_part_for_all_who_name_it(with_vaes: House) -> None:
    vae = fine(with_vaes)
    cache = a_table(with_vaes).cache
    mine, other = (replace(with_vaes.recipe(name), vae=vae) for name in ("mine", "other"))
    with taken(cache, mine) as one, taken(cache, other) as two:
        assert one.parts["vae"] is two.parts["vae"]
        assert one.parts["unet"] is not two.parts["unet"]
        others = replace(mine, precision=mine.precision.__class__.BF16)
        with taken(cache, others) as third:
            assert third.parts["vae"] is not one.parts["vae"]


def test_models_that_share_parts_draw_as_if_they_were_alone(with_vaes: House) -> None:
    vae = fine(with_vaes)
    recipes = [
        with_vaes.recipe(),
        replace(with_vaes.recipe(), vae=vae),
        replace(with_vaes.recipe("mine", "ink"), vae=vae),
        replace(with_vaes.recipe("other"), vae=vae),
    ]
    alone = [a_table(with_vaes).draw(recipe) for recipe in recipes]
    together = a_table(with_vaes)
    for _ in range(2):
        assert [together.draw(recipe) for recipe in recipes] == alone


def test_a_job_that_is_paused_keeps_its_loras_to_itself(with_vaes: House) -> None:
    """Both are on the same UNet, in turns."""
    table, vae = a_table(with_vaes), fine(with_vaes)
    inked = with_vaes.recipe("mine", "ink")
    oiled = replace(with_vaes.recipe("mine", "oil"), vae=vae)
    plain = replace(with_vaes.recipe(), vae=vae)
    expected = {r.id: a_table(with_vaes).draw(r) for r in (inked, oiled, plain)}

    def meanwhile(_step: int) -> None:
        for recipe in (oiled, plain):
            assert table.draw(recipe) == expected[recipe.id]

    assert table.draw_with_pauses(inked, meanwhile=meanwhile) == expected[inked.id]


def test_what_somebody_still_uses_stays_when_another_user_is_done(with_vaes: House) -> None:
    own = with_vaes.recipe()
    cache = a_table(with_vaes, resting=0).cache
    with taken(cache, own) as one:
        with taken(cache, replace(own, vae=fine(with_vaes))):
            pass
        with taken(cache, with_vaes.recipe("other")):
            pass
        assert all(part.users == 1 for part in one.loaded)
        assert one.residence.on_device


# Stages.


def narrowest(house: House, recipe: Recipe) -> int:
    """Bytes that the greediest stage takes, and not one more."""
    with taken(a_table(house).cache, recipe) as model:
        return max(
            sum(part.bytes for part in model.at(stage)) + needs.activations(recipe, model, stage)
            for stage in needs.stages(recipe)
        )


@pytest.mark.parametrize("name", ["mine", "large", "second", "flow"])
def test_where_only_a_stage_fits_its_parts_take_turns_and_the_picture_is_the_same(
    house: House, name: str
) -> None:
    recipe = house.recipe(name)
    limit = narrowest(house, recipe)
    table = a_table(house, limit)
    seen: list[set[Stage]] = []
    at = table.cache.at

    def watched(model: Model, recipe: Recipe, stage: Stage) -> bool:
        came = at(model, recipe, stage)
        seen.append({part.stage for part in model.loaded if part.residence.on_device})
        assert stage in seen[-1]
        return came

    table.cache.at = watched  # type: ignore[method-assign]
    assert table.draw(recipe) == a_table(house).draw(recipe)
    assert set(needs.stages(recipe)) not in seen
    assert any(one != following for one, following in pairwise(seen))


def test_a_stages_turn_survives_pauses_loras_and_pictures_to_begin_with(house: House) -> None:
    photo = a_photo()
    recipe = redrawing(house.recipe("mine", "ink"), photo)
    expected = a_table(house).draw(recipe, photo)
    table = a_table(house, narrowest(house, recipe))
    other = house.recipe("other")
    alone = a_table(house).draw(other)

    def meanwhile(_step: int) -> None:
        assert table.draw(other) == alone

    assert table.draw_with_pauses(recipe, photo, meanwhile=meanwhile) == expected


def test_a_model_whose_parts_take_turns_is_not_told_as_at_hand(house: House) -> None:
    recipe = house.recipe()
    table = a_table(house, narrowest(house, recipe))
    table.draw(recipe)
    assert model_key(recipe) not in table.cache.holding.on_device
    roomy = a_table(house)
    roomy.draw(recipe)
    assert roomy.cache.holding == Holding(on_device=(model_key(recipe),), in_memory=())


# A processor's memory.


def test_on_a_processor_what_nobody_uses_gives_way_when_another_model_comes(house: House) -> None:
    one, two = house.recipe("mine"), house.recipe("other")
    table = a_table(house, resting=0)
    pictures = [a_table(house).draw(recipe) for recipe in (one, two)]
    for recipe, picture in ((one, pictures[0]), (two, pictures[1]), (one, pictures[0])):
        assert table.draw(recipe) == picture
        assert table.cache.holding.on_device == (model_key(recipe),)


def test_a_hint_on_a_processor_reads_a_large_model_into_no_second_place(house: House) -> None:
    one, two = house.recipe("mine"), house.recipe("other")
    table = a_table(house, resting=0)
    table.draw(one)
    table.cache._prefetch(two, lambda: True)
    assert table.cache.holding.on_device == (model_key(one),)
    small = a_table(house)
    small.draw(one)
    small.cache._prefetch(two, lambda: True)
    assert set(small.cache.holding.on_device) == {model_key(one), model_key(two)}
