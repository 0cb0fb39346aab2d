"""The grammar of answers, read and obeyed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompting.errors import Unreadable
from prompting.slots import Slots
from prompting.writers import template
from prompting.writers.gbnf import BrokenGrammar
from prompting.writers.grammar import Grammar

ANSWERS = Grammar(template.GRAMMAR)
FULL = template.answer(
    subject="two red 猫 in São Paulo",
    details=["soft light", "<x1> everywhere"],
    style=["水彩"],
    avoid=["people", "text"],
)


def test_what_answer_writes_belongs_to_the_grammar() -> None:
    assert ANSWERS.matches(FULL)
    assert ANSWERS.matches(template.answer(subject="a"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        FULL[:-1],
        FULL + " ",
        " " + FULL,
        FULL.replace("two", 'tw"o'),
        FULL.replace("two", "tw\\u006f"),
        FULL.replace("two", "tw\no"),
        FULL.replace("two", "tw\u202eo"),
        FULL.replace("two", "tw\u200bo"),
        FULL.replace("two", "t" * 300),
        FULL.replace('"people", "text"', ", ".join(['"x"'] * 7)),
        FULL.replace("two red", " two red"),
        template.answer(subject=""),
        template.answer(subject="a", details=[""]),
        '{"subject": "a"}',
    ],
)
def test_what_is_no_answer_does_not(text: str) -> None:
    assert not ANSWERS.matches(text)


def test_a_text_can_be_read_in_any_pieces_and_always_finished() -> None:
    data = FULL.encode()
    for at in range(1, len(data)):
        reading = ANSWERS.start().advance(data[:at])
        assert reading is not None
        whole = data[: at - len(reading.partial)].decode() + reading.finish()
        assert ANSWERS.matches(whole)
        Slots.from_json(whole)
        after = reading.advance(data[at:])
        assert after is not None
        assert after.over


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b""])
def test_bytes_that_are_no_text_are_refused(bad: bytes) -> None:
    reading = ANSWERS.start().advance(b'{"subject": "a')
    assert reading is not None
    assert reading.advance(bad) is None


def test_half_a_character_waits_for_its_other_half() -> None:
    reading = ANSWERS.start().advance(b'{"subject": "\xe7\x8c')
    assert reading is not None
    assert not reading.complete
    assert reading.advance(b'"') is None
    assert reading.advance(b"\xab") is not None


def test_the_first_bytes_are_those_with_which_some_token_can_go_on() -> None:
    assert ANSWERS.start().first_bytes() == b"{"
    reading = ANSWERS.start().advance(b'{"subject": "')
    assert reading is not None
    for byte in range(256):
        goes_on = reading.advance(bytes([byte])) is not None
        assert goes_on == (byte in reading.first_bytes())


@given(st.text(max_size=40))
def test_one_character_at_a_time_is_the_same_as_all_at_once(text: str) -> None:
    data = (FULL[:20] + text).encode("utf-8", "replace")
    whole, step = ANSWERS.start().advance(data), ANSWERS.start()
    for byte in data:
        after = step.advance(bytes([byte]))
        if after is None:
            assert whole is None
            return
        step = after
    assert whole is not None
    assert whole.stacks == step.stacks


def test_repetitions_choices_and_groups_mean_what_they_mean_in_gbnf() -> None:
    grammar = Grammar('root ::= "a"{2,3} ("b" | [c-e] "-")* x? # comment\nx ::= [^\\]\\x41]+')
    for text in ("aa", "aaa", "aabb", "aad-b", "aac-Z", "aaZZ"):
        assert grammar.matches(text), text
    for text in ("a", "aaA", "aa]", "aabA", "baa"):
        assert not grammar.matches(text), text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no rule called root"),
        ('rule ::= "a"', "no rule called root"),
        ("root ::= missing", "no rule called missing"),
        ('root ::= "a', "what is this"),
        ('root ::= ("a"', "not closed"),
        ("root ::= [z-a]", "turned round"),
        ('root ::= "a"{3,2}', "turned round"),
        ('root ::= "a"{0,5000}', "beyond 2000"),
        ('root ::= root "a" | "b"', "begins with itself"),
        ('root ::= ("a"?)* "b"', "may be empty"),
        ('root ::= "a" root', "no text ever ends"),
        ('root ::= "a"\nroot ::= "b"', "two rules"),
        ("root ::= ?", "nothing to repeat"),
    ],
)
def test_a_broken_grammar_is_an_exception_before_its_first_use(text: str, reason: str) -> None:
    with pytest.raises(BrokenGrammar, match=reason):
        Grammar(text)


@pytest.mark.parametrize(
    "raw",
    [
        FULL,
        f"```json\n{FULL}\n```",
        f"<think>The user wants {{a cat}}.</think>\n{FULL}",
        f"Sure! Here it is: {FULL} Enjoy.",
        json.dumps(json.loads(FULL), indent=2),
    ],
)
def test_an_answer_is_found_in_what_servers_wrap_around_it(raw: str) -> None:
    assert template.readable(raw) == FULL


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "I cannot help with that.",
        "{}",
        "{]",
        '{"subject": ""}',
        '{"subject": 7}',
        '{"subject": "a", "details": [1]}',
        "{" * 100_000 + "}",
        '{"subject": "\\ud800"}',
    ],
)
def test_nonsense_is_unreadable(raw: str) -> None:
    with pytest.raises(Unreadable):
        template.readable(raw)
