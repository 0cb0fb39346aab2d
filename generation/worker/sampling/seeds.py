"""Exponential Runge-Kutta methods that predict x0, for the ODE and for the SDE.

Gonzalez et al. 2023, "SEEDS"; Lu et al. 2022 for the ODE.  With eta 1 (an SDE) all stages of a step
follow one path of noise, which grows from stage to stage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from generation.worker.sampling.sampler_run import SamplerRun


def seeds_2(run: SamplerRun) -> Tensor:
    """SEEDS-2, r = 1/2: the guess in the middle counts for the whole step."""
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if then == 0:
            x = x0
        else:
            leap = _Leap(x=x, here=here, then=then, eta=1.0)
            path = leap.noise(run.noise(), 0.5)
            halfway = leap.reached(0.5, [(leap.whole(0.5), x0)], path)
            guess = run.guess(halfway, leap.level(0.5))
            path = leap.noise(run.noise(), 0.5, path)
            x = leap.reached(1.0, [(leap.whole(1.0), guess)], path)
        run.on_step(step, x0)
    return x


def seeds_3(run: SamplerRun) -> Tensor:
    """SEEDS-3, r = 1/3 and 2/3."""
    x = run.start()
    one, two = 1 / 3, 2 / 3
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if then == 0:
            x = x0
        else:
            leap = _Leap(x=x, here=here, then=then, eta=1.0)
            path = leap.noise(run.noise(), one)
            there = leap.reached(one, [(leap.whole(one), x0)], path)
            guess = run.guess(there, leap.level(one))
            path = leap.noise(run.noise(), two - one, path)
            there = leap.reached(two, leap.slanted(two, one, x0, guess), path)
            guess = run.guess(there, leap.level(two))
            path = leap.noise(run.noise(), 1 - two, path)
            x = leap.reached(1.0, leap.slanted(1.0, two, x0, guess), path)
        run.on_step(step, x0)
    return x


def exp_heun_2_x0(run: SamplerRun, *, eta: float = 0.0) -> Tensor:
    """Heun's method for an exponential integrator: the guesses at both ends of the step."""
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if then == 0:
            x = x0
        else:
            leap = _Leap(x=x, here=here, then=then, eta=eta)
            path = leap.noise(run.noise(), 1.0) if eta else None
            there = leap.reached(1.0, [(leap.whole(1.0), x0)], path)
            x = leap.reached(1.0, leap.slanted(1.0, 1.0, x0, run.guess(there, then)), path)
        run.on_step(step, x0)
    return x


def exp_heun_2_x0_sde(run: SamplerRun) -> Tensor:
    return exp_heun_2_x0(run, eta=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leap:
    """One step; a share of it is one of its logarithm."""

    x: Tensor
    here: float
    then: float
    eta: float

    @property
    def h(self) -> float:
        return math.log(self.here / self.then)

    def level(self, share: float) -> float:
        return self.here * math.exp(-share * self.h)

    def whole(self, share: float) -> float:
        """The weight of a guess that stays the same all the way."""
        return -math.expm1(-share * self.h * (1 + self.eta))

    def slanted(
        self, share: float, at: float, x0: Tensor, guess: Tensor
    ) -> Sequence[tuple[float, Tensor]]:
        """Both guesses with their weights: on a straight line from the start by that share on."""
        h = share * self.h * (1 + self.eta)
        later = (math.expm1(-h) + h) / h * (share / at)
        return (self.whole(share) - later, x0), (later, guess)

    def noise(self, drawn: Tensor, width: float, path: Tensor | None = None) -> Tensor:
        """The path of noise, longer by that share; it has unit variance at infinity."""
        gone = width * self.h * self.eta
        fresh = drawn * math.sqrt(-math.expm1(-2 * gone))
        return fresh if path is None else path * math.exp(-gone) + fresh

    def reached(
        self, share: float, guesses: Sequence[tuple[float, Tensor]], path: Tensor | None
    ) -> Tensor:
        """x at that share of the step."""
        level = self.level(share)
        there = self.x * (level / self.here * math.exp(-share * self.h * self.eta))
        for weight, guess in guesses:
            there = there + guess * weight
        return there if path is None else there + path * level
