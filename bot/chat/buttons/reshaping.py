"""🔀 🔍 ⬆️: another picture close by, more around it, and the same with more pixels."""

from __future__ import annotations

from typing import Any, ClassVar

import discord

from bot.chat.askers import origin_of
from bot.chat.buttons.picture_button import NUMBERS, PictureButton
from bot.chat.buttons.progress import begin
from bot.languages.speaking import mark
from bot.studio.enlarging import Larger
from bot.studio.reshaping import USUAL_FACTOR, USUAL_ZOOM, Distance
from bot.studio.studio import Studio
from storage.tickets import Request

Interaction = discord.Interaction[Any]


class Vary(PictureButton, template=r"atelier:$"):
    """🔀, under a result."""

    emoji = "🔀"
    distance: ClassVar[Distance]

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Another one, close by."""
        origin = origin_of(interaction)

        async def asking() -> Request:
            picture = await self.shown(interaction, studio)
            base = await studio.reshapes.of_ours(origin, picture.id)
            return await studio.reshapes.vary(base, self.distance)

        await begin(interaction, asking)


class VarySubtly(Vary, template=rf"atelier:subtle:{NUMBERS}"):
    """🔀 Subtle."""

    label, action, distance = mark("Subtle"), "subtle", Distance.SUBTLE


class VaryStrongly(Vary, template=rf"atelier:strong:{NUMBERS}"):
    """🔀 Strong."""

    label, action, distance = mark("Strong"), "strong", Distance.STRONG


class ZoomOut(PictureButton, template=rf"atelier:zoom:{NUMBERS}"):
    """🔍, under a result."""

    label, emoji, action = mark("Zoom out"), "🔍", "zoom"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """More around it, in the same size."""
        origin = origin_of(interaction)

        async def asking() -> Request:
            picture = await self.shown(interaction, studio)
            base = await studio.reshapes.of_ours(origin, picture.id)
            return await studio.reshapes.zoom_out(base, USUAL_ZOOM)

        await begin(interaction, asking)


class MorePixels(PictureButton, template=rf"atelier:upscale:{NUMBERS}"):
    """⬆️, under a result."""

    label, emoji, action = mark("Upscale"), "⬆️", "upscale"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The very same with more pixels."""
        origin = origin_of(interaction)

        async def asking() -> Request:
            picture = await self.shown(interaction, studio)
            base = await studio.reshapes.of_ours(origin, picture.id)
            return await studio.reshapes.enlarge(base, Larger(factor=USUAL_FACTOR))

        await begin(interaction, asking)
