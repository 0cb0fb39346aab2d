"""What an open writer is asked in a dialect of prose: a scene beside the subject."""

from __future__ import annotations

import json

import pytest

from prompting.slots import Slots
from prompting.speaking.dialects import DIALECTS, Speech
from prompting.writers import questions, template
from prompting.writers.chat import ChatTemplate
from prompting.writers.grammar import Grammar
from prompting.writers.questions import SLOTS, question

PROSE = [name for name, row in DIALECTS.items() if row.kind in (Speech.PROSE, Speech.VIDEO)]
SCENE = "A red cat lies in the snow. Low sun warms its fur."
TOLD = template.answer(subject="a red cat in the snow", avoid=["people"], scene=SCENE)


@pytest.mark.parametrize("name", PROSE)
def test_every_dialect_of_prose_asks_for_a_scene_and_says_how_long(name: str) -> None:
    row = DIALECTS[name]
    assert row.words, f"{name} says no length"
    least, most = row.words
    asked = question(name)
    assert 0 < least < most
    assert Grammar(asked.grammar).matches(TOLD)
    assert not Grammar(asked.grammar).matches(template.answer(subject="a cat"))
    told = asked.instructions(name, "en")
    assert f"{least} to {most} words" in told
    assert all(part in told for part in (*row.tells, *row.omits))
    assert "<x" not in told  # who writes scenes reads every word


def test_other_dialects_and_the_built_in_assistants_ask_for_details() -> None:
    others = DIALECTS.keys() - PROSE
    assert all(question(name) is SLOTS for name in (*others, *template.DIALECTS))


def test_the_longest_scene_is_known_before_its_first_token() -> None:
    for language, most in (("en", 7 * 80 + 100), ("zh", 2 * 80 + 40)):
        grammar = Grammar(question("flux1", language).grammar)
        assert grammar.matches(template.answer(subject="a", scene="X" * most))
        assert not grammar.matches(template.answer(subject="a", scene="X" * (most + 1)))


def test_a_scene_begins_as_a_sentence_and_holds_no_markup() -> None:
    grammar = Grammar(question("flux1").grammar)
    for wrong in ("{1.0}", "a cat lies in the snow.", "Short.", "A cat <lora:x:1> lies in snow."):
        assert not grammar.matches(template.answer(subject="a", scene=wrong))


def test_a_scene_that_must_end_early_leaves_the_rest_whole() -> None:
    reading = Grammar(question("flux1").grammar).start().advance(TOLD[:-20].encode())
    assert reading is not None
    slots = Slots.from_json(TOLD[:-20] + reading.finish())
    assert (slots.subject, slots.avoid) == ("a red cat in the snow", ("people",))
    assert SCENE.startswith(slots.scene)


def test_an_answer_of_before_scenes_reads_as_it_did_and_is_written_as_it_was() -> None:
    old = Slots.from_json('{"subject": "a cat", "details": ["soft light"]}')
    assert old.scene == ""
    assert "scene" not in json.loads(old.to_json())


def test_slots_with_a_scene_are_read_back_equal() -> None:
    slots = Slots.from_json(TOLD)
    assert slots.scene == SCENE
    assert Slots.from_json(slots.to_json()) == slots
    assert questions.question("flux1").canonical(f"```json\n{TOLD}\n```") == TOLD


def test_a_chat_model_is_told_of_scenes_in_its_own_template() -> None:
    turns = ChatTemplate(template.CHATML).turns("a cat", dialect="flux1", language="en")
    assert "a long text, scene" in turns.head
    assert "a cat" not in turns.head + turns.tail


def test_the_schema_of_a_scene_asks_for_what_the_grammar_does() -> None:
    form = question("flux1").schema
    assert form["required"] == ["subject", "style", "avoid", "scene"]
