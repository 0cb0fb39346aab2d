"""The loops behind the names of `generation.worker.sampling.samplers`, one grammar for all.

Each walks a `SamplerRun` down its sigmas: guess x0, take a step, tell `on_step`.  Here and there
are the levels where a step begins and ends.  Invariant: the noise is drawn in the order that
docs/samplers.md gives, and nothing else is random.

euler, euler_ancestral and dpmpp_2m do their float32 arithmetic in the order of diffusers'
schedulers, so that a stock pipeline with the same sigmas and timesteps gives the same bits.  The
other integrators compute their coefficients in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from generation.worker.sampling.denoiser import Denoise, alpha_and_spread, noised
from generation.worker.sampling.unipc import unipc_update

Noise = Callable[[], Tensor]
OnStep = Callable[[int, Tensor], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerRun:
    """One drawing: what every integrator needs."""

    denoise: Denoise
    sigmas: Tensor  # (steps + 1,) on the CPU, descending to 0
    first: Tensor  # the noise of the start
    init: Tensor | None
    noise: Noise
    on_step: OnStep

    def start(self) -> Tensor:
        """x at the first sigma."""
        sigma, flow = self.sigmas[0], self.denoise.flow
        if self.init is not None:
            return noised(self.init, self.first, sigma, flow=flow)
        return self.first * (sigma if flow else (sigma**2 + 1) ** 0.5)

    def start_scaled(self) -> Tensor:
        """The same x, divided by sqrt(1 + sigma^2)."""
        if self.init is None:
            return self.first
        alpha, spread = alpha_and_spread(self.sigmas[0])
        return alpha * self.init + spread * self.first

    def tensors(self) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Number from 1, this sigma and the next, as 0-dim tensors of the drawing's dtype."""
        for i in range(len(self.sigmas) - 1):
            yield i + 1, self.sigmas[i], self.sigmas[i + 1]

    def numbers(self) -> Iterator[tuple[int, float, float]]:
        """The same as Python floats."""
        for step, here, then in self.tensors():
            yield step, float(here), float(then)

    def guess(self, x: Tensor, sigma: float) -> Tensor:
        """x0 at a sigma that need not be one of the list."""
        return self.denoise(x, torch.tensor(sigma, dtype=self.sigmas.dtype))


def _ancestral(here: float, then: float) -> tuple[float, float]:
    """Where to go down to, and how much fresh noise lifts the result to `then` (eta = 1)."""
    up = min(then, math.sqrt(then**2 * (here**2 - then**2) / here**2))
    return math.sqrt(then**2 - up**2), up


# First order.


def _euler(run: SamplerRun) -> Tensor:
    """Karras et al. 2022, algorithm 2 without churn.  DDIM with eta 0 is the same step."""
    x = run.start()
    for step, here, then in run.tensors():
        x0, slope = run.denoise.slope(x, here)
        x = x + slope * (then - here)
        run.on_step(step, x0)
    return x


def _euler_ancestral(run: SamplerRun) -> Tensor:
    """Euler to a lower level, and back up with fresh noise.  DDPM's posterior is the same step."""
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


def _lcm(run: SamplerRun) -> Tensor:
    """Luo et al. 2023: jump to the guess, add noise of the next level."""
    x = run.start()
    for step, here, then in run.numbers():
        x0 = x = run.guess(x, here)
        if then > 0:
            x = x + run.noise() * then
        run.on_step(step, x0)
    return x


# Second order in one step: two evaluations, but for the last step.


def _heun(run: SamplerRun) -> Tensor:
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


def _dpm_2(run: SamplerRun) -> Tensor:
    """Lu et al. 2022, DPM-Solver-2: the slope at the geometric middle."""
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        x = _by_the_middle(run, x, x0, here, then)
        run.on_step(step, x0)
    return x


def _dpm_2_ancestral(run: SamplerRun) -> Tensor:
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        down, up = _ancestral(here, then)
        x = _by_the_middle(run, x, x0, here, down)
        if then > 0:
            x = x + run.noise() * up
        run.on_step(step, x0)
    return x


def _by_the_middle(run: SamplerRun, x: Tensor, x0: Tensor, here: float, then: float) -> Tensor:
    slope = (x - x0) / here
    if then > 0:
        middle = math.sqrt(here * then)
        halfway = x + slope * (middle - here)
        slope = (halfway - run.guess(halfway, middle)) / middle
    return x + slope * (then - here)


