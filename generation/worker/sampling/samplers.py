"""ComfyUI's sampler names -> small integrators in one grammar, that of k-diffusion.

    denoise = Denoiser(predict, prediction="epsilon", noise="scaled-linear")
    latents = sample(name, denoise, recipe.sigmas, noise=noise, on_step=on_step, init=None)

A sampler walks x = x0 + sigma * noise down the list of sigmas it is given; it invents no sigma
list of its own (but dpm_fast, between the ends of the list).  Invariant: a picture's randomness is
`noise`, drawn once for the start and then as often as the table in docs/samplers.md says, always in
the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from generation.errors import NoSuchName
from generation.samplers import SAMPLERS
from generation.worker.sampling.denoiser import Denoise, Denoiser
from generation.worker.sampling.integrators import INTEGRATORS
from generation.worker.sampling.masked import Kept, Masked
from generation.worker.sampling.sampler_run import Noise, OnStep, SamplerRun


def sample(
    name: str,
    denoise: Denoise,
    sigmas: Sequence[float],
    *,
    noise: Noise,
    on_step: OnStep,
    init: Tensor | None = None,
    kept: Kept | None = None,
) -> Tensor:
    """Draw: the final latents, in the dtype of the noise.

    `noise()` gives standard normal values of the latents' shape, on their device; its first draw
    is the start.  Without `init` the start is noise * sqrt(1 + sigma_0^2), what a model sees at
    the end of its training; with it, init + noise * sigma_0.  A flow's start is
    (1 - sigma_0) * init + sigma_0 * noise.  What is `kept` of a picture is not
    drawn.  `on_step(step, x0)` is called after
    each step, counted from 1, on this thread; it may wait there, and what it raises ends the
    drawing.  Raises NoSuchName.
    """
    if name not in SAMPLERS:
        raise NoSuchName("sampler", name, tuple(SAMPLERS))
    first = noise()
    run = SamplerRun(
        denoise=denoise if kept is None else Masked(inner=denoise, kept=kept, noise=first),
        sigmas=torch.tensor(sigmas, dtype=first.dtype),
        first=first,
        init=init,
        noise=noise,
        on_step=on_step,
    )
    drawn = INTEGRATORS[name](run)
    return drawn if kept is None else kept.put_into(drawn)


__all__ = ["Denoise", "Denoiser", "sample"]
