"""Samplers that remember their earlier guesses, and steps in the logarithm of the level.

`dpmpp_2m` does its float32 arithmetic in the order of diffusers' scheduler, so that a stock
pipeline with the same sigmas and timesteps gives the same bits.  The others compute their
coefficients in float64.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from generation.worker.sampling.denoiser import alpha_and_spread
from generation.worker.sampling.sampler_run import Lower, SamplerRun
from generation.worker.sampling.unipc import unipc_update


def dpmpp_2m(run: SamplerRun) -> Tensor:
    """Lu et al. 2022, DPM-Solver++(2M), on y = x / sqrt(1 + sigma^2) as diffusers does it."""
    if run.denoise.flow:
        return _dpmpp_2m_flow(run)
    y = run.start_scaled()
    before: tuple[Tensor, Tensor] | None = None  # the earlier x0 and its lambda
    for step, here, then in run.tensors():
        x0 = run.denoise.scaled(y, here)
        alpha_here, spread_here = alpha_and_spread(here)
        alpha, spread = alpha_and_spread(then)
        level = torch.log(alpha_here) - torch.log(spread_here)
        h = torch.log(alpha) - torch.log(spread) - level
        y = (spread / spread_here) * y - (alpha * (torch.exp(-h) - 1.0)) * x0
        if before is not None and then > 0:
            earlier, level_before = before
            change = (1.0 / ((level - level_before) / h)) * (x0 - earlier)
            y = y - 0.5 * (alpha * (torch.exp(-h) - 1.0)) * change
        before = x0, level
        run.on_step(step, x0)
    return y * ((run.sigmas[-1] ** 2 + 1) ** 0.5)  # at sigma 0 by exactly 1


def _dpmpp_2m_flow(run: SamplerRun) -> Tensor:
    """The same of a flow, whose level is taken as it is."""
    x = run.start()
    before: tuple[Tensor, float] | None = None  # the earlier x0 and the width of its step
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if then == 0:
            x = x0
        else:
            h = math.log(here / then)
            straight = x0 if before is None else x0 + (x0 - before[0]) * (h / before[1] / 2)
            x = x * (then / here) - straight * math.expm1(-h)
            before = x0, h
        run.on_step(step, x0)
    return x


def dpmpp_2m_sde(run: SamplerRun, *, heun: bool = False) -> Tensor:
    """DPM-Solver++(2M) for the SDE, eta = 1."""
    x = run.start()
    earlier, h_before = None, math.nan
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if then == 0:
            x = x0
        else:
            h = math.log(here / then)
            x = x * (then / here * math.exp(-h)) - x0 * math.expm1(-2 * h)
            if earlier is not None:
                weight = math.expm1(-2 * h) / (2 * h) + 1 if heun else -math.expm1(-2 * h) / 2
                x = x + (x0 - earlier) * (weight * h / h_before)
            x = x + run.noise() * (then * math.sqrt(-math.expm1(-2 * h)))
            h_before = h
        earlier = x0
        run.on_step(step, x0)
    return x


def dpmpp_2m_sde_heun(run: SamplerRun) -> Tensor:
    return dpmpp_2m_sde(run, heun=True)


def dpmpp_3m_sde(run: SamplerRun) -> Tensor:
    """DPM-Solver++(3M) for the SDE, eta = 1.

    diffusers 0.42.1 has the sign of the last term's 1/2 reversed; a test holds this one right.
    """
    x = run.start()
    guesses: list[Tensor] = []
    widths: list[float] = []
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if then == 0:
            x = x0
        else:
            h = math.log(here / then)
            x = x * math.exp(-2 * h) - x0 * math.expm1(-2 * h)
            first = math.expm1(-2 * h) / (2 * h) + 1
            if len(guesses) == 1:
                x = x + (x0 - guesses[0]) * (first * h / widths[0])
            elif guesses:
                r0, r1 = widths[0] / h, widths[1] / h
                near, far = (x0 - guesses[0]) / r0, (guesses[0] - guesses[1]) / r1
                bend = (near - far) / (r0 + r1)
                x = x + (near + bend * r0) * first - bend * (first / (2 * h) - 0.5)
            x = x + run.noise() * (then * math.sqrt(-math.expm1(-2 * h)))
            widths = [h, *widths[:1]]
        guesses = [x0, *guesses[:1]]
        run.on_step(step, x0)
    return x


def uni_pc(run: SamplerRun, *, variant: str = "bh1") -> Tensor:
    """Zhao et al. 2023, UniPC of order 3, predicting x0; the last step is of order 1."""
    x = run.start()
    steps = len(run.sigmas) - 1
    past: list[tuple[float, Tensor]] = []  # sigma and x0, the newest first
    left, order = x, 1  # where the step under way began, and its order
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if past:
            x = unipc_update(left, [*past[:order]], here, variant, corrected=x0)
        past = [(here, x0), *past[:2]]
        order = min(3, step, steps - step + 1)
        left = x
        x = x0 if then == 0 else unipc_update(x, past[:order], then, variant)
        run.on_step(step, x0)
    return x


def uni_pc_bh2(run: SamplerRun) -> Tensor:
    return uni_pc(run, variant="bh2")


def er_sde(run: SamplerRun) -> Tensor:
    """Cui et al. 2023, ER-SDE-Solver-3: an SDE whose noise is not the ODE's nor the usual one's."""
    x = run.start()
    levels = run.levels()
    guesses: list[Tensor] = []
    bends: list[Tensor] = []  # how the guess changed with the level
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        if then == 0:
            x = x0
        else:
            shrinks = _grown(then) / _grown(here)
            x = x * shrinks + x0 * (1 - shrinks)
            if guesses:
                bend = (x0 - guesses[0]) / (here - levels[step - 2])
                x = x + bend * (then - here + _integral(here, then, 0) * _grown(then))
                if bends:
                    twice = (bend - bends[0]) / ((here - levels[step - 3]) / 2)
                    weight = (then - here) ** 2 / 2 + _integral(here, then, 1) * _grown(then)
                    x = x + twice * weight
                bends = [bend]
            x = x + run.noise() * math.sqrt(max(then**2 - (here * shrinks) ** 2, 0.0))
        guesses = [x0]
        run.on_step(step, x0)
    return x


def _grown(level: float) -> float:
    """The paper's noise scale, ER-SDE 5."""
    return level * (math.exp(level**0.3) + 10)


