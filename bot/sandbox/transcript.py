"""A conversation kept while it happens: every message, each of its states, its pictures.

Invariant: what is on the page was in the channel; nothing is added to what people and bot wrote.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import discord

from bot.sandbox.person import buttons
from bot.sandbox.realtime import LiveEnv

LOOK_EVERY_SECONDS = 0.05
DIGEST_LETTERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageState:
    """How a message looked at one time."""

    at: float  # seconds since the conversation began
    clock: float  # unix time
    text: str
    embeds: tuple[str, ...]  # title and description of each
    files: tuple[str, ...]  # where they lie, relative to the page
    buttons: tuple[str, ...]  # emoji and label


@dataclass(slots=True, kw_only=True)
class MessageHistory:
    """A message from its first state to its last."""

    id: int
    author: str
    bot: bool
    written: datetime
    used: str | None  # "Ann used /imagine"
    answers: str | None  # "Ann: make it blue"
    only_for: str | None  # the one person who sees it
    states: list[MessageState] = field(default_factory=list)
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """Something a person did that is not a message: a command, a button."""

    at: float
    person: str
    what: str  # "/imagine prompt: a red flower"


class Transcript:
    """Watches the channel and keeps what it sees; pictures go to `folder` as they come."""

    def __init__(self, env: LiveEnv, folder: Path) -> None:
        self._env, self._folder = env, folder
        self.tell: Callable[[MessageHistory], None] = lambda _: None  # called for each new state
        self._began = time.monotonic()
        self._looked_at = -1
        self._entries: dict[int, MessageHistory] = {}
        self.items: list[MessageHistory | Doing] = []
        self.names = {user.id: user.global_name or user.name for user in self._users()}

    def _users(self) -> list[Any]:
        return list(self._env.backend.users.values())

    @property
    def seconds(self) -> float:
        """Since the conversation began."""
        return time.monotonic() - self._began

    def note(self, person: str, what: str) -> None:
        """A person does something; to be called before it is done."""
        self.items.append(Doing(at=self.seconds, person=person, what=what))

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keep what happens until the block ends."""

        async def watch() -> None:
            while True:
                self.look()
                await asyncio.sleep(LOOK_EVERY_SECONDS)

        watcher = asyncio.create_task(watch(), name="transcript")
        try:
            yield
            self.look()
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    def look(self) -> None:
        """Keep what is new in the channel."""
        if self._looked_at == self._env.happened:
            return
        self._looked_at = self._env.happened
        now = {message.id: message for message in self._env.studio.history()}
        for message in now.values():
            self._keep(message)
        for entry in self._entries.values():
            entry.deleted = entry.id not in now

    def _keep(self, message: discord.Message) -> None:
        entry = self._entries.get(message.id)
        if entry is None:
            entry = self._entries[message.id] = self._entry(message)
            self.items.append(entry)
        state = MessageState(
            at=self.seconds,
            clock=time.time(),
            text="Thinking…" if message.flags.loading else message.content,
            embeds=tuple(f"**{e.title or ''}**\n{e.description or ''}" for e in message.embeds),
            files=tuple(self._file(attachment) for attachment in message.attachments),
            buttons=tuple(f"{b.emoji or ''} {b.label or ''}".strip() for b in buttons(message)),
        )
        if not entry.states or _look(entry.states[-1]) != _look(state):
            entry.states.append(state)
            self.tell(entry)

    def _entry(self, message: discord.Message) -> MessageHistory:
        kept = self._env.backend.get_message(message.channel.id, message.id)
        by = kept.interaction_metadata or {}
        asker = self.names.get(int(by.get("user", {}).get("id", 0)), "")
        command = by.get("name")
        answers = None
        reference = message.reference
        if reference is not None and reference.message_id in self._entries:
            first = self._entries[reference.message_id]
            answers = f"{first.author}: {first.states[-1].text[:80]}"
        return MessageHistory(
            id=message.id,
            author=self.names.get(message.author.id, message.author.name),
            bot=message.author.bot,
            written=message.created_at,
            used=f"{asker} used /{command}" if asker and command else None,
            answers=answers,
            only_for=asker if message.flags.ephemeral else None,
        )

    def _file(self, attachment: discord.Attachment) -> str:
        data: bytes = self._env.backend.cdn.get(attachment.url) or b""
        digest = hashlib.sha256(data).hexdigest()[:DIGEST_LETTERS]
        name = Path(attachment.filename)
        path = self._folder / f"{name.stem}-{digest}{name.suffix}"
        if not path.exists():
            path.write_bytes(data)
        return path.name


def _look(state: MessageState) -> tuple[object, ...]:
    return state.text, state.embeds, state.files, state.buttons
