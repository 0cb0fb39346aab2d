"""Servers that take less of OpenAI's protocol than others, and answers that are not quite one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from prompting.errors import Unreadable, WriterUnavailable
from prompting.slots import MAX_SUBJECT
from prompting.writers import template
from prompting.writers.openai import OpenAIWriter
from prompting.writers.writer import Ask
from tests.given.chat_server import GOOD, ChatServer, completion, form_of, refuses

Request = dict[str, object]


class Picky(ChatServer):
    """Answers a request that `refusal` finds nothing wrong with; else a status and a text."""

    def __init__(self, refusal: Callable[[Request], tuple[int, str] | None]) -> None:
        super().__init__(self._mood)
        self._refusal = refusal

    async def _mood(self, request: Request) -> web.StreamResponse:
        refused = self._refusal(request)
        if refused is None:
            return completion(GOOD)
        status, text = refused
        return web.json_response({"error": {"message": text}}, status=status)


@asynccontextmanager
async def at(server: ChatServer) -> AsyncIterator[OpenAIWriter]:
    async with server.running():
        writer = await OpenAIWriter.open(server.url, "")
        try:
            yield writer
        finally:
            await writer.close()


def ask() -> Ask:
    return Ask(text="a red cat", dialect="tags", seed=7, temperature=0.5, deadline=20.0)


async def answers(server: ChatServer, times: int = 3) -> list[str]:
    """Asks so often, and says in which form each request asked."""
    async with at(server) as writer:
        for _ in range(times):
            assert (await writer.write(ask())).raw == GOOD
    return [form_of(request) for request in server.requests]


FORMS = ["json_schema", "json_object with a schema", "json_object", "none"]
LITERAL = "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type')}]"
LM_STUDIO = "'response_format.type' must be 'json_schema' or 'text'"


@pytest.mark.parametrize("status", [400, 404, 422, 500, 501])
async def test_what_refuses_a_schema_is_asked_for_an_object_from_then_on(status: int) -> None:
    server = Picky(lambda it: (status, LITERAL) if form_of(it) == "json_schema" else None)
    assert await answers(server) == ["json_schema", *["json_object with a schema"] * 3]


@pytest.mark.parametrize("status", [400, 404, 422, 500, 501])
async def test_what_refuses_every_form_is_asked_in_words_alone(status: int) -> None:
    server = Picky(lambda it: (status, LM_STUDIO) if form_of(it) != "none" else None)
    assert await answers(server) == [*FORMS[:3], *["none"] * 3]


async def test_an_object_whose_schema_is_refused_is_asked_for_without() -> None:
    server = Picky(lambda it: (400, LITERAL) if "schema" in form_of(it) else None)
    assert await answers(server) == [*FORMS[:2], *["json_object"] * 3]


async def test_a_status_of_500_that_passes_costs_one_answer_its_schema() -> None:
    trouble = iter([(500, "out of luck")])
    server = Picky(lambda _: next(trouble, None))
    assert await answers(server) == [*FORMS[:2], "json_schema", "json_schema"]


async def test_a_status_of_500_that_stays_is_believed_the_second_time() -> None:
    server = Picky(lambda it: (500, "no") if form_of(it) == "json_schema" else None)
    forms = await answers(server, times=4)
    assert forms == [*FORMS[:2] * 2, *[FORMS[1]] * 2]


async def test_a_refused_form_costs_no_second_of_waiting() -> None:
    async with at(Picky(lambda it: (500, LITERAL) if form_of(it) == "json_schema" else None)) as it:
        answer = await it.write(ask())
    assert answer.seconds < 10  # the client's own two retries would wait for each other


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."),
        ("temperature", "'temperature' does not support 0.5 with this model."),
        ("seed", "Unrecognized request argument supplied: seed"),
        ("chat_template_kwargs", "Unrecognized request argument supplied: chat_template_kwargs"),
    ],
)
async def test_a_setting_that_is_refused_by_name_is_left_out_from_then_on(
    name: str, text: str
) -> None:
    server = Picky(lambda it: (400, text) if name in it else None)
    await answers(server)
    assert [name in request for request in server.requests] == [True, False, False, False]
    assert {form_of(request) for request in server.requests} == {"json_schema"}
    if name == "max_tokens":
        assert "max_completion_tokens" in server.requests[-1]


async def test_a_model_without_a_systems_turn_is_told_in_the_users() -> None:
    def refusal(request: Request) -> tuple[int, str] | None:
        turns = request["messages"]
        assert isinstance(turns, list)
        return (400, "System role not supported") if turns[0]["role"] == "system" else None

    server = Picky(refusal)
    await answers(server)
    turns = server.requests[-1]["messages"]
    assert isinstance(turns, list)
    assert {turn["role"] for turn in turns} <= {"user", "assistant"}
    assert turns[-1]["content"].endswith("a red cat")
    assert "JSON" in turns[0]["content"]
    assert len(server.requests) == 4


async def test_what_refuses_everything_is_unavailable_for_its_first_reason() -> None:
    async with at(ChatServer(refuses(404))) as writer:
        with pytest.raises(WriterUnavailable, match="does not know the model"):
            await writer.write(ask())


# --- what they send ---------------------------------------------------------------------------

CAT = {"subject": "a red cat", "details": ["soft light"], "style": [], "avoid": []}
JSON = json.dumps(CAT)
DOG = json.dumps(CAT | {"subject": "a dog"})


async def read(content: object, finish: str = "stop") -> str:
    """The answer's text in canonical form."""

    async def mood(_: Request) -> web.StreamResponse:
        body = {"choices": [{"index": 0, "message": {"content": content}, "finish_reason": finish}]}
        return web.json_response(body)

    async with at(ChatServer(mood)) as writer:
        return (await writer.write(ask())).raw


