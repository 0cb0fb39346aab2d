"""Linear layers whose weights stay packed in memory, and are unpacked each time they are used.

A packed weight takes a half to an eighth of the room, on the device as in host memory, and a layer
has no more than its own weight unpacked at a time.  The invariant: a layer computes what one would
whose weight had been unpacked into its precision when it was read, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from generation.worker.unpacking import unpacked

# Bytes for each number of a weight while it is unpacked, at the worst moment; its packed bytes and
# its input aside.  Measured with fake tensors (tests/test_predicted_memory.py).
_UNPACKING = {
    "fp8": 8.0,
    "int8": 8.1,
    "mxfp8": 8.3,
    "nvfp4": 13.3,
    "gguf:Q4_0": 6.0,
    "gguf:Q4_1": 9.3,
    "gguf:Q5_0": 10.2,
    "gguf:Q5_1": 11.3,
    "gguf:Q8_0": 6.0,
    "gguf:Q2_K": 9.6,
    "gguf:Q3_K": 7.5,
    "gguf:Q4_K": 9.4,
    "gguf:Q5_K": 11.4,
    "gguf:Q6_K": 7.5,
    "gguf:IQ4_NL": 12.2,
    "gguf:IQ4_XS": 12.3,
}

RAW = "raw"  # the parameter that has the weight's bytes
_SIDE = "side_"  # begins the names of those that have its scales


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The bytes of a tensor, and what they are."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        """How many there are."""
        return prod(self.shape) * self.dtype.itemsize


class PackedLinear(nn.Linear):
    """A linear layer with a packed weight.

    All that it holds packed are bytes, so that whoever asks a network for its precision hears that
    of its other parameters.
    """

    def __init__(
        self,
        like: nn.Linear,
        kind: str,
        group: int | None,
        raw: Layout,
        sides: Mapping[str, Layout],
    ) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = like.in_features, like.out_features
        self.bias = like.bias
        self._dtype = like.weight.dtype
        self._kind, self._group = kind, group
        self._layouts = {RAW: raw, **{_SIDE + role: side for role, side in sides.items()}}
        for name, layout in self._layouts.items():
            empty = torch.empty((), dtype=torch.uint8).expand(layout.bytes)
            self.register_parameter(name, nn.Parameter(empty, requires_grad=False))

    @property
    def weight(self) -> Tensor:  # type: ignore[override]  # of which only shape and kind are asked
        """A tensor with the weight's shape, precision and device; `weight_of` has the numbers."""
        one = torch.empty((), dtype=self._dtype, device=self.get_parameter(RAW).device)
        return one.expand(self.out_features, self.in_features)

    def unpacked(self) -> Tensor:
        """The weight in the layer's precision."""
        found = {name: self._as_it_was(name) for name in self._layouts}
        sides = {name.removeprefix(_SIDE): one for name, one in found.items() if name != RAW}
        return unpacked(self._kind, found[RAW], sides, self._group).to(self._dtype)

    @property
    def unpacking_bytes(self) -> int:
        """What `unpacked` takes at its worst moment, besides what the layer holds."""
        return int(self.out_features * self.in_features * _UNPACKING[self._kind])

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input, self.unpacked(), self.bias)

    def _as_it_was(self, name: str) -> Tensor:
        layout = self._layouts[name]
        return self.get_parameter(name).data.view(layout.dtype).view(layout.shape)


def weight_of(layer: Any) -> Tensor:
    """The numbers of a layer's weight."""
    weight: Tensor = layer.unpacked() if isinstance(layer, PackedLinear) else layer.weight
    return weight


def unpacking_bytes(network: nn.Module) -> int:
    """What a network takes for its packed layer that takes most while it is at work."""
    packed = (layer for layer in network.modules() if isinstance(layer, PackedLinear))
    return max((layer.unpacking_bytes for layer in packed), default=0)


def weight_bits(network: nn.Module) -> float:
    """How many a number of its weights has, on average, as they are held."""
    held = [*network.parameters(), *network.buffers()]
    packed = [layer for layer in network.modules() if isinstance(layer, PackedLinear)]
    bytes_of_packed = sum(
        one.nbytes for layer in packed for name, one in layer.named_parameters() if name != "bias"
    )
    numbers = sum(one.numel() for one in held) - bytes_of_packed
    numbers += sum(layer.out_features * layer.in_features for layer in packed)
    return 8 * sum(one.nbytes for one in held) / max(1, numbers)


def side(role: str) -> str:
    """The parameter of a packed layer that has its scales of that role."""
    return _SIDE + role
