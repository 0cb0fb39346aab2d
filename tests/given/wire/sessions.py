"""The gateway: sessions that survive their connections, as Discord's documentation has them.

    Hello -> Identify -> Ready, events ...      a new session
    Hello -> Resume   -> what was missed, Resumed     the same one, from where the client was

A client that breaks a rule is closed with the code that Discord has for it.  Invariant: an event is
in its session before it is sent, so whoever resumes misses none and gets none twice.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

MAX_PAYLOAD = 4096  # bytes that a client may send at once
PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15
SERVER_EVENTS = 1 << 0

Json = dict[str, Any]


@dataclass(slots=True)
class Session:
    """What Discord remembers of a client."""

    id: str
    shard: tuple[int, int]
    events: list[Json] = field(default_factory=list)  # the nth has the number n + 1
    socket: Socket | None = None


@dataclass(slots=True)
class Socket:
    """A connection, as it compresses."""

    ws: web.WebSocketResponse
    packer: Any
    sent: int = 0

    async def send(self, payload: Json) -> None:
        data = json.dumps(payload).encode()
        if self.packer is None:
            await self.ws.send_str(data.decode())
        else:
            packed = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
            await self.ws.send_bytes(packed)

    async def close(self, code: int, why: str = "") -> None:
        await self.ws.close(code=code, message=why.encode())


@dataclass(slots=True)
class Gateway:
    """The sessions, and what is done to them.

    `deaf`: heartbeats are not acknowledged.  `needs_shards`: fewer are refused with 4011.
    `refuses`: a code with which every beginning is refused.
    """

    token: str
    ready: Json
    guilds: Sequence[Json]
    address: str = ""
    beat_seconds: float = 30.0
    deaf: bool = False
    needs_shards: int = 1
    refuses: int | None = None
    allowed_intents: int = ~PRIVILEGED
    sessions: dict[str, Session] = field(default_factory=dict)
    heard: list[Json] = field(default_factory=list)  # what clients sent, heartbeats left out
    beats: int = 0
    closed: list[int | None] = field(default_factory=list)  # with what code clients left
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self, op: int) -> list[Json]:
        """What clients sent by this opcode."""
        return [message["d"] for message in self.heard if message["op"] == op]

    async def until_told(self, op: int, times: int) -> list[Json]:
        """Wait for what clients send."""
        async with asyncio.timeout(30):
            while len(self.told(op)) < times:
                self._changed.clear()
                await self._changed.wait()
        return self.told(op)

    # -- what is done to clients -----------------------------------------------------------------

    async def dispatch(self, event: str, data: Json, *, shard: int = 0) -> None:
        """Something happens; whoever is not connected hears of it later."""
        for session in self.sessions.values():
            if session.shard[0] == shard:
                await self._tell(session, event, data)

    async def ask_to_reconnect(self) -> None:
        """Opcode 7, as before Discord restarts a machine."""
        await self._each({"op": 7, "d": None})

    async def invalidate(self, *, resumable: bool) -> None:
        """Opcode 9."""
        if not resumable:
            sockets = [s.socket for s in self.sessions.values() if s.socket is not None]
            self.sessions.clear()
            for socket in sockets:
                await socket.send({"op": 9, "d": False})
        else:
            await self._each({"op": 9, "d": True})

    async def close(self, code: int) -> None:
        """Every connection ends with this code."""
        for session in list(self.sessions.values()):
            if session.socket is not None:
                await session.socket.close(code)

    async def _each(self, payload: Json) -> None:
        for session in list(self.sessions.values()):
            if session.socket is not None:
                await session.socket.send(payload)

    async def _tell(self, session: Session, event: str, data: Json) -> None:
        number = len(session.events) + 1
        payload = {"op": 0, "s": number, "t": event, "d": data}
        session.events.append(payload)
        if session.socket is not None and not session.socket.ws.closed:
            await session.socket.send(payload)

    # -- what clients do -------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """A connection, from Hello to its end."""
        ws = web.WebSocketResponse(max_msg_size=2**20)
        await ws.prepare(request)
        zipped = request.query.get("compress") == "zlib-stream"
        socket = Socket(ws=ws, packer=zlib.compressobj() if zipped else None)
        await socket.send({"op": 10, "d": {"heartbeat_interval": int(self.beat_seconds * 1000)}})
        session: Session | None = None
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                break
            if len(message.data.encode()) > MAX_PAYLOAD:
                await socket.close(4002, "Error while decoding payload.")
                break
            session = await self._hear(socket, session, json.loads(message.data)) or session
        if session is not None and session.socket is socket:
            session.socket = None
        self.closed.append(ws.close_code)
        self._changed.set()
        return ws

    async def _hear(self, socket: Socket, session: Session | None, said: Json) -> Session | None:
        match said["op"]:
            case 1:
                self.beats += 1
                if not self.deaf:
                    await socket.send({"op": 11})
                return None
            case 2 if session is None:
                self._note(said)
                return await self._identify(socket, said["d"])
            case 6 if session is None:
                self._note(said)
                return await self._resume(socket, said["d"])
            case 2 | 6:
                await socket.close(4005, "Already authenticated.")
            case 3 | 4 | 8 if session is not None:
                self._note(said)
            case 3 | 4 | 8:
                await socket.close(4003, "Not authenticated.")
            case _:
                await socket.close(4001, "Unknown opcode.")
        return None

    def _note(self, said: Json) -> None:
        self.heard.append(said)
        self._changed.set()

    async def _identify(self, socket: Socket, said: Json) -> Session | None:
        refused = self.refuses or self._objection(said)
        if refused is not None:
            await socket.close(refused)
            return None
        number, count = said.get("shard", (0, 1))
        session = Session(id=f"session-{next(self._numbers)}", shard=(number, count), socket=socket)
        self.sessions[session.id] = session
        here = [guild for guild in self.guilds if (int(guild["id"]) >> 22) % count == number]
        unavailable = [{"id": guild["id"], "unavailable": True} for guild in here]
        about = {
            "session_id": session.id,
            "resume_gateway_url": self.address,
            "shard": [number, count],
        }
        await self._tell(session, "READY", self.ready | about | {"guilds": unavailable})
        for guild in here:
            await self._tell(session, "GUILD_CREATE", dict(guild))
        return session

    def _objection(self, said: Mapping[str, Any]) -> int | None:
        number, count = said.get("shard", (0, 1))
        if said["token"] != self.token:
            return 4004
        if not 0 <= number < count:
            return 4010
        if count < self.needs_shards:
            return 4011
        if said["intents"] & ~self.allowed_intents & PRIVILEGED:
            return 4014
        return None

    async def _resume(self, socket: Socket, said: Json) -> Session | None:
        session = self.sessions.get(said["session_id"])
        if said["token"] != self.token:
            await socket.close(4004)
            return None
        if session is None:
            await socket.send({"op": 9, "d": False})
            return None
        if said["seq"] is None or said["seq"] > len(session.events):
            await socket.close(4007)
            return None
        if session.socket is not None:
            await session.socket.close(WSCloseCode.GOING_AWAY)
        session.socket = socket
        for event in session.events[said["seq"] :]:
            await socket.send(event)
        await self._tell(session, "RESUMED", {})
        return session
