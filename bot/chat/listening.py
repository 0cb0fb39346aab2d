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
from collections.abc import Sequence
from dataclasses import replace

import discord

from bot.chat.askers import origin_of_message
from bot.chat.buttons.importing import card_view
from bot.chat.commands.help import help_view, installed
from bot.chat.components import is_ours
from bot.chat.importing import asks_how, first_read, wants_it, with_text_file
from bot.chat.intake import Attachments, found_in, started_from
from bot.chat.places import NoPlaceToPost, lacking, may_speak
from bot.chat.readers import speak_to_author
from bot.chat.refusals import place_apology
from bot.chat.replying import show_answers
from bot.chat.saying import say, say_elsewhere, typing_in
from bot.chat.shown import picked_in, pictures_shown_by
from bot.chat.side_by_side import compared_beside
from bot.languages.speaking import mark, tr
from bot.pages.apologies import apology_for, expected
from bot.pages.help_pages import Topic, asks_for_help, help_page
from bot.pages.preset_pages import saved_page
from bot.studio.changing import Answer, Underway
from bot.studio.notes import answered_left_out, left_out
from bot.studio.presetting import Whereabouts, asked_to_save
from bot.studio.revisor import Reply
from bot.studio.rights import Asker
from bot.studio.shares import Tiers
from bot.studio.studio import Studio
from bot.studio.which import which
from bot.studio.wishes import Wish
from bot.telemetry.logs import wordless
from generation.draft import Draft, DraftWords
from generation.errors import BadPicture
from generation.interchange.imported import NotRead
from storage.errors import AskedBefore
from storage.people import Level
from storage.pictures import PictureId, StoredPicture
from storage.requests import Origin

log = logging.getLogger(__name__)

# Without the intent for message content, Discord shows us none of other people's.
UNSEEN = mark(
    "I see no file in the message you answer. Its menu (Apps, Show recipe) shows it to me; or "
    "upload it."
)


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
    studio.delivery.reconsider(owner=message.author.id)
    await speak_to_author(message, studio)
    if not may_speak(message.channel):
        await say_elsewhere(message, lacking(message.channel))
        return
    words = re.sub(rf"<@!?{me.id}>", " ", message.content).strip()
    came = found_in(message, links=False)
    if asks_for_help(words) or not (words or message.reference or came.pictures or came.others):
        page = help_page(Topic.START, installed(studio))
        await say(message, page, view=help_view(Topic.START))
        return
    # A reply that only says something to somebody else's upload is theirs, not ours.
    draft = Draft(words=DraftWords(prompt=words))
    wish = Wish(origin=origin_of_message(message, tiers, studio.servers), draft=draft)
    try:
        studio.servers.admits(wish.origin)
        if missing := lacking(message.channel):
            raise NoPlaceToPost(missing)
        if await _told_how(words, message, came, None if to_mine else answered, studio):
            return
        if to_mine and answered is not None and not came.pictures:
            ours = await pictures_shown_by(answered, client, studio, Asker.of(wish.origin))
            if ours:
                if await _kept_as_preset(
                    message, words, (ours, picked_in(answered)), studio, wish.origin
                ):
                    return
                asker, picked = Asker.of(wish.origin), picked_in(answered)
                if await compared_beside(message, words, ours, picked, studio, asker):
                    return
                reply = Reply(
                    origin=wish.origin,
                    words=words,
                    picked=picked_in(answered),
                    notes=left_out(came.others),
                )
                answers = await studio.changes.reply(reply, ours)
                await show_answers(client, message, answers, studio, wish.origin)
                return
        async with typing_in(message.channel):
            wish = studio.requests.read(wish)
            wish, came = await with_text_file(wish, came, studio)
            wish = await _started(client, wish, message, came, answered, studio)
            answers = await _drawn(wish, studio)
        await show_answers(client, message, answers, studio, wish.origin)
    except Exception as error:
        await _refuse(message, error)


