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
    title: str  # A1111's, or its forks'
    also: tuple[str, ...]  # what else means the same: diffusers' classes, InvokeAI's names
    calls: int  # of the model in one step; the last step has one
    draws: int  # of fresh noise in one step; the last step has none
    skips: bool  # runs one level more and leaves out the last but one
    apart: bool  # asks for the guess without guidance as well (CFG++), whatever cfg is

    @property
    def stochastic(self) -> bool:
        return self.draws > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """A way to lay out the noise levels."""

    name: str
    title: str
    also: tuple[str, ...]


def _sampler(
    name: str,
    title: str,
    *also: str,
    calls: int = 1,
    draws: int = 0,
    skips: bool = False,
) -> Sampler:
    return Sampler(
        name=name,
        title=title,
        also=also,
        calls=calls,
        draws=draws,
        skips=skips,
        apart=name.endswith("_cfg_pp"),
    )


def _scheduler(name: str, title: str, *also: str) -> Scheduler:
    return Scheduler(name=name, title=title, also=also)


# In the place of both, where a model writes tokens one after the other, and walks down no noise:
# what it walks down is the share of the work that is still to come.
TOKENS = "tokens"

# The best known first: a list that is offered is cut short.  A second stage would spend itself on
# the last but one level, a step that changes nothing one can see; those that have one, or a
# corrector, skip it, as in ComfyUI.
_SAMPLERS = (
    _sampler("euler", "Euler", "EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"),
    _sampler("euler_ancestral", "Euler a", "eulera", "EulerAncestralDiscreteScheduler", draws=1),
    _sampler("heun", "Heun", "HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler", calls=2),
    _sampler(
        "dpm_2",
        "DPM2",
        "KDPM2DiscreteScheduler",
        "kdpm_2",
        "DPM-Solver-2",
        calls=2,
        skips=True,
    ),
    _sampler(
        "dpm_2_ancestral",
        "DPM2 a",
        "KDPM2AncestralDiscreteScheduler",
        "kdpm_2_a",
        "dpm2a",
        calls=2,
        draws=1,
        skips=True,
    ),
    _sampler("lms", "LMS", "LMSDiscreteScheduler"),
    _sampler("dpmpp_2s_ancestral", "DPM++ 2S a", "dpmpp2sa", calls=2, draws=1),
    _sampler("dpmpp_sde", "DPM++ SDE", "DPMSolverSDEScheduler", calls=2, draws=2),
    _sampler("dpmpp_2m", "DPM++ 2M", "DPMSolverMultistepScheduler", "DPM Solver++ 2M"),
    _sampler("dpmpp_2m_sde", "DPM++ 2M SDE", draws=1),
    _sampler("dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun", draws=1),
    _sampler("dpmpp_3m_sde", "DPM++ 3M SDE", draws=1),
    _sampler("ddim", "DDIM", "DDIMScheduler"),
    _sampler("ddpm", "DDPM", "DDPMScheduler", draws=1),
    _sampler("uni_pc", "UniPC", skips=True),
    _sampler("uni_pc_bh2", "UniPC bh2", "UniPCMultistepScheduler", skips=True),
    _sampler("lcm", "LCM", "LCMScheduler", "FlowMatchLCMScheduler", draws=1),
    _sampler("res_multistep", "Res Multistep"),
    _sampler("er_sde", "ER SDE", draws=1),
    _sampler("gradient_estimation", "Gradient Estimation"),
    _sampler("deis", "DEIS"),
    _sampler("sa_solver", "SA Solver", "SASolverScheduler", draws=1),
    _sampler("seeds_2", "SEEDS 2", calls=2, draws=2),
    _sampler("euler_cfg_pp", "Euler CFG++"),
    _sampler("euler_ancestral_cfg_pp", "Euler a CFG++", draws=1),
    _sampler("dpmpp_2m_cfg_pp", "DPM++ 2M CFG++"),
    _sampler("dpmpp_2s_ancestral_cfg_pp", "DPM++ 2S a CFG++", calls=2, draws=1),
    _sampler("res_multistep_ancestral", "Res Multistep a", draws=1),
    _sampler("res_multistep_cfg_pp", "Res Multistep CFG++"),
    _sampler("res_multistep_ancestral_cfg_pp", "Res Multistep a CFG++", draws=1),
    _sampler("gradient_estimation_cfg_pp", "Gradient Estimation CFG++"),
    _sampler("heunpp2", "HeunPP2", "Heun++ 2", calls=3),
    _sampler("ipndm", "IPNDM"),
    _sampler("ipndm_v", "IPNDM V"),
    _sampler("exp_heun_2_x0", "Exp Heun 2 x0", calls=2),
    _sampler("exp_heun_2_x0_sde", "Exp Heun 2 x0 SDE", calls=2, draws=1),
    _sampler("seeds_3", "SEEDS 3", calls=3, draws=3),
    _sampler("sa_solver_pece", "SA Solver PECE", calls=2, draws=1),
    _sampler("dpm_fast", "DPM fast"),
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
    # With a model whose levels follow the picture's size and the steps.
    _scheduler("even", "Even", "Flux2Scheduler"),
)
SAMPLERS: Mapping[str, Sampler] = {sampler.name: sampler for sampler in _SAMPLERS}

SCHEDULERS: Mapping[str, Scheduler] = {scheduler.name: scheduler for scheduler in _SCHEDULERS}
