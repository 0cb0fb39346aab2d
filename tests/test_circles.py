"""Answers that go round in circles are ended; answers that are cut are whole all the same."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from prompting.slots import Slots
from prompting.writers import template
from prompting.writers.compose import Bounds, Composer, DrawnAnswer, Interrupted
from prompting.writers.grammar import Grammar
from prompting.writers.loops import circle, ended, twice
from prompting.writers.questions import SLOTS, question
from tests.given.byte_model import ByteModel, Says, recites

ANSWERS = Grammar(SLOTS.grammar)
SLOTS_ASKED = Bounds(grammar=ANSWERS, longest=SLOTS.longest, enough=SLOTS.enough)
FULL = template.answer(
    subject="a red cat", details=["soft light", "deep snow"], style=["flat"], avoid=["people"]
)


def composed(model: ByteModel, asked: Bounds = SLOTS_ASKED, seed: int = 1) -> DrawnAnswer:
    head, rest = (model.encode(text, control=True) for text in ("told\n", "a wish\n"))
    return Composer(model).compose(head, rest, asked, seed=seed, temperature=0.0)


def again(part: str) -> Says:
    """A model that begins a subject, and then says one part for ever in every string."""
    begun = '{"subject": "Bundesarchiv'

    def says(answer: str) -> str:
        if len(answer) < len(begun):
            return begun[len(answer)]
        said = answer[answer.rindex('"') + 1 :] if answer.count('"') % 2 else ""
        at = len(said.removeprefix("Bundesarchiv")) % len(part)
        return part[at] if answer.count('"') % 2 else ""

    return says


@pytest.mark.parametrize("part", [" Erfurt", "_modal", " of the old town at night", "红色的城堡"])
def test_a_string_that_repeats_itself_ends_and_the_answer_soon_after(part: str) -> None:
    model = ByteModel(again(part))
    answer = composed(model)
    assert ANSWERS.matches(answer.raw)
    assert not answer.cut
    slots = json.loads(answer.raw)
    assert slots["subject"] == f"Bundesarchiv{part}"
    assert model.read < 250  # bytes: far from all that the grammar allows


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"subject": "Erfurt Erfurt Erfurt', '{"subject": "Erfurt'),
        ('{"subject": "ha ha ha', None),
        ('{"subject": "a very, very, very', None),
        ('{"subject": "New York, New York', None),
        ('{"subject": "1000000', None),
        ('{"subject": "000000000', '{"subject": "000'),
        ('{"subject": "a cat on the mat, a cat on the mat', '{"subject": "a cat on the mat'),
        ('{"subject": "a cat", "details": ["a cat", "a cat"', None),
        (
            '{"scene": "They walk. They are very big and they are very big, but they are very big',
            '{"scene": "They walk.',
        ),
        (
            '{"subject": "a king in his hall and a queen in his hall, one in his hall and a',
            None,
        ),
        ('{"scene": "A cat sits. The light is the light is the light is', '{"scene": "A cat sits.'),
    ],
)
def test_what_is_a_circle(text: str, kept: str | None) -> None:
    found = circle(text)
    assert (text[:found] if found is not None else None) == kept


def test_a_list_does_not_go_on_behind_what_it_has_said_before() -> None:
    begun = '{"subject": "a cat", "details": ["The cat is soft", "the cat is soft."'
    assert twice(begun + ", ")
    assert twice(begun + ', "')
    assert not twice(begun)
    assert not twice('{"subject": "a cat", "details": ["soft", "light", "')
    endless = begun[: begun.index('"The')] + '"The cat is soft", "the cat is soft."' * 8
    model = ByteModel(recites(endless.replace('""', '", "')))
    details = json.loads(composed(model).raw)["details"]
    assert [item.strip(".").casefold() for item in details] == ["the cat is soft"] * 2


def test_an_answer_is_never_longer_than_its_question_allows() -> None:
    for asked in (SLOTS, question("flux1"), question("reply")):
        grammar = Grammar(asked.grammar)
        noise = ByteModel(lambda answer: chr(97 + hash_of(answer)))
        form = Bounds(grammar=grammar, longest=60, enough=asked.enough)
        answer = composed(noise, form)
        assert grammar.matches(answer.raw)
        assert noise.length <= len("told\na wish\n") + 60


def hash_of(answer: str) -> int:
    return (len(answer) * 7919 + answer.count("a") * 31) % 26


# --- answers that end early


@pytest.mark.parametrize("text", [FULL])
def test_what_was_not_said_to_its_end_is_left_out(text: str) -> None:
    enough = text.index(SLOTS.enough) + len(SLOTS.enough)
    for at in range(len(text)):
        answer = ended(text[:at], ANSWERS, SLOTS.enough)
        assert (answer is None) == (at < enough)
        if answer is not None:
            found, whole = Slots.from_json(answer), Slots.from_json(text)
            assert found.subject == whole.subject
            assert whole.details[: len(found.details)] == found.details
            assert whole.style[: len(found.style)] == found.style


def test_a_scene_ends_with_its_last_whole_sentence() -> None:
    asked = question("flux1")
    text = template.answer(subject="a cat", scene="A cat sits in the snow. It looks up at a bi")
    answer = ended(text[:-2], Grammar(asked.grammar), asked.enough)
    assert answer is not None
    assert json.loads(answer)["scene"] == "A cat sits in the snow."


def test_an_answer_about_a_reply_is_of_no_use_unless_whole() -> None:
    asked = question(template.REPLY)
    assert ended('{"kind": "edit", "action": "add", ', Grammar(asked.grammar), asked.enough) is None


def held_up(after: int) -> tuple[ByteModel, Callable[[], DrawnAnswer]]:
    """A model that is interrupted after so many letters of its answer, and how it is asked."""
    model = ByteModel(recites(FULL))
    head, rest = (model.encode(text, control=True) for text in ("told\n", "a wish\n"))
    model.interrupted = lambda: model.length >= len(head + rest) + after
    composer = Composer(model)
    return model, lambda: composer.compose(
        head, rest, SLOTS_ASKED, seed=1, temperature=0.0, wanted=lambda: True
    )


def test_at_its_deadline_an_answer_with_a_subject_is_used() -> None:
    _, ask = held_up(FULL.index("deep"))
    answer = ask()
    assert answer.cut
    assert json.loads(answer.raw)["details"] == ["soft light"]


def test_at_its_deadline_an_answer_without_a_subject_is_none() -> None:
    _, ask = held_up(FULL.index("cat"))
    with pytest.raises(Interrupted):
        ask()


def test_an_answer_that_nobody_wants_any_more_is_none() -> None:
    model = ByteModel(recites(FULL))
    head, rest = (model.encode(text, control=True) for text in ("told\n", "a wish\n"))
    model.interrupted = lambda: model.length >= len(head + rest) + FULL.index("deep")
    with pytest.raises(Interrupted):
        Composer(model).compose(head, rest, SLOTS_ASKED, seed=1, temperature=0.0)


# --- what was read once


@pytest.mark.parametrize("saves", [True, False])
def test_a_cache_that_cannot_be_cut_says_the_same_cold_and_warm(saves: bool) -> None:
    model = ByteModel(recites(FULL), saves=saves)
    composer = Composer(model)
    head, rest = (model.encode(text, control=True) for text in ("told\n" * 20, "a wish\n"))
    said, costs = [], []
    for _ in range(3):
        before = model.read
        said.append(composer.compose(head, rest, SLOTS_ASKED, seed=1, temperature=0.0).raw)
        costs.append(model.read - before)
    assert said == [FULL] * 3
    assert costs[1] == costs[2] == costs[0] - (len(head) if saves else 0)


def test_the_heads_of_several_questions_stay_warm_until_they_weigh_too_much() -> None:
    model = ByteModel(recites(FULL))
    heads = [model.encode(f"told {name}\n", control=True) for name in "abc"]
    weight = len(heads[0])
    for room, read in ((3 * weight, 0), (2 * weight, weight)):
        composer = Composer(model, held_bytes=room)
        for head in heads:
            composer.warm(head)
        before = model.read
        composer.warm(heads[0])
        assert model.read - before == read