def _dpmpp_2s_ancestral(run: SamplerRun) -> Tensor:
    """Lu et al. 2022, DPM-Solver++(2S) to a lower level, and back up with fresh noise."""
    x = run.start()
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        down, up = _ancestral(here, then)
        if down == 0:
            x = x0
        else:
            middle = math.sqrt(here * down)
            halfway = _exponential(x, x0, here, middle)
            x = _exponential(x, run.guess(halfway, middle), here, down)
        if then > 0:
            x = x + run.noise() * up
        run.on_step(step, x0)
    return x


def _dpmpp_sde(run: SamplerRun) -> Tensor:
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
            down, up = _ancestral(here, middle)
            halfway = _exponential(x, x0, here, down) + early * up
            guess = run.guess(halfway, middle)  # (1 - 1 / 2r) of x0 is none of it
            down, up = _ancestral(here, then)
            share = (here - middle) / (here - then)
            whole = early * math.sqrt(share) + late * math.sqrt(1 - share)
            x = _exponential(x, guess, here, down) + whole * up
        run.on_step(step, x0)
    return x


def _exponential(x: Tensor, x0: Tensor, here: float, then: float) -> Tensor:
    """The exact step if x0 were constant."""
    return x * (then / here) + x0 * (1 - then / here)


# Multistep: one evaluation, and a memory of the earlier ones.


def _lms(run: SamplerRun) -> Tensor:
    """Adams-Bashforth on uneven steps, up to order 4."""
    x = run.start()
    levels = [float(s) for s in run.sigmas]
    slopes: list[Tensor] = []
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        slopes = [(x - x0) / here, *slopes[:3]]
        nodes = [levels[step - 1 - k] for k in range(len(slopes))]
        for slope, weight in zip(slopes, _adams_weights(nodes, here, then), strict=True):
            x = x + slope * weight
        run.on_step(step, x0)
    return x


def _adams_weights(nodes: Sequence[float], start: float, end: float) -> list[float]:
    """The integrals from start to end of the Lagrange polynomials on up to 4 nodes."""
    middle, half = (start + end) / 2, (end - start) / 2
    # Two Gauss points integrate a cubic exactly.
    points = (middle - half / math.sqrt(3), middle + half / math.sqrt(3))

    def lagrange(j: int, at: float) -> float:
        return math.prod((at - m) / (nodes[j] - m) for k, m in enumerate(nodes) if k != j)

    return [half * sum(lagrange(j, p) for p in points) for j in range(len(nodes))]


def _dpmpp_2m(run: SamplerRun) -> Tensor:
    """Lu et al. 2022, DPM-Solver++(2M), on y = x / sqrt(1 + sigma^2) as diffusers does it."""
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


def _dpmpp_2m_sde(run: SamplerRun, *, heun: bool = False) -> Tensor:
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


def _dpmpp_2m_sde_heun(run: SamplerRun) -> Tensor:
    return _dpmpp_2m_sde(run, heun=True)


def _dpmpp_3m_sde(run: SamplerRun) -> Tensor:
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


def _uni_pc(run: SamplerRun, *, variant: str = "bh1") -> Tensor:
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


def _uni_pc_bh2(run: SamplerRun) -> Tensor:
    return _uni_pc(run, variant="bh2")


INTEGRATORS: dict[str, Callable[[SamplerRun], Tensor]] = {
    "euler": _euler,
    "euler_ancestral": _euler_ancestral,
    "heun": _heun,
    "dpm_2": _dpm_2,
    "dpm_2_ancestral": _dpm_2_ancestral,
    "lms": _lms,
    "dpmpp_2s_ancestral": _dpmpp_2s_ancestral,
    "dpmpp_sde": _dpmpp_sde,
    "dpmpp_2m": _dpmpp_2m,
    "dpmpp_2m_sde": _dpmpp_2m_sde,
    "dpmpp_2m_sde_heun": _dpmpp_2m_sde_heun,
    "dpmpp_3m_sde": _dpmpp_3m_sde,
    "ddim": _euler,
    "ddpm": _euler_ancestral,
    "uni_pc": _uni_pc,
    "uni_pc_bh2": _uni_pc_bh2,
    "lcm": _lcm,
}
