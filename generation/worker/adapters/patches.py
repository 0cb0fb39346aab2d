"""What an adapter adds to a layer's output, by the formula of its kind.

    LowRank      out + up(mid(down(x))) * alpha / rank        LoRA, LoCon
    Decomposed   LowRank, the sum's rows brought to the file's magnitudes    PEFT's DoRA
    Difference   out + layer(x) with the weight's and the bias's difference for weights
                 LoHa, LoKr, full differences, norms, biases, kohya's DoRA

Every layer that can be changed is linear in its weight and bias, so a difference of them can be
added to what it puts out, and no weight is ever touched.  The invariant: with no patch on, a layer
computes what it computed before patches came.  A plain LoRA is added up in PEFT's order, bit for
bit; differences are made in float32 from the file's numbers each time, which costs little beside
the layer itself and no memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from generation.catalog.loras.plan import LayerChange
from generation.worker.packed import weight_of

Layer = Any  # nn.Linear, nn.Conv2d, nn.LayerNorm or nn.GroupNorm
Tensors = Mapping[str, Tensor]  # by their roles


class Patch(Protocol):
    """One file's change of one layer."""

    def __call__(self, layer: Layer, x: Tensor, out: Tensor, strength: float) -> Tensor:
        """What the layer puts out for x, given what it put out so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank:
    """A LoRA in the layer's precision."""

    down: Tensor
    mid: Tensor | None
    up: Tensor
    alpha: float
    rank: int

    def __call__(self, layer: Layer, x: Tensor, out: Tensor, strength: float) -> Tensor:
        scaling = strength * self.alpha / self.rank
        return (out + self.product(layer, x.to(self.down.dtype)) * scaling).to(out.dtype)

    def product(self, layer: Layer, x: Tensor) -> Tensor:
        """up(mid(down(x))); in a convolution the first of them with a kernel moves as it does."""
        if self.down.ndim == 2:
            return functional.linear(functional.linear(x, self.down), self.up)
        moves = (layer.stride, layer.padding, layer.dilation)
        if self.mid is None:
            return functional.conv2d(functional.conv2d(x, self.down, None, *moves), self.up)
        small = functional.conv2d(x, self.down)
        return functional.conv2d(functional.conv2d(small, self.mid, None, *moves), self.up)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decomposed:
    """A DoRA of a linear layer as PEFT draws it: strength scales the direction alone."""

    low: LowRank
    magnitude: Tensor

    def __call__(self, layer: Layer, x: Tensor, out: Tensor, strength: float) -> Tensor:
        low, scaling = self.low, strength * self.low.alpha / self.low.rank
        x = x.to(low.down.dtype)
        one = torch.eye(low.down.shape[1], device=x.device, dtype=x.dtype)
        weight = weight_of(layer).to(x.dtype) + scaling * low.product(layer, one).T.to(x.dtype)
        norm = torch.linalg.norm(weight, dim=1).to(weight.dtype)
        factor = (self.magnitude / norm).view(1, -1)
        base = out if layer.bias is None else out - layer.bias
        added: Tensor = (factor - 1) * base + factor * low.product(layer, x) * scaling
        return (out + added).to(out.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference of a layer's weight and bias; the tensors are as in the file."""

    change: LayerChange
    tensors: Tensors
    alpha: float  # 1 where there is no rank, as the rank is then

    def __call__(self, layer: Layer, x: Tensor, out: Tensor, strength: float) -> Tensor:
        bias = None
        if "diff_b" in self.tensors:
            bias = (strength * rows_of(self.change, self.tensors["diff_b"]).float()).to(out.dtype)
            if self.change.form.kind == "bias":
                last = isinstance(layer, nn.Linear | nn.LayerNorm)
                return out + (bias if last else bias.reshape(-1, *[1] * (out.ndim - 2)))
        weight = (strength * self.of_weight(layer)).to(out.dtype)
        return out + _applied(layer, x.to(out.dtype), weight, bias)

    def of_weight(self, layer: Layer) -> Tensor:
        """At full strength, in float32 and in the shape of the layer's weight."""
        tensors = {role: tensor.float() for role, tensor in self.tensors.items()}
        shape = layer.weight.shape
        made = rows_of(self.change, _MAKERS[self.change.form.kind](tensors)).reshape(shape)
        made = made * (self.alpha / (self.change.form.rank or 1))
        scale = tensors.get("dora_scale")
        if scale is None and "magnitude" in tensors:
            scale = tensors["magnitude"].reshape(-1, *[1] * (len(shape) - 1))
        if scale is not None and scale.shape[0] == self.change.form.out:
            scale = rows_of(self.change, scale)
        return made if scale is None else _decomposed(weight_of(layer).float(), made, scale)


def patch(change: LayerChange, tensors: Tensors, layer: Layer) -> Patch:
    """The patch of a layer.  Raises ValueError with a clause when a number is none."""
    weight = layer.weight
    alpha, rank = _alpha(change, tensors), change.form.rank
    low = change.form.kind == "lora" and not {"diff_b", "dora_scale"} & tensors.keys()
    if low and rank is not None and ("magnitude" not in tensors or weight.ndim == 2):
        down, up = tensors["down"], rows_of(change, tensors["up"])
        if "alpha" in tensors:
            # Recipes of old have it multiplied in, and rounded as the file's numbers are.
            folded = up.float() * (alpha / rank)
            up, alpha = folded.to(up.dtype) if up.dtype in _WHOLE else folded, float(rank)
        kernel = weight.shape[2:]
        narrow = kernel if "mid" not in tensors else [1] * len(kernel)
        mid = tensors.get("mid")
        made = LowRank(
            down=_own(down.reshape(rank, weight.shape[1], *narrow), weight),
            mid=mid if mid is None else _own(mid, weight),
            up=_own(up.reshape(weight.shape[0], rank, *[1] * len(kernel)), weight),
            alpha=alpha,
            rank=rank,
        )
        if "magnitude" not in tensors:
            return made
        magnitude = rows_of(change, tensors["magnitude"].reshape(-1))
        return Decomposed(low=made, magnitude=_own(magnitude, weight))
    columns = "dora_scale" in tensors and tensors["dora_scale"].shape[0] == 1
    if change.rows is not None and columns:
        raise ValueError(
            f"its {change.path} has magnitudes of columns, and is some rows of a layer"
        )
    kept = {role: t.to(weight.device).clone() for role, t in tensors.items() if role != "alpha"}
    return Difference(change=change, tensors=kept, alpha=alpha)


def rows_of(change: LayerChange, whole: Tensor) -> Tensor:
    """Of a tensor of the file's layer the rows that are the network's."""
    if change.rows is None:
        return whole
    shares = whole.chunk(change.rows.of)
    return torch.cat([shares[nth] for nth in change.rows.shares])


_WHOLE = (torch.float32, torch.float16, torch.bfloat16)


def _own(tensor: Tensor, weight: Tensor) -> Tensor:
    """In the layer's precision, on its device and in memory of its own."""
    if tensor.dtype not in _WHOLE:
        tensor = tensor.float()
    return tensor.to(weight.device, weight.dtype).contiguous().clone()


def _alpha(change: LayerChange, tensors: Tensors) -> float:
    if change.form.rank is None:
        return 1.0
    alpha = float(change.form.rank) if change.alpha is None else change.alpha
    if "alpha" in tensors:
        alpha = float(tensors["alpha"])
    if not math.isfinite(alpha):
        raise ValueError(f"its {change.path} has the alpha {alpha}")
    return alpha


def _applied(layer: Layer, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """What a layer of this kind makes of x with these numbers."""
    match layer:
        case nn.Linear():
            return functional.linear(x, weight, bias)
        case nn.Conv2d():
            conv: Any = layer
            moves = (conv.stride, conv.padding, conv.dilation, conv.groups)
            return functional.conv2d(x, weight, bias, *moves)
        case nn.LayerNorm():
            return functional.layer_norm(x, layer.normalized_shape, weight, bias, layer.eps)
        case _:
            return functional.group_norm(x, layer.num_groups, weight, bias, layer.eps)


def _decomposed(weight: Tensor, added: Tensor, scale: Tensor) -> Tensor:
    """DoRA (Liu et al. 2024): the sum, its rows or columns brought to the file's magnitudes."""
    whole = weight + added
    others = [d for d in range(whole.ndim) if d != (1 if scale.shape[0] == 1 else 0)]
    if scale.numel() == 1:
        others = list(range(1, whole.ndim))
    norm: Tensor = torch.linalg.vector_norm(whole, dim=others, keepdim=True)
    eps = torch.finfo(norm.dtype).eps
    factor: Tensor = scale.reshape(norm.shape) / (norm + eps)
    return whole * factor - weight


def _lora(t: Tensors) -> Tensor:
    down, up = t["down"], t["up"].flatten(1)
    if "mid" in t:
        down = torch.einsum("pikl,ij->pjkl", t["mid"], down.flatten(1))
    return up @ down.flatten(1)


def _loha(t: Tensors) -> Tensor:
    sides = (_table(t, f"w{n}_a", f"w{n}_b", f"t{n}") for n in "12")
    return next(sides) * next(sides)


def _lokr(t: Tensors) -> Tensor:
    first = t["kron_w1"] if "kron_w1" in t else _table(t, "kron_w1_a", "kron_w1_b")
    second = t["kron_w2"] if "kron_w2" in t else _table(t, "kron_w2_a", "kron_w2_b", "kron_t2")
    first = first.reshape(*first.shape, *[1] * (second.ndim - first.ndim))
    return torch.kron(first, second.contiguous())


def _table(t: Tensors, first: str, second: str, core: str = "") -> Tensor:
    """A product of two tables, or a kernel of three (Tucker)."""
    if core in t:
        return torch.einsum("ijkl,jr,ip->prkl", t[core], t[second], t[first])
    return t[first] @ t[second].flatten(1)


def _full(t: Tensors) -> Tensor:
    return t["diff"]


_MAKERS = {"lora": _lora, "loha": _loha, "lokr": _lokr, "full": _full}
