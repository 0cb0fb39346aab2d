"""The API: what a bot asks of Discord, over real HTTP, with limits of rate and with outages.

Invariant: each request is held to Discord's own document where that is there, and is refused as
Discord would refuse it; `broken` has those that were.  A message is posted once per nonce.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import BodyPartReader, web

from tests.given.contract import RULES, load_rules

Json = dict[str, Any]

# discord.py takes a body for JSON by exactly this; without `Via` a 429 is a ban at the door.
USUAL = {"Content-Type": "application/json", "Via": "1.1 google"}
FIRST_ID = 1_400_000_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, and how it was answered."""

    method: str
    path: str
    body: Any
    files: Mapping[str, bytes]
    status: int


@dataclass(slots=True)
class Trouble:
    """What becomes of the next requests of a kind."""

    method: str
    path: re.Pattern[str]
    answer: Callable[[], web.Response]
    left: int
    after: bool  # it has its effect all the same


@dataclass(slots=True)
class Api:
    """What is there, and what was asked."""

    application: int
    me: Json
    channels: Mapping[int, Json]
    gateway_address: str = ""
    shards: int = 1
    beginnings: int = 1000  # sessions that may be begun yet
    reset_seconds: float = 0.0  # until they count anew
    messages: dict[int, Json] = field(default_factory=dict)
    commands: dict[str, list[Json]] = field(default_factory=dict)  # by the path they are told to
    answers: dict[str, Json] = field(default_factory=dict)  # first answers, by the token
    asked: list[Asked] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    _troubles: list[Trouble] = field(default_factory=list)
    _nonces: dict[str, int] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(FIRST_ID))

    # -- what is done to the bot -----------------------------------------------------------------

    def limit(self, method: str, path: str, seconds: float, *, everywhere: bool = False) -> None:
        """The next such request is told to come again in so many seconds."""
        body = {"message": "You are being rate limited.", "retry_after": seconds}
        headers = {"Retry-After": "1", "X-RateLimit-Scope": "global" if everywhere else "user"}
        if everywhere:
            headers["X-RateLimit-Global"] = "true"
        self._trouble(method, path, 1, lambda: _json(body | {"global": everywhere}, 429, headers))

    def fail(
        self, method: str, path: str, status: int, *, times: int = 1, after: bool = False
    ) -> None:
        """The next such requests meet an outage, before or after they had their effect."""
        page = lambda: web.Response(status=status, text="upstream", content_type="text/html")  # noqa: E731
        self._trouble(method, path, times, page, after=after)

    def _trouble(
        self,
        method: str,
        path: str,
        times: int,
        answer: Callable[[], web.Response],
        *,
        after: bool = False,
    ) -> None:
        self._troubles.append(Trouble(method, re.compile(path), answer, times, after))

    # -- what the bot does -----------------------------------------------------------------------

    def requests(self, method: str, path: str = "") -> list[Asked]:
        """Those that it made."""
        return [one for one in self.asked if one.method == method and re.search(path, one.path)]

    async def serve(self, request: web.Request) -> web.Response:
        """One request."""
        path = request.path.removeprefix("/api/v10")
        body, files = await _read(request)
        trouble = self._due(request.method, path)
        if trouble is not None and not trouble.after:
            answer = trouble.answer()
        else:
            answer = self._objection(request.method, path, body, files) or self._answer(
                request, path, body, files
            )
            answer = answer if trouble is None else trouble.answer()
        self.asked.append(
            Asked(method=request.method, path=path, body=body, files=files, status=answer.status)
        )
        return answer

    def _due(self, method: str, path: str) -> Trouble | None:
        for trouble in self._troubles:
            if trouble.left and trouble.method == method and trouble.path.search(path):
                trouble.left -= 1
                return trouble
        return None

    def _objection(
        self, method: str, path: str, body: Any, files: Mapping[str, bytes]
    ) -> web.Response | None:
        if method not in ("POST", "PUT", "PATCH") or not (RULES / "openapi.json").exists():
            return None
        rules = load_rules()
        sizes = {name: len(data) for name, data in files.items()}
        found = (
            rules.check_multipart(method, path, body, sizes)
            if files
            else rules.check(method, path, body)
        )
        if not found:
            return None
        self.broken.append(f"{method} {path}: {'; '.join(map(str, found))}")
        return _json({"message": str(found[0]), "code": found[0].code}, found[0].status)

    def _answer(
        self, request: web.Request, path: str, body: Any, files: Mapping[str, bytes]
    ) -> web.Response:
        for pattern, answer in _ROUTES:
            if match := re.fullmatch(pattern, f"{request.method} {path}"):
                said = answer(self, body, files, *match.groups())
                return web.Response(status=204) if said is None else _json(*said)
        return _json({"message": "404: Not Found", "code": 0}, 404)

    # -- routes ----------------------------------------------------------------------------------

    def _gateway(self, *_: Any) -> tuple[Json, int]:
        limits = {"total": 1000, "remaining": self.beginnings, "max_concurrency": 16}
        limits["reset_after"] = int(self.reset_seconds * 1000)
        return {
            "url": self.gateway_address,
            "shards": self.shards,
            "session_start_limit": limits,
        }, 200

    def _myself(self, *_: Any) -> tuple[Json, int]:
        return self.me, 200

    def _about_me(self, *_: Any) -> tuple[Json, int]:
        about: Json = {
            "id": str(self.application),
            "name": "Atelier",
            "icon": None,
            "description": "",
        }
        about |= {"bot_public": True, "bot_require_code_grant": False, "verify_key": "00"}
        return about | {"flags": 0, "owner": self.me, "team": None}, 200

    def _list_commands(self, _: Any, __: Any, place: str) -> tuple[Any, int]:
        return self.commands.get(place, []), 200

    def _put_commands(self, body: Any, _: Any, place: str) -> tuple[Any, int]:
        before = {command["name"]: command["id"] for command in self.commands.get(place, [])}
        self.commands[place] = [
            {"type": 1, "description": "", "dm_permission": True, "nsfw": False}
            | command
            | {"id": before.get(command["name"], self._new()), "version": self._new()}
            | {"application_id": str(self.application), "default_member_permissions": None}
            for command in body
        ]
        return self.commands[place], 200

    def _callback(self, body: Any, files: Any, _: str, token: str) -> tuple[Json, int]:
        if token in self.answers:
            return {"message": "Interaction has already been acknowledged.", "code": 40060}, 400
        message = self._message(0, body.get("data") or {}, files)
        self.answers[token] = message
        about = {"id": self._new(), "type": 2, "activity_instance_id": None}
        about |= {"response_message_id": message["id"], "response_message_loading": True}
        about |= {"response_message_ephemeral": False}
        resource = {"type": body["type"], "message": message if body["type"] in (4, 5) else None}
        return {"interaction": about, "resource": resource}, 200

    def _see_answer(self, _: Any, __: Any, token: str) -> tuple[Json, int]:
        found = self.answers.get(token)
        return (found, 200) if found else _unknown(10015, "Unknown Webhook")

    def _edit_answer(self, body: Any, files: Any, token: str) -> tuple[Json, int]:
        found = self.answers.get(token)
        if found is None:
            return _unknown(10015, "Unknown Webhook")
        return self._changed(found, body, files), 200

    def _follow_up(self, body: Any, files: Any, _: str) -> tuple[Json, int]:
        return self._message(0, body, files), 200

    def _post(self, body: Any, files: Any, channel: str) -> tuple[Json, int]:
        if int(channel) not in self.channels:
            return _unknown(10003, "Unknown Channel")
        nonce = body.get("nonce") if body.get("enforce_nonce") else None
        if nonce is not None and (first := self._nonces.get(str(nonce))) in self.messages:
            return self.messages[first], 200
        message = self._message(int(channel), body, files)
        if nonce is not None:
            self._nonces[str(nonce)] = int(message["id"])
        return message, 200

    def _edit(self, body: Any, files: Any, _: str, message: str) -> tuple[Json, int]:
        found = self.messages.get(int(message))
        return (
            (self._changed(found, body, files), 200)
            if found
            else _unknown(10008, "Unknown Message")
        )

    def _see(self, _: Any, __: Any, ___: str, message: str) -> tuple[Json, int]:
        found = self.messages.get(int(message))
        return (found, 200) if found else _unknown(10008, "Unknown Message")

    def _delete(self, _: Any, __: Any, ___: str, message: str) -> tuple[Json, int] | None:
        found = self.messages.pop(int(message), None)
        return None if found else _unknown(10008, "Unknown Message")

    def _history(self, _: Any, __: Any, channel: str) -> tuple[Any, int]:
        here = [one for one in self.messages.values() if one["channel_id"] == channel]
        return here[::-1][:50], 200

    def _typing(self, *_: Any) -> None:
        return None

    # -- messages --------------------------------------------------------------------------------

    def _new(self) -> str:
        return str(next(self._ids))

    def _message(self, channel: int, body: Json, files: Mapping[str, bytes]) -> Json:
        now = datetime.now(UTC).isoformat()
        message: Json = {"id": self._new(), "channel_id": str(channel), "author": self.me}
        message |= {"timestamp": now, "edited_timestamp": None, "tts": False, "type": 0}
        message |= {"mention_everyone": False, "mentions": [], "mention_roles": [], "pinned": False}
        message |= {"content": "", "embeds": [], "attachments": [], "components": [], "flags": 0}
        self.messages[int(message["id"])] = message
        return self._changed(message, body, files)

    def _changed(self, message: Json, body: Json, files: Mapping[str, bytes]) -> Json:
        for key in ("content", "components", "embeds"):
            if key in body:
                message[key] = body[key] or ([] if key != "content" else "")
        named = {f"files[{one['id']}]": one for one in body.get("attachments") or ()}
        kept = [
            one
            for one in message["attachments"]
            if one["id"] in {str(also["id"]) for also in body.get("attachments") or ()}
        ]
        if "attachments" in body:
            message["attachments"] = kept + [
                self._attachment(named[name].get("filename", name), data)
                for name, data in files.items()
            ]
        return message

    def _attachment(self, name: str, data: bytes) -> Json:
        number = self._new()
        address = f"https://cdn.example/{number}/{name}"
        about = {"id": number, "filename": name, "size": len(data), "content_type": "image/png"}
        return about | {"url": address, "proxy_url": address, "width": 1, "height": 1}


