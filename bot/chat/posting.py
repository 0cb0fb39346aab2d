"""Posting: a finished result is shown once, in the first way of the ladder that Discord takes.

    find      was it shown by an attempt that was cut short?
    post      up the ladder (`bot/studio/ladder.py`), one way after the other

What becomes of the progress message is in `bot.chat.concluding`.
Invariant: a way is left only for a refusal that Discord is sure of.  Whatever else happens is
raised, and the next attempt looks first.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import Mapping
from typing import Any

import discord

from bot.chat.answers import SILENT
from bot.chat.buttons.result import failure_view, result_view
from bot.chat.concluding import progress_of, reason
from bot.chat.open_answers import OpenAnswers, is_answer
from bot.chat.places import LOOK_BACK, Channel, channel_of, places_around
from bot.chat.shown import request_shown_by
from bot.chat.uploads import MAX_MESSAGE_BYTES, USUAL_LIMIT, beside, fitting
from bot.dispatch.audience import Outcome, Shown, Undeliverable
from bot.pages import replies, whereabouts
from bot.pages.sheet_drawing import sheet_file
from bot.pages.sheet_page import picked_label
from bot.studio.known import KnownMessages
from bot.studio.ladder import Refusal, Step, Way, refusal, steps
from bot.studio.offers import Offers
from bot.studio.servers import Servers
from generation.media.table import medium_of
from storage.outbox import NOWHERE
from storage.pictures import PictureId
from storage.sheets import Sheet
from storage.tickets import Request

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]


class Refused(Exception):
    """Discord said no, for certain."""

    def __init__(self, why: Refusal, error: discord.HTTPException) -> None:
        super().__init__(f"{error.status} {error.code} {error.text}")
        self.why = why


class Poster:
    """Shows results in Discord."""

    def __init__(
        self, client: discord.Client, answers: OpenAnswers, servers: Servers, offers: Offers
    ) -> None:
        self._client, self._answers, self._servers = client, answers, servers
        self._offers = offers

    # -- looking back ----------------------------------------------------------------------

    async def find(self, outcome: Outcome) -> Shown | None:
        """The result, if an attempt that was cut short did show it."""
        request = outcome.request
        alone = request.origin.private
        here = None if alone else channel_of(self._client, request.origin.channel)
        for place in (here, outcome.direct and channel_of(self._client, outcome.direct)):
            if place and (found := await self._searched(place, request)) is not None:
                return found
        return None

    async def _searched(self, channel: Channel, request: Request) -> Shown | None:
        me = self._client.user
        try:
            if request.progress_message is not None and channel.id == request.origin.channel:
                # It may have become the result, and be far up.
                with contextlib.suppress(discord.NotFound):
                    progress = await channel.fetch_message(request.progress_message)
                    if request_shown_by(progress) == request.id:
                        return Shown(message=progress.id, channel=channel.id)
            async for message in channel.history(limit=LOOK_BACK):
                if message.author == me and request_shown_by(message) == request.id:
                    return Shown(message=message.id, channel=channel.id)
        except discord.Forbidden:
            # Not allowed to look back: Discord's nonce has to cover it.
            log.warning("may not read the history of channel %d", channel.id)
        except discord.NotFound:
            log.warning("the channel %d is gone", channel.id)
        return None

    # -- the ladder ------------------------------------------------------------------------

    async def post(self, outcome: Outcome, messages: KnownMessages) -> Shown:
        """Show it in the first way that is taken.  Raises Undeliverable."""
        request = outcome.request
        ladder = steps(self._ways(outcome), reference=request.origin.reply_to is not None)
        if (step := next(ladder, None)) is None:
            raise Undeliverable(Refusal.CLOSED, "no way is left")
        here = None
        while True:
            try:
                return await self._attempt(step, outcome, messages, here)
            except Refused as refused:
                log.warning("request %d was refused (%s): %s", request.id, step.way, refused)
                # Why it is not where it belongs; what other ways say tells nobody anything.
                here = refused if step.way is Way.CHANNEL or here is None else here
                last = refused
            try:
                step = ladder.send(last.why)
            except StopIteration:
                raise Undeliverable(here.why, str(here)) from here

    def _ways(self, outcome: Outcome) -> frozenset[Way]:
        request = outcome.request
        alone = request.origin.private  # never where others could see it
        there = {
            Way.CHANNEL: not alone,
            Way.PROGRESS: request.progress_message is not None and not alone,
            Way.ANSWER: self._answers.of(request.id) is not None,
            # Where they asked in direct messages, those are the channel.
            Way.DIRECT: request.origin.guild is not None and not outcome.private,
        }
        return frozenset(way for way, is_there in there.items() if is_there)

    async def _attempt(
        self, step: Step, outcome: Outcome, messages: KnownMessages, here: Refused | None
    ) -> Shown:
        request, message = outcome.request, await self._message(step, outcome, here)
        try:
            match step.way:
                case Way.CHANNEL:
                    return await self._send(
                        channel_of(self._client, request.origin.channel), step, outcome, message
                    )
                case Way.PROGRESS:
                    return await self._become(request, message)
                case Way.ANSWER:
                    return await self._answered(request, message)
                case Way.DIRECT:
                    user = discord.Object(request.origin.owner)
                    direct = await self._client.create_dm(user)
                    await messages.sending_directly(request.id, direct.id)
                    place = self._client.get_partial_messageable(direct.id)
                    return await self._send(place, step, outcome, message)
        except discord.HTTPException as error:
            why = refusal(error.status, error.code, error.text, referred=step.reference)
            if why is None:
                raise
            raise Refused(why, error) from error

    async def _message(
        self, step: Step, outcome: Outcome, here: Refused | None
    ) -> Mapping[str, Any]:
        """Text, files and buttons of the result, as they are for this step."""
        request = outcome.request
        place = self._client.get_channel(request.origin.channel)
        # In direct messages the server's boosts do not count.
        guild = getattr(place, "guild", None) if step.way is not Way.DIRECT else None
        limit: int = getattr(guild, "filesize_limit", USUAL_LIMIT)
        numbers = [picture.id for picture in outcome.pictures]
        media = [medium_of(picture.recipe) for picture in outcome.pictures]
        sheet = request.sheet if outcome.pictures else None
        uploads = (
            await asyncio.to_thread(
                fitting, outcome.files, numbers, media, limit, shrunk=step.shrunk
            )
            if sheet is None
            else (await _sheet(outcome, sheet, limit // 4**step.shrunk),)
        )
        above = ""
        if step.way is Way.DIRECT:
            above = whereabouts.directly(
                request, reason(self._client, request, here.why if here else None)
            )
        view = (
            result_view(
                request.id,
                outcome.pictures,
                worded=_worded(outcome),
                changed=request.parent is not None,
                replied=request.revision is not None,
                reach=self._offers.reach,
                private=request.origin.private,
                labels=_labels(outcome, sheet) if sheet is not None else None,
            )
            if outcome.pictures
            else failure_view(request.id)
        )
        hidden = step.way is not Way.DIRECT and self._servers.spoils(
            request.origin.guild, places_around(place) or (request.origin.channel,)
        )
        names = [name for name, _ in uploads] if sheet is None else []
        looks = await asyncio.to_thread(beside, outcome.files, numbers, media, limit, uploads)
        below = whereabouts.smaller(names, media, numbers)
        return {
            "content": whereabouts.with_lines(replies.result(outcome), above=above, below=below),
            "files": [
                discord.File(io.BytesIO(data), filename=name, spoiler=hidden)
                for name, data in (*uploads, *(looks if sheet is None else ()))
            ],
            "view": view,
            "allowed_mentions": SILENT,
        }

    async def _send(
        self, channel: Channel, step: Step, outcome: Outcome, message: Mapping[str, Any]
    ) -> Shown:
        request = outcome.request
        if step.reference and request.origin.reply_to is not None:
            reference = discord.MessageReference(
                message_id=request.origin.reply_to,
                channel_id=request.origin.channel,
                fail_if_not_exists=False,
            )
            message = {**message, "reference": reference}
        posted = await channel.send(**message, nonce=_nonce(outcome))
        return Shown(message=posted.id, channel=posted.channel.id)

    async def _become(self, request: Request, message: Mapping[str, Any]) -> Shown:
        progress, _ = progress_of(self._client, self._answers, request)
        await progress.edit(**_as_edit(message))
        return Shown(message=progress.id, channel=request.origin.channel)

    async def _answered(self, request: Request, message: Mapping[str, Any]) -> Shown:
        interaction = self._answers.of(request.id)
        assert interaction is not None
        if request.origin.private:
            return await self._alone(interaction, request, message)
        if is_answer(interaction, request.progress_message):
            edited = await interaction.edit_original_response(**_as_edit(message))
            return Shown(message=edited.id, channel=request.origin.channel)
        sent = await interaction.followup.send(**message, wait=True)
        return Shown(message=sent.id, channel=request.origin.channel)

    async def _alone(
        self, interaction: Interaction, request: Request, message: Mapping[str, Any]
    ) -> Shown:
        """In the answer that one person alone sees, which is in no channel."""
        if request.progress_message is not None:
            await interaction.followup.edit_message(request.progress_message, **_as_edit(message))
            return Shown(message=request.progress_message, channel=NOWHERE)
        sent = await interaction.followup.send(**message, ephemeral=True, wait=True)
        return Shown(message=sent.id, channel=NOWHERE)


async def _sheet(outcome: Outcome, sheet: Sheet, limit: int) -> tuple[str, bytes]:
    """The contact sheet, its letters in the language that is spoken here."""
    return await asyncio.to_thread(sheet_file, outcome, sheet, min(limit, MAX_MESSAGE_BYTES))


def _labels(outcome: Outcome, sheet: Sheet) -> dict[PictureId, str]:
    """What tells the pictures of a sheet apart."""
    return {
        ticket.picture: picked_label(sheet, ticket.ordinal)
        for ticket in outcome.tickets
        if ticket.picture is not None
    }


def _nonce(outcome: Outcome) -> str:
    """What tells Discord that two attempts are one; brought back, a result is another one."""
    again = f"-{outcome.returned}" if outcome.returned else ""
    return f"atelier-{outcome.request.id}{again}"


def _worded(outcome: Outcome) -> bool:
    """Whether an assistant changed the words."""
    words = outcome.wording.assisted if outcome.wording is not None else None
    return words is not None and words.other_words


def _as_edit(message: Mapping[str, Any]) -> dict[str, Any]:
    return {("attachments" if key == "files" else key): part for key, part in message.items()}
