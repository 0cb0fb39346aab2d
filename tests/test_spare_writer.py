"""The spare writer steps in for a wish where the chosen one is late, broken, dull or forbidden."""

from __future__ import annotations

import asyncio
import time

import pytest

from prompting.assist import Assistant
from prompting.errors import (
    PromptingError,
    Unreadable,
    WriterDied,
    WriterTimeout,
    WriterUnavailable,
)
from prompting.reading.policy import Policy
from prompting.speaking.dialects import DIALECTS
from prompting.writers import template
from prompting.writers.writer import Answer, Ask
from tests.given.scripted_writer import Line, ScriptedWriter, echo

WISH = "a red cat on a mat"
CHOSEN = template.answer(subject=WISH, details=["soft morning light"])
SPARE = template.answer(subject=WISH, details=["fine fur"])
DULL = template.answer(subject=WISH)


class Deaf(ScriptedWriter):
    """Keeps no deadline at all."""

    async def write(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")


def assistant(*script: Line, spare: ScriptedWriter | None = None, **more: object) -> Assistant:
    return Assistant(
        ScriptedWriter(script, name="chosen"),
        spare=spare or ScriptedWriter([SPARE], name="spare"),
        **more,  # type: ignore[arg-type]
    )


async def test_where_the_chosen_writer_is_of_use_the_spare_is_not_asked() -> None:
    spare = ScriptedWriter([SPARE])
    written = await assistant(CHOSEN, spare=spare).assist(WISH, dialect="sd15", seed=1)
    assert written.writer == "chosen"
    assert "soft morning light" in written.prompt
    assert not written.note
    assert not spare.asked


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (WriterTimeout(7.99974), "no answer within 8 s"),
        (WriterDied("killed by signal 9"), "killed by signal 9"),
        (WriterUnavailable("killed by signal 9; next try in 4 s"), "next try in 4 s"),
        (Unreadable("answer", "no JSON"), "its answer was unusable: no JSON"),
        ("Sure! Here is your prompt.", "its answer was unusable: not JSON"),
        (PromptingError("something else"), "PromptingError"),
        (DULL, "it added nothing to your words"),
    ],
)
async def test_the_spare_writes_what_the_chosen_one_did_not_and_says_so(
    line: Line, why: str
) -> None:
    written = await assistant(line).assist(WISH, dialect="sd15", seed=1)
    assert written.writer == "spare"
    assert written.prompt == "red cat on a mat, fine fur, masterpiece, best quality"
    assert written.raw == SPARE
    assert written.note.startswith("The language model was of no help (")
    assert written.note.endswith(f"{why}): the built-in assistant wrote.")


async def test_a_bug_in_the_chosen_writer_is_the_spares_chance() -> None:
    def bug(_: Ask) -> str:
        raise ZeroDivisionError

    written = await assistant(bug).assist(WISH, dialect="flux1", seed=1)
    assert written.writer == "spare"


async def test_what_is_not_allowed_here_is_written_by_the_spare() -> None:
    policy = Policy(("morning",))
    written = await assistant(CHOSEN, policy=policy).assist(WISH, dialect="sd15", seed=1)
    assert written.writer == "spare"
    assert "morning" not in written.prompt


@pytest.mark.parametrize("chosen", [ScriptedWriter(hangs=True), Deaf()])
async def test_both_together_end_within_the_deadline(chosen: ScriptedWriter) -> None:
    late = Assistant(chosen, spare=ScriptedWriter([SPARE], name="spare"), deadline=0.4)
    began = time.monotonic()
    async with asyncio.timeout(30):
        written = await late.assist(WISH, dialect="sd15", seed=1)
    assert written.writer == "spare"
    # The chosen one is given three quarters of it, and the spare something is left of it.
    assert 0.2 <= chosen.asked[0].deadline <= 0.3
    assert written.seconds <= time.monotonic() - began


async def test_a_wish_that_is_denied_keeps_the_dialects_form() -> None:
    plain = ScriptedWriter([echo], name="spare")
    written = await assistant(WriterTimeout(8), spare=plain).assist(
        "a street, no people", dialect="sd15", seed=1
    )
    assert "people" not in written.prompt
    assert "people" in written.negative


async def test_trouble_is_told_once_and_again_when_it_comes_back() -> None:
    gone = WriterDied("killed by signal 9")
    one = assistant(gone, gone, CHOSEN, gone)
    notes = [
        bool((await one.assist(f"{WISH} {at}", dialect="sd15", seed=1)).note) for at in range(4)
    ]
    assert notes == [True, False, False, True]


async def test_what_neither_can_say_goes_through_unchanged_with_the_chosen_ones_reason() -> None:
    spare = ScriptedWriter([WriterDied("the spare is gone")])
    written = await assistant(WriterDied("the chosen is gone"), spare=spare).assist(
        "a red cat <lora:x:1>", dialect="sd15", seed=1
    )
    assert written.prompt == "a red cat <lora:x:1>"
    assert "the chosen is gone" in written.note


async def test_an_answer_that_lost_a_word_three_times_is_no_better_than_the_spares() -> None:
    lost = template.answer(subject="一只猫", details=["soft morning light"])
    kept = template.answer(subject="a red cat", details=["fine fur"])
    written = await assistant(lost, spare=ScriptedWriter([kept], name="spare")).assist(
        "一只红色的猫", dialect="sd15", seed=1
    )
    assert written.writer == "spare"
    assert "it left out words of yours" in written.note


@pytest.mark.parametrize("dialect", ["kontext", "starter", "audio"])
async def test_where_nothing_is_to_be_added_an_answer_that_adds_nothing_is_no_dull_one(
    dialect: str,
) -> None:
    assert not DIALECTS[dialect].kind.takes_more
    written = await assistant(DULL).assist(WISH, dialect=dialect, seed=1)
    assert written.writer == "chosen"


async def test_the_same_wish_and_seed_say_the_same_where_the_same_writer_wrote() -> None:
    flaky = assistant(WriterTimeout(8), CHOSEN)
    after_trouble, helped = [await flaky.assist(WISH, dialect="sd15", seed=seed) for seed in (1, 1)]
    calm = await assistant(CHOSEN).assist(WISH, dialect="sd15", seed=1)
    spare_alone = await Assistant(ScriptedWriter([SPARE])).assist(WISH, dialect="sd15", seed=1)
    assert helped.prompt == calm.prompt
    assert after_trouble.prompt == spare_alone.prompt
