"""The announcer: keeps progress messages fresh, and posts results once.

Discord allows about five edits in five seconds in a channel.  So a message is edited at most every
few seconds, a channel at most once a second, and those that are being drawn come first; what
waits is told its place when there is room.  Results are ordinary messages (`bot/chat/posting.py`):
an interaction's token dies after 15 minutes, and a reply to an ordinary message carries its words.
"""

from __future__ import annotations

import asyncio
import io
import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import discord

from bot.chat.answers import SILENT, now
from bot.chat.buttons.progress import progress_view
from bot.chat.concluding import ProgressMessages
from bot.chat.open_answers import OpenAnswers
from bot.chat.places import channel_of, lacking, places_around
from bot.chat.posting import Poster
from bot.dispatch.audience import Outcome, Progress, Shown, Undeliverable
from bot.languages.speaking import speaking_to
from bot.pages import replies
from bot.studio.studio import Studio
from storage.tickets import Request, RequestId, State

log = logging.getLogger(__name__)

CHANNEL_SECONDS = 1.0  # between two edits in a channel
WAITING_SECONDS = 10.0  # between two edits of a message that only waits


@dataclass(slots=True)
class _Shown:
    """A progress message as it was last edited."""

    request: Request | None = None  # once it has a progress message
    edited_at: float = 0.0  # monotonic
    place: tuple[object, ...] = ()
    ready_at: float = 0.0  # unix time that was promised
    preview: bytes = b""
    gone: bool = False  # somebody deleted it


