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
    also: tuple[str, ...] = ()  # what else means the same: diffusers' classes, InvokeAI's names
    calls: int = 1  # of the model in one step
    skips: bool = False  # runs one level more and leaves out the last but one
    flow: bool = False  # follows the slope in sigma alone, so that flow models can use it
    stochastic: bool = False  # adds fresh noise between the steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """A way to lay out the noise levels."""

    name: str
    title: str
    also: tuple[str, ...] = ()


# A second stage would spend itself on the last but one level, a step that changes nothing one can
# see; those that have one, or a corrector, skip it, as in ComfyUI.
SAMPLERS: Mapping[str, Sampler] = {
    sampler.name: sampler
    for sampler in (
        Sampler(
            name="euler",
            title="Euler",
            also=("EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"),
            flow=True,
        ),
        Sampler(
            name="euler_ancestral",
            title="Euler a",
            also=("eulera", "EulerAncestralDiscreteScheduler"),
            stochastic=True,
        ),
        Sampler(name="heun", title="Heun", also=("HeunDiscreteScheduler",), calls=2, flow=True),
        Sampler(
            name="dpm_2",
            title="DPM2",
            also=("KDPM2DiscreteScheduler", "kdpm_2", "DPM-Solver-2"),
            calls=2,
            skips=True,
            flow=True,
        ),
        Sampler(
            name="dpm_2_ancestral",
            title="DPM2 a",
            also=("KDPM2AncestralDiscreteScheduler", "kdpm_2_a", "dpm2a"),
            calls=2,
            skips=True,
            stochastic=True,
        ),
        Sampler(name="lms", title="LMS", also=("LMSDiscreteScheduler",), flow=True),
        Sampler(
            name="dpmpp_2s_ancestral",
            title="DPM++ 2S a",
            also=("dpmpp2sa",),
            calls=2,
            stochastic=True,
        ),
        Sampler(
            name="dpmpp_sde",
            title="DPM++ SDE",
            also=("DPMSolverSDEScheduler",),
            calls=2,
            stochastic=True,
        ),
        Sampler(
            name="dpmpp_2m",
            title="DPM++ 2M",
            also=("DPMSolverMultistepScheduler", "DPM Solver++ 2M"),
        ),
        Sampler(name="dpmpp_2m_sde", title="DPM++ 2M SDE", stochastic=True),
        Sampler(name="dpmpp_2m_sde_heun", title="DPM++ 2M SDE Heun", stochastic=True),
        Sampler(name="dpmpp_3m_sde", title="DPM++ 3M SDE", stochastic=True),
        Sampler(name="ddim", title="DDIM", also=("DDIMScheduler",), flow=True),
        Sampler(name="ddpm", title="DDPM", also=("DDPMScheduler",), stochastic=True),
        Sampler(name="uni_pc", title="UniPC", skips=True),
        Sampler(
            name="uni_pc_bh2", title="UniPC bh2", also=("UniPCMultistepScheduler",), skips=True
        ),
        Sampler(name="lcm", title="LCM", also=("LCMScheduler",), stochastic=True),
    )
}

SCHEDULERS: Mapping[str, Scheduler] = {
    scheduler.name: scheduler
    for scheduler in (
        Scheduler(name="normal", title="Normal", also=("Uniform", "Default")),
        Scheduler(name="karras", title="Karras"),
        # With A1111's rho of 1 the polynomial is none.
        Scheduler(name="exponential", title="Exponential", also=("Polyexponential",)),
        Scheduler(name="sgm_uniform", title="SGM Uniform", also=("Trailing",)),
        Scheduler(name="simple", title="Simple"),
        Scheduler(name="ddim_uniform", title="DDIM", also=("DDIM Uniform", "Leading")),
        Scheduler(name="beta", title="Beta"),
        Scheduler(name="kl_optimal", title="KL Optimal"),
        Scheduler(name="linear_quadratic", title="Linear Quadratic"),
    )
}
