"""The best of the week in Discord: posted where a server wants it, once a week.

Invariant: what may have been posted by an earlier life is looked for before it is posted.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Sequence

import discord

from bot.chat.answers import SILENT
from bot.chat.buttons.gallery import OpenPicture
from bot.chat.places import LOOK_BACK, Channel, channel_of, lacking, places_around
from bot.languages.speaking import speaking_to
from bot.pages.gallery_page import gallery_sheet, options, tiles, weekly_text
from bot.studio.studio import Studio
from bot.studio.weekly import WeeklyDue
from storage.errors import StorageError
from storage.pictures import StoredPicture

log = logging.getLogger(__name__)

EVERY = 60.0  # seconds between two looks at the clock


class WeeklyPoster:
    """Looks at the clock, and posts."""

    def __init__(self, client: discord.Client, studio: Studio) -> None:
        self._client, self._studio = client, studio

    async def run(self) -> None:
        """For ever."""
        await self._client.wait_until_ready()
        while True:
            await self.look()
            await asyncio.sleep(EVERY)

    async def look(self) -> None:
        """Post what is due; what Discord does not take now is tried at the next look."""
        try:
            for due in await self._studio.weeklies.due():
                await self._post(due)
        except (discord.HTTPException, StorageError) as error:
            log.warning("the best of the week waits: %s", error)

    async def _post(self, due: WeeklyDue) -> None:
        weeklies, place = self._studio.weeklies, channel_of(self._client, due.channel)
        best = await weeklies.best(due)
        if best and not (due.perhaps_posted and await self._is_there(place, due)):
            if missing := lacking(self._client.get_channel(due.channel)):
                log.warning("no best of the week in channel %d: %s", due.channel, missing)
            else:
                await weeklies.begin(due)
                await self._send(place, due, [p for p, _ in best], [stars for _, stars in best])
        await weeklies.done(due)

    async def _is_there(self, place: Channel, due: WeeklyDue) -> bool:
        """Whether an attempt that was cut short did show it."""
        me, wanted = self._client.user, _list_of(due)
        async for message in place.history(limit=LOOK_BACK):
            parts = [part for row in message.components for part in getattr(row, "children", ())]
            if message.author == me and any(p.custom_id == wanted for p in parts):
                return True
        return False

    async def _send(
        self,
        place: Channel,
        due: WeeklyDue,
        pictures: Sequence[StoredPicture],
        stars: Sequence[int],
    ) -> None:
        small = await self._studio.thumbnails.of([one.png_sha256 for one in pictures])
        server = self._client.get_guild(due.guild)
        view = discord.ui.View(timeout=None)
        with speaking_to(str(server.preferred_locale) if server is not None else None):
            sheet = await asyncio.to_thread(gallery_sheet, tiles(small))
            view.add_item(OpenPicture(_mark(due), options(pictures)))
            text = weekly_text(pictures, stars)
        hidden = self._studio.servers.spoils(
            due.guild, places_around(self._client.get_channel(due.channel)) or (due.channel,)
        )
        try:
            await place.send(
                text,
                file=discord.File(io.BytesIO(sheet), filename="best.jpg", spoiler=hidden),
                view=view,
                allowed_mentions=SILENT,
            )
        except (discord.Forbidden, discord.NotFound) as error:
            log.warning("no best of the week in channel %d: %s", due.channel, error)


def _mark(due: WeeklyDue) -> str:
    return f"w{int(due.at)}"


def _list_of(due: WeeklyDue) -> str:
    return f"atelier:open:{_mark(due)}"
