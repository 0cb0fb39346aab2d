"""🎬 🔊 🧊 ⏩ 🎞️: in motion, what it sounds like, the thing itself, more of a clip, a frame.

    atelier:film:...  atelier:voice:...  atelier:shape:...  atelier:extend:...  atelier:frame:...

Invariant: what is made has the work's words, and begins with the work itself where a model can.
"""

from __future__ import annotations

from typing import Any, ClassVar

import discord

from bot.chat.askers import origin_of
from bot.chat.buttons.picture_button import NUMBERS, PictureButton
from bot.chat.buttons.progress import begin
from bot.languages.speaking import mark
from bot.studio.abilities import ResultReach
from bot.studio.crossing import GivenWork
from bot.studio.studio import Studio
from bot.studio.wishes import Wish
from generation.draft import UNSAID
from storage.pictures import PictureId
from storage.tickets import Request, RequestId

Interaction = discord.Interaction[Any]


class Crossing(PictureButton, template=r"atelier:$"):
    """A button that makes another work of the one that is shown."""

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Queue it."""
        origin = origin_of(interaction)

        async def asking() -> Request:
            picture = await self.shown(interaction, studio)
            source = await studio.crossings.of_ours(origin, picture.id)
            return await self.make(studio, Wish(origin=origin, draft=UNSAID), source)

        await begin(interaction, asking)

    async def make(self, studio: Studio, wish: Wish, source: GivenWork) -> Request:
        """What it makes."""
        raise NotImplementedError


class Animate(Crossing, template=rf"atelier:film:{NUMBERS}"):
    """🎬, under a picture."""

    label, emoji, action = mark("Animate"), "🎬", "film"

    async def make(self, studio: Studio, wish: Wish, source: GivenWork) -> Request:
        """A clip that begins with it, or of its words."""
        return await studio.crossings.film(wish, source)


class Voice(Crossing, template=rf"atelier:voice:{NUMBERS}"):
    """🔊, under a picture and a clip."""

    label, emoji, action = mark("Sound"), "🔊", "voice"

    async def make(self, studio: Studio, wish: Wish, source: GivenWork) -> Request:
        """A sound of what it shows."""
        return await studio.crossings.voice(wish, source)


class MakeForm(Crossing, template=rf"atelier:shape:{NUMBERS}"):
    """🧊, under a picture."""

    label, emoji, action = mark("3D"), "🧊", "shape"

    async def make(self, studio: Studio, wish: Wish, source: GivenWork) -> Request:
        """The thing as a form that turns."""
        return await studio.crossings.form(wish, source)


class GoOn(Crossing, template=rf"atelier:extend:{NUMBERS}"):
    """⏩, under a clip."""

    label, emoji, action = mark("Go on"), "⏩", "extend"

    async def make(self, studio: Studio, wish: Wish, source: GivenWork) -> Request:
        """What follows it."""
        return await studio.crossings.extend(wish, source)


class FrameOf(Crossing, template=rf"atelier:frame:{NUMBERS}"):
    """🎞️, under a clip."""

    label, emoji, action = mark("Last frame"), "🎞️", "frame"
    moment: ClassVar[str] = "last"

    async def make(self, studio: Studio, wish: Wish, source: GivenWork) -> Request:
        """The clip's last frame as a picture, which can be gone on from."""
        return await studio.crossings.still(wish, source, self.moment)


def further(
    request: RequestId, one: PictureId | None, medium: str, reach: ResultReach
) -> list[discord.ui.Item[Any]]:
    """The buttons for what can be made here of a work of that medium, the likeliest first."""
    possible: tuple[tuple[bool, type[Crossing]], ...] = ()
    match medium:
        case "image":
            possible = ((reach.films, Animate), (reach.voices, Voice), (reach.forms, MakeForm))
        case "video":
            possible = ((reach.extends, GoOn), (True, FrameOf), (reach.voices, Voice))
    return [button(request, one) for can, button in possible if can]
