"""Samplers and schedulers as data: one row each, and nothing about them is written down elsewhere.

The names are ComfyUI's, the titles A1111's.  Invariant: every sampler that can be asked for has a
row here and a loop in `generation.worker.sampling.integrators`, every scheduler a row here and a
formula in `generation.sigmas`; tests hold them together.  No torch: the bot reads this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """A way to walk down the noise levels."""

    name: str  # ComfyUI's
    title: str  # A1111's
    also: tuple[str, ...]  # what else means the same: diffusers' classes, InvokeAI's names
    calls: int  # of the model in one step
    skips: bool  # runs one level more and leaves out the last but one
    flow: bool  # follows the slope in sigma alone, so that flow models can use it
    stochastic: bool  # adds fresh noise between the steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """A way to lay out the noise levels."""

    name: str
    title: str
    also: tuple[str, ...]


def _sampler(name: str, title: str, *also: str, calls: int = 1, **is_so: bool) -> Sampler:
    facts = {"skips": False, "flow": False, "stochastic": False} | is_so
    return Sampler(name=name, title=title, also=also, calls=calls, **facts)


def _scheduler(name: str, title: str, *also: str) -> Scheduler:
    return Scheduler(name=name, title=title, also=also)


# A second stage would spend itself on the last but one level, a step that changes nothing one can
# see; those that have one, or a corrector, skip it, as in ComfyUI.
_SAMPLERS = (
    _sampler(
        "euler", "Euler", "EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler", flow=True
    ),
    _sampler(
        "euler_ancestral", "Euler a", "eulera", "EulerAncestralDiscreteScheduler", stochastic=True
    ),
    _sampler("heun", "Heun", "HeunDiscreteScheduler", calls=2, flow=True),
    _sampler(
        "dpm_2",
        "DPM2",
        "KDPM2DiscreteScheduler",
        "kdpm_2",
        "DPM-Solver-2",
        calls=2,
        skips=True,
        flow=True,
    ),
    _sampler(
        "dpm_2_ancestral",
        "DPM2 a",
        "KDPM2AncestralDiscreteScheduler",
        "kdpm_2_a",
        "dpm2a",
        calls=2,
        skips=True,
        stochastic=True,
    ),
    _sampler("lms", "LMS", "LMSDiscreteScheduler", flow=True),
    _sampler("dpmpp_2s_ancestral", "DPM++ 2S a", "dpmpp2sa", calls=2, stochastic=True),
    _sampler("dpmpp_sde", "DPM++ SDE", "DPMSolverSDEScheduler", calls=2, stochastic=True),
    _sampler("dpmpp_2m", "DPM++ 2M", "DPMSolverMultistepScheduler", "DPM Solver++ 2M"),
    _sampler("dpmpp_2m_sde", "DPM++ 2M SDE", stochastic=True),
    _sampler("dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun", stochastic=True),
    _sampler("dpmpp_3m_sde", "DPM++ 3M SDE", stochastic=True),
    _sampler("ddim", "DDIM", "DDIMScheduler", flow=True),
    _sampler("ddpm", "DDPM", "DDPMScheduler", stochastic=True),
    _sampler("uni_pc", "UniPC", skips=True),
    _sampler("uni_pc_bh2", "UniPC bh2", "UniPCMultistepScheduler", skips=True),
    _sampler("lcm", "LCM", "LCMScheduler", stochastic=True),
)
_SCHEDULERS = (
    _scheduler("normal", "Normal", "Uniform", "Default"),
    _scheduler("karras", "Karras"),
    # With A1111's rho of 1 the polynomial is none.
    _scheduler("exponential", "Exponential", "Polyexponential"),
    _scheduler("sgm_uniform", "SGM Uniform", "Trailing"),
    _scheduler("simple", "Simple"),
    _scheduler("ddim_uniform", "DDIM", "DDIM Uniform", "Leading"),
    _scheduler("beta", "Beta"),
    _scheduler("kl_optimal", "KL Optimal"),
    _scheduler("linear_quadratic", "Linear Quadratic"),
)
SAMPLERS: Mapping[str, Sampler] = {sampler.name: sampler for sampler in _SAMPLERS}


def samplers_of(*, flow: bool) -> tuple[str, ...]:
    """Those that can draw: a flow is no noise that all of them count on."""
    return tuple(name for name, one in SAMPLERS.items() if one.flow or not flow)


SCHEDULERS: Mapping[str, Scheduler] = {scheduler.name: scheduler for scheduler in _SCHEDULERS}
