"""A comparison is one request on one sheet: priced, confirmed, and each picture one of its own."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import pytest
from PIL import Image

from bot.app import App
from bot.chat.buttons.confirming import confirmation_view
from bot.languages.speaking import speaking_to
from bot.pages.apologies import apology_for
from bot.pages.replies import common_settings
from bot.pages.sheet_drawing import sheet_image
from bot.pages.sheet_page import picked_label, planned_page, told_apart
from bot.studio.confirming import Priced
from bot.studio.rewriting import as_it_was
from bot.studio.rights import Asker
from bot.studio.sheets import NoComparison, PlannedSheet
from bot.studio.wishes import Wish
from generation.draft import Draft
from generation.errors import NoSuchName, OutOfMemory, OutOfRange
from generation.recipe import needed
from prompting.errors import TooMany
from storage.errors import AskedBefore, Missing
from storage.sheets import Sheet, SheetAxis, SheetCell
from tests.given.admins import make_admin
from tests.given.apps import Studio, a_studio, a_wish, an_app, drawn, finished
from tests.given.builders import ANN, BEN, a_lora, a_model_folder
from tests.given.discord_world import buttons, pictures
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, labels
from tests.given.words import words_by

PROMPT: dict[str, Any] = {"prompt": "a red flower"}


async def planned(app: App, begun: Wish | None = None, /, **typed: Any) -> PlannedSheet:
    origin = a_wish().origin
    wish = begun or Wish(origin=origin, draft=Draft())
    return await app.studio.sheets.plan(wish, typed, typed.get("prompt", ""), apology_for)


async def test_places_differ_in_what_is_compared_and_in_nothing_else(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        plan = await planned(app, **PROMPT, steps="4, 8, 16", cfg="3, 7", seed="5")
        assert (plan.sheet.across.name, plan.sheet.across.labels) == ("cfg", ("3", "7"))
        assert plan.sheet.down == SheetAxis(name="steps", labels=("4", "8", "16"))
        assert plan.priced.pictures == 6
        assert plan.priced.seconds > 0
        for at, cell in enumerate(plan.sheet.cells):
            assert cell.recipe is not None
            recipe = plan.recipes[cell.recipe]
            assert recipe.sampling is not None
            assert recipe.sampling.cfg == (3, 7)[at % 2]
            assert recipe.sampling.steps == (4, 8, 16)[at // 2]
            alike = replace(recipe, sampling=plan.recipes[0].sampling)
            assert alike == plan.recipes[0]


async def test_one_seed_is_in_every_place_unless_seeds_are_compared(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        one = await planned(app, **PROMPT, steps="4, 8")
        assert len({recipe.seed for recipe in one.recipes}) == 1
        several = await planned(app, **PROMPT, seed="3 random")
        assert len({recipe.seed for recipe in several.recipes}) == 3


async def test_the_words_of_an_assistant_are_found_once_for_all(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker(), prompt_assist=words_by(None)) as app:
        plan = await planned(app, prompt="cat", assist="on", steps="4, 8", seed="3")
        assert len({recipe.prompt for recipe in plan.recipes}) == 1
        styled = await planned(app, prompt="a cat", style="none, watercolor, pixel art")
        plain, *others = (recipe.prompt for recipe in styled.recipes)
        assert plain == "a cat"
        assert all("a cat" in prompt and prompt != plain for prompt in others)


async def test_a_picture_is_drawn_in_other_ways_and_its_own_way_is_its_recipe(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        before = (await drawn(app, a_wish(seed=9))).pictures[0]
        assert before.recipe.sampling is not None
        own = before.recipe.sampling.steps
        begun = as_it_was(before, a_wish().origin)
        plan = await planned(app, begun, steps=f"{own}, {own + 3}")
        assert plan.recipes[0] == before.recipe
        over = await planned(app, begun, denoise="0.3, 0.6")
        assert [len(recipe.inputs) for recipe in over.recipes] == [1, 1]
        assert over.recipes[0].inputs[0].sha256 == before.png_sha256
        outcome = await confirmed(app, over)
        assert outcome.request.parent == before.id
        assert len(outcome.pictures) == 2


async def confirmed(app: App, plan: PlannedSheet) -> Any:
    request = await app.studio.confirming.confirm(plan.priced.number, a_wish().origin)
    return await finished(app, request.id)


async def test_what_makes_no_difference_is_refused_and_equal_places_are_drawn_once(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        with pytest.raises(NoComparison, match="alike: size"):
            await planned(app, **PROMPT, size="128x128, square")
        plan = await planned(app, **PROMPT, size="128x128, square, 128x192")
        assert [cell.recipe for cell in plan.sheet.cells] == [0, 0, 1]
        outcome = await confirmed(app, plan)
        assert len(outcome.tickets) == 2
        assert sheet_image(outcome, plan.sheet).width > 0


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"steps": "4"}, NoComparison),
        ({"steps": "4, 8", "cfg": "3, 5", "seed": "1, 2"}, NoComparison),
        ({"steps": "1-6", "cfg": "1-5"}, TooMany),
        ({"steps": "4, 999"}, OutOfRange),
        ({"sampler": "euler, eulr"}, NoSuchName),
        ({"denoise": "0.3, 0.6"}, OutOfRange),
    ],
)
async def test_a_comparison_that_is_none_is_refused_before_anything_is_kept(
    tmp_path: Path, typed: dict[str, Any], error: type[Exception]
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        with pytest.raises(error):
            await planned(app, **PROMPT, **typed)
        with pytest.raises(Missing):
            await app.stores.unconfirmed.get(1, ANN)


async def test_what_cannot_be_drawn_says_why_in_its_place_and_the_rest_is_drawn(
    tmp_path: Path,
) -> None:
    models = tmp_path / "models"
    a_model_folder(models)
    a_lora(models, "ink", "sdxl", metadata={"a": "file of its own"})
    a_lora(models, "sketch")
    worker = FakeWorker()
    worker.failures["a tall dog"] = OutOfMemory(2**33, 2**32, 64, 64)
    async with an_app(tmp_path, worker) as app:
        plan = await planned(app, prompt="a cat | a tall dog", lora="none | ink | sketch")
        whys = [cell.why for cell in plan.sheet.cells if cell.why]
        assert len(whys) == 2
        assert "ink" in whys[0]
        outcome = await confirmed(app, plan)
        assert len(outcome.pictures) == 2
        sheet = sheet_image(outcome, plan.sheet)
        assert sheet.height > sheet.width  # two columns, three rows


async def test_a_place_whose_picture_is_not_for_all_says_so_and_nothing_of_it(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await confirmed(app, await planned(app, **PROMPT, seed="1, 2"))
        kept = replace(
            outcome,
            pictures=outcome.pictures[:1],
            files=outcome.files[:1],
            withheld=(outcome.pictures[1].id,),
        )
        whole, veiled = (sheet_image(one, outcome.request.sheet) for one in (outcome, kept))
        assert colour(veiled, 0.25) == colour(whole, 0.25)
        assert colour(whole, 0.75) not in {found for _, found in veiled.getcolors(2**24) or ()}


def colour(sheet: Image.Image, across: float) -> Any:
    """That of a doodle, somewhat below the middle of its place."""
    return sheet.getpixel((round(sheet.width * across), round(sheet.height * 0.6)))


async def test_exactly_what_was_priced_is_drawn_once_whoever_presses_how_often(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        plan = await planned(app, **PROMPT, steps="4, 8")
        origin = replace(a_wish().origin, source=77)
        kept = await app.stores.unconfirmed.get(plan.priced.number, ANN)
        with pytest.raises(Missing):
            await app.studio.confirming.confirm(plan.priced.number, a_wish(owner=BEN).origin)
        twice = await app.stores.unconfirmed.keep(replace(kept, source=77), at=1e10)
        first = await app.studio.confirming.confirm(twice, origin)
        with pytest.raises(Missing):
            await app.studio.confirming.confirm(twice, origin)
        again = await app.stores.unconfirmed.keep(replace(kept, source=77), at=1e10)
        with pytest.raises(AskedBefore):
            await app.studio.confirming.confirm(again, origin)
        outcome = await finished(app, first.id)
        assert [ticket.job.recipe for ticket in outcome.tickets] == list(plan.recipes)


async def test_a_price_is_remembered_over_a_restart_and_forgotten_after_a_day(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        plan = await planned(app, **PROMPT, seed="1, 2")
        kept = await app.stores.unconfirmed.get(plan.priced.number, ANN)
    async with an_app(tmp_path, FakeWorker()) as app:
        assert await app.stores.unconfirmed.get(plan.priced.number, ANN) == kept
        outcome = await confirmed(app, plan)
        assert [picture.recipe.seed for picture in outcome.pictures] == [1, 2]
        assert outcome.request.sheet == plan.sheet
        old = await app.stores.unconfirmed.keep(kept, at=0.0)
        await app.stores.unconfirmed.keep(kept, at=2 * 86_400.0)
        with pytest.raises(Missing):
            await app.stores.unconfirmed.get(old, ANN)


def test_a_sheet_is_read_as_it_was_written() -> None:
    down = SheetAxis(name="prompt", labels=("a cat", "一只猫"))
    cells = (SheetCell(recipe=0), SheetCell(why="no"), SheetCell(recipe=0), SheetCell())
    sheet = Sheet(across=SheetAxis(name="cfg", labels=("3", "7")), down=down, cells=cells)
    assert Sheet.from_json(sheet.to_json()) == sheet
    assert Sheet.from_json(None) is None


def test_long_wordings_are_told_by_what_differs() -> None:
    begin = "a quiet harbour in the early morning with fishing boats,"
    said = told_apart([f"{begin} watercolor", f"{begin} oil paint", begin])
    assert said == ["… watercolor", "… oil paint", begin]
    assert told_apart(["a cat", "a dog"]) == ["a cat", "a dog"]


async def compare(studio: Studio, **options: str) -> Any:
    ann = studio.world.ann
    await ann.command("compare", **options)
    return await ann.sees("on one sheet")


async def test_people_compare_two_things_on_one_sheet_and_go_on_from_any_picture(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        ann, gallery = studio.world.ann, studio.app.studio.gallery
        page = await compare(studio, prompt="a cat | a dog", steps="2, 3, 4", seed="5")
        assert "**6 pictures** on one sheet" in page.content
        assert "seed `5`" in page.content  # the same everywhere
        await ann.press(page, "🖌️ Draw all")
        message = await ann.sees(is_result)
        assert "🔬 **prompt** a cat | a dog × **steps** 2, 3, 4" in message.content
        assert "#1–#6 · seed `5`" in message.content
        [sheet] = await pictures(message)
        assert Image.open(io.BytesIO(sheet)).format == "WEBP"
        assert not {"New wording", "Style"} & set(labels(message))
        pick = the_list(message)
        told = [option.description.partition(" · ")[2] for option in pick.options]
        assert told[:3] == ["a cat · steps 2", "a dog · steps 2", "a cat · steps 3"]
        fourth, sixth = (int(pick.options[place].value) for place in (3, 5))
        await ann.choose(message, str(fourth))
        message = await ann.sees(lambda m: is_result(m) and about(m, fourth))
        await ann.press(message, "🖼️ Show")
        shown = await ann.sees(lambda m: m.flags.ephemeral and m.attachments)
        assert shown.attachments[0].filename == f"{fourth}.png"
        await ann.say("6: less steps", reply_to=message)
        await ann.sees(f"made from [#{sixth}]")
        recipe = (await gallery.picture(Asker(id=ann.id, guild=None), sixth)).recipe  # type: ignore[arg-type]
        assert (recipe.prompt, needed(recipe.sampling).steps) == ("a dog", 4)


def the_list(message: Any) -> Any:
    """The list from which one of its pictures is picked."""
    [row] = [row for row in message.components if isinstance(row.children[0], discord.SelectMenu)]
    return row.children[0]


def about(message: Any, number: int) -> bool:
    """Whether its buttons are about that picture."""
    return any((button.custom_id or "").endswith(f":{number}") for button in buttons(message))


async def test_all_again_is_the_same_sheet_with_one_other_seed(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, app = studio.world.ann, studio.app
        await ann.press(await compare(studio, prompt="a cat", steps="2, 3"), "🖌️ Draw all")
        message = await ann.sees(is_result)
        await ann.press(message, "🔁 All again")
        again = await ann.sees(is_result, after=message)
        assert "🔬 **steps** 2, 3" in again.content
        drawn_now = await app.stores.pictures.newest(studio.world.ann.id, 4)  # type: ignore[arg-type]
        seeds = [picture.recipe.seed for picture in reversed(drawn_now)]
        assert seeds[0] == seeds[1] != seeds[2] == seeds[3]


async def test_a_page_is_answered_after_a_restart_and_by_its_asker_alone(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        page = await compare(studio, prompt="a cat", seed="1, 2")
        [custom_id] = [b.custom_id for b in buttons(page) if "yes" in (b.custom_id or "")]
        number = int(str(custom_id).rpartition(":")[2])
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        old = await a_page_of_another_life(studio, number)
        await ben.press(old, "🖌️ Draw all")
        await ben.sees("I do not remember that one")
        await ann.press(await a_page_of_another_life(studio, number), "🖌️ Draw all")
        message = await ann.sees(is_result)
        assert "🔬 **seed** 1, 2" in message.content


async def a_page_of_another_life(studio: Studio, number: int) -> discord.Message:
    """A message of the bot's with those buttons, of which it remembers nothing itself."""
    view = confirmation_view(Priced(number=number, pictures=2, seconds=1.0))
    view.stop()
    channel: Any = studio.client.get_channel(studio.world.env.studio.id)
    posted = await channel.send("a page of another life", view=view)
    return await studio.world.ann.sees(lambda m: m.id == posted.id)


