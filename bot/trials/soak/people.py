"""The people of a day: what kinds there are, when they are awake, and what they do.

Everything a person does goes through the simulated Discord: commands, buttons, replies.  What they
choose is decided by a seed, when they do it by the day's clock, what comes of it by the bot.

Invariant: a person who was told that something is queued remembers nothing of it.  The witness
does; so impatience here can neither lose nor double anything in the count.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from simcord import BackendError, SetupError
from simcord.results import to_discord_message

from bot.trials.bench.figure import Spread
from bot.trials.soak.town import Home, Town
from bot.trials.soak.witness import Witness

BEGINS = 16.0  # o'clock: the evening comes early, so that memory is warm when it is judged
QUIETEST = 0.08  # of the busiest hour
PEAK = 20.0  # o'clock
PATIENCE = 60.0  # real seconds that somebody looks at the channel for a picture
NOTICED = 10.0  # real seconds until somebody no longer looks for an answer

WORDS = "a red flower, two blue circles, a green house at night, a yellow cat, three small boats"
OFTEN_PRESSED = ("again", "again", "again", "recipe", "reproduce", "words", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A kind of person: how often they come by in a day, and what they do then (weights)."""

    name: str
    part: float  # of all people
    visits: float  # in 24 hours, at the busiest hour's pace
    does: Mapping[str, float]


HABITS = (
    Habit(
        name="light",
        part=0.54,
        visits=60,
        does={"ask": 6, "press": 3, "look": 1, "settings": 0.5, "type": 1},
    ),
    Habit(name="heavy", part=0.12, visits=48, does={"series": 4, "burst": 2, "ask": 1}),
    Habit(name="bursts", part=0.12, visits=20, does={"burst": 5, "look": 1}),
    Habit(name="talks", part=0.10, visits=80, does={"reply": 5, "press": 3, "ask": 2}),
    Habit(
        name="impatient",
        part=0.08,
        visits=80,
        does={"ask_and_cancel": 4, "look": 4, "cancel": 2, "permute": 1},
    ),
    Habit(name="films", part=0.04, visits=20, does={"film": 3, "look": 2, "ask": 1}),
)


class CompressedDay:
    """The compressed clock; it stands still while everybody rests."""

    def __init__(self, *, seconds: float, hours: float) -> None:
        self.seconds, self.hours = seconds, hours
        self._lived = 0.0
        self._since: float | None = None
        self._awake = asyncio.Event()

    def begin(self) -> None:
        """Time runs."""
        self._since = time.monotonic()
        self._awake.set()

    def rest(self) -> None:
        """Time stands still, and nobody begins anything."""
        self._lived, self._since = self.lived, None
        self._awake.clear()

    @property
    def lived(self) -> float:
        """Real seconds of the day so far, rests not counted."""
        return self._lived + (time.monotonic() - self._since if self._since is not None else 0.0)

    @property
    def part(self) -> float:
        """How much of the day is over, from 0."""
        return self.lived / self.seconds

    @property
    def activity(self) -> float:
        """How many are awake, from QUIETEST to 1."""
        hour = BEGINS + self.part * self.hours
        wave = 0.5 + 0.5 * math.cos((hour - PEAK) / 24 * 2 * math.pi)
        return QUIETEST + (1 - QUIETEST) * wave * math.sqrt(wave)

    async def awake(self) -> None:
        """Wait while everybody rests."""
        await self._awake.wait()


