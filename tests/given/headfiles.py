"""Files of weights with the heads of real ones, and nothing behind: where only heads are read."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.quantised import BLOCKS
from generation.families.architecture import Part, Shape

Shapes = Mapping[str, Shape]


def shapes_of(part: Part) -> Shapes:
    """The tensors of a part with the config that comes with this program, as a file has them."""
    config = config_of(CONFIGS / part.config)
    own = part.network.tensors(config) or {}
    return part.layout(own, config)


def gguf_head(path: Path, shapes: Shapes, kind_of: Callable[[str, Shape], str]) -> Path:
    """A GGUF file of these tensors; `kind_of`: llama.cpp's type of each."""
    import gguf

    writer = gguf.GGUFWriter(path, "flux")
    size = 0
    for key, shape in shapes.items():
        kind = kind_of(key, shape)
        numbers, block = BLOCKS.get(kind, (1, 2))
        taken = math.prod(shape) // numbers * block
        raw = gguf.GGMLQuantizationType[kind]
        writer.add_tensor_info(key, list(shape), np.dtype(np.float16), taken, raw_dtype=raw)
        size += -(-taken // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    return longer(path, size + 32)


def safetensors_head(path: Path, shapes: Shapes, kind: str = "BF16") -> Path:
    """A safetensors file of these tensors, two bytes a number."""
    at, header = 0, {}
    for key, shape in shapes.items():
        end = at + 2 * math.prod(shape)
        header[key] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return longer(path, at)


def longer(path: Path, size: int) -> Path:
    """The file with so many bytes more, which take no room on a disk."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + size)
    return path
