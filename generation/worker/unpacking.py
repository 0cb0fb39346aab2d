"""Packed weights -> numbers, by the formula of each kind, in float32.

    fp8, int8      number * scale, one for all or one for each row
                   (rotated: times a Hadamard matrix, group by group of columns; Huang et al. 2025,
                   "ConvRot": the matrix is its own inverse)
    mxfp8          fp8 * 2^(e - 127), one exponent for 32 numbers       (OCP Microscaling 1.0)
    nvfp4          4-bit E2M1 * an fp8 scale for 16 numbers * one float32 for all
    GGUF           blocks of llama.cpp, by diffusers' functions

The invariant: the same bytes give the same numbers on one device, whole or some rows of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor

from generation.catalog.quantised import BLOCKS, GGUF, MXFP8_BLOCK, NVFP4_BLOCK, TILE

# The numbers that four bits of E2M1 mean.
_E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def unpacked(kind: str, raw: Tensor, sides: Mapping[str, Tensor], group: int | None) -> Tensor:
    """The numbers of a weight, (rows, columns) for all but fp8, which may have any shape.

    `raw`: the bytes as they lie in the file; of GGUF (rows, bytes of a row).  `group`: columns that
    were rotated together.
    """
    if kind.startswith(GGUF):
        return _of_blocks(raw, kind.removeprefix(GGUF))
    if kind == "mxfp8":
        return _by_block(raw.float(), _powers(sides["scale"]), MXFP8_BLOCK)
    if kind == "nvfp4":
        scales = sides["scale"].view(torch.float8_e4m3fn).float() * sides["second"].float()
        return _by_block(_of_four_bits(raw), scales.reshape(-1), NVFP4_BLOCK)
    scale = sides["scale"].float()
    whole = scale.numel() == 1
    shape = () if whole else (-1, *[1] * (raw.dim() - 1))
    found = raw.float() * scale.reshape(shape)
    return found if group is None else _rotated(found, group)


def _powers(exponents: Tensor) -> Tensor:
    """2^(e - 127) of bytes; the last of them is no number."""
    whole = exponents.view(torch.uint8).reshape(-1).to(torch.int32)
    powers = torch.ldexp(torch.ones_like(whole, dtype=torch.float32), whole - 127)
    return torch.where(whole == 255, torch.nan, powers)


def _of_four_bits(raw: Tensor) -> Tensor:
    """Two numbers of each byte, the first in its high bits."""
    table = torch.tensor([*_E2M1, *(-number for number in _E2M1)], device=raw.device)
    both = torch.stack([raw >> 4, raw & 15], dim=-1)
    found: Tensor = table[both.reshape(len(raw), -1).long()]
    return found


def _by_block(numbers: Tensor, scales: Tensor, block: int) -> Tensor:
    """Each block of columns times its scale, which lie in tiles."""
    rows, columns = numbers.shape
    each = _out_of_tiles(scales, rows, columns // block)
    return (numbers.reshape(rows, -1, block) * each[..., None]).reshape(rows, columns)


def _out_of_tiles(scales: Tensor, rows: int, columns: int) -> Tensor:
    """Scales as a matrix: in a tile, row r of 128 lies behind row r % 32, by r // 32."""
    down, across = TILE
    tiles_down, tiles_across = -(-rows // down), -(-columns // across)
    tiled = scales.reshape(tiles_down, tiles_across, 32, down // 32, across)
    plain = tiled.transpose(2, 3).reshape(tiles_down, tiles_across, down, across)
    return plain.transpose(1, 2).reshape(tiles_down * down, -1)[:rows, :columns]


def _rotated(weight: Tensor, group: int) -> Tensor:
    """Each group of columns times the Hadamard matrix of that size."""
    rows, columns = weight.shape
    turned = weight.reshape(rows, columns // group, group) @ _hadamard(group).to(weight.device)
    found: Tensor = turned.reshape(rows, columns)
    return found


@cache
def _hadamard(size: int) -> Tensor:
    """The regular one of that size, a power of 4: symmetric, and orthogonal."""
    four = torch.ones(4, 4) - 2 * torch.eye(4).flip(1)
    whole = torch.ones(1, 1)
    while len(whole) < size:
        whole = torch.kron(whole, four)
    found: Tensor = whole / size**0.5
    return found


def _of_blocks(raw: Tensor, kind: str) -> Tensor:
    from diffusers.quantizers.gguf.utils import dequantize_functions
    from gguf import GGMLQuantizationType

    numbers, size = BLOCKS[kind]
    unpack: Callable[..., Tensor] = dequantize_functions[GGMLQuantizationType[kind]]
    blocks = raw.view(torch.uint8).reshape(-1, size)
    return unpack(blocks, numbers, size, torch.float32).reshape(len(raw), -1).float()
