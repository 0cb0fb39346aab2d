"""FLUX.3 at work: a transformer that reads eight layers of Qwen3-VL, and FLUX.2's VAE.

    (picture's tokens, those of pictures to look at, timestep, words) -> transformer -> velocity

Pictures that are looked at are no part of the picture's row: they have blocks of their own, and are
told apart where words have their places.  A distilled network is told where a step jumps to: the
next level of the recipe below the one that it is asked at.  The invariant: the bits are the stock
pipelines', whatever the words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from generation.recipe import Recipe, Sampling, needed
from generation.worker.engines.engine import Given
from generation.worker.engines.flux2 import Flux2, in_a_row, packed, unpacked
from generation.worker.engines.guidance import apart
from generation.worker.parts import Parts
from generation.worker.sampling.denoiser import Predict
from generation.worker.text.llm import PromptForm

FORM = PromptForm(
    template="<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    layers=(4, 8, 12, 16, 20, 24, 28, 32),
    normed=False,
    multiple=80,
    place_of_filling=1,
)
APART = 0.5  # of the places of two neighbours


class Flux3(Flux2):
    """How its networks draw."""

    def predictor(self, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        network, words, sampling = parts["transformer"], given.words, needed(recipe.sampling)
        _, _, height, width = self.noise_shape(parts, recipe)
        places, seen = _places(0, height, width).to(network.device), _seen(network, given.seen)

        def ask(y: Tensor, t: Tensor, negative: bool) -> Tensor:
            context = words.negative if negative else words.context
            target = goal(sampling, t) if network.config.flow_map else None
            out: Tensor = network(
                hidden_states=packed(y.to(network.dtype)),
                encoder_hidden_states=context,
                timestep=(t / 1000).expand(1).to(network.dtype),
                target_timestep=target if target is None else (target / 1000).expand(1).to(y),
                img_ids=places,
                txt_ids=in_a_row(context.shape[1]).float().to(network.device),
                return_dict=False,
                **seen,
            )[0]
            return unpacked(out, height, width)

        return apart(ask, sampling)


def _seen(network: Any, pictures: Sequence[Tensor]) -> Mapping[str, Tensor]:
    """What the network is given of pictures that it looks at, by its names for it."""
    if not pictures:
        return {}
    tokens = torch.cat([packed(one) for one in pictures], dim=1)
    grids = [_places(-number, *one.shape[-2:]) for number, one in enumerate(pictures, 1)]
    return {
        "image_cond_hidden_states": tokens.to(network.device, network.dtype),
        "image_cond_ids": torch.cat(grids).to(network.device),
    }


def goal(sampling: Sampling, t: Tensor) -> Tensor:
    """The time that the step jumps to which begins at that one, or passes it."""
    level = float(t) / 1000 * (1 - 1e-5)
    below = next((sigma for sigma in sampling.sigmas if sigma < level), 0.0)
    return torch.tensor(below, device=t.device, dtype=torch.float32) * 1000


def _places(picture: int, height: int, width: int) -> Tensor:
    """Where a picture's tokens are: 0, row and column, and which picture it is."""
    axes = torch.arange(1), torch.arange(height), torch.arange(width), torch.tensor([picture])
    places = torch.cartesian_prod(*axes).float()
    places[:, 1:3] *= APART
    return places
