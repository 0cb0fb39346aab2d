"""A simulated Discord for tests of the bot: real discord.py, real time, no network.

    from tests.given.discord_world import pictures, world

    async def test_a_picture_arrives(contract) -> None:
        async with world(bot) as here:  # logs the bot in, closes it at the end
            asked = await here.ann.command("imagine", prompt="a red flower")
            assert asked.response.ephemeral
            message = await here.ann.sees(lambda m: m.attachments)  # waits
            await here.ann.press(message, "🎲")  # by label or emoji
            await here.ben.say("make it blue", reply_to=message, files=[("mine.png", png)])
            assert (await pictures(message))[0].startswith(b"\\x89PNG")
            assert not here.faults  # what the bot raised, also what it handled

`here.ann` may manage messages, `here.ben` may not; both are `bot.sandbox.person.SimulatedPerson`:
command, complete, say, press, choose, submit, menu, messages, sees.  `sees` raises NotSeen with
the channel as it is.  `here.env` is simcord's Env, in real time:
`here.env.inject_error("POST", "/channels/*/messages", status=500)` makes requests fail.

The fixture `contract` (tests/given/contract.py) checks each request of the bot against Discord's
rules.

Invariant: time is real.  Give the bot short intervals; nothing here can move the clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import discord

from bot.sandbox.person import NotSeen, SimulatedPerson, buttons, pictures
from bot.sandbox.realtime import LiveEnv, live_env

__all__ = ["NotSeen", "SimulatedPerson", "World", "buttons", "pictures", "world"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A guild with one channel, two people and the bot."""

    env: LiveEnv
    bot: discord.Client
    ann: SimulatedPerson
    ben: SimulatedPerson

    @property
    def faults(self) -> Sequence[BaseException]:
        """What the bot raised so far, whether or not it handled it."""
        return list(self.env.faults)

    def requests(self, method: str, ending: str = "") -> list[tuple[str, object]]:
        """The bot's requests so far: (path, JSON body), oldest first."""
        return [
            (entry.path, entry.json)
            for entry in self.env.http_requests
            if entry.method == method and entry.path.endswith(ending)
        ]


# Discord waits for three seconds, whatever the bot's machine does besides; a test for what the bot
# says, however slow its machine is.
PATIENT = 60.0


@asynccontextmanager
async def world(bot: discord.Client) -> AsyncIterator[World]:
    """The bot in a simulated Discord until the block ends."""
    async with live_env(bot) as env:
        env.ACKNOWLEDGE_SECONDS = PATIENT
        yield World(
            env=env, bot=bot, ann=SimulatedPerson(env, env.ann), ben=SimulatedPerson(env, env.ben)
        )
