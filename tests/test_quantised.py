"""Scaled fp8 is the dequantised file; every other quantisation is refused by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from generation.catalog import recognition
from generation.errors import UnusableWeights
from tests.given.checkpoints import loaded, reason, the_single_file
from tests.given.thinmodels import SD15, configs, write_file

FP8 = torch.float8_e4m3fn


def scaled(architecture: str, spelling: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """A file in scaled fp8, and the same dequantised."""
    quantised: dict[str, Tensor] = {}
    plain: dict[str, Tensor] = {}
    for key, tensor in the_single_file(architecture)[0].items():
        quantised[key] = plain[key] = tensor
        matrix = key.endswith(".weight") and tensor.ndim == 2
        if not matrix or "token_embedding" in key or "position" in key or "conditioner" in key:
            continue
        stem, scale = key.removesuffix(".weight"), tensor.abs().max() / 448
        quantised[key] = (tensor / scale).to(FP8)
        plain[key] = quantised[key].float() * scale
        if spelling == "old":
            quantised[f"{stem}.scale_weight"] = scale
            quantised[f"{stem}.scale_input"] = torch.tensor(2.0)
        else:
            quantised[f"{stem}.weight_scale"] = scale.reshape(1)
            quantised[f"{stem}.input_scale"] = torch.tensor(2.0)
        if spelling == "new":
            text = bytearray(b'{"format": "float8_e4m3fn"}')
            quantised[f"{stem}.comfy_quant"] = torch.frombuffer(text, dtype=torch.uint8).clone()
    if spelling == "old":
        quantised["model.diffusion_model.scaled_fp8"] = torch.zeros(2).to(FP8)
    return quantised, plain


@pytest.mark.parametrize("architecture", ["sd1", "sdxl"])
@pytest.mark.parametrize("spelling", ["old", "new", "bare"])
def test_scaled_fp8_is_the_dequantised_file(
    tmp_path: Path, architecture: str, spelling: str
) -> None:
    quantised, plain = scaled(architecture, spelling)
    found = loaded(quantised, architecture, tmp_path)
    right = loaded(plain, architecture, tmp_path)
    assert all(torch.equal(found[key], right[key]) for key in right)


WEIGHT = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight"
LAYER = WEIGHT.removesuffix(".weight")


@pytest.mark.parametrize(
    ("more", "dtypes", "said"),
    [
        ({f"{WEIGHT}.absmax": (4,)}, {WEIGHT: "U8"}, "bitsandbytes"),
        ({f"{WEIGHT}.quant_state.bitsandbytes__nf4": (4,)}, {WEIGHT: "U8"}, "nf4"),
        ({f"{LAYER}.SCB": (4,)}, {WEIGHT: "I8"}, "int8"),
        ({f"{LAYER}.qweight": (4,), f"{LAYER}.wscales": (4,)}, {}, "nunchaku"),
        ({f"{LAYER}.weight_scale": (8, 1)}, {WEIGHT: "I8"}, "I8"),
        ({f"{LAYER}.weight_scale": (8, 2)}, {WEIGHT: "F8_E4M3"}, "blocks"),
        ({f"{LAYER}.weight_scale": ()}, {f"{LAYER}.weight_scale": "F8_E8M0"}, "blocks"),
        ({f"{LAYER}.weight_scale_2": ()}, {WEIGHT: "U8"}, "nvfp4"),
        ({}, {WEIGHT: "I8"}, "I8"),
        ({"nobody.weight_scale": ()}, {}, "nobody.weight_scale"),
        ({f"{LAYER}.comfy_quant": (9,)}, {f"{LAYER}.comfy_quant": "U8"}, "unreadable"),
    ],
)
def test_other_quantisations_are_refused_by_name(
    tmp_path: Path, more: dict[str, tuple[int, ...]], dtypes: dict[str, str], said: str
) -> None:
    write_file(tmp_path / "m" / "x.safetensors", {**SD15, **more}, dtypes=dtypes)
    assert said in reason(tmp_path / "m")


@pytest.mark.parametrize("kind", ["nvfp4", "mxfp8", "int8_tensorwise"])
def test_a_format_is_read_from_the_metadata_too(kind: str) -> None:
    text = json.dumps({"layers": {"a": {"format": kind}}})
    with pytest.raises(UnusableWeights, match=kind):
        recognition.of_file(SD15, "x", {"_quantization_metadata": text}, configs=configs())
