"""Samplers that remember nothing: each step begins anew.

`euler`, `euler_ancestral` and `lcm` do their float32 arithmetic in the order of diffusers'
schedulers, so that a stock pipeline with the same sigmas and timesteps gives the same bits.  The
others compute their coefficients in float64.
"""

from __future__ import annotations

import math

from torch import Tensor

from generation.worker.sampling.denoiser import noised
from generation.worker.sampling.sampler_run import SamplerRun, exponential

# First order.


def euler(run: SamplerRun) -> Tensor:
    """Karras et al. 2022, algorithm 2 without churn.  DDIM with eta 0 is the same step."""
    x = run.start()
    for step, here, then in run.tensors():
        x0, slope = run.denoise.slope(x, here)
        x = x + slope * (then - here)
        run.on_step(step, x0)
    return x


def euler_ancestral(run: SamplerRun) -> Tensor:
    """Euler to a lower level, and back up with fresh noise.  DDPM's posterior is the same step."""
    if run.denoise.flow:
        return _ancestral_flow(run)
    x = run.start()
    for step, here, then in run.tensors():
        x0 = run.denoise(x, here)
        up = (then**2 * (here**2 - then**2) / here**2) ** 0.5
        down = (then**2 - up**2) ** 0.5
        x = x + (x - x0) / here * (down - here)
        if then > 0:
            x = x + run.noise() * up
        run.on_step(step, x0)
    return x


def _ancestral_flow(run: SamplerRun) -> Tensor:
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        lower = run.lower(here, then)
        x = exponential(x, x0, here, lower.down)
        if then > 0:
            x = lower.lifted(x, run.noise())
        run.on_step(step, x0)
    return x


def lcm(run: SamplerRun) -> Tensor:
    """Luo et al. 2023: jump to the guess, add noise of the next level."""
    x = run.start()
    for step, here, then in run.tensors():
        x0 = x = run.denoise(x, here)
        if then > 0:
            x = noised(x, run.noise(), then, flow=run.denoise.flow)
        run.on_step(step, x0)
    return x


# Second order: two evaluations, but for the last step.


def heun(run: SamplerRun) -> Tensor:
    """Karras et al. 2022, algorithm 1."""
    x = run.start()
    for step, here, then in run.tensors():
        x0 = run.denoise(x, here)
        slope = (x - x0) / here
        if then > 0:
            there = x + slope * (then - here)
            slope = (slope + (there - run.denoise(there, then)) / then) / 2
        x = x + slope * (then - here)
        run.on_step(step, x0)
    return x


def heunpp2(run: SamplerRun) -> Tensor:
    """Heun++: the slopes at up to two levels ahead too, which weigh less the lower they are."""
    x = run.start()
    levels = run.levels()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        slope = (x - x0) / here
        ahead = [level for level in levels[step : step + 2] if level > 0]
        weights = [level / ((len(ahead) + 1) * levels[0]) for level in ahead]
        mixed = slope * (1 - sum(weights))
        there, at = x, here
        for level, weight in zip(ahead, weights, strict=True):
            there, at = there + slope * (level - at), level
            slope = (there - run.guess(there, level)) / level
            mixed = mixed + slope * weight
        x = x + mixed * (then - here)
        run.on_step(step, x0)
    return x


def dpm_2(run: SamplerRun) -> Tensor:
    """Lu et al. 2022, DPM-Solver-2: the slope at the geometric middle."""
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        x = _by_the_middle(run, x, x0, here, then)
        run.on_step(step, x0)
    return x


def dpm_2_ancestral(run: SamplerRun) -> Tensor:
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        lower = run.lower(here, then)
        x = _by_the_middle(run, x, x0, here, lower.down)
        if then > 0:
            x = lower.lifted(x, run.noise())
        run.on_step(step, x0)
    return x


def _by_the_middle(run: SamplerRun, x: Tensor, x0: Tensor, here: float, then: float) -> Tensor:
    slope = (x - x0) / here
    if then > 0:
        middle = math.sqrt(here * then)
        halfway = x + slope * (middle - here)
        slope = (halfway - run.guess(halfway, middle)) / middle
    return x + slope * (then - here)


