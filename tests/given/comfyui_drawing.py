"""How ComfyUI draws one picture from words, written a second time: the facts, in formulas.

Shared with the worker are the networks alone.  Levels are computed in float64, the networks run in
their own precision, and the last step is ComfyUI's: cut down to the grey level below.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.given.sampler_formulas import REFERENCES

Greys = NDArray[np.uint8]

# The trained levels of Stable Diffusion 1 and XL.
ROOTS = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64)
KEPT = torch.cumprod(1 - ROOTS**2, dim=0)
LEVELS = ((1 - KEPT) / KEPT).sqrt()


def first_noise(seed: int, width: int, height: int) -> Tensor:
    """Of one picture: the processor's generator, float32, whatever draws."""
    torch.manual_seed(seed)
    return torch.randn(1, 4, height // 8, width // 8, dtype=torch.float32, device="cpu")


def beginning(noise: Tensor, sigma: float) -> Tensor:
    """From an empty latent: all that the model ever saw, if it starts at the highest level."""
    highest = float(LEVELS[-1])
    starts_at_the_top = sigma > highest or math.isclose(sigma, highest, rel_tol=1e-5)
    return noise.double() * (math.sqrt(1 + sigma**2) if starts_at_the_top else sigma)


def timestep(sigma: float) -> int:
    """Whole, the nearest on the logarithm's scale."""
    return int((LEVELS.log() - math.log(sigma)).abs().argmin())


def cut(values: Tensor) -> Greys:
    """Pixels in -1 to 1 (1, 3, H, W) -> (H, W, 3): a level between two is the lower one."""
    shares = ((values.float() + 1) / 2).clamp(0, 1)[0].permute(1, 2, 0)
    return np.floor(255.0 * shares.numpy()).astype(np.uint8)


def words(pipe: Any, text: str) -> tuple[Tensor, Tensor | None]:
    """One chunk without weights: the encoders' states, side by side, and the pooled prompt.

    One encoder gives its normed output; of two, each gives the states before its last layer.
    """
    clips = [(pipe.tokenizer, pipe.text_encoder)]
    two = getattr(pipe, "text_encoder_2", None) is not None
    if two:
        clips.append((pipe.tokenizer_2, pipe.text_encoder_2))
    states, pooled = [], None
    for tokenizer, encoder in clips:
        ids = tokenizer(text, padding="max_length", max_length=77, return_tensors="pt").input_ids
        out = encoder(ids, output_hidden_states=True)
        states.append(out.hidden_states[-2] if two else out.last_hidden_state)
        pooled = getattr(out, "text_embeds", None) if two else None  # the second one's
    return torch.cat(states, dim=-1), pooled


@torch.no_grad()
def drawn_as_comfyui_does(
    pipe: Any,
    prompt: str,
    negative: str,
    *,
    sampler: str,
    sigmas: Sequence[float],
    cfg: float,
    seed: int,
    size: tuple[int, int],
) -> Greys:
    """`pipe` only holds the networks; the two prompts are asked about one after the other."""
    width, height = size
    sizes = torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32)
    said = [words(pipe, text) for text in (prompt, negative)]

    def network(x: Tensor, sigma: float, states: Tensor, pooled: Tensor | None) -> Tensor:
        more = None if pooled is None else {"text_embeds": pooled, "time_ids": sizes}
        eaten = (x / math.sqrt(1 + sigma**2)).float()
        out = pipe.unet(eaten, timestep(sigma), states, added_cond_kwargs=more)
        eps: Tensor = out.sample.double()
        return x - sigma * eps

    def apart(x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
        wanted, unwanted = (network(x, sigma, *each) for each in said)
        return unwanted + cfg * (wanted - unwanted), unwanted

    def guess(x: Tensor, sigma: float) -> Tensor:
        return apart(x, sigma)[0]

    guess.apart = apart  # type: ignore[attr-defined]
    start = beginning(first_noise(seed, width, height), sigmas[0])
    latents = REFERENCES[sampler](guess, start, sigmas, None)
    return cut(pipe.vae.decode(latents.float() / pipe.vae.config.scaling_factor).sample)
