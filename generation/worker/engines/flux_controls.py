"""ControlNets of FLUX.1 at work: its first blocks, whose results are added to the transformer's.

What a network says of the words alone steers the negative prompt's call too, as in the stock
pipeline, whose bits these are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import torch
from torch import Tensor

from generation.worker.steering import Controls, Steering, summed

PLACES = ("controlnet_block_samples", "controlnet_single_block_samples")


def steered(
    controls: Controls | None, transformer: Any, reads: Mapping[str, Any], guidance: float | None
) -> dict[str, Any]:
    """What the transformer takes besides; `reads`: what it reads of latents, words and places."""
    on = () if controls is None else controls.on
    if not on:
        return {}
    said = [_asked(one, reads, guidance) for one in on]
    layers = len(transformer.transformer_blocks), len(transformer.single_transformer_blocks)
    found: dict[str, Any] = {}
    for number, (place, count) in enumerate(zip(PLACES, layers, strict=True)):
        each = [spread(one[number], count) for one in said if one[number]]
        if each:
            found[place] = list(summed(each))
    return found


def _asked(
    one: Steering, reads: Mapping[str, Any], guidance: float | None
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    network = one.network
    device = network.device
    told = None
    if network.config.guidance_embeds:
        told = torch.full([1], guidance or 0.0, device=device, dtype=torch.float32)
    mode = None if one.mode is None else torch.tensor([[one.mode]], device=device)
    blocks, single = network(
        **{**reads, "guidance": told},
        controlnet_cond=one.picture,
        controlnet_mode=mode,
        conditioning_scale=one.strength,
        return_dict=False,
    )
    return blocks or (), single or ()


def spread(samples: Sequence[Tensor], layers: int) -> list[Tensor]:
    """One for each of the transformer's layers: neighbours share one, as there they would."""
    each = ceil(layers / len(samples))
    return [samples[layer // each] for layer in range(layers)]
