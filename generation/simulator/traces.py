"""What people ask for, and when: seeded, so that every policy sees the same day.

Invariant: a trace depends on its seed and its parameters alone; how wrong the predictions are
changes nothing else in it, for the dice are thrown either way.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, partial

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
    ends: float  # encoding the words and decoding what was drawn; paid behind the last step
    blocks: int = 1  # of one step: a job can be left behind each of them
    pieces: int = 0  # into which the ends are cut; 0: they belong to the last step

    @property
    def key(self) -> ModelKey:
        """What jobs of it need."""
        return model_key(recipe(self.name, steps=1))

    def seconds(self, steps: int) -> float:
        """What a whole work takes, once the model is there."""
        return self.step * steps + self.ends

    def places(self, steps: int) -> int:
        """How often it can be left, the end included."""
        return steps * self.blocks + self.pieces

    def until(self, places: int, left: int) -> float:
        """What the next so many of those that are left take."""
        if not self.pieces:
            return self.step / self.blocks * places + (self.ends if places == left else 0.0)
        within = min(places, max(left - self.pieces, 0))
        return self.step / self.blocks * within + self.ends / self.pieces * (places - within)

    def stretch(self, places: int, seconds: float | None) -> int:
        """How many of them are worked on in so many seconds, one at least; None: all of them."""
        if seconds is None:
            return places
        within = places - self.pieces
        if within > 0:
            return min(max(1, int(seconds / (self.step / self.blocks))), within)
        return min(max(1, int(seconds / (self.ends / self.pieces))), places)


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

# Works of all media as they were measured, each by those who say so and on a card of theirs:
#   film    Wan 2.2 14B in fp8, 81 frames of 640x640, RTX 4090D: 536 s with 20 steps, 97 s with a
#           LoRA for 4 (ComfyUI's template video_wan2_2_14B_i2v).  A step with the LoRA asks the
#           model once instead of twice: from both follows what a step takes, and what is no step.
#           40 blocks in a call, 21 latent frames
#   clip    Wan 2.1 1.3B, 81 frames of 832x480, RTX 4090: 4 minutes (its README), 50 steps.
#           30 blocks in a call, 21 latent frames
#   song    ACE-Step, RTX 4090: 1.74 s for a minute with 27 steps, 3.84 s with 60 (its README);
#           here three minutes
#   sound   Stable Audio 3 small, two minutes, RTX 2080 Ti: words 0.58 s, 8 steps 1.01 s, decoding
#           2.05 s (the card of its conversion to MNN)
#   form    Shap-E of words, V100: 13 s (its paper), 64 steps
# How long models take to come is of the right size, as above; from disk come the large ones.
_film = partial(SimulatedModel, name="film", pieces=21)
_OTHER_MEDIA: Mapping[str, SimulatedModel] = {
    "film": _film(step=24.4, blocks=2 * 40, ends=48.0, swap=8.0),
    "film in 4": _film(step=12.2, blocks=40, ends=48.2, swap=8.0),
    "clip": SimulatedModel(name="clip", step=4.6, blocks=2 * 30, ends=10.0, pieces=21, swap=3.0),
    "song": SimulatedModel(name="song", step=0.19, ends=0.1, swap=3.0),
    "sound": SimulatedModel(name="sound", step=0.126, ends=2.6, swap=1.5),
    "form": SimulatedModel(name="form", step=0.2, ends=0.2, swap=1.5),
}
MEDIA_MEMORY: Mapping[str, SimulatedModel] = {**MEMORY, **_OTHER_MEDIA}
MEDIA_DISK: Mapping[str, SimulatedModel] = {
    **DISK,
    **_OTHER_MEDIA,
    "film": _film(step=24.4, blocks=2 * 40, ends=48.0, swap=25.0),
    "film in 4": _film(step=12.2, blocks=40, ends=48.2, swap=25.0),
}
# Steps of what is no picture.
USUAL_STEPS = {"video": 50, "film": 20, "film in 4": 4, "clip": 50} | {
    "song": 27,
    "sound": 8,
    "form": 64,
}
MEASURED_VIDEOS = ("film", "film in 4")
FILMS: Tastes = (("film", 0.4), ("film in 4", 0.4), ("clip", 0.2))
SOUNDS_AND_FORMS: Tastes = (("song", 0.4), ("sound", 0.4), ("form", 0.2))
# What light users want: pictures nearly always.
OF_ALL_MEDIA: Tastes = (
    *((model, 0.88 * part) for model, part in THREE),
    *(("song", 0.03), ("sound", 0.03), ("form", 0.03), ("film in 4", 0.03)),
)


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
    videos: Sequence[str] = ("video",),  # of 206 s
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
        for nth in range(60 if films else jobs):
            if films:  # no dice are thrown: whatever videos there are, the day is the same
                model = videos[nth % len(videos)]
                steps = USUAL_STEPS[model]
            else:
                model = only or _mostly(favourite, 0.8, tastes, dice)
                steps = dice.choice([20, 30, 40])
            script.ask(
                f"H{number}",
                dice.uniform(0.0, 30.0),
                kind=Crowd.HEAVY,
                model=model,
                steps=steps,
                group=f"server {number % groups}",
            )
    _light_people(
        script,
        light,
        every,
        horizon,
        groups,
        lambda: _some_model(tastes, dice),
        lambda favourite: only or _mostly(favourite, 0.7, tastes, dice),
    )
    return script.trace()


def _light_people(
    script: Script,
    count: int,
    every: float,
    horizon: float,
    groups: int,
    likes: Callable[[], str],
    wants: Callable[[str], str],
) -> None:
    """Who asks now and then: for what it wants, given what it likes."""
    for number in range(count):
        at = script.dice.expovariate(1 / every)
        favourite = likes()
        while at < horizon:
            model = wants(favourite)
            script.ask(
                f"L{number}",
                at,
                kind=Crowd.LIGHT,
                model=model,
                steps=USUAL_STEPS.get(model) or script.dice.choice([20, 28]),
                group=f"server {number % groups}",
            )
            at += script.dice.expovariate(1 / every)


def of_all_media(
    seed: int,
    models: Mapping[str, SimulatedModel],
    *,
    sigma: float = 0.25,
    groups: int = 1,
    light: int = 36,
    heavy: int = 4,
    jobs: int = 600,
    every: float = 700.0,
    horizon: float = 2 * HOUR,
) -> Trace:
    """Of four heavy users two queue pictures, one sounds and forms, and one films.

    Light ones want pictures nearly always.
    """
    script = Script(seed, models, sigma=sigma)
    dice = script.dice

    for number in range(heavy):
        tastes = (THREE, THREE, SOUNDS_AND_FORMS, FILMS)[number % 4]
        favourite = _some_model(tastes, dice)
        for _ in range(60 if tastes is FILMS else jobs):
            model = _mostly(favourite, 0.8 if tastes is THREE else 0.0, tastes, dice)
            script.ask(
                f"H{number}",
                dice.uniform(0.0, 30.0),
                kind=Crowd.HEAVY,
                model=model,
                steps=USUAL_STEPS.get(model) or dice.choice([20, 30, 40]),
                group=f"server {number % groups}",
            )
    _light_people(
        script,
        light,
        every,
        horizon,
        groups,
        lambda: _some_model(THREE, dice),
        lambda favourite: _mostly(favourite, 0.6, OF_ALL_MEDIA, dice),
    )
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
