"""A picture varied, drawn further or drawn anew in a part: what is asked changes, nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from bot.studio.reshaping import (
    ON_THE_ARC,
    REDRAWN,
    Base,
    Distance,
    masked,
    varied,
    widened,
    zoomed,
)
from bot.studio.wishes import Wish
from generation.difference import difference
from generation.errors import OutOfRange
from generation.families import sizes
from generation.families.family import family
from generation.media import masks
from generation.recipe import Placement, Recipe, needed
from generation.tasks import Task
from storage.people import AssistMode
from storage.pictures import PictureId
from tests.given.apps import Studio, a_studio, a_wish
from tests.given.builders import a_blue_png, a_digest, encoded
from tests.given.discord_world import pictures
from tests.given.results import is_result, recipe_of
from tests.given.stored import a_stored_picture
from tests.given.waiting import eventually

ORIGIN = a_wish().origin
OURS = a_stored_picture()
ITS = family("starter")


def a_base(width: int = 128, height: int = 128, *, ours: bool = True) -> Base:
    return Base(
        origin=ORIGIN,
        file=a_digest("c"),
        width=width,
        height=height,
        family=ITS,
        picture=OURS if ours else None,
    )


def placed(wish: Wish) -> tuple[int, int, Placement]:
    canvas = wish.draft.canvas
    return canvas.width or 0, canvas.height or 0, needed(wish.draft.placement)


@pytest.mark.parametrize("distance", list(Distance))
def test_a_variation_goes_on_from_where_the_picture_is(distance: Distance) -> None:
    once = varied(a_base(), distance, 99)
    assert once.seed == OURS.recipe.seed
    [step] = once.draft.variations
    assert (step.seed, step.strength) == (99, ON_THE_ARC[distance])
    again = replace(OURS, recipe=replace(OURS.recipe, variations=(step,)))
    twice = varied(replace(a_base(), picture=again), distance, 100)
    assert [v.seed for v in twice.draft.variations] == [99, 100]


def test_what_has_no_noise_to_vary_is_drawn_over() -> None:
    wish = varied(a_base(ours=False), Distance.STRONG, 99)
    assert wish.draft.sampling.denoise == REDRAWN[Distance.STRONG]
    assert wish.draft.inputs[0].sha256 == a_digest("c")
    assert REDRAWN[Distance.SUBTLE] < REDRAWN[Distance.STRONG]


@pytest.mark.parametrize(
    ("sides", "more", "canvas", "left", "top"),
    [
        (("left",), "32 px", (160, 128), 32, 0),
        (("right",), "25 %", (160, 128), 0, 0),
        (("up", "down"), "32px", (128, 192), 0, 32),
        (("left", "right"), None, (256, 128), 64, 0),
    ],
)
def test_more_is_drawn_on_the_sides_that_are_named(
    sides: tuple[str, ...], more: str | None, canvas: tuple[int, int], left: int, top: int
) -> None:
    wide, high, where = placed(widened(a_base(), sides, more))
    assert (wide, high) == canvas
    assert where == Placement(left=left, top=top, width=128, height=128)


def test_a_zoom_keeps_the_size_and_the_middle() -> None:
    wide, high, where = placed(zoomed(a_base(), 2.0))
    assert (wide, high) == (128, 128)
    assert where == Placement(left=32, top=32, width=64, height=64)


@pytest.mark.parametrize("more", ["50 %", "400 %", "7 px", "200px"])
@pytest.mark.parametrize("width", [64, 128, 200, 256, 4000])
def test_what_comes_out_is_a_size_that_the_family_draws(more: str, width: int) -> None:
    for sides in ((), ("left",), ("up", "down")):
        wide, high, where = placed(widened(a_base(width, 128), sides, more))
        sizes.check(wide, high, ITS)
        assert where.left + where.width <= wide + 1
        assert where.top + where.height <= high + 1


@pytest.mark.parametrize("more", ["a bit more", "-5 px", "0", "500 %", "nan", "inf px", "99999 px"])
def test_an_amount_that_is_none_is_refused(more: str) -> None:
    with pytest.raises(OutOfRange, match="amount"):
        widened(a_base(), (), more)


def test_nothing_is_left_to_a_person_s_own_settings() -> None:
    wishes = [
        varied(a_base(), Distance.SUBTLE, 1),
        widened(a_base(), (), None),
        zoomed(a_base(), 2.0),
        masked(a_base(), a_digest("d"), "a hat"),
    ]
    for wish in wishes:
        assert (wish.assist, wish.style, wish.count) == (AssistMode.OFF, "", 1)
        # Where nothing is drawn over there is no denoise that somebody's own could stand in for.
        assert (wish.draft.sampling.denoise is not None) == bool(wish.draft.inputs)
        assert wish.draft.words.prompt
        assert wish.seed == OURS.recipe.seed


# --- in Discord ---------------------------------------------------------------------------------


def changed_in(before: Recipe, after: Recipe) -> set[str]:
    return {change.name.partition(".")[0] for change in difference(before, after)}


async def a_flower(studio: Studio, **options: Any) -> Any:
    ann = studio.world.ann
    await ann.command("settings", count=3, style="watercolor", denoise=0.2)
    await ann.command("imagine", prompt="a red flower", seed="7", count=1, **options)
    return await ann.sees(is_result)


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize(
    ("button", "changed", "said"),
    [
        ("Subtle", {"variations"}, "varied by 15 %; words, size, model stay"),
        ("Strong", {"variations"}, "varied by 45 %; words, size, model stay"),
        (
            "Zoom out",
            {"task", "inputs", "masking", "placement", "sampling"},
            "more around it: 21 px left, 22 px right, 21 px above, 22 px below; words, seed",
        ),
    ],
)
async def test_a_button_changes_what_it_says(
    tmp_path: Path, button: str, changed: set[str], said: str
) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        await ann.press(first, button)
        second = await ann.sees(is_result, after=first)
        assert changed_in(await recipe_of(first), await recipe_of(second)) <= changed
        assert f"made from [#1]({first.jump_url}): " in second.content
        assert said in second.content


@pytest.mark.usefixtures("contract")
async def test_commands_take_a_number_a_link_and_an_upload(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        for which in ({"picture": "#1"}, {"picture": first.jump_url}):
            newest = ann.messages()[-1]
            await ann.command("vary", strength="strong", **which)
            drawn = await ann.sees(is_result, after=newest)
            assert "made from [#1]" in drawn.content
        newest = ann.messages()[-1]
        await ann.command(
            "outpaint", image=("mine.png", a_blue_png()), direction="left", prompt="a sea"
        )
        drawn = await ann.sees(is_result, after=newest)
        recipe = await recipe_of(drawn)
        assert recipe.task is Task.OUTPAINT
        assert recipe.prompt == "a sea"
        assert "made from an upload" in drawn.content
        assert await ann.complete("vary", "picture", "red")


@pytest.mark.usefixtures("contract")
async def test_a_blend_takes_numbers_links_and_uploads(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        await ann.command("imagine", prompt="a blue boat", seed="8", count=1)
        second = await ann.sees(is_result, after=first)
        offered = await ann.complete("blend", "pictures", "1 bo")
        assert offered == ["1 2"]
        await ann.command("blend", pictures="1, 2", shares="70 % 30 %")
        third = await ann.sees(is_result, after=second)
        recipe = await recipe_of(third)
        assert (recipe.task, recipe.shares, recipe.seed) == (Task.BLEND, (0.7, 0.3), 7)
        files = [(await studio.app.stores.pictures.get(PictureId(n))).png_sha256 for n in (1, 2)]
        assert [item.sha256 for item in recipe.inputs] == files
        assert "made from [#1]" in third.content
        assert "shares 70 : 30" in third.content
        await ann.command(
            "blend",
            pictures=second.jump_url,
            image1=("a.png", a_blue_png()),
            prompt="a boat at sea",
        )
        assert (await recipe_of(await ann.sees(is_result, after=third))).prompt == "a boat at sea"


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pictures": "1"}, "The number of pictures must be 2 to 4; I was given `1`"),
        ({}, "2 to 4; I was given `0`"),
        ({"pictures": "1 1 1 1 1"}, "2 to 4; I was given `5`"),
        ({"pictures": "1 1", "shares": "1 2 3"}, "one for each of 2 pictures"),
        ({"pictures": "1 1", "shares": "much little"}, "The shares must be numbers"),
        ({"pictures": "1 1", "shares": "0 0"}, "The shares must be"),
        ({"pictures": "1 99"}, "I do not remember that one"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_blend_that_is_none_is_refused(
    tmp_path: Path, options: dict[str, Any], told: str
) -> None:
    async with a_studio(tmp_path) as studio:
        await a_flower(studio)
        await studio.world.ann.command("blend", **options)
        await studio.world.ann.sees(told)
        assert len(studio.worker.orders) == 1


def a_mask() -> bytes:
    mask = Image.new("L", (128, 128))
    mask.paste(255, (32, 32, 96, 96))
    return encoded(mask)


def with_a_hole() -> bytes:
    picture = Image.new("RGBA", (128, 128), (40, 90, 200, 255))
    picture.paste((0, 0, 0, 0), (32, 32, 96, 96))
    return encoded(picture)


def drawn_over(png: bytes) -> bytes:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    ImageDraw.Draw(picture).rectangle((32, 32, 95, 95), fill=(255, 0, 255))
    return encoded(picture)


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize("way", ["mask", "drawing", "alpha"])
async def test_a_part_is_said_by_a_mask_a_drawing_or_holes(tmp_path: Path, way: str) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        [png] = await pictures(first)
        ways: dict[str, dict[str, Any]] = {
            "mask": {"picture": "1", "mask": ("m.png", a_mask())},
            "drawing": {"picture": "1", "drawing": ("d.png", drawn_over(png))},
            "alpha": {"image": ("holes.png", with_a_hole())},
        }
        await ann.command("inpaint", prompt="a hat", **ways[way])
        recipe = await recipe_of(await ann.sees(is_result, after=first))
        assert recipe.task is Task.INPAINT
        assert recipe.prompt == "a hat"
        [mask] = [item.sha256 for item in recipe.inputs if item.role == "mask"]
        kept = studio.app.stores.files.read(mask)
        assert kept == masks.attached(a_mask())
        if way != "alpha":
            assert recipe.seed == 7


def _white() -> bytes:
    return encoded(Image.new("L", (128, 128), 255))


def _black() -> bytes:
    return encoded(Image.new("L", (128, 128)))


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (lambda: {"mask": ("m.png", _black())}, "black everywhere"),
        (lambda: {"mask": ("m.png", _white())}, "white everywhere"),
        (lambda: {"mask": ("m.png", b"no picture")}, "I cannot use that picture"),
        (lambda: {"drawing": ("m.png", a_blue_png(300, 20))}, "another shape"),
        (dict, "nothing says which part is meant"),
    ],
    ids=["black", "white", "broken", "another shape", "none"],
)
async def test_a_mask_that_is_none_is_refused_in_a_sentence(
    tmp_path: Path, given: Callable[[], dict[str, Any]], told: str
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await a_flower(studio)
        words = "a hat with a very long feather on it"
        await ann.command("inpaint", prompt=words, picture="1", **given())
        answer = await ann.sees(told)
        assert words in answer.content
        assert len(studio.worker.orders) == 1


async def test_without_a_picture_it_is_said_what_is_missing(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("vary")
        await studio.world.ann.sees("a message link, or an upload; I was given `nothing`")


async def test_what_one_may_not_see_cannot_be_reshaped(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, first = studio.world, await a_flower(studio)
        await here.ann.press(first, "🗑")
        await eventually(lambda: all(m.id != first.id for m in here.ben.messages()))
        for command in ("vary", "outpaint"):
            newest = here.ben.messages()[-1] if here.ben.messages() else None
            await here.ben.command(command, picture="1")
            await here.ben.sees("I do not remember that one", after=newest)
        assert len(studio.worker.orders) == 1


@pytest.mark.usefixtures("contract")
async def test_more_pixels_are_asked_by_button_and_command(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, first = studio.world.ann, await a_flower(studio)
        await ann.press(first, "⬆️")
        second = await ann.sees(is_result, after=first)
        recipe = await recipe_of(second)
        assert recipe.task is Task.UPSCALE
        assert (needed(recipe.canvas).width, needed(recipe.canvas).height) == (256, 256)
        assert recipe.sampling is None, "the very same picture"
        assert f"made from [#1]({first.jump_url}): 2 times as large" in second.content
        await ann.command("upscale", picture="1", factor=1.5, upscaler="lanczos", redraw=0.3)
        third = await ann.sees(is_result, after=second)
        recipe = await recipe_of(third)
        assert needed(recipe.sampling).denoise == 0.3
        assert (recipe.prompt, recipe.seed) == ((await recipe_of(first)).prompt, 7)
        # What has no words cannot be edited in them, and says so; what was drawn can.
        await ann.press(second, "✏️")
        await ann.sees("one that was drawn from words")
        await ann.command("upscale", image=("mine.png", a_blue_png(200, 100)), factor=2.0)
        fourth = await ann.sees(is_result, after=third)
        assert needed((await recipe_of(fourth)).canvas).width == 400


@pytest.mark.usefixtures("contract")
async def test_more_than_there_is_room_for_is_refused(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await a_flower(studio)
        await studio.world.ann.command("upscale", picture="1", upscaler="nothing of the kind")
        await studio.world.ann.sees("I know no upscaler called")
