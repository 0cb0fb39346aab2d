"""Small web servers that nobody can wear out: few connections, and a request must come at once.

The invariant: whoever opens connections and says nothing, or half a request, takes nothing from the
bot but `connections` sockets for `patience` seconds; and who comes with a whole request is heard
beside them, because the oldest of those is closed for each that comes.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

HEAD_SECONDS = 10.0  # from a connection to the whole head of its request


class Door(web.Server):
    """Answers requests.  An HTTPException of `answer` is the response."""

    def __init__(self, answer: Answer, *, connections: int, patience: float = HEAD_SECONDS) -> None:
        super().__init__(self._answered, lingering_time=0.0)
        self._answer, self._most, self._patience = answer, connections, patience
        self._mute: dict[RequestHandler, asyncio.TimerHandle] = {}  # the oldest first
        self._kept: dict[RequestHandler, asyncio.Transport] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Keep it for a while."""
        super().connection_made(handler, transport)
        if len(self._kept) >= self._most:
            oldest = next(iter(self._mute), None)
            if oldest is None:  # all of them are being answered
                transport.abort()
                return
            self._close(oldest)
        self._kept[handler] = transport
        loop = asyncio.get_running_loop()
        self._mute[handler] = loop.call_later(self._patience, self._close, handler)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """The connection is gone."""
        self._has_spoken(handler)
        self._kept.pop(handler, None)
        super().connection_lost(handler, exc)

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        self._has_spoken(request.protocol)
        try:
            response = await self._answer(request)
        except web.HTTPException as refusal:
            refusal.force_close()
            raise
        response.force_close()  # a connection is one request: nobody keeps one for later
        return response

    def _close(self, handler: RequestHandler) -> None:
        self._has_spoken(handler)
        self._kept.pop(handler).abort()

    def _has_spoken(self, handler: RequestHandler) -> None:
        if (timer := self._mute.pop(handler, None)) is not None:
            timer.cancel()


async def listening(door: Door, host: str, port: int) -> tuple[web.ServerRunner, int]:
    """Open it; returns what is to be cleaned up, and the port.  Raises OSError."""
    runner = web.ServerRunner(door, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner, int(runner.addresses[0][1])


def is_this_machine(host: str) -> bool:
    """Whether a Host header names this machine.

    A page of any website may lead its own name to 127.0.0.1, and would then be let in by the
    browser; but it cannot take these names.
    """
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") < 2:
        name = name.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
