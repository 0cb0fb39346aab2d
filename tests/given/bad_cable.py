"""A cable between a node and the bot that can be cut, and that can change what it carries."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

CHUNK = 2**12


class BadCable:
    """Carries connections to `target`, each through `plans`: one plan per connection, in order.

    A plan is "well", "cut N" (broken after N bytes of the answer) or "flip N" (the Nth byte of the
    answer is another one).  After the last plan all goes well.
    """

    def __init__(self, target: str, plans: list[str]) -> None:
        parts = urlsplit(target)
        self._host, self._port = parts.hostname or "", parts.port or 0
        self.plans = plans
        self.connections = 0
        self.carried = 0  # bytes of answers
        self._carrying: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        """The address of its other end."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            await asyncio.gather(*self._carrying)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._carrying.append(carried := asyncio.get_running_loop().create_future())
        deed, _, number = (self.plans.pop(0) if self.plans else "well").partition(" ")
        at = int(number or 0)
        up, down = await asyncio.open_connection(self._host, self._port)
        request = await reader.readuntil(b"\r\n\r\n")
        down.write(request)
        sent = 0
        try:
            while chunk := await up.read(CHUNK):
                if deed == "cut" and sent + len(chunk) > at:
                    writer.write(chunk[: at - sent])
                    return
                if deed == "flip" and sent <= at < sent + len(chunk):
                    place = at - sent
                    chunk = chunk[:place] + bytes([chunk[place] ^ 1]) + chunk[place + 1 :]
                writer.write(chunk)
                sent += len(chunk)
                self.carried += len(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            for end in (down, writer):
                end.close()
                with contextlib.suppress(ConnectionError):
                    await end.wait_closed()
            carried.set_result(None)
