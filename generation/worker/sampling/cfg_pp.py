"""CFG++ (Chung et al. 2024): the guided guess, and the noise that the unguided one leaves.

Each is a sampler of another name whose noise is asked for without guidance.  Derived for added
noise; a flow is drawn as one (`generation.worker.sampling.stretched`).
"""

from __future__ import annotations

import math

from torch import Tensor

from generation.worker.sampling.multistep import gradient_estimation, res_multistep
from generation.worker.sampling.sampler_run import Lower, SamplerRun


def euler_cfg_pp(run: SamplerRun, *, fresh: bool = False) -> Tensor:
    x = run.start()
    for step, here, then in run.numbers():
        x0, free = run.apart(x, here)
        lower = run.lower(here, then) if fresh else Lower(down=then)
        x = x0 + (x - free) * (lower.down / here)
        if fresh and then > 0:
            x = lower.lifted(x, run.noise())
        run.on_step(step, x0)
    return x


def euler_ancestral_cfg_pp(run: SamplerRun) -> Tensor:
    return euler_cfg_pp(run, fresh=True)


def dpmpp_2s_ancestral_cfg_pp(run: SamplerRun) -> Tensor:
    x = run.start()
    for step, here, then in run.numbers():
        x0, free = run.apart(x, here)
        lower = run.lower(here, then)
        if lower.down == 0:
            x = x0
        else:
            middle = run.middle(here, lower.down)
            moved = x + (x0 - free)
            halfway = moved * (middle / here) + x0 * (1 - middle / here)
            guess = run.guess(halfway, middle)
            x = moved * (lower.down / here) + guess * (1 - lower.down / here)
        if then > 0:
            x = lower.lifted(x, run.noise())
        run.on_step(step, x0)
    return x


def dpmpp_2m_cfg_pp(run: SamplerRun) -> Tensor:
    x = run.start()
    before: tuple[Tensor, float] | None = None  # the unguided guess, and the width of its step
    for step, here, then in run.numbers():
        x0, free = run.apart(x, here)
        there = x0 + (x - free) * (then / here)
        if then > 0:
            h = math.log(here / then)
            if before is not None:
                there = there - (x0 - before[0]) * (math.expm1(-h) * h / before[1] / 2)
            before = free, h
        x = there
        run.on_step(step, x0)
    return x


def res_multistep_cfg_pp(run: SamplerRun) -> Tensor:
    return res_multistep(run, apart=True)


def res_multistep_ancestral_cfg_pp(run: SamplerRun) -> Tensor:
    return res_multistep(run, fresh=True, apart=True)


def gradient_estimation_cfg_pp(run: SamplerRun) -> Tensor:
    return gradient_estimation(run, apart=True)
