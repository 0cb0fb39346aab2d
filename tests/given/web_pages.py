"""The bot's own pages without a bot: a server on a free port, and whoever visits it."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from bot.web.links import Links, Visitor
from bot.web.server import Route, WebPages
from generation.job import UserId
from tests.given.builders import ANN

KEY = bytes(range(32))


@dataclass
class Hand:
    """A clock that somebody moves by hand."""

    now: float = 1_000_000.0
    serials: itertools.count[int] = field(default_factory=itertools.count)

    def links(self, key: bytes = KEY) -> Links:
        return Links(key, clock=lambda: self.now, serial=lambda: f"s{next(self.serials)}")


def a_visitor(person: UserId = ANN, *, locale: str = "en-US", **changes: int | None) -> Visitor:
    """Somebody in a channel of a server."""
    usual = {"guild": 10, "channel": 20, "source": 30, **changes}
    return Visitor(person=person, locale=locale, **usual)  # type: ignore[arg-type]  # numbers all


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a browser got."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsing:
    """A client of that server that follows nothing and keeps nothing."""

    session: aiohttp.ClientSession
    address: str

    async def get(self, path: str, **more: object) -> Seen:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, **more: object) -> Seen:
        return await self.ask("POST", path, **more)

    async def ask(self, method: str, path: str, **more: object) -> Seen:
        body = json.dumps(more.pop("json")).encode() if "json" in more else more.get("data")
        if isinstance(body, bytes):
            more["data"] = io.BytesIO(body)  # aiohttp warns of large ones that are no file
        url = path if path.startswith("http") else f"{self.address}{path}"
        async with self.session.request(method, url, allow_redirects=False, **more) as answer:  # type: ignore[arg-type]  # what aiohttp takes
            return Seen(
                status=answer.status, headers=dict(answer.headers), body=await answer.read()
            )


@asynccontextmanager
async def browsing(address: str) -> AsyncIterator[Browsing]:
    """Somebody who visits what is served there."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Browsing(session=session, address=address)


@asynccontextmanager
async def served(
    routes: Sequence[Route] = (), *, hand: Hand | None = None
) -> AsyncIterator[tuple[WebPages, Browsing]]:
    """Pages on a free port of this machine."""
    pages = WebPages((hand or Hand()).links(), listen="127.0.0.1", port=0, address=None)
    async with pages.serving(routes):
        assert pages.address is not None
        async with browsing(pages.address) as visitor:
            yield pages, visitor
