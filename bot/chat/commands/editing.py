"""/edit: a picture changed in plain words, as a reply to it would change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.askers import origin_of, studio_of
from bot.chat.buttons.answering import carry_out
from bot.chat.commands import choices
from bot.chat.commands.sources import NOTHING_NAMED, SENT, WHICH, Named, as_private, named
from bot.chat.intake import picture_from
from bot.studio.changing import Answer, Underway
from bot.studio.revisor import Reply
from bot.studio.rights import Asker
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftWords

Interaction = discord.Interaction[Any]

LONGEST = 2000  # letters, as in a message


@app_commands.command(name="edit", description="Change a picture in plain words: make it night")
@app_commands.describe(
    change="What should become other, such as: make it night, remove the hat, as watercolor",
    picture=WHICH,
    image=SENT,
)
@app_commands.autocomplete(picture=choices.pictures)
async def edit(
    interaction: Interaction,
    change: Range[str, 1, LONGEST],
    picture: Named | None = None,
    image: discord.Attachment | None = None,
) -> None:
    """What a reply with these words would come to."""
    studio, origin = studio_of(interaction), origin_of(interaction)

    async def asking() -> Sequence[Answer]:
        if picture is not None:
            asker = Asker.of(origin)
            shown = await studio.gallery.picture(asker, await named(picture, studio, asker))
            whose = await as_private(origin, shown.id, studio)
            return await studio.changes.reply(Reply(origin=whose, words=change), (shown,))
        if image is None:
            raise NOTHING_NAMED
        wish = Wish(origin=origin, draft=Draft(words=DraftWords(prompt=change)))
        wish = await picture_from(image, studio.requests.read(wish), studio)
        answers = await studio.changes.of_upload(wish)
        if answers is not None:
            return answers
        return (Underway(request=await studio.requests.submit(wish)),)

    await carry_out(interaction, asking)