_SUMMED = 200  # points of the paper's own integral


def _integral(here: float, then: float, power: int) -> float:
    """From then to here, of (level - here)^power / noise scale; summed from below as there."""
    width = (here - then) / _SUMMED
    at = [then + k * width for k in range(_SUMMED)]
    return width * sum((level - here) ** power / _grown(level) for level in at)


def res_multistep(run: SamplerRun, *, fresh: bool = False, apart: bool = False) -> Tensor:
    """Zhang et al. 2023, "RES": an exponential integrator of order 2.

    `fresh` goes lower and up with fresh noise; `apart` is CFG++ (`generation.samplers`).
    """
    x = run.start()
    before: tuple[Tensor, float, float] | None = None  # a guess, its level, where its step ended
    for step, here, then in run.numbers():
        x0, free = run.apart(x, here) if apart else (run.guess(x, here), None)
        rest = x0 if free is None else free
        lower = run.lower(here, then) if fresh else Lower(down=then)
        if before is None or lower.down == 0:
            x = x0 + (x - rest) * (lower.down / here)
        else:
            earlier, level, landed = before
            h = math.log(here / lower.down)
            constant = -math.expm1(-h) / h
            share = (1 - constant) / h * (h / -math.log(level / landed))
            x = x if free is None else x + (x0 - free)
            x = x * math.exp(-h) + (rest * (constant - share) + earlier * share) * h
        if fresh and then > 0:
            x = lower.lifted(x, run.noise())
        before = rest, here, lower.down
        run.on_step(step, x0)
    return x


def res_multistep_ancestral(run: SamplerRun) -> Tensor:
    return res_multistep(run, fresh=True)


_GAMMA = 2.0  # how far ahead gradient estimation looks; 1 is Euler


def gradient_estimation(run: SamplerRun, *, apart: bool = False) -> Tensor:
    """Permenter and Yuan 2023: Euler along the slope, carried on as it has been changing."""
    x = run.start()
    before: Tensor | None = None
    for step, here, then in run.numbers():
        x0, rest = run.apart(x, here) if apart else (run.guess(x, here),) * 2
        slope = (x - rest) / here
        if then == 0:
            x = x0
        else:
            x = x0 + slope * then
            if before is not None:
                x = x + (slope - before) * ((_GAMMA - 1) * (then - here))
        before = slope
        run.on_step(step, x0)
    return x