class Announcer:
    """The studio's audience, kept by Discord."""

    def __init__(self, client: discord.Client, studio: Studio, *, progress_seconds: float) -> None:
        self._client, self._studio = client, studio
        self._every = progress_seconds
        self._dirty: dict[RequestId, None] = {}
        self._shown: dict[RequestId, _Shown] = {}
        self._channel_edited: dict[int, float] = {}
        self._channel_busy: set[int] = set()
        self._news = asyncio.Event()
        self._here = asyncio.Event()
        self._editing: dict[RequestId, asyncio.Task[None]] = {}
        self.answers = OpenAnswers()
        self._poster = Poster(client, self.answers, studio.servers, studio.offers)
        self._progress = ProgressMessages(client, self.answers)

    def arrived(self) -> None:
        """Discord is there; until then nothing can be told."""
        self._here.set()

    def changed(self, request: RequestId) -> None:
        """Something about an open request is new."""
        self._dirty[request] = None
        self._news.set()

    async def run(self) -> None:
        """Edit progress messages, for ever."""
        await self._here.wait()
        async with asyncio.TaskGroup() as edits:
            while True:
                await self._news.wait()
                if not self._dirty:
                    self._news.clear()
                    continue
                for request in self._due():
                    del self._dirty[request]
                    editing = edits.create_task(self._refresh(request), name=f"progress {request}")
                    self._editing[request] = editing
                    editing.add_done_callback(partial(self._edited, request))
                await asyncio.sleep(0.1)

    def _edited(self, request: RequestId, editing: asyncio.Task[None]) -> None:
        if self._editing.get(request) is editing:
            del self._editing[request]

    # -- progress --------------------------------------------------------------------------

    def _due(self) -> list[RequestId]:
        """Those that may be edited at this moment, the ones being drawn first.

        Looks at nothing that costs more the longer the queue is: where a request stands is asked
        only for the few that are edited.
        """
        open_requests, moment = self._studio.open_requests, time.monotonic()
        found: list[tuple[bool, float, RequestId]] = []
        for request in list(self._dirty):
            if not open_requests.is_open(request):
                # It has ended: `deliver` has the last word.
                del self._dirty[request]
                self._shown.pop(request, None)
                continue
            waiting = not open_requests.is_drawing(request)
            shown = self._shown.setdefault(request, _Shown())
            if shown.gone:
                del self._dirty[request]
                continue
            if shown.request is not None and not self._may_edit(shown.request.origin.channel):
                continue
            if moment - shown.edited_at >= (WAITING_SECONDS if waiting else self._every):
                found.append((waiting, shown.edited_at, request))
        return [request for _, _, request in sorted(found)[:5]]

    async def _refresh(self, request: RequestId) -> None:
        shown = self._shown.get(request)
        if shown is None:
            return  # it has ended meanwhile
        try:
            # Where its progress is shown does not change; asking again costs a query each time.
            found = shown.request or await self._studio.messages.with_progress(request)
            if found is None:
                return
            shown.request = found
            if not self._may_edit(found.origin.channel):
                self.changed(request)
            elif (standing := self._studio.open_requests.standing(request)) is not None:
                with speaking_to(found.origin.locale):
                    await self._edit(found, standing, shown)
        except discord.NotFound:
            shown.gone = True
            log.info("the progress message of request %d is gone", request)
        except discord.HTTPException as error:
            log.warning("progress of request %d not shown: %s", request, error)
        except Exception:
            log.exception("progress of request %d not shown", request)

    def _may_edit(self, channel: int) -> bool:
        last = self._channel_edited.get(channel, 0.0)
        return channel not in self._channel_busy and time.monotonic() - last >= CHANNEL_SECONDS

    async def _edit(self, request: Request, standing: Progress, shown: _Shown) -> None:
        text = replies.progress(standing, now())
        if not _news(shown, standing, now()):
            shown.edited_at = time.monotonic()
            return
        assert request.progress_message is not None
        parts: dict[str, Any] = {
            "content": text,
            "view": progress_view(request.id),
            "allowed_mentions": SILENT,
        }
        seen = not self._studio.safety.watches(request.origin)
        if seen and standing.preview and standing.preview != shown.preview:
            hidden, picture = self._hidden(request), io.BytesIO(standing.preview)
            parts["attachments"] = [discord.File(picture, filename="preview.jpg", spoiler=hidden)]
        self._channel_busy.add(request.origin.channel)
        try:
            await self._edit_message(request, parts)
        finally:
            self._channel_busy.discard(request.origin.channel)
            # Also when it failed: the next edit of this channel is somebody else's.
            self._channel_edited[request.origin.channel] = shown.edited_at = time.monotonic()
        shown.place = _place(standing)
        shown.ready_at = now() + standing.ready_in
        shown.preview = standing.preview

    async def _edit_message(self, request: Request, parts: dict[str, Any]) -> None:
        assert request.progress_message is not None
        if not request.origin.private:
            channel = channel_of(self._client, request.origin.channel)
            await channel.get_partial_message(request.progress_message).edit(**parts)
        elif (answer := self.answers.of(request.id)) is not None:
            await answer.followup.edit_message(request.progress_message, **parts)

    def _hidden(self, request: Request) -> bool:
        place = self._client.get_channel(request.origin.channel)
        within = places_around(place) or (request.origin.channel,)
        return self._studio.servers.spoils(request.origin.guild, within)

    # -- results ---------------------------------------------------------------------------

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> Shown | None:
        """Show the result, unless an earlier attempt did.  Raises Undeliverable."""
        await self._here.wait()
        await self._still(outcome.request.id)
        if _wholly_cancelled(outcome):
            return None
        with speaking_to(outcome.request.origin.locale):
            try:
                found = await self._poster.find(outcome) if perhaps_posted else None
                return found or await self._poster.post(outcome, self._studio.messages)
            except Undeliverable:
                raise
            except Exception:
                await self._progress.say_it_waits(outcome.request)
                raise

    async def conclude(self, outcome: Outcome, shown: Shown | None, *, held: str = "") -> None:
        """Take the progress message away, or let it tell what became of the request."""
        await self._here.wait()
        await self._still(outcome.request.id)
        with speaking_to(outcome.request.origin.locale):
            await self._progress.conclude(outcome, shown, held)

    def may_post(self, channel: int) -> bool:
        """Whether no permission is known to be missing."""
        return not lacking(self._client.get_channel(channel))

    async def _still(self, request: RequestId) -> None:
        """Wait until nobody edits its progress message any more."""
        self._shown.pop(request, None)
        if editing := self._editing.get(request):
            await asyncio.wait({editing})


def _place(standing: Progress) -> tuple[object, ...]:
    begun = (standing.step, standing.loading, standing.paused, standing.rest)
    return (standing.phase, standing.ahead, standing.done, *begun)


def _news(shown: _Shown, standing: Progress, moment: float) -> bool:
    """Whether the message would tell anything new: a place, a step, or a much changed promise."""
    if _place(standing) != shown.place or standing.preview != shown.preview:
        return True
    promised = shown.ready_at - moment
    return abs(standing.ready_in - promised) > max(10.0, 0.25 * abs(promised))


def _wholly_cancelled(outcome: Outcome) -> bool:
    return all(t.state is State.CANCELLED for t in outcome.tickets)
