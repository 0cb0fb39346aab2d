"""Pictures that people send: fetched once, checked, and kept as the exact bytes received.

Discord's addresses expire, so an address never goes into a wish; the bytes do, by their digest.
"""

from __future__ import annotations

from dataclasses import replace

import discord

from bot.studio import Studio
from bot.wishes import Wish, init_from
from generation.errors import BadPicture
from storage.pictures import StoredPicture

MAX_BYTES = 32 * 2**20


async def picture_from(attachment: discord.Attachment, wish: Wish, studio: Studio) -> Wish:
    """The wish with an uploaded picture as its start.  Raises BadPicture."""
    if attachment.size > MAX_BYTES:
        raise BadPicture(f"it has {attachment.size / 2**20:.0f} MiB, and I take up to 32")
    async with studio.opening.room():
        try:
            data = await attachment.read()
        except discord.NotFound:
            raise BadPicture("Discord no longer has it") from None
        start, facts = await studio.keep_input(data)
        del data
    wish = replace(wish, draft=replace(wish.draft, inputs=(start,)))
    return studio.drafting.sized_like(wish, facts.width, facts.height)


def picture_as_start(picture: StoredPicture, wish: Wish) -> Wish:
    """The wish with one of our own pictures as its start: the kept PNG, by digest."""
    start = init_from(picture.png_sha256)
    words = wish.draft.prompt or picture.recipe.prompt
    draft = replace(wish.draft, prompt=words, inputs=(start,))
    return replace(wish, draft=draft, parent=picture)


def image_of(message: discord.Message) -> discord.Attachment | None:
    """The first attachment that says it is a picture."""
    for attachment in message.attachments:
        kind = attachment.content_type or ""
        if kind.startswith("image/") or attachment.filename.lower().endswith(_ENDINGS):
            return attachment
    return None


_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")