def _unknown(code: int, why: str) -> tuple[Json, int]:
    return {"message": why, "code": code}, 404


def _json(said: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    limits = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "49", "X-RateLimit-Bucket": "b"}
    limits |= {"X-RateLimit-Reset-After": "0.1"}
    every = {**USUAL, **limits, **(headers or {})}
    return web.Response(body=json.dumps(said).encode(), status=status, headers=every)


async def _read(request: web.Request) -> tuple[Any, dict[str, bytes]]:
    if request.content_type.startswith("multipart/"):
        parts: dict[str, bytes] = {}
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)  # discord.py sends none within another
            parts[str(part.name)] = await part.read(decode=False)
        return json.loads(parts.pop("payload_json", b"{}")), parts
    raw = await request.read()
    return (json.loads(raw) if raw else None), {}


_Answer = Callable[..., tuple[Any, int] | None]
_HOOK = r"/webhooks/\d+/([^/]+)"
_ROUTES: tuple[tuple[str, _Answer], ...] = (
    (r"GET /gateway(?:/bot)?", Api._gateway),
    (r"GET /users/@me", Api._myself),
    (r"GET /oauth2/applications/@me", Api._about_me),
    (r"GET (/applications/\d+(?:/guilds/\d+)?)/commands", Api._list_commands),
    (r"PUT (/applications/\d+(?:/guilds/\d+)?)/commands", Api._put_commands),
    (r"POST /interactions/(\d+)/([^/]+)/callback", Api._callback),
    (rf"GET {_HOOK}/messages/@original", Api._see_answer),
    (rf"PATCH {_HOOK}/messages/@original", Api._edit_answer),
    (rf"POST {_HOOK}", Api._follow_up),
    (r"POST /channels/(\d+)/messages", Api._post),
    (r"GET /channels/(\d+)/messages", Api._history),
    (r"GET /channels/(\d+)/messages/(\d+)", Api._see),
    (r"PATCH /channels/(\d+)/messages/(\d+)", Api._edit),
    (r"DELETE /channels/(\d+)/messages/(\d+)", Api._delete),
    (r"POST /channels/(\d+)/typing", Api._typing),
)