class Resident:
    """One person."""

    def __init__(
        self,
        home: Home,
        habit: Habit,
        town: Town,
        witness: Witness,
        day: CompressedDay,
        dice: random.Random,
        log: Notebook,
    ) -> None:
        self._member, self._channel = home
        self._habit, self._town, self._witness, self._day = habit, town, witness, day
        self._dice, self._log = dice, log
        self._acts: dict[str, Callable[[], Awaitable[object]]] = {
            "ask": self._ask,
            "series": self._series,
            "burst": self._burst,
            "film": self._film,
            "permute": self._permute,
            "reply": self._reply,
            "press": self._press,
            "look": self._look,
            "settings": self._settings,
            "type": self._type,
            "cancel": self._cancel,
            "ask_and_cancel": self._ask_and_cancel,
        }

    async def live(self) -> None:
        """Come by until the day is over."""
        # Thinning: candidates at the busiest pace, of which a quiet hour takes fewer.
        mean = self._day.seconds / self._day.hours * 24 / self._habit.visits
        names, weights = list(self._habit.does), list(self._habit.does.values())
        while self._day.part < 1.0:
            await asyncio.sleep(self._dice.expovariate(1 / mean))
            await self._day.awake()
            if self._day.part >= 1.0 or self._dice.random() > self._day.activity:
                continue
            act = self._dice.choices(names, weights)[0]
            self._log.acts[act] += 1
            # What a real person cannot do either: press a button that is gone.
            with suppress(SetupError, BackendError):
                await self._acts[act]()

    # -- asking ----------------------------------------------------------------------------------

    async def _ask(self, **options: object) -> int | None:
        """Ask for pictures and look until they are there; the request, if it was queued."""
        request = await self._imagine(**options)
        if request is not None:
            await self._witness.result_of(request, PATIENCE)
        return request

    async def _series(self) -> None:
        await self._ask(count=self._dice.choice((4, 4, 8)))

    async def _burst(self) -> None:
        for _ in range(self._dice.randint(5, 10)):
            await self._imagine()

    async def film(self, size: str = "256x256") -> None:
        """Ask for what takes half a minute of a processor, forty times as long as others'."""
        await self._imagine(size=size, steps=150)

    async def _film(self) -> None:
        await self.film(self._dice.choice(("128x128", "256x256")))

    async def _ask_and_cancel(self) -> None:
        request = await self._imagine(count=2)
        await asyncio.sleep(self._dice.uniform(0.0, 1.0))
        await self._slash("cancel", **({"request": str(request)} if request else {}))

    async def _permute(self) -> None:
        asked = await self._slash("imagine", prompt="a {red, blue, green} circle", **self._small())
        for _ in range(20):
            shown = asked.response.message if asked.response else None
            rows = shown.components if shown else []
            if rows:
                yes = rows[0].children[0 if self._dice.random() < 0.8 else 1]
                await self._timed("press", self._member.click(shown, custom_id=yes.custom_id))
                return
            await asyncio.sleep(0.1)

    async def _imagine(self, **options: object) -> int | None:
        words = self._dice.choice(WORDS.split(", "))
        asked = await self._slash("imagine", prompt=words, **{**self._small(), **options})
        if asked.response is None or asked.ephemeral:
            return None  # it was declined, or its progress is an ordinary message
        return await self._witness.request_of(asked.response.id, NOTICED)

    def _small(self) -> dict[str, object]:
        return {"size": "64x64", "steps": self._dice.choice((2, 4, 4, 6, 8))}

    # -- everything else -------------------------------------------------------------------------

    async def _reply(self) -> None:
        if found := self._witness.recent(self._dice):
            _, channel, message = found
            stored = self._town.backend.get_message(channel, message)
            words = self._dice.choice(("make it blue", "at night", "1: with a red roof"))
            await self._member.send(
                self._channel, words, reply_to=to_discord_message(self._town, stored)
            )

    async def _press(self) -> None:
        if found := self._witness.recent(self._dice):
            request, channel, message = found
            shown = to_discord_message(self._town, self._town.backend.get_message(channel, message))
            button = f"atelier:{self._dice.choice(OFTEN_PRESSED)}:{request}"
            await self._timed("press", self._member.click(shown, custom_id=button))

    async def _look(self) -> None:
        await self._slash("queue")

    async def _settings(self) -> None:
        await self._slash("settings", **self._dice.choice(({}, {}, {"reset": True})))

    async def _type(self) -> None:
        typed = self._dice.choice(("d", "dpm", "e", "uni"))
        await self._timed(
            "type",
            self._member.autocomplete(self._channel, "imagine", "sampler", typed, prompt="a"),
        )

    async def _cancel(self) -> None:
        await self._slash("cancel")

    async def _slash(self, name: str, **options: object) -> Any:
        return await self._timed(name, self._member.slash(self._channel, name, **options))

    async def _timed(self, name: str, doing: Awaitable[Any]) -> Any:
        began = time.perf_counter()
        done = await doing
        if not getattr(done, "acknowledged", True):
            self._log.unanswered[name] += 1
        self._log.answered.setdefault(name, Spread()).add(time.perf_counter() - began)
        return done


class Notebook:
    """What the people noticed."""

    def __init__(self) -> None:
        self.acts: Counter[str] = Counter()
        self.unanswered: Counter[str] = Counter()  # not acknowledged within Discord's 3 seconds
        self.answered: dict[str, Spread] = {}  # seconds until acknowledged, by command


def residents(
    town: Town, witness: Witness, day: CompressedDay, log: Notebook, *, seed: int = 0
) -> tuple[Resident, ...]:
    """Everybody, each with a habit, in the proportions of HABITS."""
    kinds = [habit for habit in HABITS for _ in range(round(habit.part * len(town.homes)))]
    kinds += [HABITS[0]] * (len(town.homes) - len(kinds))
    return tuple(
        Resident(home, habit, town, witness, day, random.Random(seed * 1000 + number), log)
        for number, (home, habit) in enumerate(zip(town.homes, kinds, strict=False))
    )
