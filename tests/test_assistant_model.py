"""The built-in assistant as it is shipped, its training data, and what its evaluation counts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path

import pytest

import prompting.starter
from prompting.errors import Unreadable
from prompting.hiding import hide
from prompting.reading import opaque
from prompting.reading.lexicon import built_in
from prompting.speaking.dialects import DIALECTS
from prompting.starter import data
from prompting.trials.evaluate import identity, rows, sound, template_only
from prompting.trials.measures import bound, cases, kept, violated, wilson
from prompting.writers import template
from prompting.writers.ggufile import read_header
from prompting.writers.grammar import Grammar
from prompting.writers.llama import LlamaWriter
from prompting.writers.writer import Ask

FOLDER = Path(prompting.starter.__file__).parent
GGUF = FOLDER / "assistant.gguf"
WISHES = cases(FOLDER / "wishes.jsonl")


async def asked(writer: LlamaWriter, wish: str, *, seed: int = 1) -> str:
    words, lexicon = opaque.read(wish).words, built_in()
    spoken = lexicon.language(words)
    hidden = hide(words, lexicon, spoken=spoken, language="en", most=writer.placeholders)
    ask = Ask(text=hidden.text, dialect="tags", seed=seed, temperature=0.7, deadline=60.0)
    return (await writer.write(ask)).raw


@pytest.fixture
async def writer() -> AsyncIterator[LlamaWriter]:
    writer = LlamaWriter(GGUF, engine="numpy")
    await writer.start()
    yield writer
    await writer.close()


def test_it_weighs_about_four_megabytes_and_says_which_turns_it_knows() -> None:
    header = read_header(GGUF)

    assert 3_000_000 < header.size_bytes < 5_000_000
    assert header.text(template.MARK) == template.VERSION
    tokens = header.texts("tokenizer.ggml.tokens")
    special = [template.PAD, template.START, template.END, *template.PLACEHOLDERS]
    assert tokens[: len(special)] == special


async def test_every_answer_is_what_the_grammar_allows(writer: LlamaWriter) -> None:
    wishes = [case.wish for case in WISHES[:: len(WISHES) // 20]][:20]

    answers = [await asked(writer, wish) for wish in wishes]

    assert all(sound(raw) for raw in answers)


async def test_the_same_seed_says_the_same_in_another_process(writer: LlamaWriter) -> None:
    wish = "a lighthouse in a storm"
    first = await asked(writer, wish)
    other = LlamaWriter(GGUF, engine="numpy")
    await other.start()

    again = await asked(other, wish)

    await other.close()
    assert await asked(writer, wish) == again == first
    assert len({await asked(writer, wish, seed=seed) for seed in range(4)}) > 1


async def test_colour_and_thing_come_out_of_a_plain_wish(writer: LlamaWriter) -> None:
    for wish in ("a red cat", "一只红色的猫"):
        subject = json.loads(await asked(writer, wish))["subject"]
        assert "red" in subject
        assert "<x1>" in subject


def test_the_evaluation_has_two_hundred_wishes_of_every_kind() -> None:
    assert len({case.wish for case in WISHES}) >= 200
    assert {case.lang for case in WISHES} >= {"en", "zh", "mixed", "other"}
    assert {case.group for case in WISHES} >= {"pair", "count", "name", "hostile", "syntax"}


def test_no_training_wish_shares_five_words_with_the_evaluation() -> None:
    forbidden = data.held_out()

    drawn = list(islice(data.examples(1), 2000))

    assert not any(data.shares(example.wish, forbidden) for example in drawn)


def test_a_held_out_wish_is_recognised_whole_and_in_parts() -> None:
    forbidden = data.held_out()

    assert all(data.shares(case.wish, forbidden) for case in WISHES if data.normal(case.wish))
    assert data.shares("please DRAW Otter juggling, pebbles", forbidden) is False
    assert data.shares("now a Sushi Train but every plate is empty", forbidden)
    assert not data.shares("a purple bus in the kitchen", forbidden)


def test_the_same_seed_draws_the_same_training_data() -> None:
    assert list(islice(data.examples(5), 20)) == list(islice(data.examples(5), 20))


def test_every_training_answer_is_what_the_grammar_allows() -> None:
    grammar = Grammar(template.GRAMMAR)

    assert all(grammar.matches(example.answer) for example in islice(data.examples(2), 40))


def test_a_word_dropped_or_bound_to_another_thing_is_counted() -> None:
    case = next(case for case in WISHES if case.wish == "blue teacup on a yellow plate")

    assert kept(case, "a blue teacup on a yellow plate, soft light")
    assert not kept(case, "a teacup on a yellow plate")
    assert all(bound(pair, "a blue teacup on a yellow plate") for pair in case.pairs)
    assert not any(bound(pair, "a yellow teacup on a blue plate") for pair in case.pairs)


def test_what_a_prompt_denies_is_not_counted_as_asked_for() -> None:
    case = next(case for case in WISHES if "scarf" in case.must_not)

    assert violated(case, "a snowman with a scarf", built_in())
    assert not violated(case, "a snowman, no scarf", built_in())


def test_the_wilson_interval_is_the_published_one() -> None:
    low, high = wilson(80, 80)

    assert (round(low, 3), round(high, 3)) == (0.954, 1.0)


def test_the_baselines_pass_markup_through_and_identity_speaks_no_dialect() -> None:
    some = [case for case in WISHES if case.keep]

    alone = rows([identity(case, name) for case in some for name in ("sd15", "pony")])
    formed = rows([template_only(case, name) for case in some for name in ("sd15", "pony")])

    assert alone["passed through unchanged"].startswith("100.0 %")
    assert formed["passed through unchanged"].startswith("100.0 %")
    assert formed["dialect valid"].startswith("100.0 %")
    assert alone["dialect valid"].startswith("0.0 %")


def test_a_broken_line_of_wishes_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wishes.jsonl"
    file.write_text('{"wish": "a cat"}\n{"must": []}\n')

    with pytest.raises(Unreadable, match="line 2"):
        cases(file)


def test_the_dialects_of_the_table_are_those_that_exist() -> None:
    assert {dialect.ask for dialect in DIALECTS.values()} <= set(template.DIALECTS)
