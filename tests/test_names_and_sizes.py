"""An error about a name says which there are; one about a size says which fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pages import choosing
from bot.pages.apologies import apology_for
from generation.draft import complete
from generation.errors import NoSuchName, OutOfRange
from generation.families import sizes
from generation.families.family import FAMILIES
from prompting.errors import UnknownName
from tests.given.apps import a_studio
from tests.given.builders import a_draft, a_lora, a_model, a_model_folder

pixels = st.integers(-10, 20_000)


@given(pixels, pixels, st.sampled_from(sorted(n for n, f in FAMILIES.items() if f.sized)))
def test_the_nearest_size_is_one_that_is_drawn(width: int, height: int, name: str) -> None:
    family = FAMILIES[name]
    sizes.check(*sizes.nearest(width, height, family), family)


@given(pixels, pixels, st.sampled_from(sorted(n for n, f in FAMILIES.items() if f.sized)))
def test_a_size_that_fits_is_its_own_nearest(width: int, height: int, name: str) -> None:
    family = FAMILIES[name]
    try:
        sizes.check(width, height, family)
    except OutOfRange:
        return
    assert sizes.nearest(width, height, family) == (width, height)


@pytest.mark.parametrize(
    ("family", "width", "height", "fits"),
    [
        ("starter", 768, 512, "312x208"),
        ("starter", 130, 130, "128x128"),
        ("starter", 9999, 9999, "256x256"),
        ("starter", 8, 8, "64x64"),
        ("sd15", 1920, 1080, "1360x768"),
        ("sdxl", 256, 256, "512x512"),
    ],
)
def test_a_size_error_names_one_that_fits_for_this_shape(
    family: str, width: int, height: int, fits: str
) -> None:
    draft = a_draft(prompt="a", width=width, height=height)
    with pytest.raises(OutOfRange) as refused:
        complete(draft, a_model(family=family), seed=1, device="cpu")
    told = apology_for(refused.value)
    assert f"{fits} fits" in told
    assert f"{width}x{height}" in told
    assert "megapixel" not in told


def test_what_is_typed_as_a_size_is_offered_as_it_fits() -> None:
    assert choosing.size_choices("starter", "768x512")[0][1] == "312x208"
    assert choosing.size_choices("starter", "192x128") == (("192x128", "192x128"),)
    assert choosing.size_choices("starter", "port") == choosing.size_choices("starter")[1:2]


async def test_shapes_are_offered_in_the_size_of_the_model_that_would_draw(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    large = a_model_folder(tmp_path / "models", "large")
    (large / "atelier.toml").write_text('family = "sd15"\n')
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        assert "128x128" in await ann.complete("imagine", "size", "", prompt="a")
        assert "512x512" in await ann.complete("imagine", "size", "", prompt="a", model="large")
        await ann.command("settings", model="large")
        await ann.sees("**model** large")
        assert "512x512" in await ann.complete("imagine", "size", "", prompt="a")


async def test_an_unknown_name_is_answered_with_those_that_are_here(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a", model="sdxll")
        told = await ann.sees("no model called `sdxll`")
        assert "There are: `starter`, `starter-edit`, `tiny`." in told.content
        assert "starter-form" not in await ann.complete("imagine", "model", "starter")
        assert "starter-form" in await ann.complete("history", "model", "starter")
        await ann.command("model3d", prompt="a cube", model="starter-fom")
        told = await ann.sees("no model called `starter-fom`")
        assert "`starter-form`" in told.content
        assert "`starter`" not in told.content
        offered = await ann.complete("model3d", "model", "starter")
        assert "starter-form" in offered
        assert "starter" not in offered
        await ann.command("imagine", prompt="a", lora="ink:0.8")
        told = await ann.sees("no LoRA called `ink`")
        assert "There are: `starter-faded`, `starter-lcm`, `starter-zwx`." in told.content


async def test_a_lora_that_is_here_is_named(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    a_lora(tmp_path / "models", "sketch")
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("imagine", prompt="a", lora="ink:0.8")
        told = await studio.world.ann.sees("no LoRA called `ink`")
        assert "There are: `sketch`, " in told.content


def test_many_names_end_in_how_many_more_there_are() -> None:
    names = tuple(f"model number {number}" for number in range(80))
    told = apology_for(NoSuchName("model", "x", (), names))
    assert "`model number 0`" in told
    assert " more. `/help`" in told
    assert len(told) < 600


def test_in_a_terminal_the_command_that_lists_them_is_named() -> None:
    told = apology_for(NoSuchName("model", "x", (), ("starter",)), terminal=True)
    assert "`starter`" in told
    assert "models" in told


@pytest.mark.parametrize(
    "error",
    [
        OutOfRange("prompt", "", "at least one word"),
        OutOfRange("prompt", " \n ", "at least one word"),
        NoSuchName("model", "", ("starter",), ("starter",)),
        UnknownName("style", "  "),
    ],
    ids=repr,
)
def test_nothing_is_called_nothing_and_not_two_back_quotes(error: Exception) -> None:
    told = apology_for(error)
    assert "``" not in told
    assert "nothing" in told
