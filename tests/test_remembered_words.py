"""Claims about words that were encoded before: read no second time, and the same to the bit."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generation.catalog.catalog import Catalog
from generation.families.architecture import Stage
from generation.recipe import Adapter, Precision, Recipe
from generation.worker import exactness
from generation.worker.memory import needs
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.text.clip import EncodedWords
from generation.worker.text.remembered import RememberedWords
from tests.given.builders import changed
from tests.given.loras import lora_tensors
from tests.given.pausing import CPU, House, Table, house

__all__ = ["house"]


def a_table(house: House, limit: int | None = None) -> Table:
    exactness.switch_on(threads=1)
    return Table(cache=ModelCache(house.catalog, CPU, limit))


def encodings(table: Table) -> list[Hashable]:
    """Fills up with what is encoded from now on."""
    heard: list[Hashable] = []
    of = table.cache.words.of

    def counted(
        key: Hashable, device: torch.device, encode: Callable[[], EncodedWords]
    ) -> EncodedWords:
        def heard_of() -> EncodedWords:
            heard.append(key)
            return encode()

        return of(key, device, heard_of)

    table.cache.words.of = counted  # type: ignore[method-assign]
    return heard


@pytest.mark.parametrize("name", ["mine", "large", "flow"])
def test_another_seed_reads_its_words_no_second_time_and_is_the_same_picture(
    house: House, name: str
) -> None:
    table = a_table(house)
    heard = encodings(table)
    recipes = [house.recipe(name, seed=seed) for seed in (1, 2, 3)]
    drawn = [table.draw(recipe) for recipe in recipes]
    assert len(heard) == 1
    assert drawn == [a_table(house).draw(recipe) for recipe in recipes]
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "another"},
        {"negative_prompt": "another"},
        {"clip_skip": 2},
        {"syntax": "plain"},
        {"precision": Precision.BF16},
    ],
    ids=str,
)
def test_whatever_decides_them_has_them_read_anew(house: House, change: dict[str, object]) -> None:
    table = a_table(house)
    table.draw(house.recipe())
    heard = encodings(table)
    other = changed(house.recipe(), **change)
    assert table.draw(other) == a_table(house).draw(other)
    assert len(heard) == 1


def test_other_steps_sizes_and_guidance_do_not(house: House) -> None:
    table = a_table(house)
    table.draw(house.recipe())
    heard = encodings(table)
    changes: list[dict[str, Any]] = [{"width": 128}, {"cfg": 1.0}, {"steps": 3}]
    for change in changes:
        other = house.recipe("mine", **change)
        assert table.draw(other) == a_table(house).draw(other)
    assert not heard


def test_only_loras_that_change_an_encoder_have_them_read_anew(house: House) -> None:
    tensors = {key: t for key, t in lora_tensors(7).items() if key.startswith("lora_unet")}
    save_file(tensors, house.folder / "shapes.safetensors")
    card = house.folder / "shapes.safetensors.atelier.toml"
    card.write_text('family = "starter"\nkind = "lora"\n')
    catalog = Catalog([house.folder], house.folder.parent / "words.json")
    catalog.scan()
    here = House(folder=house.folder, catalog=catalog)
    table = a_table(here)
    table.draw(here.recipe())
    heard = encodings(table)
    assert table.draw(here.recipe("mine", "shapes")) == a_table(here).draw(
        here.recipe("mine", "shapes")
    )
    assert not heard
    inked = here.recipe("mine", "ink")
    weaker = replace(inked, adapters=(replace(inked.adapters[0], strength=0.3),))
    for recipe in (inked, weaker, inked):
        assert table.draw(recipe) == a_table(here).draw(recipe)
    assert len(heard) == 2
    assert isinstance(weaker.adapters[0], Adapter)


def test_where_stages_take_turns_the_encoders_stay_away(house: House) -> None:
    recipe = house.recipe()
    with a_table(house).cache.take(recipe, on_load=lambda _: None) as model:
        limit = max(
            sum(part.bytes for part in model.at(stage)) + needs.activations(recipe, model, stage)
            for stage in Stage
        )
    table = a_table(house, limit)
    table.draw(recipe)
    asked: list[Stage] = []
    at = table.cache.at

    def watched(model: Model, recipe: Recipe, stage: Stage) -> bool:
        asked.append(stage)
        return at(model, recipe, stage)

    table.cache.at = watched  # type: ignore[method-assign]
    again = replace(recipe, seed=recipe.seed + 1)
    assert table.draw(again) == a_table(house).draw(again)
    assert Stage.ENCODE not in asked
    assert {Stage.DENOISE, Stage.DECODE} <= set(asked)


def some(size: int) -> EncodedWords:
    return EncodedWords(
        context=torch.zeros(size), negative=torch.zeros(0), pooled=None, negative_pooled=None
    )


def test_the_memory_is_bounded_and_the_least_used_goes_first() -> None:
    made: list[str] = []
    memory = RememberedWords(most=2 * 4 * 100)

    def ask(key: str) -> None:
        def encode() -> EncodedWords:
            made.append(key)
            return some(100)

        memory.of(key, CPU, encode)

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert made == ["a", "b", "c", "b"]
    memory.of("huge", CPU, lambda: some(10_000))  # kept by nobody, and given all the same
    ask("a")
    assert made[-1] == "a"


def test_no_word_of_anybody_is_kept(house: House) -> None:
    table = a_table(house)
    table.draw(changed(house.recipe(), prompt="a secret wish"))
    assert "secret" not in repr(table.cache.words._kept.keys())
