"""Pictures side by side: what differs in their recipes and in their pixels, told and shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from bot.pages.side_by_side import side_by_side_page, side_by_side_sheet
from bot.studio.asked_to_compare import AskedComparison, asked_to_compare
from bot.studio.comparing import ComparedPicture
from bot.studio.rights import Asker
from generation.errors import OutOfRange
from generation.media.pixel_difference import NEUTRAL, pixel_difference
from storage.errors import Missing
from storage.pictures import PictureId
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import ANN, BEN, encoded
from tests.given.discord_world import pictures
from tests.given.fakes import FakeWorker
from tests.given.results import is_result

GREY = (90, 90, 90)


def an_image(size: tuple[int, int], *spots: tuple[int, int]) -> bytes:
    image = Image.new("RGB", size, GREY)
    for spot in spots:
        image.putpixel(spot, (90, 98, 90))
    return encoded(image)


def test_one_pixel_of_many_is_counted_and_seen() -> None:
    found = pixel_difference(an_image((900, 700)), an_image((900, 700), (899, 699)), 320)
    assert found is not None
    assert (found.differing, found.pixels, found.largest) == (1, 630_000, 8)
    assert max(found.picture.size) <= 320
    levels = {colour for _, colour in found.picture.getcolors(1000) or ()}
    assert levels == {(NEUTRAL,) * 3, (NEUTRAL, NEUTRAL + 8 * found.gain, NEUTRAL)}


def test_the_same_pixels_are_grey_everywhere() -> None:
    found = pixel_difference(an_image((64, 40)), an_image((64, 40)), 64)
    assert found is not None
    assert (found.differing, found.largest) == (0, 0)
    assert found.picture.getcolors() == [(64 * 40, (NEUTRAL,) * 3)]


def test_what_got_darker_is_darker_than_grey_and_never_beyond_black() -> None:
    dark, light = (encoded(Image.new("RGB", (32, 32), c)) for c in ("#000000", "#ffffff"))
    found = pixel_difference(light, dark, 32)
    assert found is not None
    assert (found.largest, found.gain) == (255, 1)
    assert found.picture.getcolors() == [(1024, (0, 0, 0))]
    assert pixel_difference(light, encoded(Image.new("RGB", (32, 48))), 32) is None


async def compared(folder: Path, *wishes: dict[str, object]) -> tuple[ComparedPicture, ...]:
    async with an_app(folder, FakeWorker()) as app:
        outcomes = [await drawn(app, a_wish(**wish)) for wish in wishes]  # type: ignore[arg-type]
        numbers = [outcome.pictures[0].id for outcome in outcomes]
        asker = Asker(id=ANN, guild=None)
        return await app.studio.comparisons.side_by_side(asker, numbers)


async def test_recipes_and_pixels_are_told_against_the_first(tmp_path: Path) -> None:
    found = await compared(
        tmp_path, {"seed": 7}, {"seed": 8}, {"seed": 7}, {"seed": 7, "size": "128x192"}
    )
    first, seed, same, size = side_by_side_page(found).split("**#")[1:]
    assert first.startswith("1**")
    assert "seed 7 → 8" in seed
    assert "of 16,384 pixels differ (100.0 %)" in seed
    assert "The same picture, every pixel." in same
    assert "128×192 instead of 128×128" in size
    sheet = side_by_side_sheet(found)
    assert sheet.height > sheet.width  # two rows of pictures, one of differences


async def test_one_or_ten_are_refused_and_one_said_twice_is_one(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        number = (await drawn(app, a_wish())).pictures[0].id
        asker = Asker(id=ANN, guild=None)
        for numbers in ((number,), (number, number), tuple(map(PictureId, range(1, 11)))):
            with pytest.raises(OutOfRange, match="2 to 9"):
                await app.studio.comparisons.side_by_side(asker, numbers)


async def test_what_somebody_may_not_see_is_not_compared(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        mine = (await drawn(app, a_wish(owner=BEN))).pictures[0].id
        theirs = (await drawn(app, a_wish(owner=ANN))).pictures[0].id
        with pytest.raises(Missing):
            await app.studio.comparisons.side_by_side(Asker(id=BEN, guild=None), (mine, theirs))


async def test_people_compare_by_numbers_and_in_a_messages_menu(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", count=2, seed="10")
        result = await ann.sees(is_result)
        shown = await studio.app.stores.pictures.newest(ann.id, 2)  # type: ignore[arg-type]
        first, second = sorted(shown, key=lambda picture: picture.recipe.seed)
        await ann.command("compare", pictures=f"#{first.id}, #{second.id}")
        asked = await ann.sees("and beside it")
        assert "seed 10 → 11" in asked.content
        [sheet] = await pictures(asked)
        assert Image.open(io.BytesIO(sheet)).format == "WEBP"
        await ann.menu("Compare", result)
        assert "seed 10 → 11" in (await ann.sees("and beside it", after=asked)).content
        await ann.command("compare", pictures="#1")
        await ann.sees("must be 2 to 9")
        await ann.command("compare", pictures="#1 #99")
        await ann.sees("I do not remember that one")


async def test_one_alone_is_compared_with_what_it_was_made_of(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", seed="10")
        alone = await ann.sees(is_result)
        await ann.menu("Compare", alone)
        await ann.sees("made of no other")
        await ann.press(alone, "🔀 Subtle")
        varied = await ann.sees(is_result, after=alone)
        await ann.menu("Compare", varied)
        page = await ann.sees("and beside it")
        assert page.content.index("#1") < page.content.index("#2")


@pytest.mark.parametrize(
    ("words", "numbers", "places"),
    [
        ("compare with #12", (12,), ()),
        ("Compare it to #12 and #15, please!", (12, 15), ()),
        ("compare", (), ()),
        ("compare 1 and 3", (), (1, 3)),
        ("把这张和#12比较一下", (12,), ()),
        ("和 #12 对比", (12,), ()),
        ("vergleiche mit #12", (12,), ()),
        ("сравни с #12", (12,), ()),
    ],
)
def test_replies_ask_for_it_in_many_tongues(
    words: str, numbers: tuple[int, ...], places: tuple[int, ...]
) -> None:
    assert asked_to_compare(words) == AskedComparison(numbers=numbers, places=places)


@pytest.mark.parametrize(
    "words",
    ["make it blue", "compare apples with oranges", "对比更强烈", "a comparison chart", "2"],
)
def test_what_says_anything_else_is_read_as_that(words: str) -> None:
    assert asked_to_compare(words) is None


async def test_a_reply_compares_for_all_what_all_may_see(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", seed="10")
        first = await ann.sees(is_result)
        await ann.command("imagine", prompt="a red flower", seed="11")
        second = await ann.sees(is_result, after=first)
        await ann.say("compare with #1", reply_to=second)
        page = await ann.sees("and beside it")
        assert not page.flags.ephemeral
        assert "seed 11 → 10" in page.content
        assert len(await pictures(page)) == 1
        await ann.say("compare", reply_to=first)
        await ann.sees("Beside which one?")
        await ann.say("compare with 7", reply_to=first)
        await ann.sees("there is no number 7")
        await ann.say("compare with #99", reply_to=first)
        await ann.sees("I do not remember that one")
