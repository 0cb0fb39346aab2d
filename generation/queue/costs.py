"""What will it cost?  What the like of it cost before.

The time of a picture is nearly a straight line in its work: a fixed part (encode, decode) and
the steps.  One line is learnt per checkpoint, size, guidance and order of the sampler; where
nothing was seen yet, coarser lines answer (this checkpoint at any size, this family, anything),
and at first a guess.

Reading weights is no work of a picture: how long it takes is learnt per checkpoint, and apart for
weights that lie in the host's memory already.  So is an answer of a language model on the card: its
seconds, and those until its first one when it must be loaded, are learnt per model.

A prediction is always positive and finite, whatever was learnt: the queue charges it.
"""

from __future__ import annotations

import json
import math
from dataclasses import astuple, dataclass

from generation.enlarging import redrawn_share
from generation.families.architecture import megapixels
from generation.families.family import FAMILIES
from generation.model_key import ModelKey
from generation.recipe import Recipe
from generation.samplers import SAMPLERS
from generation.two_passes import passes

# Seconds per megapixel and call of the model, before anything was seen: between a current GPU
# (0.1 to 0.3) and a laptop's processor (about 8).  It is forgotten with the first picture.
GUESS = 1.0

# What enlarging takes before anything is drawn, in calls of a model on as many pixels.
LOOKED_AT = {"lanczos": 0.05, "model": 1.0}

MEMORY = 0.95  # what an observation still weighs when the next one comes: the last 20 or so count
SURPRISE = 4.0  # a laptop that slept is no news about its speed: the most one observation may say
SLOWEST = 1000.0  # seconds per megapixel and call, on any machine
LONGEST_READING = 3600.0
SHORTEST = 0.01  # seconds
ANSWER = 1.0  # seconds of a language model's answer on a card, before one was seen
DESCRIPTION = 3.0  # seconds that a captioner takes, before any picture was described
MAX_LINES = 1000

# Bytes per second, before any weights were read: an ordinary SSD, and a copy to the device.
DISK_SPEED = 5e8
COPY_SPEED = 5e9
FRESH = 0.3  # what the newest reading weighs


@dataclass(slots=True)
class _Fit:
    """Seconds over work, by least squares with fading memory: decayed sums."""

    count: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def at(self, work: float) -> float:
        mean_x, mean_y = self.x / self.count, self.y / self.count
        # One amount of work says nothing of the slope.  A little weight on "no fixed part at all"
        # settles that case, and is outvoted as soon as the amounts differ.
        proportional = mean_y / mean_x
        prior = 0.01 * mean_x * mean_x
        spread = self.xx / self.count - mean_x * mean_x
        common = self.xy / self.count - mean_x * mean_y
        slope = (common + prior * proportional) / (max(spread, 0.0) + prior)
        # More work never takes less time, and no work never less than none.
        slope = min(max(slope, 0.0), proportional)
        return mean_y + slope * (work - mean_x)

    def learn(self, work: float, seconds: float) -> None:
        if self.count > 2.0:
            seconds = min(seconds, SURPRISE * self.at(work))
        new = (1.0, work, seconds, work * work, work * seconds)
        old = (self.count, self.x, self.y, self.xx, self.xy)
        self.count, self.x, self.y, self.xx, self.xy = (
            MEMORY * before + more for before, more in zip(old, new, strict=True)
        )