async def test_no_forgets_it_and_refusals_say_what_to_do(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        page = await compare(studio, prompt="a cat", seed="1, 2")
        await ann.press(page, "No")
        await ann.sees("Nothing was queued.")
        for options, said in (
            ({}, "Nothing is to be compared yet"),
            ({"prompt": "a cat", "steps": "4"}, "Nothing is to be compared yet"),
            ({"prompt": "a cat", "steps": "4, 5", "cfg": "2, 3", "seed": "1, 2"}, "two sides"),
            ({"prompt": "a cat", "sampler": "euler, eulr"}, "Did you mean `euler`"),
            ({"prompt": "a cat", "steps": "1-9", "cfg": "1-5"}, "45 pictures; I take at most 25"),
            ({"pictures": "#1, #2", "steps": "4, 8"}, "Side by side stand pictures as they are"),
            ({"prompt": "a cat", "denoise": "0.3, 0.5"}, "beside a picture"),
        ):
            await ann.command("compare", **options)
            await ann.sees(said)


async def test_what_is_typed_before_the_last_comma_stays_while_names_are_offered(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        offered = await ann.complete("compare", "sampler", "euler, dpmpp_2m_s")
        assert offered[0] == "euler, dpmpp_2m_sde"
        assert (await ann.complete("compare", "model", ""))[0] == "all"
        reader = studio.app.studio.sheets.reader()
        for option in ("steps", "cfg", "seed", "denoise", "guidance", "shift", "clip_skip"):
            for typed in await ann.complete("compare", option, ""):
                assert len(reader.read(option, typed).values) > 1


async def test_what_a_server_does_not_offer_is_not_drawn_in_any_place(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        make_admin(studio.world, ann)
        await ann.command("server styles", hide="ink-wash")
        await ben.command("compare", prompt="a cat", style="none, ink-wash, pixel art", seed="1")
        page = await ben.sees("**2 pictures** on one sheet")
        assert "1 place stays empty" in page.content
        assert "`ink-wash` is not offered in this server" in page.content
        await ben.command("imagine", prompt="a {red, blue} cat", style="ink-wash")
        await ben.sees(lambda m: m.content.count("is not offered") == 1 and m.id != page.id)


async def test_a_comparison_speaks_the_readers_language(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        plan = await planned(app, **PROMPT, steps="4, 8", seed="5")
        with speaking_to("zh-CN"):
            page = planned_page(plan, common_settings(plan.recipes))
            assert picked_label(plan.sheet, 1) == "步数 8"
        assert "**2 张图**" in page
        assert "**步数** 4, 8" in page
        assert "pictures" not in page
