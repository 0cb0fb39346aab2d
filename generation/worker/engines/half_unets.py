"""ControlNets of Stable Diffusion at work: half a UNet whose results are added to the other's.

    (noisy latents, timestep, words; a control picture) -> a residual for each skip and the middle

The arithmetic is in the order of diffusers' pipelines: the same bits as theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from generation.recipe import needed
from generation.worker.steering import Controls, Steering, summed


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """The ControlNets of one drawing, and what they read besides latents."""

    context: Tensor  # of all lanes
    added: Mapping[str, Tensor] | None  # what XL reads besides words
    controls: Controls | None

    def beside(self, lanes: Tensor, t: Tensor) -> dict[str, Any]:
        """What the UNet takes besides, by its own names; nothing where none is on."""
        on = () if self.controls is None else self.controls.on
        if not on:
            return {}
        found = [self._asked(one, lanes, t) for one in on]
        *down, middle = summed(found)
        return {
            "down_block_additional_residuals": tuple(down),
            "mid_block_additional_residual": middle,
        }

    def _asked(self, one: Steering, lanes: Tensor, t: Tensor) -> list[Tensor]:
        network, seen = one.network, torch.cat([one.picture] * len(lanes))
        down, middle = network(
            lanes.to(network.dtype),
            t,
            encoder_hidden_states=self.context,
            **({"controlnet_cond": seen} if one.mode is None else self._of_several(one, seen)),
            conditioning_scale=one.strength,
            added_cond_kwargs=None if self.added is None else dict(self.added),
            return_dict=False,
        )
        return [*down, middle]

    def _of_several(self, one: Steering, seen: Tensor) -> dict[str, Any]:
        """What a network of several kinds of pictures is told of this one."""
        kinds = torch.zeros(one.network.config.num_control_type)
        kinds[needed(one.mode)] = 1
        told = kinds.to(self.context.device, self.context.dtype).repeat(len(seen), 1)
        return {
            "controlnet_cond": [seen],
            "control_type": told,
            "control_type_idx": [one.mode],
        }
