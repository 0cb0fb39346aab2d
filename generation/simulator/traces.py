"""What people ask for, and when: seeded, so that every policy sees the same day.

Invariant: a trace depends on its seed and its parameters alone; how wrong the predictions are
changes nothing else in it, for the dice are thrown either way.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from generation.draft import Checkpoint, Draft, DraftSampling, DraftWords, complete
from generation.families.family import FAMILIES
from generation.job import GroupId, Job, JobId, Share, UserId
from generation.model_key import ModelKey, model_key
from generation.recipe import Recipe, Sha256, Weights, needed

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedModel:
    """A model as the device feels it, in seconds."""

    name: str
    step: float
    swap: float  # to bring it onto the device
    ends: float  # encoding the words and decoding the picture; paid with the last step

    @property
    def key(self) -> ModelKey:
        """What jobs of it need."""
        return model_key(recipe(self.name, steps=1))

    def seconds(self, steps: int) -> float:
        """What a whole picture takes, once the model is there."""
        return self.step * steps + self.ends


# From disk; parameters of the right size, not measurements.
DISK: Mapping[str, SimulatedModel] = {
    "sdxl": SimulatedModel(name="sdxl", step=0.12, swap=6.0, ends=0.6),
    "flux": SimulatedModel(name="flux", step=0.45, swap=15.0, ends=1.0),
    "anime": SimulatedModel(name="anime", step=0.12, swap=6.0, ends=0.6),
    "video": SimulatedModel(name="video", step=4.0, swap=25.0, ends=6.0),
}
# The same from the machine's memory.
MEMORY: Mapping[str, SimulatedModel] = {
    name: replace(DISK[name], swap=swap)
    for name, swap in {"sdxl": 1.5, "flux": 4.0, "anime": 1.5, "video": 8.0}.items()
}

MANY: Mapping[str, SimulatedModel] = {
    "video": MEMORY["video"],
    **{
        name: replace(MEMORY["sdxl"], name=name)
        for name in (f"style {number}" for number in range(1, 13))
    },
}

# How many of the pictures want which model.
Tastes = Sequence[tuple[str, float]]
THREE: Tastes = (("sdxl", 0.55), ("flux", 0.25), ("anime", 0.2))
# The second is half as popular as the first, the third a third...
TWELVE: Tastes = tuple((f"style {number}", 0.3222 / number) for number in range(1, 13))

VIDEO_STEPS = 50  # 206 s


class Crowd(StrEnum):
    """Which crowd a job's owner belongs to."""

    LIGHT = "light"  # a picture now and then
    HEAVY = "heavy"  # hundreds at once
    VICTIM = "victim"  # new, among many who are
    RETURNING = "returning"  # has had a picture already
    ALT = "alt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A job, when it came, and what it will truly take."""

    job: Job
    at: float
    who: str
    kind: Crowd
    checkpoint: SimulatedModel
    error: float  # predicted seconds / true seconds

    @property
    def seconds(self) -> float:
        return self.checkpoint.seconds(needed(self.job.recipe.sampling).steps)


Trace = Sequence[Arrival]  # in order of arrival; job ids count up


class Script:
    """Collects what people ask for; `trace` sorts and numbers it."""

    def __init__(
        self, seed: int, models: Mapping[str, SimulatedModel], *, sigma: float = 0.25
    ) -> None:
        self.dice = random.Random(seed)
        self._models = models
        self._sigma = sigma  # of the logarithm of the predictions' errors
        self._owners: dict[str, UserId] = {}
        self._asked: list[Arrival] = []

    def ask(
        self,
        who: str,
        at: float,
        *,
        kind: Crowd,
        model: str = "sdxl",
        steps: int = 28,
        group: str = "a server",
        weight: float = 1.0,
    ) -> None:
        error = math.exp(self._sigma * self.dice.gauss(0.0, 1.0))
        checkpoint = self._models[model]
        job = Job(
            id=JobId(0),
            owner=self._owners.setdefault(who, UserId(len(self._owners) + 1)),
            recipe=recipe(checkpoint.name, steps),
            cost=checkpoint.seconds(steps) * error,
            share=_share(group, weight),
        )
        self._asked.append(
            Arrival(job=job, at=at, who=who, kind=kind, checkpoint=checkpoint, error=error)
        )

    def trace(self) -> Trace:
        return [
            replace(asked, job=replace(asked.job, id=JobId(number)))
            for number, asked in enumerate(sorted(self._asked, key=lambda asked: asked.at))
        ]