def dpmpp_2s_ancestral(run: SamplerRun) -> Tensor:
    """Lu et al. 2022, DPM-Solver++(2S) to a lower level, and back up with fresh noise."""
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        lower = run.lower(here, then)
        if lower.down == 0:
            x = x0
        else:
            middle = run.middle(here, lower.down)
            halfway = exponential(x, x0, here, middle)
            x = exponential(x, run.guess(halfway, middle), here, lower.down)
        if then > 0:
            x = lower.lifted(x, run.noise())
        run.on_step(step, x0)
    return x


def dpmpp_sde(run: SamplerRun) -> Tensor:
    """DPM-Solver++ for the SDE, r = 1/2.  Two draws of noise per step.

    Both stages follow one Brownian path whose clock is sigma: the whole step's noise is made of
    the first half's and the second half's.
    """
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if then == 0:
            x = x0
        else:
            middle = math.sqrt(here * then)
            early, late = run.noise(), run.noise()
            lower = run.lower(here, middle)
            halfway = lower.lifted(exponential(x, x0, here, lower.down), early)
            guess = run.guess(halfway, middle)  # (1 - 1 / 2r) of x0 is none of it
            lower = run.lower(here, then)
            share = (here - middle) / (here - then)
            whole = early * math.sqrt(share) + late * math.sqrt(1 - share)
            x = lower.lifted(exponential(x, guess, here, lower.down), whole)
        run.on_step(step, x0)
    return x


# Up to third order, without a memory: the steps are of one, two or three evaluations.


def dpm_fast(run: SamplerRun) -> Tensor:
    """Lu et al. 2022, DPM-Solver-fast: as many evaluations as steps, at levels of its own.

    They are even in the logarithm from the first level to the last one above 0, two or three of
    them to a leap as long as they last; from there it jumps to the guess.
    """
    x = run.start()
    levels = run.levels()
    high, low, calls = levels[0], levels[-2], len(levels) - 2
    orders = _orders(calls)
    done = 0
    for number, order in enumerate(orders):
        here = high * (low / high) ** (number / len(orders))
        then = high * (low / high) ** ((number + 1) / len(orders))
        x = _leap(run, x, (here, then), order, done)
        done += order
    x0 = run.guess(x, low)
    run.on_step(done + 1, x0)
    return x0


def _orders(calls: int) -> list[int]:
    """Of each leap, as the paper splits so many evaluations."""
    if calls == 0:
        return []
    leaps = calls // 3 + 1
    rest = [2, 1] if calls % 3 == 0 else [calls % 3]
    return [3] * (leaps - len(rest)) + rest


def _leap(run: SamplerRun, x: Tensor, ends: tuple[float, float], order: int, done: int) -> Tensor:
    """DPM-Solver of that order, predicting noise; each evaluation counts as a step."""
    here, then = ends
    h = math.log(here / then)

    def noise_at(there: Tensor, share: float) -> Tensor:
        level = here * math.exp(-share * h)
        x0 = run.guess(there, level)
        run.on_step(done + 1 + round(share * order), x0)
        return (there - x0) / level

    def reached(share: float, first: Tensor, change: Tensor | None, bend: float) -> Tensor:
        """x at that share of the leap, of the noise at its beginning and how it changes."""
        level = here * math.exp(-share * h)
        there = x - first * (level * math.expm1(share * h))
        return there if change is None else there - change * (level * bend)

    first = noise_at(x, 0.0)
    if order == 1:
        return reached(1.0, first, None, 0.0)
    if order == 2:
        half = noise_at(reached(0.5, first, None, 0.0), 0.5)
        return reached(1.0, first, half - first, math.expm1(h))
    third = noise_at(reached(1 / 3, first, None, 0.0), 1 / 3)
    bend = 2 * (math.expm1(2 / 3 * h) / (2 / 3 * h) - 1)
    later = noise_at(reached(2 / 3, first, third - first, bend), 2 / 3)
    return reached(1.0, first, later - first, 1.5 * (math.expm1(h) / h - 1))
