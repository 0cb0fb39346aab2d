"""The files of the sandbox's page: SimCord's own, repaired where a newcomer would stumble.

A repair is an exact piece of text that must occur once in SimCord's file.  Where it does not, the
file is served as it is and the log says so: a missing repair is a blemish, not an outage.

Invariant: loopback only.  Whoever holds the address with its secret part may act in the sandbox,
and nobody else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from simcord.backend.errors import BackendError, SetupError
from simcord.preview._server import PreviewServer

log = logging.getLogger(__name__)

STATIC = Path(__file__).with_name("static")
OURS = {"/sandbox.js": "application/javascript", "/sandbox.css": "text/css"}
MAX_FILES = 10
MAX_FILE_BYTES = 10 * 2**20  # as in Discord
MAX_BODY_BYTES = 25 * 2**20


@dataclass(frozen=True, slots=True)
class Repair:
    """In the page's file `path`, `old` becomes `new`."""

    path: str
    old: str
    new: str


WELCOME = """<strong>Welcome to #studio!</strong>
<span>The bot here is the real one; only Discord is played, in memory, on this machine.</span>
<span><code>/imagine a red flower</code> asks for a picture; type <code>/</code> to see more.</span>
<span>The built-in model draws a flower, tree, house, fish, cat, boat, mushroom, cup, star, heart,
moon or car, and nothing else; <code>/help</code> says the rest.</span>
<span>Reply to a picture with new words, and it becomes the start of the next one.</span>
<span>Upload your own with <b>+</b>, and mention <b>@Atelier</b> beside your words.</span>
<span>You are Ann, a moderator, or Ben: switch at the lower left.</span>"""

REPAIRS = (
    # A select among pictures does not open: the list is drawn anew, the pictures are 0 pixels high
    # for a moment, the select leaves the window and the page closes its list.  Reserve their room.
    Repair(
        "/media.js",
        "    image.width = width;\n    image.height = height;\n  }\n  trigger.append(image);",
        "    image.width = width;\n    image.height = height;\n"
        "    const fit = Math.min(1, 550 / width, 350 / height);\n"
        "    if (className.includes('attachment')) {\n"
        "      image.style.width = `${Math.round(width * fit)}px`;\n"
        "      image.style.height = `${Math.round(height * fit)}px`;\n"
        "    }\n  }\n  trigger.append(image);",
    ),
    Repair(
        "/select-drafts.js",
        "cancelDropdown(wrap.dataset.controlKey);\n        continue;",
        "list.style.top = '-9999px';\n        continue;",
    ),
    # An option that completes itself offers its first choices before anything is typed.
    Repair(
        "/commands.js",
        'const current = String(field.value || "");\n',
        'const current = String(field.value || "");\n'
        '            if (!current) queryAutocomplete(option, "");\n',
    ),
    Repair(
        "/commands.js",
        '? "Loading options failed" : "No options match"',
        '? "Loading options failed"\n'
        '      : autocomplete.state === "loading" ? "Loading options…" : "No options match"',
    ),
    # A choice made with Enter closes its list; here the field took the focus and opened it again.
    Repair(
        "/commands.js",
        "    renderCompose({ focus: Boolean(next) });\n  }\n",
        "    renderCompose({ focus: Boolean(next) });\n    if (!next) clearPopup();\n  }\n",
    ),
    # Room for the words of a prompt.
    Repair("/commands.js", "Math.min(24, Math.max(2, ", "Math.min(56, Math.max(2, "),
    # The list of a command's further options says what each is for.
    Repair(
        "/commands.js",
        '"command-suggestion-ellipsis", "…"',
        '"command-suggestion-ellipsis", value.description || "…"',
    ),
    Repair("/", "<title>SimCord Preview</title>", "<title>#studio · Atelier sandbox</title>"),
    Repair(
        "/",
        "<strong>SimCord</strong><small>Preview</small>",
        "<strong>The House</strong><small>simulated, on this machine only</small>",
    ),
    Repair("/", '"brand-mark" aria-hidden="true">S<', '"brand-mark" aria-hidden="true">H<'),
    Repair(
        "/",
        '<label class="viewer-control">Viewing as',
        '<span class="sandbox-channel"><span>#</span> studio</span>\n'
        '        <label class="viewer-control">You are',
    ),
    Repair("/", "No messages in this channel.", WELCOME),
    Repair("/", "</head>", '<link rel="stylesheet" href="/sandbox.css"></head>'),
    Repair("/", "</body>", '<script type="module" src="/sandbox.js"></script></body>'),
)


def repaired(path: str, text: str) -> str:
    """The page's file with our repairs in it."""
    for repair in REPAIRS:
        if repair.path == path:
            if text.count(repair.old) == 1:
                text = text.replace(repair.old, repair.new)
            else:
                log.warning("a repair of %s found no place: %r", path, repair.old[:60])
    return text


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
