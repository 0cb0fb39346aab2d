"""The sandbox's page: SimCord's preview, which shows what the bot does while it does it.

SimCord's preview shows a snapshot that is taken after each action of its viewer.  Here a snapshot
is taken whenever the page asks for the state (twice a second) and something has happened since.

Invariant: what the bot does never makes a viewer's action fail.
"""

from __future__ import annotations

import asyncio
import io
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError
from simcord.backend.errors import SetupError
from simcord.enums import AppCommandType
from simcord.preview import Preview, _validate_preview
from simcord.results import ResponseMessage

from bot.sandbox.realtime import LiveEnv
from bot.sandbox.server import LiveServer, check_plain
from bot.sandbox.speed import remember_digests, remember_markdown

WINDOW = (1200, 800)  # pixels
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
EXIF_ORIENTATION = 0x0112
LYING = range(5, 9)  # orientations that exchange width and height


class LivePreview(Preview):  # type: ignore[misc]  # simcord is not typed
    """The channel #studio in the browser, for its two members, fresh at every look."""

    _MAX_MEDIA_BYTES = 2**30
    _MAX_PAGES = 64
    _PAGE_LEASE_SECONDS = 24 * 3600.0

    def __init__(self, env: LiveEnv, *, port: int = 0) -> None:
        width, height = WINDOW
        channel, viewers, assets, skus, port = _validate_preview(
            *(env, env.studio, env.members, width, height, "en-US", time_zone()),
            assets=env.avatars,
            port=port,
        )
        super().__init__(
            *(env, channel, viewers),
            layout="channel",
            display="responsive",
            width=width,
            height=height,
            locale="en-US",
            timezone=time_zone(),
            presentation_time=None,
            assets=assets,
            sku_presentations=skus,
            port=port,
        )
        self._server = LiveServer(self, port)
        remember_markdown()
        remember_digests(env.backend.cdn)
        self._turn = asyncio.Lock()
        self._shown: dict[str, int] = {}  # page: how much of what happened it shows

    # ------------------------------------------------------------------------------- what is seen

    def freshen(self, context: str | None) -> None:
        """Take a new snapshot for that page, when something has happened since its last one."""
        page = self._pages.get(context)
        if (
            page is None
            or page is self._action_page
            or self._shown.get(page.id) == self.env.happened
        ):
            return
        self._shown = {key: shown for key, shown in self._shown.items() if key in self._pages}
        self._shown[page.id] = self.env.happened
        self._advance_presentation_time()
        page.status = "current"
        self._publish(page, reason="refresh")

    def _publish_message_pages(self, *, reason: str = "action") -> None:
        # The page that acts; the others see it at their next look.
        if self._action_page is not None and self._action_page.id in self._pages:
            self._publish(self._action_page, reason=reason)

    def _publish(self, page: Any, *, reason: str = "action") -> None:
        super()._publish(page, reason=reason)
        for asset in page.assets.values():
            if asset.available and not asset.validated and asset.digest in self._blobs:
                self._vouch(asset, self._blobs[asset.digest].data)

    def _vouch(self, asset: Any, data: bytes) -> None:
        """Show a picture as it is.

        SimCord re-encodes each one in a new Python process (half a second) and refuses large ones.
        """
        kind = next((k for start, k in SIGNATURES.items() if data.startswith(start)), None)
        if kind is None:
            return
        try:
            with Image.open(io.BytesIO(data)) as image:  # reads the header only
                width, height = image.size
                if image.getexif().get(EXIF_ORIENTATION) in LYING:
                    width, height = height, width
        except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
            return  # SimCord's own check says what is wrong with it
        asset.width, asset.height, asset.frames, asset.mediaKind = width, height, 1, "image"
        asset.displayContentType, asset.validated, asset.transformation = kind, True, "raw"

    async def _prepare_asset(self, context: str | None, asset_id: str, **wish: Any) -> Any:
        if not any(wish.get(other) for other in ("download", "capture", "poster")):
            _page, asset, data = self._authorized_asset(context, asset_id)
            if asset.validated and asset.transformation == "raw":
                return asset.displayContentType, data, asset.filename
        return await super()._prepare_asset(context, asset_id, **wish)

    # ------------------------------------------------------------------------------- what is done

    async def _action(self, context: str | None, body: Mapping[str, Any]) -> Any:
        """One action at a time; one that comes early waits, one on an older snapshot is fine."""
        check_plain(body)
        async with self._turn:
            page = self._pages.get(context)
            if page is not None and "published_revision" in body:
                body = {**body, "published_revision": page.revision}
            if isinstance(body.get("content"), str):
                body = {**body, "content": self._with_mentions(body["content"])}
            return await super()._action(context, body)

    def _with_mentions(self, text: str) -> str:
        """@Atelier becomes a mention, as in Discord's own window; SimCord's has no such help."""
        for user in self.env.backend.users.values():
            name = user.global_name or user.name
            text = re.sub(
                rf"(?<!\w)@{re.escape(name)}\b", f"<@{user.id}>", text, flags=re.IGNORECASE
            )
        return text

    async def act(
        self, context: str | None, kind: str, payload: Mapping[str, Any], files: list[Any]
    ) -> dict[str, Any]:
        """What SimCord's page lacks: "send" with files, message menus ("apps" lists, "app" runs).

        Raises SetupError or BackendError where Discord would refuse.
        """
        page = self._get_page(context)
        if kind == "apps":
            menu = self.env.backend.visible_commands(
                user_id=page.viewer.id, channel_id=page.channel_id, type=AppCommandType.MESSAGE
            )
            return {"commands": [command["name"] for command in menu]}
        async with self._turn:
            target = payload.get("message_id")
            message = (
                ResponseMessage(self.env, self._target_message(page, int(target)))
                if target
                else None
            )
            if kind == "send":
                await page.viewer.send(
                    self.channel,
                    self._with_mentions(str(payload.get("content") or ""))[:2000],
                    reply_to=message,
                    attachments=files,
                )
            elif kind == "app" and message is not None:
                result = await page.viewer.context_menu(
                    self.channel, str(payload["command"]), message
                )
                if result.modal is not None:
                    page.modal, page.modal_handle = result, f"m_{secrets.token_urlsafe(12)}"
            else:
                raise SetupError("The sandbox knows no such action.")
            self._shown.pop(page.id, None)
        return {}


def time_zone() -> str:
    """This machine's time zone by its IANA name, or UTC where it cannot be told."""
    _, found, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    return name if found and "/" in name else "UTC"
