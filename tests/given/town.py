"""A simulated Discord with two servers, and people in every relation to a picture.

    The App: #studio for all, #hidden for some, a private thread     The Other App: #other
        olga  asks for pictures                                            cem   a member
        mia   may view all of it                                           dan   its administrator
        ann   moderates, and may view all of it                            kit   a member of both,
        ben   views #studio only                                                 until he is kicked

Invariant: what a person sees is what simcord would show them, `seen_by` all of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
from simcord.backend.models import Overwrite
from simcord.builders import ChannelHandle
from simcord.enums import ChannelType, OverwriteType
from simcord.results import to_discord_message

from bot.app import App
from bot.sandbox.person import SimulatedPerson
from bot.sandbox.realtime import LiveEnv, living
from tests.given.apps import an_idle_app
from tests.given.discord_world import PATIENT
from tests.given.fakes import FakeWorker

ACTIONS = (
    *("again", "edit", "back", "recipe", "reproduce", "star", "delete", "words", "styles", "own"),
    *("cancel", "undo", "subtle", "strong", "zoom", "meant", "upscale"),
)


class Town(LiveEnv):
    """The servers, furnished.  Hundreds of trials make no long history."""

    GRACE_SECONDS = 0.002
    kept_messages = 12

    def _furnish(self) -> None:
        super()._furnish()
        server = self.guild_handle
        self.olga, self.mia = (server.add_member(self._user(name)) for name in ("Olga", "Mia"))
        both = self._user("Kit")
        self.kit_here = server.add_member(both)
        sees = discord.PermissionOverwrite(view_channel=True)
        admitted = (self.olga, self.mia, self.kit_here, self.ann)
        shut = {server.default_role: discord.PermissionOverwrite(view_channel=False)}
        self.hidden = server.create_text_channel(
            "hidden", overwrites={**shut, **dict.fromkeys(admitted, sees)}
        )
        self.backend.set_overwrite(
            self.hidden.id,
            Overwrite(
                target_id=self.backend.bot_user.id,
                type=OverwriteType.MEMBER,
                allow=discord.Permissions(view_channel=True).value,
                deny=0,
            ),
        )
        self.doomed = server.create_text_channel("doomed")
        self.other_house = self.create_guild("The Other App")
        self.other = self.other_house.create_text_channel("other")
        everything = discord.Permissions(administrator=True)
        admins = self.other_house.create_role("Admins", permissions=everything)
        self.cem = self.other_house.add_member(self._user("Cem"))
        self.dan = self.other_house.add_member(self._user("Dan"), roles=[admins])
        self.kit = self.other_house.add_member(both)
        self.robot = self.create_user("robot", bot=True)
        for guild in (server, self.other_house):
            guild.add_member(self.robot)

    def _user(self, name: str) -> Any:
        return self.create_user(name.lower(), global_name=name)

    def a_private_thread(self, *members: Any) -> ChannelHandle:
        """In #studio, for these people alone."""
        thread = self.backend.create_thread(
            self.studio.id, "a thread", members[0].id, type=ChannelType.PRIVATE_THREAD
        )
        for member in (*members[1:], self.backend.bot_user):
            self.backend.add_thread_member(thread.id, member.id)
        return ChannelHandle(self, self.guild_handle, thread)


class Visitor(SimulatedPerson):
    """Somebody in one channel; None: in their direct messages with the bot."""

    def __init__(self, env: Town, actor: Any, channel: ChannelHandle | None) -> None:
        super().__init__(env, actor if channel is not None else actor.user)
        self.channel = channel if channel is not None else actor.user.dm_channel
        self.direct = channel is None

    async def command(self, name: str, /, **options: Any) -> Any:
        where = () if self.direct else (self.channel,)
        return await self.actor.slash(*where, name, **options)

    async def offered(self, name: str, option: str, typed: str) -> list[dict[str, Any]]:
        """Names and values."""
        where = () if self.direct else (self.channel,)
        return list(await self.actor.autocomplete(*where, name, option, typed))

    async def say(
        self, text: str = "", *, reply_to: Any = None, files: Any = ()
    ) -> discord.Message:
        message: discord.Message = await self.actor.send(
            self.channel, text, reply_to=reply_to, attachments=files
        )
        return message

    async def menu(self, command: str, message: Any) -> Any:
        return await self.actor.context_menu(self.channel, command, message)

    def messages(self) -> list[discord.Message]:
        seen: list[discord.Message] = self.channel.history(viewer=self.actor)
        return seen

    async def click(self, message: Any, custom_id: str) -> Any:
        """Press a component by what it is called inside."""
        return await self.actor.click(message, custom_id=custom_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The bot in that town."""

    env: Town
    app: App
    worker: FakeWorker

    def visitor(self, actor: Any, channel: ChannelHandle | None) -> Visitor:
        return Visitor(self.env, actor, channel)

    def forged(self, channel: ChannelHandle, request: int | str, *, by: int) -> discord.Message:
        """A message with every button and menu about a request, that no database knows."""
        names = [f"atelier:{action}:{request}" for action in ACTIONS]
        rows: list[dict[str, Any]] = [
            {"type": 1, "components": [_button(name) for name in names[at : at + 5]]}
            for at in range(0, len(names), 5)
        ]
        option = {"label": "Watercolor", "value": "watercolor"}
        menu = {"type": 3, "custom_id": f"atelier:style:{request}:0", "options": [option]}
        rows.append({"type": 1, "components": [menu]})
        message = self.env.backend.create_message(channel.id, by, "look", components=rows)
        shown: discord.Message = to_discord_message(self.env, message)
        return shown


def _button(custom_id: str) -> dict[str, Any]:
    return {"type": 2, "style": 2, "label": custom_id, "custom_id": custom_id}


@asynccontextmanager
async def a_scene(
    folder: Path, worker: FakeWorker | None = None, **settings: Any
) -> AsyncIterator[Scene]:
    """The real bot with a doodling worker in the town, until the block ends."""
    worker = worker or FakeWorker()
    async with an_idle_app(folder, worker, **settings) as app, app.on_discord() as client:
        env = Town(client)
        env.ACKNOWLEDGE_SECONDS = PATIENT
        async with living(env):
            yield Scene(env=env, app=app, worker=worker)
