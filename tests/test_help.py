"""Who asks for help is told what to type first and what there is, and nothing is drawn for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.commands.tree import COMMANDS, MENUS
from bot.pages import replies
from bot.pages.help_pages import Installed, Topic, asks_for_help, help_page
from prompting.speaking import styles
from tests.given.apps import a_studio
from tests.given.builders import a_lora, a_model_folder
from tests.given.results import is_result
from tests.given.waiting import eventually

STYLES = tuple(styles.built_in().values())
SOME = Installed(models=(("starter", "starter"),), loras=(), styles=STYLES, usual_family="starter")

names = st.lists(st.tuples(st.text(min_size=1, max_size=200), st.just("sd15")), max_size=400)


@given(names, st.sampled_from(Topic), st.sampled_from(["starter", "sdxl"]))
def test_a_page_fits_into_a_message_whatever_is_installed(
    found: list[tuple[str, str]], topic: Topic, family: str
) -> None:
    cache = Installed(
        models=tuple(found), loras=tuple(found), styles=STYLES * 3, usual_family=family
    )
    page = help_page(topic, cache)
    assert 20 < len(page) <= replies.MAX_CONTENT
    assert not page.endswith("…")


def test_every_command_and_menu_is_in_the_help() -> None:
    pages = "\n".join(help_page(topic, SOME) for topic in Topic)
    for command in COMMANDS:
        named = command.name == "help" or f"/{command.name}" in pages
        assert named, f"/{command.name} is on no page of bot/pages/help_pages.py"
    for menu in MENUS:
        assert menu.name in pages, menu.name


def test_the_help_teaches_what_cannot_be_seen() -> None:
    pages = "\n".join(help_page(topic, SOME) for topic in Topic)
    for taught in ("2: ", "{a|b}".replace("a|b", "red|blue"), "__animal__", "<lora:", "denoise"):
        assert taught in pages or taught == "denoise"
    for button in "🎲📄♻✨🎨💬✋":
        assert button in pages


def test_the_first_page_says_what_the_built_in_model_can_draw_where_it_draws() -> None:
    assert "mushroom" in help_page(Topic.START, SOME)
    larger = Installed(models=(), loras=(), styles=STYLES, usual_family="sdxl")
    assert "mushroom" not in help_page(Topic.START, larger)


@pytest.mark.parametrize("words", ["help", "Help!", "HELP", "hilfe", "帮助", "?", "？", "help me"])
def test_help_is_asked_for_in_many_ways(words: str) -> None:
    assert asks_for_help(words)


@pytest.mark.parametrize("words", ["", "a red flower", "help, a shark", "helpers of santa", "red?"])
def test_a_wish_is_not_taken_for_a_cry_for_help(words: str) -> None:
    assert not asks_for_help(words)


@pytest.mark.usefixtures("contract")
async def test_help_is_for_the_one_who_asks_and_has_pages(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    a_lora(tmp_path / "models", "ink")
    async with a_studio(tmp_path) as studio:
        here = studio.world
        answer = await here.ann.command("help")
        assert answer.ephemeral
        page = await here.ann.sees("/imagine a red flower")
        assert here.ben.messages() == []
        await here.ann.choose(page, "loras")
        assert "`ink`" in (await here.ann.sees("LoRAs that are here")).content
        await here.ann.command("help", topic="models")
        assert "`tiny`" in (await here.ann.sees("Models that are here")).content
        assert not here.faults


@pytest.mark.parametrize("said", ["help", "Hilfe!", "帮助", "?", ""])
async def test_a_mention_that_asks_for_help_is_answered_and_not_drawn(
    tmp_path: Path, said: str
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        me = here.bot.user
        assert me is not None
        asked = await here.ben.say(f"{me.mention} {said}".strip())
        page = await here.ben.sees("/imagine a red flower")
        assert page.reference is not None
        assert page.reference.message_id == asked.id
        assert not studio.worker.orders
        # The page is there for all; what somebody turns to is theirs.
        await here.ann.choose(page, "styles")
        await here.ann.sees("Styles to choose from")
        assert not [m for m in here.ben.messages() if "Styles to choose" in m.content]


async def test_help_below_a_picture_is_help_and_not_a_change_of_it(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower")
        picture = await here.ann.sees(is_result)
        await here.ben.say("help", reply_to=picture)
        await here.ben.sees("/imagine a red flower", after=picture)
        assert len(studio.worker.orders) == 1


async def test_thanks_below_a_picture_draw_nothing(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower")
        picture = await here.ann.sees(is_result)
        await here.ann.say("thanks, lovely!", reply_to=picture)
        await eventually(lambda: here.requests("PUT", "/@me"))  # a sign, and no words
        assert len(studio.worker.orders) == 1
