"""Where other words are asked for and there are none, that is said, and nothing is drawn again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.pages.apologies import apology_for
from bot.pages.style_menus import MENUS, OPTIONS, TAUGHT_TO_STARTER, menus
from bot.studio.assistant import PromptAssist
from bot.studio.phrasing import NothingNew
from generation.families.family import FAMILIES
from generation.job import UserId
from prompting.speaking import styles
from prompting.speaking.styles import Style, Styles
from prompting.writers import template
from prompting.writers.writer import Ask
from storage.ids import RequestId
from tests.given.apps import a_studio, a_wish
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, labels
from tests.given.scripted_writer import ScriptedWriter
from tests.given.waiting import eventually
from tests.given.words import a_writer, with_details, words_by


def plain(ask: Ask) -> str:
    """The wish, and nothing else."""
    return template.answer(subject=ask.text)


def at_a_loss() -> PromptAssist:
    return words_by(ScriptedWriter([plain]))


async def test_a_new_wording_that_changes_nothing_is_told_and_not_drawn(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with a_studio(tmp_path, worker, prompt_assist=at_a_loss(), assist="auto") as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red cat")
        first = await here.ann.sees(is_result)
        answer = await here.ann.press(first, "✨")
        assert answer.ephemeral
        await here.ann.sees("no other words")
        # What told of its progress goes when the result is there, or a moment later.
        await eventually(lambda: len(here.ben.messages()) == 1)
        assert len(worker.orders) == 1


async def test_my_words_only_is_offered_only_where_the_words_were_changed(tmp_path: Path) -> None:
    async with a_studio(tmp_path / "a", prompt_assist=at_a_loss()) as studio:
        await studio.world.ann.command("imagine", prompt="a red cat")
        assert "My words only" not in labels(await studio.world.ann.sees(is_result))
    async with a_studio(with_details(tmp_path), prompt_assist=words_by(a_writer())) as studio:
        await studio.world.ann.command("imagine", prompt="a red cat")
        assert "My words only" in labels(await studio.world.ann.sees(is_result))


async def test_own_words_that_were_drawn_already_are_not_drawn_again(tmp_path: Path) -> None:
    async with a_studio(with_details(tmp_path), prompt_assist=words_by(a_writer())) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat")
        first = await ann.sees(is_result)
        await ann.press(first, "💬")
        second = await ann.sees(is_result, after=first)
        assert "My words only" not in labels(second)
        # A message of an older version still has the button.
        place = replace(a_wish().origin, owner=UserId(ann.id))
        with pytest.raises(NothingNew):
            await studio.app.studio.requests.reword(RequestId(2), place, own=True)
        assert len(studio.worker.orders) == 2


async def test_asking_for_words_by_name_says_when_there_are_none(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=at_a_loss()) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", assist="on")
        first = await ann.sees(is_result)
        assert "-# I found no more words for that" in first.content
        await ann.command("imagine", prompt="a red cat")  # nobody asked
        assert "no more words" not in (await ann.sees(is_result, after=first)).content


async def test_the_style_of_a_picture_is_not_drawn_a_second_time(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=at_a_loss()) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", style="pixel-art")
        first = await ann.sees(is_result)
        await ann.press(first, "🎨")
        menu = await ann.sees("Which style?")
        await ann.actor.select(menu, ["pixel-art"], custom_id="atelier:style:1:0")
        await ann.sees("in that style already")
        assert len(studio.worker.orders) == 1


@pytest.mark.parametrize("what", ["wording", "own words", "style"])
def test_each_has_its_sentence(what: str) -> None:
    assert apology_for(NothingNew(what)).endswith(".")


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_style_is_in_one_menu_under_its_group(family: str) -> None:
    shown = menus(tuple(styles.built_in().values()), family)
    assert len(shown) <= MENUS
    names = [style.name for each in shown for style in each.styles]
    assert sorted(names) == sorted(styles.built_in())
    for each in shown:
        assert 0 < len(each.styles) <= OPTIONS
        assert len(each.heading) <= 60, "it is read on a phone"


def test_what_the_built_in_model_knows_comes_first_and_is_marked() -> None:
    first = menus(tuple(styles.built_in().values()), "starter")[0]
    assert "Known best" in first.heading
    assert sorted(style.name for style in first.styles[:4]) == sorted(TAUGHT_TO_STARTER)
    assert "Known best" not in menus(tuple(styles.built_in().values()), "sdxl")[0].heading


@pytest.mark.parametrize("count", [1, 11, 12, 30, 200])
def test_an_owners_styles_find_room_first(count: int) -> None:
    own = tuple(
        Style(name=f"own-{n}", en=f"Own {n}", zh=f"Own {n}", tags="{prompt}", prose="{prompt}")
        for n in range(count)
    )
    shown = menus((*Styles((*styles.built_in().values(), *own)).values(),), "sdxl")
    assert len(shown) <= MENUS
    assert all(len(each.styles) <= OPTIONS for each in shown)
    listed = {style.name for each in shown for style in each.styles}
    assert {f"own-{n}" for n in range(min(count, 100))} <= listed
