"""What people see of the words that were found for them: what was added, apart from their own."""

from __future__ import annotations

from pathlib import Path

from bot.pages.words_page import ADDED, briefly, found_words
from prompting.assist import Assistant
from prompting.speaking.added import seen
from prompting.writers import template
from prompting.writers.writer import Ask
from storage.words import Wording
from tests.given.apps import a_studio
from tests.given.results import is_result
from tests.given.scripted_writer import ScriptedWriter
from tests.given.words import a_writer, with_details, words_by


def punctuated(ask: Ask) -> str:
    """The wish, with a full stop that depends on the seed."""
    return template.answer(subject=ask.text + "." * (ask.seed % 7))


async def line_of(wish: str, answer: str, dialect: str = "sd15") -> str:
    writer = ScriptedWriter([answer])
    assisted = await Assistant(writer).assist(wish, dialect=dialect, seed=1)
    return found_words(Wording(assisted=assisted, own_negative=""))[0]


async def test_a_result_shows_the_words_that_were_added_and_not_the_whole_prompt(
    tmp_path: Path,
) -> None:
    async with a_studio(with_details(tmp_path), prompt_assist=words_by(a_writer())) as studio:
        await studio.world.ann.command("imagine", prompt="a red cat")
        message = await studio.world.ann.sees(is_result)
        line = next(line for line in message.content.splitlines() if line.startswith("✨"))
        assert "＋" in line
        assert "masterpiece" not in line, "quality words stand in every prompt of the model"
        assert "red" not in line, "what the person said stands above"


async def test_a_translated_wish_is_shown_in_the_words_that_were_drawn() -> None:
    answer = template.answer(subject="a red cat", details=("soft light",))
    line = await line_of("一只红色的猫", answer)
    assert "red" in line.split("＋")[0]
    assert "＋" in line


def test_many_additions_are_cut_to_a_glance_and_counted() -> None:
    line = briefly(tuple(f"a phrase of some length that is number {n}" for n in range(9)))
    assert len(line) < ADDED + 40
    assert line.endswith(" more")


def test_another_comma_or_article_is_no_other_wording() -> None:
    assert seen("A red cat, in the snow.") == seen("red cat in snow")
    assert seen("a red cat") != seen("a red cat, at night")


async def test_a_new_wording_that_nobody_could_see_is_told_and_not_drawn(tmp_path: Path) -> None:
    words = words_by(ScriptedWriter([punctuated]))
    async with a_studio(tmp_path, prompt_assist=words) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red cat", assist="on")
        first = await ann.sees(is_result)
        await ann.press(first, "✨")
        await ann.sees("no other words")
        assert len(studio.worker.orders) == 1
