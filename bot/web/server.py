"""The server of the bot's own pages: one port, off unless the owner wants it.

    static/NAME          the scripts and styles of ours
    PURPOSE/LINK...      what the routes of a purpose answer, to whoever has a link for it

Invariant: nothing is answered but what a route says, and each answer ends: few connections, bounded
bodies, bounded times.  There are no cookies and no other standing rights, so no page of anybody
else can act in a visitor's name.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bot.languages.catalogues import ENGLISH, languages
from bot.languages.speaking import speaking_to
from bot.web import answers
from bot.web.links import LinkPurpose, Links, Visitor
from bot.web.refusals import refusal
from generation.fleet.doors import Door, listening

log = logging.getLogger(__name__)

CONNECTIONS = 128
ANSWER_SECONDS = 60.0  # from the head of a request to its answer
BODY_SECONDS = 30.0  # in which the whole of a body has to come
LONGEST_PATH = 1000

STATIC = Path(__file__).with_name("static")
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}

LINK = r"(?P<link>[\w.-]+)"

Answering = Callable[[web.BaseRequest, re.Match[str]], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What is answered at addresses of a form."""

    method: str
    path: re.Pattern[str]
    answer: Answering


class WebPages:
    """The server.  `address`: where its links lead; None while nobody is served."""

    def __init__(self, links: Links, *, listen: str, port: int, address: str | None) -> None:
        self.links = links
        self.address: str | None = None
        self._listen, self._port, self._public = listen, port, address
        self._routes: tuple[Route, ...] = ()
        self._static = {path.name: path.read_bytes() for path in sorted(STATIC.iterdir())}

    @asynccontextmanager
    async def serving(self, routes: Sequence[Route]) -> AsyncIterator[int | None]:
        """Answer until the block ends.

        Yields the port, or None where it cannot be had: a bot without pages is still a bot.
        """
        self._routes = tuple(routes)
        try:
            runner, port = await listening(
                Door(self.answer, connections=CONNECTIONS), self._listen, self._port
            )
        except OSError as error:
            log.warning("no pages: port %d cannot be had (%s)", self._port, error)
            yield None
            return
        self.address = self._public or here(self._listen, port)
        log.info("pages: listening at %s port %d", self._listen, port)
        try:
            yield port
        finally:
            self.address = None
            await runner.cleanup()

    def link(self, purpose: LinkPurpose, visitor: Visitor, thing: int, *, seconds: float) -> str:
        """The address of a page for that person.  Only while it is served."""
        signed = self.links.sign(purpose, visitor, thing, seconds=seconds)
        return f"{self.address}/{purpose}/{signed}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """What is at that address, or why not; whatever happens, with our headers."""
        script = request.method == "POST"
        with speaking_to(_language(request)):
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await self._found(request)
            except Exception as error:
                return refusal(error, up=_up(request.path), script=script)

    async def _found(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path if len(request.path) <= LONGEST_PATH else ""
        method = "GET" if request.method == "HEAD" else request.method
        allowed: set[str] = set()
        for route in (_STATIC, *self._routes):
            if (match := route.path.fullmatch(path)) is None:
                continue
            if method == route.method:
                if route is _STATIC:
                    return self._file(match["name"])
                return await route.answer(request, match)
            allowed.add(route.method)
        if allowed:
            raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
        raise web.HTTPNotFound

    def _file(self, name: str) -> web.Response:
        if (data := self._static.get(name)) is None:
            raise web.HTTPNotFound
        return answers.file(data, KINDS[Path(name).suffix])


async def _no_answer(_: web.BaseRequest, __: re.Match[str]) -> web.StreamResponse:
    raise web.HTTPNotFound


_STATIC = Route(method="GET", path=re.compile(r"/static/(?P<name>[a-z.]+)"), answer=_no_answer)


async def body_of(request: web.BaseRequest, most: int) -> bytes:
    """The whole body of a request, of at most so many bytes.  Raises HTTPException."""
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(most, request.content_length or 0)
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                data += chunk
                if len(data) > most:
                    raise web.HTTPRequestEntityTooLarge(most, len(data))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(data)


def here(listen: str, port: int) -> str:
    """The address at which this machine reaches itself."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen, listen)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _up(path: str) -> str:
    """From an address back to where the pages begin."""
    return "../" * max(0, path.count("/") - 1) or "./"


def _language(request: web.BaseRequest) -> str:
    """What the browser asks for first, until a link says whose page it is."""
    first = request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0]
    tongue = first.strip().lower().partition("-")[0]
    return next((one for one in languages() if one.partition("-")[0] == tongue), ENGLISH)
