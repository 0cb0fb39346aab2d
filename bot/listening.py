"""Words in the channel: a reply to a picture, or a message to the bot.

A reply that pings one of our ordinary messages carries its words to us without the privileged
intent; so does a message that mentions us.  Anything else in a channel is none of our business.

    reply to our picture              that picture is the start, the words are the prompt
    upload, with a mention            the upload is the start
    reply to an upload, with a mention   that upload is the start
    words, with a mention             drawn from the words alone
    "help", or a mention alone        a page that says what to type
"""

from __future__ import annotations

import contextlib
import logging
import re
from dataclasses import replace

import discord

from bot import replies
from bot.answers import SILENT, now, person
from bot.apologies import apology_for, expected
from bot.buttons import pictures_shown_by, progress_view
from bot.commands.help import help_view, shelf
from bot.components import is_ours
from bot.courtesies import WELCOME, is_thanks
from bot.help_pages import Topic, asks_for_help, help_page
from bot.intake import image_of, picture_as_start, picture_from
from bot.logs import wordless
from bot.shares import Tiers
from bot.studio import Studio
from bot.wishes import Place, Wish
from generation.draft import Draft
from generation.errors import BadPicture
from generation.job import UserId

log = logging.getLogger(__name__)

# "2: make it night" picks the second picture of the message.
_WHICH = re.compile(r"#?([1-9])\s*[:.)]\s+(.*)", re.DOTALL)


async def hear(
    client: discord.Client, studio: Studio, tiers: Tiers, message: discord.Message
) -> None:
    """Answer a message if it is meant for us."""
    me = client.user
    if me is None or message.author.bot:
        return
    answered = await _answered(message)
    to_mine = answered is not None and is_ours(answered, client)
    if not to_mine and me not in message.mentions:
        return
    words = _words(message, me.id)
    alone = message.reference is None and image_of(message) is None
    if asks_for_help(words) or (not words and alone):
        page = help_page(Topic.START, shelf(studio))
        await _say(message, page, view=help_view(Topic.START))
        return
    if to_mine and is_thanks(words) and image_of(message) is None:
        await _say(message, WELCOME)
        return
    # A reply that only says something to somebody else's upload is theirs, not ours.
    try:
        async with message.channel.typing():
            place = _place(message, tiers)
            wish = await _wish(client, message, words, answered, studio, place)
            request = await studio.submit(wish)
    except Exception as error:
        if not expected(error):
            log.error("a message could not be answered", exc_info=wordless(error, message.content))
        await _say(message, apology_for(error))
        return
    standing = studio.standing(request.id)
    text = replies.progress(standing, now()) if standing else "🖼️"
    progress = await _say(message, text, view=progress_view(request.id))
    if progress is None:
        return
    await studio.say_progress_is(request.id, progress.id)
    if studio.standing(request.id) is None:
        with contextlib.suppress(discord.HTTPException):
            await progress.delete()


def _words(message: discord.Message, me: int) -> str:
    return re.sub(rf"<@!?{me}>", " ", message.content).strip()


async def _wish(
    client: discord.Client,
    message: discord.Message,
    words: str,
    answered: discord.Message | None,
    studio: Studio,
    place: Place,
) -> Wish:
    wish = Wish(
        place=place,
        draft=Draft(prompt=words),
    )
    if (upload := image_of(message)) is not None:
        return await picture_from(upload, wish, studio)
    if answered is None:
        if message.reference is not None:
            raise BadPicture("the message you answer is gone")
        return wish
    ours = await pictures_shown_by(answered, client, studio, place.asker)
    if ours:
        number, words = _which(words, len(ours))
        wish = replace(wish, draft=replace(wish.draft, prompt=words))
        return picture_as_start(ours[number], wish)
    if (theirs := image_of(answered)) is not None:
        return await picture_from(theirs, wish, studio)
    if is_ours(answered, client):
        raise BadPicture("the message you answer holds none (any more)")
    raise BadPicture("I see none in the message you answer; upload it to me, or reply to mine")


def _place(message: discord.Message, tiers: Tiers) -> Place:
    guild = message.guild.id if message.guild else None
    return Place(
        owner=UserId(message.author.id),
        share=tiers.share(person(message.author, guild)),
        guild=guild,
        channel=message.channel.id,
        reply_to=message.id,
        locale="en-US",
    )


def _which(words: str, count: int) -> tuple[int, str]:
    match = _WHICH.fullmatch(words)
    if match and int(match[1]) <= count:
        return int(match[1]) - 1, match[2]
    return 0, words


async def _answered(message: discord.Message) -> discord.Message | None:
    """The message that this one is a reply to, if it still exists."""
    reference = message.reference
    if reference is None or reference.message_id is None:
        return None
    if isinstance(reference.resolved, discord.Message):
        return reference.resolved
    if isinstance(reference.resolved, discord.DeletedReferencedMessage):
        return None
    with contextlib.suppress(discord.HTTPException):
        return await message.channel.fetch_message(reference.message_id)
    return None


async def _say(
    message: discord.Message, text: str, view: discord.ui.View | None = None
) -> discord.Message | None:
    reference = message.to_reference(fail_if_not_exists=False)
    try:
        if view is None:
            return await message.channel.send(text, reference=reference, allowed_mentions=SILENT)
        return await message.channel.send(
            text, reference=reference, allowed_mentions=SILENT, view=view
        )
    except discord.Forbidden:
        log.warning("not allowed to answer in channel %d", message.channel.id)
        return None
