"""diffusers' own schedulers, made to walk a given list of sigmas: the other side of comparisons.

`forced` replaces `set_timesteps` on one scheduler object, so it works inside a stock pipeline and
when stepped by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LMSDiscreteScheduler,
    UniPCMultistepScheduler,
)

from generation.worker.model import Model
from generation.worker.sampling.samplers import Denoiser
from tests.given.loaded import clips

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def in_memory_of_its_own(module: Any) -> None:
    """Copy a module's numbers: torch computes otherwise on those that a file is mapped to."""
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = tensor.data.clone()


def scheduler_for(name: str) -> Any:
    """A fresh diffusers scheduler that integrates like the sampler of that name."""
    multistep = DPMSolverMultistepScheduler
    match name:
        case "euler":
            # "leading" only decides that the start noise is scaled by sqrt(1 + sigma^2).
            return EulerDiscreteScheduler(**BETAS, timestep_spacing="leading")
        case "euler_ancestral":
            return EulerAncestralDiscreteScheduler(**BETAS, timestep_spacing="leading")
        case "heun":
            return HeunDiscreteScheduler(**BETAS, timestep_spacing="leading")
        case "lms":
            return LMSDiscreteScheduler(**BETAS, timestep_spacing="leading")
        case "dpmpp_2m":
            return multistep(**BETAS, algorithm_type="dpmsolver++", solver_type="midpoint")
        case "dpmpp_2m_sde":
            return multistep(**BETAS, algorithm_type="sde-dpmsolver++", solver_type="midpoint")
        case "dpmpp_2m_sde_heun":
            return multistep(**BETAS, algorithm_type="sde-dpmsolver++", solver_type="heun")
        case "dpmpp_3m_sde":  # wrong in diffusers 0.42.1
            return multistep(
                **BETAS, algorithm_type="sde-dpmsolver++", solver_type="heun", solver_order=3
            )
        case "uni_pc":
            return UniPCMultistepScheduler(**BETAS, solver_order=3, solver_type="bh1")
        case "uni_pc_bh2":
            return UniPCMultistepScheduler(**BETAS, solver_order=3, solver_type="bh2")
    raise ValueError(f"diffusers has no exact {name}")


def forced(scheduler: Any, walk: Sequence[float], noise: str = "scaled-linear") -> Any:
    """The scheduler, walking exactly these sigmas whatever it is asked for.

    At whole timesteps of that noise, but for a flow, whose timesteps are its levels.
    """
    flow = isinstance(scheduler, FlowMatchEulerDiscreteScheduler)
    timestep = Denoiser(lambda y, _: y, noise=noise).timestep
    at = list(torch.tensor(walk) * 1000) if flow else list(map(timestep, walk))
    original = scheduler.set_timesteps

    def set_timesteps(
        num_inference_steps: int | None = None,
        device: Any = None,
        sigmas: object = None,
        **_: object,
    ) -> None:
        del num_inference_steps, sigmas  # the list decides
        steps = len(walk) - 1
        original(steps, device=device)
        levels = torch.tensor(walk, dtype=torch.float32)
        # float32: EulerDiscreteScheduler.step refuses whole types; the network sees the same value.
        times = torch.tensor(at[:-1], dtype=torch.float32)
        if isinstance(scheduler, HeunDiscreteScheduler):  # two evaluations per step
            levels = torch.cat([levels[:1], levels[1:-1].repeat_interleave(2), levels[-1:]])
            times = torch.cat([times[:1], times[1:].repeat_interleave(2)])
        scheduler.sigmas, scheduler.timesteps = levels, times.to(device)
        scheduler.num_inference_steps = steps
        scheduler._step_index = scheduler._begin_index = None

    scheduler.set_timesteps = set_timesteps
    return scheduler


def stock_pipeline(model: Model) -> Any:
    """diffusers' own pipeline around a model of the worker's."""
    import diffusers

    scheduler = diffusers.EulerDiscreteScheduler(steps_offset=1)  # never asked for anything
    first, last = clips(model)[0], clips(model)[-1]
    if "transformer" in model.parts:
        return _with_transformer(model)
    if "text_encoder_2" in model.parts:
        alone = "text_encoder" not in model.parts  # in the refiner, which has no other pipeline
        kind = "Img2Img" if alone else ""
        return getattr(diffusers, f"StableDiffusionXL{kind}Pipeline")(
            vae=model.parts["vae"],
            unet=model.parts["unet"],
            text_encoder=None if alone else first.encoder,
            tokenizer=None if alone else first.tokenizer,
            text_encoder_2=last.encoder,
            tokenizer_2=last.tokenizer,
            scheduler=scheduler,
            force_zeros_for_empty_prompt=not alone,
            add_watermarker=False,
            **({"requires_aesthetics_score": True} if alone else {}),
        )
    return diffusers.StableDiffusionPipeline(
        vae=model.parts["vae"],
        unet=model.parts["unet"],
        text_encoder=first.encoder,
        tokenizer=first.tokenizer,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _with_transformer(model: Model) -> Any:
    import diffusers

    parts: dict[str, Any] = {"text_encoder_3": None, "tokenizer_3": None, **model.parts.modules}
    for name, tokenizer in model.parts.tokenizers.items():
        parts[name.replace("text_encoder", "tokenizer")] = tokenizer
    scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
    return diffusers.StableDiffusion3Pipeline(scheduler=scheduler, **parts)
