"""Words that are found for people: in chat, with a writer that says what it is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bot.app import BUILT_IN
from bot.studio.assistant import PromptAssist, WordSettings, counter
from prompting.writers.ladder import Opened, WriterConfig
from storage.people import AssistMode
from storage.tickets import RequestId
from tests.given.apps import a_studio
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, labels, prompts_of, recipe_of
from tests.given.waiting import eventually
from tests.given.words import a_writer, with_details, words_by


async def test_a_short_wish_is_given_words_and_both_are_shown(tmp_path: Path) -> None:
    writer = a_writer()
    async with a_studio(with_details(tmp_path), prompt_assist=words_by(writer)) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", count=3, seed="5")
        message = await ann.sees(is_result)
        assert "a red cat" in message.content
        assert len(writer.asked) == 1, "one answer serves the whole batch"
        recipe = await recipe_of(message)
        assert "red" in recipe.prompt
        assert "cat" in recipe.prompt
        assert "New wording" in labels(message)
        assert "My words only" in labels(message)
        stored = await studio.app.stores.words.find(RequestId(1))
        assert stored is not None
        assert stored.assisted.writer == "scripted writer"
        assert json.loads(stored.assisted.raw)["subject"]
    assert writer.closed


async def test_rolling_the_seed_and_reproducing_ask_no_model(tmp_path: Path) -> None:
    writer = a_writer()
    async with a_studio(tmp_path, prompt_assist=words_by(writer)) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat")
        first = await ann.sees(is_result)
        await ann.press(first, "🎲")
        second = await ann.sees(is_result, after=first)
        assert (await recipe_of(second)).prompt == (await recipe_of(first)).prompt
        await ann.press(second, "♻️")
        await ann.sees("IDENTICAL")
        assert len(writer.asked) == 1


async def test_new_wording_keeps_the_seed_and_own_words_go_in_unchanged(tmp_path: Path) -> None:
    async with a_studio(with_details(tmp_path), prompt_assist=words_by(a_writer())) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", seed="9")
        first = await ann.sees(is_result)
        await ann.press(first, "✨")
        second = await ann.sees(is_result, after=first)
        assert (await recipe_of(second)).seed == 9
        assert (await recipe_of(second)).prompt != (await recipe_of(first)).prompt
        await ann.press(second, "💬")
        third = await recipe_of(await ann.sees(is_result, after=second))
        assert (third.seed, third.prompt) == (9, "a red cat")


@pytest.mark.usefixtures("contract")
async def test_another_style_keeps_seed_and_is_chosen_from_menus(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(a_writer())) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", seed="9")
        first = await ann.sees(is_result)
        await ann.press(first, "🎨")
        menu = await ann.sees("Which style?")
        styles = studio.app.studio.offers.styles
        assert len(styles) >= 60
        chosen = next(iter(styles))
        await ann.actor.select(menu, [chosen], custom_id="atelier:style:1:0")
        second = await recipe_of(await ann.sees(is_result, after=first))
        assert second.seed == 9
        stored = await studio.app.stores.words.find(RequestId(2))
        assert stored is not None
        assert stored.assisted.style == chosen


async def test_assist_off_and_marked_up_prompts_are_left_alone(tmp_path: Path) -> None:
    writer = a_writer()
    async with a_studio(tmp_path, prompt_assist=words_by(writer)) as studio:
        ann = studio.world.ann
        for prompt, options in (
            ("a red cat", {"assist": "off"}),
            ("(a red cat:1.2), masterpiece", {}),
            ("a red cat, sharp, on a sofa, evening, warm light", {}),
        ):
            newest = ann.messages()[-1] if ann.messages() else None
            await ann.command("imagine", prompt=prompt, **options)
            recipe = await recipe_of(await ann.sees(is_result, after=newest))
            assert recipe.prompt == prompt
        assert not writer.asked


async def test_without_a_model_the_own_words_go_through_with_one_line(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(None)) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", assist="on")
        message = await ann.sees(is_result)
        assert (await recipe_of(message)).prompt == "a red cat"
        assert "-# " in message.content


async def test_a_model_that_is_still_being_fetched_holds_up_no_picture(tmp_path: Path) -> None:
    arrived, writer = asyncio.Event(), a_writer()

    async def slowly(_: WriterConfig) -> Opened:
        await arrived.wait()
        return Opened(writer=writer, notes=())

    settings = WordSettings(assist=AssistMode.ON)
    prompt_assist = PromptAssist(settings, open_=slowly, patience=0.1)
    async with a_studio(tmp_path, prompt_assist=prompt_assist) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat")
        first = await ann.sees(is_result)
        assert (await recipe_of(first)).prompt == "a red cat"
        arrived.set()
        await ann.command("imagine", prompt="a red cat")
        await ann.sees(is_result, after=first)
        assert len(writer.asked) == 1
    assert writer.closed


async def test_enhance_shows_three_ways_that_can_be_drawn_and_edited(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(a_writer())) as studio:
        here = studio.world
        await here.ann.command("enhance", wish="a red cat")
        shown = await here.ann.sees("**3.**")
        assert not [m for m in here.ben.messages() if "**3.**" in m.content]
        await here.ann.press(shown, "🖌️ Draw 2")
        first = await here.ann.sees(is_result)
        assert "red" in (await recipe_of(first)).prompt
        form = await here.ann.press(shown, "✏️ Edit 1")
        await here.ann.submit(form, "a blue dog")
        second = await here.ann.sees(is_result, after=first)
        assert (await recipe_of(second)).prompt == "a blue dog"
        await here.ann.press(shown, "✨")


async def test_permutations_name_their_number_and_wait_for_a_yes(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with a_studio(tmp_path, worker, prompt_assist=words_by(None)) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a {red, blue} {cat, dog}", assist="off")
        asked = await here.ann.sees("4 pictures")
        assert not worker.orders
        await here.ann.press(asked, "🖌️ Draw all")
        await eventually(lambda: len(worker.orders) == 4)
        drawn = {order.recipe.prompt for order in worker.orders}
        assert drawn == {"a red cat", "a red dog", "a blue cat", "a blue dog"}
        await here.ann.command("imagine", prompt="a {red, blue} cat", assist="off")
        newest = await here.ann.sees("2 pictures")
        await here.ann.press(newest, "No")
        await here.ann.sees("Nothing was queued")
        assert len(worker.orders) == 4


async def test_choices_are_decided_by_the_seed_of_each_picture(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(None)) as studio:
        ann = studio.world.ann
        prompt = "a {red|blue|green|white} cat"
        await ann.command("imagine", prompt=prompt, assist="off", count=8, seed="1")
        first = await prompts_of(await ann.sees(is_result))
        assert len(set(first)) > 1
        newest = ann.messages()[-1]
        await ann.command("imagine", prompt=prompt, assist="off", count=8, seed="1")
        second = await prompts_of(await ann.sees(is_result, after=newest))
        assert second == first


async def test_the_servers_words_are_declined_in_wishes_and_replies(tmp_path: Path) -> None:
    prompt_assist = words_by(None, forbidden=("badword",))
    async with a_studio(tmp_path, prompt_assist=prompt_assist) as studio:
        ann = studio.world.ann
        for wish in ("a badword", "a B4DW0RD cat", "a bad\u200bword"):
            await ann.command("imagine", prompt=wish)
            await ann.sees("not drawn on this server")
        await ann.command("imagine", prompt="a badwording of glass")
        await ann.sees(is_result)


async def test_settings_keep_a_style_and_a_mode(tmp_path: Path) -> None:
    writer = a_writer()
    async with a_studio(tmp_path, prompt_assist=words_by(writer)) as studio:
        ann = studio.world.ann
        await ann.command("settings", assist="off")
        await ann.sees("**assist** off")
        await ann.command("imagine", prompt="a red cat")
        await ann.sees(is_result)
        assert not writer.asked
        await ann.command("settings", style="no such style at all")
        await ann.sees("I know no style")


def test_tokens_are_counted_by_the_models_own_tokenizer() -> None:
    count = counter(BUILT_IN / "starter")
    assert count is not None
    assert 2 <= count("a red cat") <= 6
    assert counter(None) is None
    assert counter(BUILT_IN) is None