async def _kept_as_preset(
    message: discord.Message,
    words: str,
    shown: tuple[Sequence[StoredPicture], PictureId | None],
    studio: Studio,
    origin: Origin,
) -> bool:
    """Keep a picture's settings by a name, if the reply asks for that: "save as preset ink"."""
    ours, picked = shown
    number, said = which(words, len(ours))
    name = asked_to_save(said)
    if name is None:
        return False
    usual = next((at for at, one in enumerate(ours) if one.id == picked), 0)
    picture = ours[usual if number is None else number]
    saved = await studio.presets.of_picture(Asker.of(origin), picture.id)
    again = await studio.presets.save(Whereabouts.of(origin), name, saved)
    await say(message, saved_page(name, Level.PERSON, saved, again=again))
    return True


async def _told_how(
    words: str,
    message: discord.Message,
    came: Attachments,
    answered: discord.Message | None,
    studio: Studio,
) -> bool:
    """Show what a file says that came with a message, or with the one that it answers.

    Only where nothing is asked but that.  Raises NotRead where it was asked in words.
    """
    if not (asks_how(words) or wants_it(words)):
        return False
    files, holder = came.files, message
    if not files and answered is not None:
        files, holder = found_in(answered).files, answered
    if not files and answered is not None and asks_how(words):
        await say(message, tr(UNSEEN))
        return True
    if not files:
        return False
    try:
        async with typing_in(message.channel):
            guild = message.guild.id if message.guild else None
            found = await first_read(files, studio, guild)
    except NotRead:
        if asks_how(words):
            raise
        return False
    await say(message, found.page, view=card_view(holder.id, found))
    return True


async def _drawn(wish: Wish, studio: Studio) -> tuple[Answer, ...]:
    """What a message without a picture of ours comes to."""
    sent = len(wish.draft.inputs)  # words about several are told to the model as they are
    if sent == 1 and wish.draft.words.prompt and wish.parent is None:
        answers = await studio.changes.of_upload(wish)
        if answers is not None:
            return answers
    return (Underway(request=await studio.requests.submit(wish)),)


async def _refuse(message: discord.Message, error: Exception) -> None:
    """Say in one sentence why nothing is drawn; the log has the cause."""
    if isinstance(error, AskedBefore):
        log.info("Discord said the message %d twice", message.id)
        return
    if not (expected(error) or isinstance(error, NoPlaceToPost)):
        log.error("a message could not be answered", exc_info=wordless(error, message.content))
    await say(message, place_apology(error) or apology_for(error))


async def _started(
    client: discord.Client,
    wish: Wish,
    message: discord.Message,
    came: Attachments,
    answered: discord.Message | None,
    studio: Studio,
) -> Wish:
    """The wish with the picture that it starts from, if there is one."""
    if came.pictures:
        asker = Asker.of(wish.origin)
        shows = answered is not None and (
            await pictures_shown_by(answered, client, studio, asker) or found_in(answered).pictures
        )
        noted = replace(wish, notes=(*wish.notes, *answered_left_out(bool(shows))))
        return await started_from((), came, noted, studio)
    wish = await started_from((), came, wish, studio)  # notes what came and is no picture
    if answered is None:
        if message.reference is not None and not message.message_snapshots:
            raise BadPicture("the message you answer is gone")
        return wish
    ours = await pictures_shown_by(answered, client, studio, Asker.of(wish.origin))
    theirs = found_in(answered)
    if ours or theirs.pictures:
        # What came with the message is noted already, and did not go into the words alone.
        noted = replace(wish, notes=left_out(came.others))
        return await started_from(ours, theirs, noted, studio)
    if is_ours(answered, client):
        raise BadPicture("the message you answer holds none (any more)")
    # Without the intent for message content, Discord shows us none of other people's.
    raise BadPicture(
        "I see none in the message you answer. Its menu (Apps, Start from this picture) shows it "
        "to me; or upload it"
    )


async def _answered(message: discord.Message) -> discord.Message | None:
    """The message that this one is a reply to, if it still exists."""
    reference = message.reference
    if reference is None or reference.message_id is None or message.message_snapshots:
        return None  # what is forwarded came with the message, and is not answered
    if isinstance(reference.resolved, discord.Message):
        return reference.resolved
    if isinstance(reference.resolved, discord.DeletedReferencedMessage):
        return None
    with contextlib.suppress(discord.HTTPException):
        return await message.channel.fetch_message(reference.message_id)
    return None
