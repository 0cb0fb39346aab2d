"""Files of FLUX.2 in their real sizes: their tensors, and the names that their makers gave them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_folder
from generation.families.builds import flux2
from generation.families.family import ARCHITECTURES

# What the configs of the published ones say, where that is not what the class takes anyway.
SIZES: dict[str, dict[str, Any]] = {
    "dev": {},
    "klein 4B": {
        "guidance_embeds": False,
        "joint_attention_dim": 7680,
        "num_attention_heads": 24,
        "num_layers": 5,
        "num_single_layers": 20,
    },
    "klein 9B": {
        "guidance_embeds": False,
        "joint_attention_dim": 12288,
        "num_attention_heads": 32,
        "num_single_layers": 24,
    },
}
BILLIONS = {"dev": 32.2, "klein 4B": 3.9, "klein 9B": 9.1}


def built(name: str, config: dict[str, Any]) -> dict[str, torch.Tensor]:
    import diffusers

    with torch.device("meta"):
        module = getattr(diffusers, name).from_config(config)
    return dict(module.state_dict())


def shapes_of(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(t.shape) for key, t in tensors.items() if t.is_floating_point()}


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_each_size_is_its_module_by_the_stock_librarys_own_names(size: str) -> None:
    from diffusers.loaders.single_file_utils import (
        convert_flux2_transformer_checkpoint_to_diffusers,
    )

    module = shapes_of(built("Flux2Transformer2DModel", SIZES[size]))
    assert flux2.tensors(SIZES[size]) == module
    assert sum(torch.Size(shape).numel() for shape in module.values()) / 1e9 == pytest.approx(
        BILLIONS[size], abs=0.1
    )
    file = flux2.layout(module, SIZES[size])
    bare = {key.removeprefix(flux2.DENOISER): shape for key, shape in file.items()}
    theirs = {key: torch.empty(shape, device="meta") for key, shape in bare.items()}
    assert shapes_of(convert_flux2_transformer_checkpoint_to_diffusers(theirs)) == module


@pytest.mark.parametrize("size", SIZES)
def test_the_tensors_of_a_file_say_its_size(size: str) -> None:
    config = {**flux2.USUAL, **SIZES[size]}
    file = flux2.layout(flux2.tensors(config) or {}, config)
    told = {**flux2.USUAL, **flux2.told(file)}
    assert told == {**config, "out_channels": 128}
    newer = {key.replace("norm.scale", "norm.weight"): shape for key, shape in file.items()}
    assert flux2.told(newer) == flux2.told(file)
    assert {flux2.spelling(key) for key in newer} == file.keys()


@pytest.mark.parametrize(
    ("size", "family"),
    [("dev", "flux2-dev"), ("klein 4B", "flux2-klein"), ("klein 9B", "flux2-klein-9b")],
)
def test_the_tensors_of_a_file_say_its_family(size: str, family: str) -> None:
    config = {**flux2.USUAL, **SIZES[size]}
    file = flux2.layout(flux2.tensors(config) or {}, config)
    (found,) = (one for one in ARCHITECTURES if one.recognise(file))
    assert (found.finer(file, {}) or found.family) == family


@pytest.mark.parametrize("small", [None, (96, 192, 384, 384)], ids=["whole", "small decoder"])
def test_the_vae_is_its_module_and_a_small_decoder_is_told_by_its_tensors(
    small: tuple[int, ...] | None,
) -> None:
    config = config_of(CONFIGS / "flux2" / "vae") | {"decoder_block_out_channels": small}
    module = shapes_of(built("AutoencoderKLFlux2", config))
    assert flux2.vae(config) == module
    file = flux2.vae_layout(module, config)
    assert {"vae.bn.running_mean", "vae.encoder.quant_conv.weight"} < file.keys()
    assert {"vae.decoder.post_quant_conv.bias", "vae.decoder.mid.attn_1.q.weight"} < file.keys()
    assert flux2.vae_told(file)["decoder_block_out_channels"] == small
    assert len(file) == len(module)


@pytest.mark.parametrize(
    ("size", "distilled", "family"),
    [
        ("klein 4B", True, "flux2-klein"),
        ("klein 4B", False, "flux2-klein-base"),
        ("klein 9B", None, "flux2-klein-9b"),
        ("klein 9B", False, "flux2-klein-9b-base"),
        ("dev", None, "flux2-dev"),
    ],
)
def test_a_folder_says_whether_it_is_distilled(
    size: str, distilled: bool | None, family: str
) -> None:
    kind = "Flux2Pipeline" if size == "dev" else "Flux2KleinPipeline"
    config = {"_class_name": "Flux2Transformer2DModel", **SIZES[size]}
    index = {"_class_name": kind} | ({} if distilled is None else {"is_distilled": distilled})
    assert of_folder(index, config, "x").family == family
    if size == "klein 9B":
        keeping = {"_class_name": "Flux2KleinKVPipeline"}
        assert of_folder(keeping, config, "x").family == "flux2-klein-9b-kv"
