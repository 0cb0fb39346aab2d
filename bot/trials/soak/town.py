"""The town: the simulated Discord with several channels and people who act at the same time.

`LiveEnv` lets one person act at a time, which is enough for a page; fifty people do not queue at
the keyboard.  And it keeps interactions for the fifteen minutes that their tokens live, which in a
compressed day is all of it: here they go after a minute.

Invariant: at rest, the town holds as much after a day as after an hour, so whatever grows in this
process is the bot's.
"""

from __future__ import annotations

import time
from typing import Any

from bot.sandbox.realtime import DISCORD_EPOCH, LiveEnv

CHANNELS = ("portraits", "landscapes", "night-owls")  # beside #studio
OTHER_CHANNELS = ("gallery", "workshop")  # of the second server
NEWCOMERS = 0.1  # of the people: their accounts are made as the day begins
KEPT_SECONDS = 60.0  # interactions
KEPT_IDS = 5000

Home = tuple[Any, Any]  # a member, and the channel that they use


class Town(LiveEnv):
    """Two servers, six channels, many people."""

    GRACE_SECONDS = 0.0
    ORPHAN_SECONDS = 10.0
    kept_messages = 100  # as many as the bot looks back over for a result that it may have posted
    logged = 100

    def __init__(self, bot: Any, *, people: int) -> None:
        self._people = people
        self.homes: list[Home] = []
        super().__init__(bot)
        self._move_in(people)  # those whose accounts are of this minute

    def _furnish(self) -> None:
        super()._furnish()
        first = self.guild_handle
        self._places = [(first, self.studio)]
        self._places += [(first, first.create_text_channel(name)) for name in CHANNELS]
        second = self.create_guild("The Annex")
        self._places += [(second, second.create_text_channel(name)) for name in OTHER_CHANNELS]
        self._move_in(self._people - round(self._people * NEWCOMERS))

    def _move_in(self, people: int) -> None:
        for number in range(len(self.homes), people):
            guild, channel = self._places[number % len(self._places)]
            user = self.create_user(f"person{number}", global_name=f"Person {number}")
            self.homes.append((guild.add_member(user), channel))

    def _begin_operation(self, label: str) -> None:
        """Everybody may act at once."""

    def _end_operation(self) -> None:
        """The end of an operation, for which nobody waits here."""

    def trim(self) -> None:
        """Forget more than the sandbox does: the day is a short one."""
        super().trim()
        backend = self.backend
        oldest = int((time.time() - KEPT_SECONDS - DISCORD_EPOCH) * 1000) << 22
        for key in [key for key in backend.interactions if key < oldest]:
            backend.interaction_tokens.pop(backend.interactions.pop(key).token, None)
        if len(backend._reserved_ids) > KEPT_IDS:  # a millisecond that is over does not come back
            backend._reserved_ids.clear()
            backend._sequences.clear()
        self.faults.clear()  # they hold the frames that they were raised in
