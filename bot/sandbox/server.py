"""The server of the sandbox's page: SimCord's own, with our files, live state, uploads and menus.

Invariant: loopback only.  Whoever holds the address with its secret part may act in the sandbox,
and nobody else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from simcord.backend.errors import BackendError, SetupError
from simcord.preview._server import PreviewServer

from bot.sandbox.repairs import repaired

log = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")
OURS = {"/sandbox.js": "application/javascript", "/sandbox.css": "text/css"}
MAX_FILES = 10
MAX_FILE_BYTES = 10 * 2**20  # as in Discord
MAX_BODY_BYTES = 25 * 2**20

Handler = Callable[[Any, web.Request], Awaitable[Any]]


def patient(handler: Handler) -> Handler:
    """Whatever a request holds, its answer is no stumble.

    What it holds is known only deep inside SimCord, which raises there whatever comes.
    """

    async def answered(self: LiveServer, request: web.Request) -> Any:
        try:
            return await handler(self, request)
        except web.HTTPException:
            raise
        except (SetupError, BackendError, NotUnderstood) as error:
            said = str(error)
        except Exception as error:
            log.info("a request of the page was not understood: %s", type(error).__name__)
            said = "The sandbox did not understand that."
        return web.json_response({"error": said}, status=400, headers=self._SECURITY_HEADERS)

    return answered


class NotUnderstood(ValueError):
    """A request says what it must not; the text is for whoever looks at the page."""


def check_plain(value: object) -> None:
    """Raise NotUnderstood for text that cannot be sent to anybody, such as half a letter."""
    try:
        # What json does not know are the bytes of files.
        json.dumps(value, ensure_ascii=False, allow_nan=False, default=lambda _: None).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise NotUnderstood("A message holds what is no text.") from error


class LiveServer(PreviewServer):  # type: ignore[misc]  # simcord is not typed
    """SimCord's server with our files, live state, uploads and message menus."""

    _STATIC_FILES = {**PreviewServer._STATIC_FILES, **{path: path[1:] for path in OURS}}  # noqa: RUF012

    async def _static(self, request: web.Request) -> web.Response:
        if request.headers.get("Host", "") not in self._allowed_hosts():
            raise web.HTTPForbidden
        if request.path in OURS:
            return web.Response(
                text=(STATIC / request.path[1:]).read_text("utf-8"),
                content_type=OURS[request.path],
                headers=self._SECURITY_HEADERS,
            )
        response: web.Response = await super()._static(request)
        if isinstance(response.body, bytes) and response.content_type.startswith(
            ("text/html", "application/javascript")
        ):
            response.text = repaired(request.path, response.text or "")
        return response

    _pages = patient(PreviewServer._pages)
    _delete_page = patient(PreviewServer._delete_page)
    _commands = patient(PreviewServer._commands)
    _action_result = patient(PreviewServer._action_result)
    _asset = patient(PreviewServer._asset)

    @patient
    async def _state(self, request: web.Request) -> Any:
        context = request.headers.get("X-Simcord-Context")
        if self._authorized(request, context=context):
            self.preview.freshen(context)
        return await super()._state(request)

    @patient
    async def _action(self, request: web.Request) -> Any:
        kind = request.headers.get("X-Sandbox")
        if kind is None:
            return await super()._action(request)
        context = request.headers.get("X-Simcord-Context")
        if not self._authorized(request, context=context):
            raise web.HTTPUnauthorized
        payload, files = await _read(request)
        done = await self.preview.act(context, kind, payload, files)
        return web.json_response(done, headers=self._SECURITY_HEADERS)


async def _read(request: web.Request) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
    """What sandbox.js sent: a JSON object and files.  Raises NotUnderstood when it is too much."""
    payload: object = {}
    files: list[tuple[str, bytes]] = []
    total = 0
    async for part in await request.multipart():
        data = bytearray()
        while chunk := await part.read_chunk(2**16):  # type: ignore[union-attr]  # never nested
            data += chunk
            total += len(chunk)
            if len(data) > MAX_FILE_BYTES or total > MAX_BODY_BYTES:
                raise NotUnderstood("Files may be at most 10 MiB each and 25 MiB together.")
        if part.name == "payload":  # type: ignore[union-attr]
            payload = json.loads(data)
        else:
            files.append((part.filename or "upload", bytes(data)))  # type: ignore[union-attr]
    if len(files) > MAX_FILES:
        raise NotUnderstood("A message carries at most 10 files.")
    if not isinstance(payload, dict):
        raise NotUnderstood("The page sent no object.")
    check_plain([payload, [name for name, _ in files]])
    return payload, files