@pytest.mark.parametrize(
    "content",
    [
        f"Sure! Here is your prompt for {{a cat}}:\n```json\n{JSON}\n```\nLet me know!",
        f"{JSON}\n{DOG}",
        f"[{JSON}]",
        json.dumps({"answer": CAT}),
        json.dumps({"Subject": "a red cat", "Details": "soft light", "style": None}),
        json.dumps(CAT | {"style": "", "details": "soft light", "avoid": None}),
        json.dumps(CAT | {"subject": ["a red cat"]}),
        json.dumps(CAT | {"details": ["soft light", None, "x " * 100]}),
        '{"subject": "a red cat", "details": ["soft light",],}',
        json.dumps({"output": [CAT]}),
        json.dumps(CAT | {"details": {"light": "soft light"}}),
        json.dumps(CAT | {"details": [{"text": "soft light"}], "subject": {"text": "a red cat"}}),
        str(CAT),
        '{"subject": "a red cat", "details": ["soft light"], "avoid": [] // nothing\n}',
        "{“subject”: “a red cat”, “details”: [“soft light”]}",
        '{subject: "a red cat", details: ["soft light"]}',
        f"<think>A {{hat}}? No: {DOG}</think>\n{JSON}",
        f"<think>Perhaps {DOG} or so. Better: {JSON}",
        f"<think>Perhaps {DOG}. Better:\n```json\n{JSON}\n```",
        f"<|channel|>analysis<|message|>Perhaps {DOG}<|channel|>final<|message|>{JSON}",
        f"[THINK]hm {DOG}[/THINK]{JSON}<|im_end|>",
        [{"type": "text", "text": JSON}],
    ],
)
async def test_an_answer_is_read_out_of_what_stands_around_it(content: object) -> None:
    assert await read(content) == GOOD


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<think>The user wants a cat", "a thought without an end"),
        (f"<think>Perhaps {DOG}, but then again", "a thought without an end"),
        (None, "the server sent no text"),
        ("A gorgeous red cat, masterpiece, 8k", "no JSON object"),
        ('{"prompt": "a red cat"}', "no subject"),
        ('{"subject": null}', "a text that is none"),
        ('{"subject": "a red cat", "details": [', "no JSON object"),
        ("{" * 15_000, "no JSON object"),
        ('{"a":' * 3_000, "no JSON object"),
    ],
)
async def test_what_cannot_be_read_is_unusable_with_a_reason(content: object, reason: str) -> None:
    with pytest.raises(Unreadable) as failure:
        await read(content)
    assert failure.value.reason == reason


@pytest.mark.parametrize(
    ("content", "read_as"),
    [
        ('{"subject": "a red cat", "details": ["soft light", "a gl', GOOD),
        ('{"subject": "a red cat", "details": ["soft light"], "sty', GOOD),
        ('{"subject": "a red cat", "det', template.answer(subject="a red cat")),
    ],
)
async def test_an_answer_that_was_cut_is_read_as_far_as_it_is_whole(
    content: str, read_as: str
) -> None:
    assert await read(content, "length") == read_as


@pytest.mark.parametrize("content", ['{"subject": "a red', "Here is", "<think>hm", None])
async def test_an_answer_that_was_cut_too_soon_says_so(content: str | None) -> None:
    with pytest.raises(Unreadable, match="cut at max_tokens"):
        await read(content, "length")


async def test_a_subject_beyond_all_measure_is_cut_between_two_words() -> None:
    raw = await read(json.dumps(CAT | {"subject": "a red cat " + "very " * 300}))
    subject = json.loads(raw)["subject"]
    assert MAX_SUBJECT - 10 < len(subject) <= MAX_SUBJECT
    assert subject.endswith("very")
