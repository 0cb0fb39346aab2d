"""Weights packed as other programs pack them, each by its formula in the other direction.

`packed` gives what a file has for a weight; `unpacked` what it means, in float64, element by
element: slow, and written without the program's own functions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.float64]

E2M1 = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
BLOCK = {"mxfp8": 32, "nvfp4": 16}
DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "fp8": {"format": "float8_e4m3fn"},
    "int8": {"format": "int8_tensorwise"},
    "int8_convrot": {"format": "int8_tensorwise", "convrot": True, "convrot_groupsize": 16},
    "mxfp8": {"format": "mxfp8"},
    "nvfp4": {"format": "nvfp4"},
}
KINDS = tuple(DESCRIPTIONS)


def packed(weight: Tensor, kind: str) -> dict[str, Tensor]:
    """What a file has in place of a weight, by the ends of the names; without its description."""
    weight = weight.float()
    if kind == "fp8":
        scale = weight.abs().max() / 448
        return {"weight": (weight / scale).to(torch.float8_e4m3fn), "weight_scale": scale}
    if kind.startswith("int8"):
        turned = weight if kind == "int8" else _turned(weight, 16)
        scale = (turned.abs().amax(1, keepdim=True) / 127).clamp(min=1e-12)
        return {"weight": (turned / scale).round().to(torch.int8), "weight_scale": scale}
    blocks = weight.reshape(len(weight), -1, BLOCK[kind])
    most = blocks.abs().amax(-1).clamp(min=1e-12)
    if kind == "mxfp8":
        powers = (most / 448).log2().ceil().clamp(-127, 127)
        numbers = (blocks / powers.exp2()[..., None]).reshape(weight.shape)
        scales = (powers + 127).to(torch.uint8)
        return {"weight": numbers.to(torch.float8_e4m3fn), "weight_scale": tiled(scales)}
    second = weight.abs().max() / (448 * 6)
    first = (most / 6 / second).to(torch.float8_e4m3fn)
    numbers = blocks / (first.float() * second).clamp(min=1e-12)[..., None]
    nearest = (numbers.abs()[..., None] - torch.tensor(E2M1)).abs().argmin(-1)
    codes = (nearest + 8 * (numbers < 0)).reshape(len(weight), -1).to(torch.uint8)
    both = codes[:, ::2] * 16 + codes[:, 1::2]
    scales = tiled(first.view(torch.uint8)).view(torch.float8_e4m3fn)
    return {"weight": both, "weight_scale": scales, "weight_scale_2": second}


def described(kind: str) -> Tensor:
    """The tensor that says how a weight is packed."""
    text = json.dumps(DESCRIPTIONS[kind]).encode()
    return torch.frombuffer(bytearray(text), dtype=torch.uint8).clone()


def in_file(tensors: dict[str, Tensor], kind: str, keys: set[str]) -> dict[str, Tensor]:
    """The tensors of a file in which these weights are packed."""
    found = {key: tensor for key, tensor in tensors.items() if key not in keys}
    for key in keys:
        stem = key.removesuffix("weight")
        found |= {f"{stem}{end}": one for end, one in packed(tensors[key], kind).items()}
        found[f"{stem}comfy_quant"] = described(kind)
    return found


def meant(tensors: dict[str, Tensor], kind: str, keys: set[str]) -> dict[str, Tensor]:
    """The same tensors, unpacked in float32."""
    return {
        key: torch.from_numpy(unpacked(packed(one, kind), kind)).float() if key in keys else one
        for key, one in tensors.items()
    }


def unpacked(lies: dict[str, Tensor], kind: str) -> Numbers:
    """What packed tensors mean."""
    scale = lies["weight_scale"]
    if kind in ("fp8", "int8"):
        return _exact(lies["weight"]) * _exact(scale)
    if kind == "int8_convrot":
        return _turned_back(_exact(lies["weight"]) * _exact(scale), 16)
    raw, block = lies["weight"], BLOCK[kind]
    if kind == "mxfp8":
        numbers = _exact(raw)
        bytes_ = scale.numpy().reshape(-1)
        scales = np.exp2(bytes_.astype(np.float64) - 127)
    else:
        codes = raw.numpy()
        each = np.stack([codes >> 4, codes & 15], -1).reshape(len(codes), -1)
        signs = np.where(each & 8, -1.0, 1.0)
        numbers = signs * np.array(E2M1)[each & 7]
        scales = _exact(scale).reshape(-1) * float(lies["weight_scale_2"])
    across = numbers.shape[1] // block
    found = numbers.copy()
    for row in range(len(numbers)):
        for column in range(across):
            here = slice(column * block, (column + 1) * block)
            found[row, here] *= scales[_place(row, column, across)]
    return found


def _exact(tensor: Tensor) -> Numbers:
    return tensor.float().numpy().astype(np.float64)


def _place(row: int, column: int, columns: int) -> int:
    """Where a scale lies among tiles of 128 rows and 4 columns."""
    tile = row // 128 * -(-columns // 4) + column // 4
    return tile * 512 + row % 32 * 16 + row % 128 // 32 * 4 + column % 4


def tiled(scales: Tensor) -> Tensor:
    """A matrix of scales as cuBLAS wants it, filled up with zeros."""
    rows, columns = scales.shape
    found = torch.zeros(-(-rows // 128) * 128 * -(-columns // 4) * 4, dtype=scales.dtype)
    for row in range(rows):
        for column in range(columns):
            found[_place(row, column, columns)] = scales[row, column]
    return found.reshape(-(-rows // 128) * 128, -1)


def _matrix(size: int) -> Numbers:
    """The regular Hadamard matrix, by the digits of its places in base 4."""
    found = np.ones((size, size))
    for row in range(size):
        for column in range(size):
            left, across = row, column
            while left or across:
                found[row, column] *= -1.0 if left % 4 + across % 4 == 3 else 1.0
                left, across = left // 4, across // 4
    whole: Numbers = found / np.sqrt(size)
    return whole


def _turned(weight: Tensor, group: int) -> Tensor:
    matrix = torch.from_numpy(_matrix(group)).float()
    return (weight.reshape(len(weight), -1, group) @ matrix.T).reshape(weight.shape)


def _turned_back(weight: Numbers, group: int) -> Numbers:
    parts = weight.reshape(len(weight), -1, group)
    found: Numbers = (parts @ _matrix(group)).reshape(weight.shape)
    return found


def write_gguf(path: Path, tensors: dict[str, Tensor], kind: str, keys: set[str]) -> Path:
    """A GGUF file in which these weights are of a type of llama.cpp's."""
    import gguf
    from gguf import quants

    writer = gguf.GGUFWriter(path, "tiny")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "c"])
    for key, tensor in tensors.items():
        if key in keys:
            quantised = gguf.GGMLQuantizationType[kind]
            raw = quants.quantize(tensor.float().numpy(), quantised)
            writer.add_tensor(key, raw, raw_dtype=quantised)
        else:
            writer.add_tensor(key, tensor.float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def meant_by_gguf(tensors: dict[str, Tensor], kind: str, keys: set[str]) -> dict[str, Tensor]:
    """The same tensors, unpacked by llama.cpp's own package."""
    import gguf
    from gguf import quants

    quantised = gguf.GGMLQuantizationType[kind]
    return {
        key: torch.from_numpy(
            quants.dequantize(quants.quantize(one.float().numpy(), quantised), quantised)
        )
        if key in keys
        else one
        for key, one in tensors.items()
    }
