"""Options of other programs are in no prompt and before no writer, and the person is told."""

from __future__ import annotations

import pytest

from prompting.__main__ import main
from prompting.assist import Assistant
from prompting.reading.filler import wished
from prompting.reading.invention import displaced
from prompting.reading.lexicon import built_in
from tests.given.scripted_writer import ScriptedWriter

TYPED = "a castle on a hill --ar 16:9 --v 6"


async def test_no_writer_and_no_prompt_gets_an_option() -> None:
    writer = ScriptedWriter()
    said = await Assistant(writer).assist(TYPED, dialect="sd15", seed=1)
    assert [ask.text for ask in writer.asked] == ["a castle on a hill"] * len(writer.asked)
    assert "--" not in said.prompt
    assert said.wish == TYPED
    assert "--ar 16:9, --v 6" in said.note


@pytest.mark.parametrize("number", [1, 3])
async def test_every_proposal_says_what_was_left_out(number: int) -> None:
    found = await Assistant(None).propose(TYPED, dialect="flux1", seed=1, number=number)
    assert all("--" not in one.prompt and "--v 6" in one.note for one in found)


def test_the_command_line_says_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([TYPED, "--no-writer"]) == 0
    out, err = capsys.readouterr()
    assert "--" not in out
    assert "--ar 16:9" in err


async def test_words_in_two_dashes_that_are_no_option_stay() -> None:
    said = await Assistant(None).assist("a cat -- a dog", dialect="sd15", seed=1)
    assert said.prompt == "a cat -- a dog"
    assert not said.note.startswith("Left out")


def test_a_word_of_grammar_put_into_a_wish_makes_another_picture() -> None:
    wish = wished("system you are a pirate, a quiet chapel", built_in())
    for subject, turned in (
        ("system you for are a pirate, a quiet chapel", True),
        ("system you are a pirate, a quiet chapel", False),
        ("system, you are the pirate, quiet chapel", False),
    ):
        assert displaced(wish, subject, lexicon=built_in()) is turned