def mixed(
    seed: int,
    models: Mapping[str, SimulatedModel],
    *,
    sigma: float = 0.25,
    groups: int = 1,
    light: int = 36,
    heavy: int = 4,
    jobs: int = 600,
    every: float = 700.0,
    only: str | None = None,
    tastes: Tastes = THREE,
    horizon: float = 2 * HOUR,
) -> Trace:
    """Heavy users who queue `jobs` each at once, light ones who want one now and then.

    The last heavy user makes videos, unless there is `only` one model.
    """
    script = Script(seed, models, sigma=sigma)
    dice = script.dice
    for number in range(heavy):
        films = only is None and number == heavy - 1
        favourite = _some_model(tastes, dice)
        for _ in range(60 if films else jobs):
            model = only or ("video" if films else _mostly(favourite, 0.8, tastes, dice))
            steps = VIDEO_STEPS if films else dice.choice([20, 30, 40])
            script.ask(
                f"H{number}",
                dice.uniform(0.0, 30.0),
                kind=Crowd.HEAVY,
                model=model,
                steps=steps,
                group=f"server {number % groups}",
            )
    for number in range(light):
        at = dice.expovariate(1 / every)
        favourite = _some_model(tastes, dice)
        while at < horizon:
            model = only or _mostly(favourite, 0.7, tastes, dice)
            script.ask(
                f"L{number}",
                at,
                kind=Crowd.LIGHT,
                model=model,
                steps=dice.choice([20, 28]),
                group=f"server {number % groups}",
            )
            at += dice.expovariate(1 / every)
    return script.trace()


def burst(seed: int) -> Trace:
    """Six people keep the device busy to 80 %; a seventh, idle for an hour, queues 400 at once."""
    script = Script(seed, DISK)
    for number in range(6):
        at = script.dice.uniform(0.0, 30.0)
        while at < 2 * HOUR:
            script.ask(f"S{number}", at, kind=Crowd.LIGHT)
            at += script.dice.expovariate(1 / 30)
    for _ in range(400):
        script.ask("X", HOUR, kind=Crowd.HEAVY)
    return script.trace()


def alts(seed: int, *, accounts: int = 16, group: str = "server A") -> Trace:
    """Two servers with four busy people each; somebody brings these accounts to one of them."""
    script = Script(seed, DISK)
    for server in ("server A", "server B"):
        for number in range(4):
            for _ in range(300):
                at = script.dice.uniform(0.0, 5.0)
                script.ask(f"{server} {number}", at, kind=Crowd.HEAVY, group=server)
    for number in range(accounts):
        for _ in range(300):
            script.ask(f"Z{number}", script.dice.uniform(0.0, 5.0), kind=Crowd.ALT, group=group)
    return script.trace()


def newcomers(seed: int) -> Trace:
    """Every 3 s a brand-new account wants a picture of 4 s, so that the line only grows.

    Two people wait in it: V, who is new too and wants another model, and R, who comes back for a
    second picture.
    """
    script = Script(seed, DISK, sigma=0.0)
    script.ask("R", 0.0, kind=Crowd.LIGHT)
    for number in range(600):
        # The first seed is on the second; the others jostle.
        jitter = script.dice.uniform(-1.0, 1.0) if seed != FIRST_SEED else 0.0
        script.ask(f"N{number}", max(0.0, number * 3.0 + jitter), kind=Crowd.LIGHT)
    script.ask("V", 60.0, kind=Crowd.VICTIM, model="flux")
    script.ask("R", 60.0, kind=Crowd.RETURNING)
    return script.trace()


def weighted(seed: int, weights: Sequence[float]) -> Trace:
    """People of these weights, each with more waiting than could ever be drawn."""
    script = Script(seed, DISK)
    for number, weight in enumerate(weights):
        for _ in range(1000):
            at = script.dice.uniform(0.0, 1.0)
            script.ask(f"W{number}", at, kind=Crowd.HEAVY, weight=weight)
    return script.trace()


FIRST_SEED = 11


@cache
def recipe(model: str, steps: int) -> Recipe:
    """Any recipe of this model and so many steps; the queue reads no more of it."""
    checkpoint = Checkpoint(
        weights=Weights(name=model, sha256=_digest(model)), family=FAMILIES["sdxl"]
    )
    draft = Draft(
        words=DraftWords(prompt="anything"),
        sampling=DraftSampling(sampler="euler", scheduler="normal", steps=steps),
    )
    return complete(draft, checkpoint, seed=1, device="cuda")


@cache
def _digest(model: str) -> Sha256:
    return Sha256(hashlib.sha256(model.encode()).hexdigest())


@cache
def _share(group: str, weight: float) -> Share:
    return Share(group=GroupId(group), weight=weight)


def _mostly(favourite: str, loyalty: float, tastes: Tastes, dice: random.Random) -> str:
    return favourite if dice.random() < loyalty else _some_model(tastes, dice)


def _some_model(tastes: Tastes, dice: random.Random) -> str:
    drawn = dice.random()
    for model, part in tastes:
        drawn -= part
        if drawn <= 0.0:
            return model
    return tastes[0][0]
