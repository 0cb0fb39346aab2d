"""Weights in fewer bits are the dequantised file; what is not read is refused by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.catalog import recognition
from generation.catalog.heads import contents_of, head_of
from generation.catalog.quantised import Contents, understood
from generation.errors import UnusableWeights
from tests.given import quantising
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


@pytest.mark.parametrize("kind", ["convrot_w4a4", "asym_w4a8_int8", "awq_w4a16"])
def test_a_format_is_read_from_the_metadata_too(kind: str) -> None:
    text = json.dumps({"layers": {"a": {"format": kind}}})
    with pytest.raises(UnusableWeights, match=kind):
        recognition.of_file(SD15, "x", {"_quantization_metadata": text}, configs=configs())


def layers_of(tensors: dict[str, Tensor], columns: int) -> set[str]:
    """The linear layers of a denoiser whose weights have so many columns, or a multiple of them."""
    return {
        key
        for key, tensor in tensors.items()
        if key.startswith("model.diffusion_model.") and key.endswith(".weight")
        if tensor.ndim == 2 and tensor.shape[1] % columns == 0 and "embed" not in key
    }


@pytest.mark.parametrize("kind", quantising.KINDS)
@pytest.mark.parametrize("architecture", ["sdxl", "sd3"])
def test_every_format_that_is_read_is_the_dequantised_file(
    tmp_path: Path, architecture: str, kind: str
) -> None:
    tensors = the_single_file(architecture)[0]
    keys = layers_of(tensors, 32)
    assert len(keys) > 10
    found = loaded(quantising.in_file(tensors, kind, keys), architecture, tmp_path)
    right = loaded(quantising.meant(tensors, kind, keys), architecture, tmp_path)
    assert found.keys() == right.keys()
    for key in right:
        assert torch.allclose(found[key], right[key], rtol=2e-6, atol=2e-6), key


def test_a_format_may_stand_in_the_metadata_alone() -> None:
    tensors = the_single_file("sdxl")[0]
    keys = layers_of(tensors, 32)
    packed = quantising.in_file(tensors, "int8_convrot", keys)
    layers = {key.removesuffix(".weight"): quantising.DESCRIPTIONS["int8_convrot"] for key in keys}
    bare = {key: one for key, one in packed.items() if not key.endswith(".comfy_quant")}
    metadata = {"_quantization_metadata": json.dumps({"layers": layers})}
    shapes = {key: tuple(one.shape) for key, one in bare.items()}
    dtypes = {key: {torch.int8: "I8"}.get(one.dtype, "F32") for key, one in bare.items()}
    said = understood(Contents(shapes=shapes, dtypes=dtypes, metadata=metadata), "x")
    assert said.packed.keys() == keys
    assert {(one.kind, one.group) for one in said.packed.values()} == {("int8", 16)}


@pytest.mark.parametrize(
    ("kind", "end", "other"),
    [
        ("int8", "weight_scale", torch.ones(3, 1)),
        ("int8_convrot", "weight", torch.zeros(64, 24, dtype=torch.int8)),
        ("nvfp4", "weight_scale", torch.ones(4, 4).to(torch.float8_e4m3fn)),
        ("nvfp4", "weight_scale_2", torch.ones(2)),
        ("mxfp8", "weight_scale", torch.ones(128, 4)),
    ],
)
def test_scales_that_do_not_fit_their_weight_are_refused(
    kind: str, end: str, other: Tensor, tmp_path: Path
) -> None:
    lies = {f"a.{name}": one for name, one in quantising.packed(torch.randn(64, 32), kind).items()}
    lies |= {"a.comfy_quant": quantising.described(kind), f"a.{end}": other}
    path = tmp_path / "x.safetensors"
    save_file(lies, path)
    with pytest.raises(UnusableWeights, match=r"a\.weight"):
        contents_of(path, head_of(path, "x"), "x")
