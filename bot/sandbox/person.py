"""A person in the simulated Discord, for scripts: the demo and the tests.

The page does not need it; there the person is you.

Invariant: a person sees and does only what Discord would let them see and do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import discord

from bot.sandbox.realtime import LiveEnv

LOOK_EVERY_SECONDS = 0.02
PATIENCE_SECONDS = 30.0

File = tuple[str, bytes]  # a file's name and what is in it


class NotSeen(AssertionError):
    """What was waited for did not come; the text shows the channel as it is."""


class SimulatedPerson:
    """A member of the guild who writes, runs commands, presses buttons and looks.

    What they do returns when the bot has acknowledged it; simcord's InteractionResult says how:
    `.response` (a message or None), `.ephemeral`, `.modal`, `.followups`.  Where Discord would not
    let them, it raises simcord's SetupError or BackendError.
    """

    def __init__(self, env: LiveEnv, actor: Any) -> None:
        self.env = env
        self.actor = actor
        self.id: int = actor.id
        self.name: str = env.backend.get_user(actor.id).global_name

    def reads(self, locale: str) -> None:
        """From now on their Discord is in that language."""
        self.env.locales[self.id] = locale

    # ------------------------------------------------------------------------------- what they do

    async def command(self, name: str, /, **options: Any) -> Any:
        """Run a slash command.  An attachment option is a pair of file name and bytes."""
        return await self.actor.slash(self.env.studio, name, **options)

    async def complete(self, name: str, option: str, typed: str, /, **others: Any) -> list[str]:
        """What is offered for an option after typing that; the offered values."""
        offered = await self.actor.autocomplete(self.env.studio, name, option, typed, **others)
        return [choice["value"] for choice in offered]

    async def say(
        self, text: str = "", *, reply_to: Any = None, files: Sequence[File] = ()
    ) -> discord.Message:
        """Write a message.  A reply pings the author of the message that it answers."""
        message: discord.Message = await self.actor.send(
            self.env.studio, text, reply_to=reply_to, attachments=files
        )
        return message

    async def press(self, message: Any, button: str) -> Any:
        """Press the button whose label or emoji begins like that."""
        found = [b for b in buttons(message) if _face(b).startswith(button) or b.label == button]
        if len(found) != 1:
            faces = [_face(b) for b in buttons(message)]
            raise NotSeen(f"{len(found)} buttons {button!r} among {faces}")
        return await self.actor.click(message, custom_id=found[0].custom_id)

    async def choose(self, message: Any, *values: str) -> Any:
        """Choose in the message's only select."""
        return await self.actor.select(message, values)

    async def submit(self, shown: Any, *answers: str) -> Any:
        """Fill in and send the form that `shown` opened, field by field; of a list, one value."""
        rows = shown.modal["components"]
        fields = [row.get("component") or row["components"][0] for row in rows]
        lists = discord.ComponentType.select.value
        values = {
            field["custom_id"]: [text] if field["type"] == lists else text
            for field, text in zip(fields, answers, strict=True)
        }
        return await self.actor.submit_modal(shown, values)

    async def menu(self, command: str, message: Any) -> Any:
        """Run a command from a message's menu."""
        return await self.actor.context_menu(self.env.studio, command, message)

    # ------------------------------------------------------------------------------ what they see

    def messages(self) -> list[discord.Message]:
        """The channel as they see it, oldest first; others' ephemeral messages are not in it."""
        seen: list[discord.Message] = self.env.studio.history(viewer=self.actor)
        return seen

    async def sees(
        self,
        what: str | Callable[[discord.Message], object],
        *,
        after: discord.abc.Snowflake | None = None,
        seconds: float = PATIENCE_SECONDS,
    ) -> discord.Message:
        """The newest message with that text (or for which `what` is true), as soon as it is there.

        Only messages younger than `after` count.  Raises NotSeen.
        """
        fits = (lambda m: what in m.content) if isinstance(what, str) else what
        try:
            async with asyncio.timeout(seconds):
                while True:
                    for message in reversed(self.messages()):
                        if (after is None or message.id > after.id) and fits(message):
                            return message
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        except TimeoutError:
            shown = "\n".join(f"  {m.author.name}: {m.content}" for m in self.messages())
            raise NotSeen(f"{self.name} did not see {what!r} in {seconds} s:\n{shown}") from None


def buttons(message: Any) -> list[discord.components.Button]:
    """The buttons under a message, in order."""
    own = message if isinstance(message, discord.Message) else message.message
    return [
        part
        for row in own.components
        for part in getattr(row, "children", ())
        if isinstance(part, discord.components.Button)
    ]


def _face(button: discord.components.Button) -> str:
    return f"{button.emoji or ''} {button.label or ''}".strip()


async def pictures(message: discord.Message) -> list[bytes]:
    """The bytes of the pictures in a message."""
    return [
        await attachment.read()
        for attachment in message.attachments
        if (attachment.content_type or "").startswith("image/")
    ]
