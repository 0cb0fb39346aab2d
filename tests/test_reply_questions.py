"""What a language model is asked about a reply, what it may answer, and what it learned from."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from prompting.changing.intents import Action, IntentKind
from prompting.errors import Unreadable
from prompting.starter import replies
from prompting.starter.data import normal
from prompting.writers import questions, template
from prompting.writers.chat import ChatTemplate
from prompting.writers.grammar import Grammar
from prompting.writers.questions import REPLY, SLOTS, question, reply_answer

ANSWERS = Grammar(REPLY.grammar)
HAT = reply_answer(kind="edit", action="remove", what="the hat", into="", where="")


def test_the_kinds_and_actions_of_an_answer_are_those_of_an_intent() -> None:
    assert set(questions.KINDS) == {str(kind) for kind in IntentKind}
    assert {str(action) for action in Action} <= set(questions.ACTIONS)


def test_an_answer_about_a_reply_is_not_one_about_a_wish() -> None:
    assert ANSWERS.matches(HAT)
    assert not ANSWERS.matches(template.answer(subject="a hat"))
    assert not Grammar(SLOTS.grammar).matches(HAT)
    assert question(template.REPLY) is REPLY
    assert all(question(dialect) is SLOTS for dialect in template.DIALECTS)


@pytest.mark.parametrize(
    "wrong",
    ["no json", "[1]", '{"kind": "sing"}', '{"kind": "edit", "what": 3}', '{"kind": ["edit"]}'],
)
def test_what_a_server_answers_besides_is_unreadable(wrong: str) -> None:
    with pytest.raises(Unreadable):
        REPLY.canonical(wrong)


def test_a_servers_answer_is_put_into_the_grammars_form() -> None:
    sent = (
        '<think>hm {no}</think>```json\n{"what": "the hat", "kind": "edit", "action": "remove"}```'
    )
    assert REPLY.canonical(sent) == HAT


def test_a_chat_model_is_told_what_a_reply_is_and_sees_it_as_data() -> None:
    chat = ChatTemplate(template.CHATML)
    turns = chat.turns("make it night", dialect=template.REPLY, language="en")
    assert turns.wish == "make it night"
    assert "make it night" not in turns.head + turns.tail
    assert all(f"{kind}" in turns.head for kind in ("edit", "undo", "pick", "none"))


def test_what_the_reader_learns_from_is_answered_in_words_of_the_reply() -> None:
    for example in islice(replies.examples(3), 400):
        assert ANSWERS.matches(example.answer), example
        answer = json.loads(example.answer)
        for span in ("what", "into", "where"):
            assert answer[span].casefold() in example.wish.casefold(), example


def test_the_reader_learns_every_kind_in_both_languages() -> None:
    for language in ("en", "zh"):
        said = {row.kind for row in replies.meanings() if row.forms[language]}
        assert said == set(questions.KINDS)


def test_no_reply_of_the_test_sets_is_learned_from() -> None:
    assert len(replies.tested()) > 200
    learned = {example.wish for example in islice(replies.examples(4), 2000)}
    assert not {normal(wish) for wish in learned} & replies.tested()