class CostModel:
    """Learns what pictures cost on this machine."""

    def __init__(self) -> None:
        self._lines: dict[str, _Fit] = {}
        self._loading: dict[str, float] = {}

    def predict(self, recipe: Recipe) -> float:
        """Seconds of the device for this picture."""
        work = _work(recipe)
        for key in _keys(recipe):
            if key in self._lines:
                return max(self._lines[key].at(work), SHORTEST)
        return max(GUESS * work, SHORTEST)

    def learn(self, recipe: Recipe, seconds: float) -> None:
        """A picture took that long.  What cannot be true (no time) is passed over."""
        if not 0.0 < seconds < math.inf:
            return
        for key in _keys(recipe):
            line = self._lines.pop(key, None) or _Fit()
            line.learn(_work(recipe), seconds)
            self._lines[key] = line  # at the end: the longest unused come first
        while len(self._lines) > MAX_LINES:
            del self._lines[next(iter(self._lines))]

    def predict_loading(self, model: ModelKey, size: int, *, in_memory: bool) -> float:
        """Seconds until weights of `size` bytes are on the device."""
        usual = size / (COPY_SPEED if in_memory else DISK_SPEED)
        return max(self._loading.get(_reading(model, in_memory=in_memory), usual), SHORTEST)

    def learn_loading(self, model: ModelKey, seconds: float, *, in_memory: bool) -> None:
        """Reading the weights took that long.  What cannot be true is passed over."""
        self._learn_single(_reading(model, in_memory=in_memory), seconds)

    def predict_words(self, digest: str, *, loading: bool) -> float:
        """Seconds of the card until a language model answers; `loading`: from its file on.

        At first a guess, and no more than that: one that was never loaded is tried.
        """
        return self._loading.get(_words(digest, loading=loading), SHORTEST if loading else ANSWER)

    def learn_words(self, digest: str, seconds: float, *, loading: bool) -> None:
        """A language model's answer took that long.  What cannot be true is passed over."""
        self._learn_single(_words(digest, loading=loading), seconds)

    def _learn_single(self, key: str, seconds: float) -> None:
        if not 0.0 < seconds < math.inf:
            return
        before = self._loading.pop(key, seconds)
        self._loading[key] = before + FRESH * (min(seconds, SURPRISE * before) - before)
        while len(self._loading) > MAX_LINES:
            del self._loading[next(iter(self._loading))]

    def predict_description(self, captioner: ModelKey) -> float:
        """Seconds until a captioner has said what a picture shows, its weights being there."""
        return self._loading.get(_describing(captioner), DESCRIPTION)

    def learn_description(self, captioner: ModelKey, seconds: float) -> None:
        """Saying so took that long.  What cannot be true is passed over."""
        self._learn_single(_describing(captioner), min(seconds, LONGEST_READING))

    def dump(self) -> str:
        """All that was learnt, as JSON; `load` reads it back."""
        lines = {key: list(astuple(line)) for key, line in self._lines.items()}
        return json.dumps({**lines, **{key: [took] for key, took in self._loading.items()}})

    @classmethod
    def load(cls, text: str | None) -> CostModel:
        """What `dump` wrote.  What cannot be read is forgotten: it is learnt again in an hour."""
        model = cls()
        try:
            for key, sums in json.loads(text or "{}").items():
                if len(sums) == 1:
                    if 0.0 < float(sums[0]) < math.inf:
                        model._loading[key] = float(sums[0])
                    continue
                line = _Fit(*(float(number) for number in sums))
                if line.count > 0.0 and line.x > 0.0 and all(map(math.isfinite, astuple(line))):
                    model._lines[key] = line
        except (AttributeError, TypeError, ValueError):
            return cls()
        return model


def at_most(recipe: Recipe) -> float:
    """Seconds that a picture can have taken; a claim of more would keep everybody out."""
    return SLOWEST * _work(recipe)


def _keys(recipe: Recipe) -> tuple[str, ...]:
    """From the finest to the coarsest."""
    checkpoint = f"checkpoint {recipe.leading.sha256}"
    canvas = recipe.drawn or recipe.canvas
    size = f"{canvas.width}x{canvas.height}" if canvas is not None else "any size"
    if recipe.motion is not None:
        size = f"{size}x{recipe.motion.frames}"
    elif recipe.sound is not None:
        size = f"{recipe.sound.seconds:g} seconds"
    elif recipe.form is not None:
        size = f"{recipe.form.resolution} points"
    calls = f"{recipe.precision} {_calls(recipe)}"
    if recipe.enlarging is not None:
        calls = f"{calls} {recipe.enlarging.method}"
    if recipe.second is not None:
        calls = f"{calls} in two passes"
    kin = recipe.family or recipe.leading.name
    return (f"{checkpoint} {size} {calls}", checkpoint, f"family {kin}", "anything")


def _reading(model: ModelKey, *, in_memory: bool) -> str:
    return f"{'copy' if in_memory else 'read'} {model}"


def _words(digest: str, *, loading: bool) -> str:
    return f"{'load and answer' if loading else 'answer'} {digest}"


def _describing(captioner: ModelKey) -> str:
    return f"describe {captioner}"


def _work(recipe: Recipe) -> float:
    """Calls of the model times what one works on.

    A picture that is enlarged first is looked at once more, and drawn over in tiles.
    """
    if recipe.second is not None:
        return sum(map(_work, passes(recipe)))
    usual = FAMILIES.get(recipe.family)  # None: a family of another program's
    each = usual.architecture.work(recipe) if usual is not None else megapixels(recipe)
    if recipe.enlarging is None:
        return _steps(recipe) * _calls(recipe) * each
    again = _steps(recipe) * _calls(recipe) * redrawn_share(recipe)
    return (LOOKED_AT[recipe.enlarging.method] + again) * each


def _steps(recipe: Recipe) -> int:
    return recipe.sampling.steps if recipe.sampling is not None else 1


def _calls(recipe: Recipe) -> int:
    """Calls of the model in one step: guidance doubles them, and so do some samplers."""
    sampling = recipe.sampling
    if sampling is None:
        return 1
    sampler = SAMPLERS.get(sampling.sampler)  # None: a recipe of another program's
    return sampling.lanes * (sampler.calls if sampler else 1)
