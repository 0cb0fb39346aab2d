"""/reproduce, and the commands in a message's menu: start from this picture, show its recipe."""

from __future__ import annotations

import re
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import whisper_recipes
from bot.chat.askers import asker_of, origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices
from bot.chat.intake import MAX_BYTES, found_in, image_of, started_from
from bot.chat.refusals import apologise
from bot.chat.shown import pictures_shown_by
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftSampling, DraftWords
from generation.errors import BadPicture, OutOfRange
from generation.families.family import DENOISE_OF_IMAGES
from generation.parameters import DENOISE
from generation.recipe import Recipe, Sha256
from storage.errors import Missing
from storage.ids import number_in
from storage.pictures import PictureId, StoredPicture
from storage.tickets import Request

Interaction = discord.Interaction[Any]

SECONDS = 3600.0  # Discord does not say that a form was closed; it would be kept for ever

_LINK = re.compile(r"https?://\S+/channels/\S+/([^/\s]+)/?")


@app_commands.command(name="reproduce", description="Draw a picture again, pixel for pixel")
@app_commands.describe(
    picture="Its number (#12), or the link of its message",
    file="A PNG that was drawn here",
)
@app_commands.autocomplete(picture=choices.pictures)
async def reproduce(
    interaction: Interaction,
    picture: Range[str, 1, 200] | None = None,
    file: discord.Attachment | None = None,
) -> None:
    """Find the recipe and cook it again."""
    studio = studio_of(interaction)
    origin = origin_of(interaction)

    async def asking() -> Request:
        if file is not None:
            recipe, pixels = await _read(file, studio)
            return await studio.requests.reproduce_file(recipe, pixels, origin)
        if picture is not None:
            return await studio.requests.reproduce(
                await _named(picture, studio, Asker.of(origin)), origin
            )
        raise OutOfRange("picture", "nothing", "a number such as `12`, a message link, or a file")

    await begin(interaction, asking)


async def _named(text: str, studio: Studio, asker: Asker) -> PictureId:
    """The picture that a number or a link means.  Raises OutOfRange, or Missing."""
    if match := _LINK.fullmatch(text.strip()):
        message = number_in(match[1])
        found = await studio.gallery.in_message(asker, message) if message is not None else ()
        if not found:
            raise Missing("message", match[1])
        return found[0].id
    number = number_in(text.strip().removeprefix("#").strip())
    if number is None:
        raise OutOfRange("picture", text, "a number such as `12`, or a message link")
    return PictureId(number)


async def _read(file: discord.Attachment, studio: Studio) -> tuple[Recipe, Sha256]:
    """The recipe that a file carries, and the digest of its content.  Raises BadPicture."""
    if file.size > MAX_BYTES:
        raise BadPicture("it is larger than 32 MiB")
    async with studio.opening.room():
        found = await studio.opening.carried(await file.read())
    if found is None:
        raise BadPicture("it carries no recipe of mine; only PNGs that I posted do")
    return found


async def _shown(interaction: Interaction, message: discord.Message) -> tuple[StoredPicture, ...]:
    """The pictures of ours in a message, as the asker may see them."""
    asker = asker_of(interaction)
    return await pictures_shown_by(message, interaction.client, studio_of(interaction), asker)


@app_commands.context_menu(name="Start from this picture")
async def redraw_menu(interaction: Interaction, message: discord.Message) -> None:
    """Ask for words, then draw from the message's picture."""
    ours = await _shown(interaction, message)
    if not ours and image_of(message) is None:
        raise BadPicture("that message holds none")
    await interaction.response.send_modal(RedrawModal(message, ours))


@app_commands.context_menu(name="Show recipe")
async def recipe_menu(interaction: Interaction, message: discord.Message) -> None:
    """What decides the pixels of the message's pictures."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    pictures = await _shown(interaction, message)
    if not pictures:
        raise Missing("message", message.id)
    await whisper_recipes(interaction, pictures)


class RedrawModal(discord.ui.Modal, title="Start from this picture"):
    """The words for a picture that starts from another one."""

    words: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="What should it become?",
        style=discord.TextStyle.paragraph,
        max_length=1000,
        placeholder="make it night",
    )
    denoise: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=f"How much is redrawn ({DENOISE.range})",
        default=f"{DENOISE_OF_IMAGES:g}",
        max_length=5,
        required=False,
    )

    def __init__(self, message: discord.Message, ours: tuple[StoredPicture, ...]) -> None:
        super().__init__(timeout=SECONDS)
        self._message, self._ours = message, ours

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Queue it."""
        studio = studio_of(interaction)

        async def asking() -> Request:
            draft = Draft(
                words=DraftWords(prompt=str(self.words)),
                sampling=DraftSampling(denoise=_number(str(self.denoise))),
            )
            wish = Wish(origin=origin_of(interaction), draft=draft)
            wish = await started_from(self._ours, found_in(self._message), wish, studio)
            return await studio.requests.submit(wish)

        await begin(interaction, asking)

    async def on_error(  # type: ignore[override]  # a modal's has no item, says discord.py's own
        self, interaction: Interaction, error: Exception, /
    ) -> None:
        """Say why not."""
        await apologise(interaction, error)


def _number(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise OutOfRange("denoise", text, f"a number from {DENOISE.range}") from None
