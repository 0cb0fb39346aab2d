"""A server that speaks OpenAI's chat protocol on this machine, in the mood the test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from prompting.writers import template

GOOD = template.answer(subject="a red cat", details=["soft light"])

Mood = Callable[[dict[str, object]], Awaitable[web.StreamResponse]]


def completion(content: object, **more: object) -> web.Response:
    """A well-formed answer with that content."""
    message = {"role": "assistant", "content": content} | more
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return web.json_response(body)


async def good(_: dict[str, object]) -> web.StreamResponse:
    return completion(GOOD)


async def hangs(_: dict[str, object]) -> web.StreamResponse:
    await asyncio.sleep(60)
    return completion(GOOD)


def says(content: object) -> Mood:
    async def mood(_: dict[str, object]) -> web.StreamResponse:
        return completion(content)

    return mood


def sends(text: str, content_type: str = "application/json") -> Mood:
    async def mood(_: dict[str, object]) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type)

    return mood


def refuses(status: int) -> Mood:
    async def mood(_: dict[str, object]) -> web.StreamResponse:
        return web.json_response({"error": {"message": "no"}}, status=status)

    return mood


def form_of(request: dict[str, object]) -> str:
    """How a request asks for an answer's form."""
    form = request.get("response_format")
    if not isinstance(form, dict):
        return "none"
    return f"{form['type']} with a schema" if "schema" in form else str(form["type"])


class ChatServer:
    """Answers each request in the next mood, and in the last one for ever."""

    def __init__(self, *moods: Mood, models: tuple[str, ...] = ("tiny",)) -> None:
        self.moods = list(moods) or [good]
        self.models = models
        self.requests: list[dict[str, object]] = []
        self.asked = asyncio.Event()
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ChatServer]:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _models(self, _: web.Request) -> web.StreamResponse:
        data = [{"id": m, "object": "model", "created": 1, "owned_by": "me"} for m in self.models]
        return web.json_response({"object": "list", "data": data})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(json.loads(await request.text()))
        self.asked.set()
        mood = self.moods.pop(0) if len(self.moods) > 1 else self.moods[0]
        return await mood(self.requests[-1])
