"""Films in two passes as people ask for them on Discord."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.pages.differences import change_of
from generation.recipe import needed
from generation.spans import SecondPass
from tests.given import tinymodels
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_model_folder, changed
from tests.given.discord_world import buttons
from tests.given.other_media import Doodler
from tests.given.results import answers, is_result
from tests.given.two_passes import LEVELS, in_two_passes, write_enlarger

USUAL = SecondPass(sampler="euler", sigmas=LEVELS, cfg=1.0)
SMALL = {"model": "films", "seconds": 0.4, "seed": "7"}


@asynccontextmanager
async def a_house(folder: Path, *, whole: bool = True) -> AsyncIterator[Studio]:
    """The bot with a tiny LTX-2 beside the usual model; `whole`: with its enlarger."""
    models = folder / "models"
    a_model_folder(models)
    shutil.copytree(tinymodels.of("ltx-2"), models / "films")
    if whole:
        write_enlarger(models, "ltx-2")
    async with a_studio(folder, Doodler()) as studio:
        yield studio


async def test_a_film_in_two_passes_is_drawn_told_and_drawn_again(tmp_path: Path) -> None:
    async with a_house(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("video", prompt="a cat", passes=2, size="256x384", **SMALL)
        first = await ann.sees(is_result)
        [order] = studio.worker.orders
        assert order.recipe.second == USUAL
        assert [part.name for part in order.recipe.components] == ["ltx-2-spatial-upscaler-x2-1.0"]
        assert "2 passes" in first.content
        await ann.press(first, "📄")
        page = await ann.sees(lambda m: "second pass" in m.content)
        assert "euler, cfg 1, levels 0.909375, 0.725, 0.421875, 0" in page.content
        await ann.press(first, "🎲")
        await ann.sees(is_result, after=page)
        assert studio.worker.orders[-1].recipe.second == USUAL
        assert not studio.world.faults


@pytest.mark.parametrize(
    ("words", "size", "steps"),
    [("10 steps", (256, 384), 10), ("make it wider", (320, 320), 40), ("longer", (256, 384), 40)],
)
async def test_what_a_reply_makes_of_it_is_in_two_passes_too(
    tmp_path: Path, words: str, size: tuple[int, int], steps: int
) -> None:
    async with a_house(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("video", prompt="a cat", passes=2, size="256x384", **SMALL)
        first = await ann.sees(is_result)
        await ann.say(words, reply_to=first)
        await ann.sees(is_result, after=first)
        before, after = (order.recipe for order in studio.worker.orders)
        canvas = needed(after.canvas)
        assert (after.second, after.components) == (USUAL, before.components)
        assert ((canvas.width, canvas.height), needed(after.sampling).steps) == (size, steps)
        assert not studio.world.faults


async def test_another_model_draws_in_as_many_passes_as_it_can(tmp_path: Path) -> None:
    shutil.copytree(tinymodels.of("ltx-2.3"), tmp_path / "models" / "newer")
    async with a_house(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("video", prompt="a cat", passes=2, size="256x384", **SMALL)
        first = await ann.sees(is_result)
        await ann.say("use newer", reply_to=first)
        second = await ann.sees(is_result, after=first)
        after = studio.worker.orders[-1].recipe
        assert (after.family, after.second, after.components) == ("ltx-2.3", None, ())
        await ann.say("use films", reply_to=first)
        await ann.sees(is_result, after=second)
        assert studio.worker.orders[-1].recipe.second == USUAL
        assert not studio.world.faults


async def test_close_by_it_is_in_two_passes_too(tmp_path: Path) -> None:
    async with a_house(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("video", prompt="a cat", passes=2, size="256x384", **SMALL)
        first = await ann.sees(is_result)
        [subtle] = [b.custom_id for b in buttons(first) if b.label == "Subtle"]
        await ann.actor.click(first, custom_id=subtle)
        await ann.sees(is_result, after=first)
        after = studio.worker.orders[-1].recipe
        assert (after.second, len(after.variations)) == (USUAL, 1)
        assert not studio.world.faults


def test_what_differs_is_said_in_passes() -> None:
    twice = in_two_passes("ltx-2")
    once = replace(twice, second=None, components=())
    other = replace(twice, second=replace(USUAL, cfg=3.0))
    assert change_of(once, twice).startswith("in two passes;")
    assert change_of(twice, once).startswith("in one pass;")
    assert change_of(twice, other).startswith("another second pass;")
    loose = changed(twice, held=0.5)
    assert change_of(twice, loose).startswith("held 0.5;")


async def test_in_one_pass_its_recipe_is_as_it_was(tmp_path: Path) -> None:
    async with a_house(tmp_path) as studio:
        await studio.world.ann.command("video", prompt="a cat", size="256x384", **SMALL)
        message = await studio.world.ann.sees(is_result)
        [order] = studio.worker.orders
        assert (order.recipe.second, order.recipe.components) == (None, ())
        assert "pass" not in message.content


async def test_a_shape_is_one_whose_half_is_drawn_as_well(tmp_path: Path) -> None:
    async with a_house(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("video", prompt="a cat --passes 2", size="5:4", **SMALL)
        await ann.sees(is_result)
        canvas = needed(studio.worker.orders[-1].recipe.canvas)
        assert (canvas.width % 64, canvas.height % 64) == (0, 0)
        await ann.command("video", prompt="a cat", passes=2, size="800x512", **SMALL)
        assert "a multiple of 64 on each side" in (await ann.sees("64")).content


async def test_what_is_missing_is_named(tmp_path: Path) -> None:
    async with a_house(tmp_path, whole=False) as studio:
        ann = studio.world.ann
        [said] = await answers(await ann.command("video", prompt="a cat", passes=2, **SMALL))
        assert "ltx-2-spatial-upscaler-x2.safetensors" in said
        assert "in one pass it draws" in said
        await ann.command("video", prompt="a cat", size="256x384", **SMALL)
        await ann.sees(is_result)
