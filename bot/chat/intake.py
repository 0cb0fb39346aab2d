"""Pictures that people send: found in a message, fetched once, checked, and kept as received.

A message holds pictures as files, in a message that it forwards, and as what a link shows.  Nothing
that came with it is passed over in silence: what is not used is noted beside the result.

Discord's addresses expire, so an address never goes into a wish; the bytes do, by their digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import discord

from bot.languages.speaking import tr
from bot.studio import notes
from bot.studio.studio import Studio
from bot.studio.which import which
from bot.studio.wishes import Wish, init_from
from generation.errors import BadPicture
from generation.tasks import Task
from storage.pictures import StoredPicture

MAX_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedPicture:
    """What a link shows, as Discord itself keeps it: other hosts are never asked."""

    filename: str
    url: str
    state: Any  # discord.py's connection, which fetches it
    size: int = 0  # not told

    async def read(self) -> bytes:
        """The picture's bytes.  Raises discord.NotFound."""
        data: bytes = await self.state.http.get_from_cdn(self.url)
        return data


Sent = discord.Attachment | LinkedPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachments:
    """What came with a message."""

    pictures: tuple[Sent, ...]
    others: tuple[str, ...]  # what is no picture
    files: tuple[discord.Attachment, ...] = ()  # what may say how a picture was made
    texts: tuple[discord.Attachment, ...] = ()  # of these, what is nothing but a text


async def picture_from(sent: Sent, wish: Wish, studio: Studio) -> Wish:
    """The wish with a sent picture as its start.  Raises BadPicture."""
    async with studio.opening.room():
        return await studio.requests.started_from(await bytes_of(sent), wish)


async def bytes_of(sent: Sent) -> bytes:
    """What was sent, fetched while there is room for it.  Raises BadPicture."""
    if sent.size > MAX_BYTES:
        raise BadPicture(f"it has {sent.size / 2**20:.0f} MiB, and I take up to 32")
    try:
        data = await sent.read()
    except (discord.NotFound, discord.Forbidden):
        raise BadPicture("Discord no longer has it") from None
    if len(data) > MAX_BYTES:
        raise BadPicture("it has more than the 32 MiB that I take")
    return data


def picture_as_start(picture: StoredPicture, wish: Wish) -> Wish:
    """The wish with one of our own pictures as its start: the kept PNG, by digest."""
    start = init_from(picture.png_sha256)
    words = replace(wish.draft.words, prompt=wish.draft.words.prompt or picture.recipe.prompt)
    draft = replace(wish.draft, words=words, inputs=(start,))
    return replace(wish, draft=draft, parent=picture)


async def started_from(
    ours: Sequence[StoredPicture], found: Attachments, wish: Wish, studio: Studio
) -> Wish:
    """The wish with a picture of a message as its start, the first unless its words begin "2:".

    `ours` are those of the message that we drew; else it is what came with it.  Without any, the
    words alone.  Raises BadPicture and NotThatMany.
    """
    count = len(ours) or len(found.pictures)
    if not count:
        return replace(wish, notes=(*wish.notes, *notes.no_pictures(found.others)))
    number, prompt = which(wish.draft.words.prompt or "", count)
    words = replace(wish.draft.words, prompt=prompt)
    wish = replace(wish, draft=replace(wish.draft, words=words))
    if ours:
        return picture_as_start(ours[number or 0], wish)
    chosen = found.pictures[number or 0]
    wish = await picture_from(chosen, wish, studio)
    left = [sent for sent in found.pictures if sent is not chosen]
    while left and number is None:  # an edit may look at several
        further = await _looking_at(left[0], wish, studio)
        if further is None:
            break
        wish, left = further, left[1:]
    names = [sent.filename for sent in left]
    said = (
        *notes.other_pictures(chosen.filename, names, chosen=number is not None),
        *notes.left_out(found.others),
    )
    return replace(wish, notes=(*wish.notes, *said))


async def _looking_at(sent: Sent, wish: Wish, studio: Studio) -> Wish | None:
    """The wish with one picture more to look at; None where it looks at no more."""
    if wish.draft.task is not Task.EDIT:
        return None
    async with studio.opening.room():
        return await studio.requests.looking_at(await bytes_of(sent), wish)


def found_in(message: discord.Message, *, links: bool = True) -> Attachments:
    """What came with a message, in its order; `links`: also the pictures that its links show.

    A message that is forwarded came with it.
    """
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    files = [file for part in parts for file in part.attachments]
    pictures: list[Sent] = [file for file in files if _is_picture(file)]
    for part in parts:
        if links or part is not message:
            pictures += _linked(part.embeds, message._state)
    stickers = [tr("the sticker {name}", name=s.name) for s in message.stickers]
    others = [file.filename for file in files if not _is_picture(file)]
    return Attachments(
        pictures=tuple(pictures),
        others=(*others, *stickers),
        files=tuple(f for f in files if _is_picture(f) or _ends(f, _TELLING)),
        texts=tuple(f for f in files if _ends(f, _TEXTS)),
    )


def _is_picture(file: discord.Attachment) -> bool:
    kind = file.content_type or ""
    return kind.startswith("image/") or _ends(file, _ENDINGS)


def _ends(file: discord.Attachment, endings: tuple[str, ...]) -> bool:
    return file.filename.lower().endswith(endings)


_TEXTS = (".json", ".txt")
_TELLING = (*_TEXTS, ".avif", ".mp4", ".mov", ".webm", ".flac", ".ogg", ".opus", ".mp3")
_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")


def _linked(embeds: Iterable[discord.Embed], state: Any) -> Iterator[LinkedPicture]:
    """The pictures that links are, and those that stand in an embed; no previews of pages."""
    for embed in embeds:
        shown = embed.thumbnail if embed.type in ("image", "gifv") else embed.image
        address = shown.proxy_url or ""
        if _is_discords(address):
            name = urlsplit(address).path.rpartition("/")[2] or tr("a link's picture")
            yield LinkedPicture(filename=name[:100], url=address, state=state)


def _is_discords(address: str) -> bool:
    parts = urlsplit(address)
    host = parts.hostname or ""
    return parts.scheme == "https" and host.endswith(_HOSTS)


# Where Discord keeps copies of what links show.
_HOSTS = (".discordapp.net", ".discordapp.com", ".discord.com")
