"""SimCord in real time: an unmodified discord.py client in a Discord that lives in memory.

SimCord is made for unit tests: its clock stands still until a test moves it, and every action waits
until the bot has nothing left to do.  A bot that draws for half a minute beside a worker process
needs neither.  `LiveEnv` takes those two things away and leaves everything else as it is: the
routes, the permissions, the gateway events and what Discord forbids.

Invariant: from just before login on, the event loop and the clocks are Python's own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from datetime import UTC, datetime
from typing import Any

import discord
import simcord
from discord.webhook.async_ import async_context
from simcord._dpy_internals import release_clocks
from simcord._runtime import _restore_loop
from simcord.backend.cdn import CDN_BASE
from simcord.env import Env

from bot.sandbox.avatars import avatar

log = logging.getLogger(__name__)

SIMCORD = "3.2.1"
READY_SECONDS = 60.0
KEPT_MESSAGES = 200  # per channel; older ones go, with their files
KEPT_INTERACTIONS = 500
KEPT_IDS = 50_000
LOGGED = 2000  # events and requests
EVENTS_BETWEEN_TRIMS = 100
DISCORD_EPOCH = 1_420_070_400  # seconds; snowflakes count milliseconds from there


class OtherSimcord(RuntimeError):
    """The installed simcord is not the one whose inner parts are used here."""


class _WallClock:
    """Stands in for simcord's clock: in this Discord it is now."""

    @property
    def elapsed(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        """Time advances by itself."""


class _Log(deque[Any]):
    """The last events and requests; tells when there is another one."""

    def __init__(self, tell: Callable[[], None], most: int) -> None:
        super().__init__(maxlen=most)
        self._tell = tell

    def append(self, entry: Any) -> None:
        super().append(entry)
        self._tell()


class LiveEnv(Env):  # type: ignore[misc]  # simcord is not typed
    """A simulated Discord in real time, with a furnished guild.

    `studio` is the channel #studio, `ann` a member with the moderator's permission to manage
    messages, `ben` a member without.  Their ids are the same at every start, so that a bot which
    remembers finds its channel and its people again.  One actor acts at a time: an action returns
    when the bot has acknowledged it, or after `ACKNOWLEDGE_SECONDS`.
    """

    ACKNOWLEDGE_SECONDS = 3.0  # Discord's own limit for the first response
    GRACE_SECONDS = 0.03  # lets quick handlers finish before an action returns
    ORPHAN_SECONDS = 60.0  # a file given as an option belongs to no message; it is read at once
    kept_messages = KEPT_MESSAGES
    logged = LOGGED

    def __init__(self, bot: discord.Client, **options: Any) -> None:
        if simcord.__version__ != SIMCORD:
            raise OtherSimcord(
                f"the sandbox works with simcord {SIMCORD}, found {simcord.__version__}:"
                f" pip install simcord=={SIMCORD}"
            )
        super().__init__(bot, check_errors=False, **options)
        self.faults: deque[BaseException] = deque(maxlen=200)  # what the bot raised
        self._interaction: Any = None
        self.happened = 0  # events and requests so far
        self._adapter: Any = None
        backend = self.backend
        backend.transcript = _Log(self._note, self.logged)
        backend.http_requests = deque(maxlen=self.logged)
        self._furnish()  # while simcord's clock stands still: ids are made of it
        backend.clock = _WallClock()
        self._register_dispatch_observer(self._remember)
        self.locales: dict[int, str] = {}  # of people's Discord, where it is not English
        self._emit, backend.emit = backend.emit, self._in_their_locale
        self._begun, backend.new_interaction = backend.new_interaction, self._waited_for

    def _furnish(self) -> None:
        backend = self.backend
        backend.edit_bot_profile("Atelier")
        self.avatars: dict[str, tuple[str, bytes]] = {}  # by address, for the page
        self.guild_handle = self.create_guild("The House")
        self.studio = self.guild_handle.create_text_channel(
            "studio", topic="Ask for a picture: /imagine a red flower"
        )
        moderators = self.guild_handle.create_role(
            "Moderators", permissions=discord.Permissions(manage_messages=True)
        )
        ann, ben = (self.create_user(n.lower(), global_name=n) for n in ("Ann", "Ben"))
        self.ann = self.guild_handle.add_member(ann, roles=[moderators])
        self.ben = self.guild_handle.add_member(ben)
        self.members = (self.ann, self.ben)
        for user in (backend.bot_user, *(backend.get_user(m.id) for m in self.members)):
            user.avatar = "drawn"
            address = f"{CDN_BASE}/avatars/{user.id}/{user.avatar}.png"
            self.avatars[address] = (f"{user.name}.png", avatar(user.global_name or user.name))

    def _waited_for(self, *args: Any, **named: Any) -> Any:
        """An interaction that is answered too late where its action returned unanswered."""
        interaction = self._begun(*args, **named)
        late = self.backend.iso_after(self.ACKNOWLEDGE_SECONDS)
        interaction.initial_response_deadline = late
        return interaction

    async def start(self) -> None:
        """Log the bot in and wait until it is ready."""
        self._redirect_default_adapter()
        await super().start()
        async with asyncio.timeout(READY_SECONDS):
            await self.bot.wait_until_ready()

    def _capture_errors(self) -> None:
        # simcord calls this last before it logs the bot in: from here on, time is real.
        super()._capture_errors()
        _restore_loop(self)
        release_clocks(self)

    def _redirect_default_adapter(self) -> None:
        # Interactions are answered through an adapter that discord.py finds in the current context.
        # Work that began outside the bot's events (a dispatch loop, a thread) finds the default
        # one, which would ask the real Discord.
        self._adapter = Context().run(async_context.get)

        async def request(*args: Any, **kwargs: Any) -> Any:
            return await self._webhook_adapter.request(*args, **kwargs)

        self._adapter.request = request

    async def _detach_bot(self) -> None:
        if self._adapter is not None:
            self._adapter.__dict__.pop("request", None)
            self._adapter = None
        await super()._detach_bot()

    async def _settle_internal(self, *, dispatch: str | None = None, **_: Any) -> None:
        """Wait as Discord does: for the acknowledgement, never for the bot's work."""
        interaction, self._interaction = self._interaction, None
        if dispatch == "INTERACTION_CREATE" and interaction is not None:
            until = time.monotonic() + self.ACKNOWLEDGE_SECONDS
            # simcord only sets this flag, it tells nobody.
            while not interaction.responded and time.monotonic() < until:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await asyncio.sleep(self.GRACE_SECONDS)

    def _remember(self, interaction: Any) -> None:
        self._interaction = interaction

    def _in_their_locale(self, event: str, payload: Mapping[str, Any]) -> None:
        # simcord's people all read English.
        if event == "INTERACTION_CREATE":
            person = int((payload.get("member") or payload)["user"]["id"])
            payload = {**payload, "locale": self.locales.get(person, "en-US")}
        self._emit(event, payload)

    def _record_error(self, error: BaseException) -> None:
        # simcord hears of every error, also of those that the bot handles: noted, not judged.
        log.debug("the bot raised %r", error)
        if not any(error is known for known in self.faults):
            self.faults.append(error)

    # ---------------------------------------------------------------- a world that stays small

    def _note(self) -> None:
        self.happened += 1
        if self._started and self.happened % EVENTS_BETWEEN_TRIMS == 0:
            asyncio.get_running_loop().call_soon(self.trim)

    def trim(self) -> None:
        """Forget what is old: simcord itself keeps every message, file and interaction for ever."""
        backend = self.backend
        for messages in backend.messages.values():
            for old in sorted(messages)[: -self.kept_messages]:
                del messages[old]
        if len(backend.interactions) > KEPT_INTERACTIONS:
            now = backend.now_iso()
            for key, kept in list(backend.interactions.items()):
                if kept.expires_at and kept.expires_at < now:
                    backend.interaction_tokens.pop(backend.interactions.pop(key).token, None)
        used = {
            attachment["url"]
            for messages in backend.messages.values()
            for message in messages.values()
            for attachment in message.attachments
        }
        oldest = int((time.time() - self.ORPHAN_SECONDS - DISCORD_EPOCH) * 1000) << 22
        files = backend.cdn._blobs
        for url in [u for u in files if "/attachments/" in u and u not in used]:
            if int(url.split("/")[-2]) < oldest:
                del files[url]
        if len(backend._reserved_ids) > KEPT_IDS:  # a millisecond that is over does not come back
            backend._reserved_ids.clear()
            backend._sequences.clear()


@asynccontextmanager
async def live_env(bot: discord.Client, **options: Any) -> AsyncIterator[LiveEnv]:
    """The bot, logged in to a simulated Discord until the block ends; then it is closed."""
    env = LiveEnv(bot, **options)
    async with living(env):
        yield env


@asynccontextmanager
async def living(env: LiveEnv) -> AsyncIterator[None]:
    """The same for a simulated Discord that is already furnished."""
    try:
        await env.start()
        yield
    finally:
        await env.bot.close()
        await _end_handlers()
        if env._started:
            await env.shutdown()


async def _end_handlers() -> None:
    """Cancel the event handlers of discord.py that still run; Client.close leaves them alone."""
    handlers = [
        task
        for task in asyncio.all_tasks()
        if task.get_name().startswith(("discord.py:", "CommandTree-invoker", "discord-ui-"))
    ]
    for task in handlers:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*handlers, return_exceptions=True)
