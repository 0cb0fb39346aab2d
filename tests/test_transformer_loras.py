"""LoRAs of transformers: what their layers are called, and that they change what is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.catalog.loras.transformers import TRANSFORMERS, layers_named
from generation.catalog.recognition import of_file
from generation.errors import UnusableWeights
from generation.recipe import Adapter, Weights
from generation.worker.adapters import switching
from generation.worker.model import Model
from generation.worker.render import render
from tests.given import loaded, tinymodels
from tests.given.builders import a_digest
from tests.given.checkpoints import the_single_file
from tests.given.splitfiles import model_of, split
from tests.given.thinmodels import architecture as build_of

NAMES = [one.name for one in TRANSFORMERS if one.name in tinymodels.BUILDS]
each = pytest.mark.parametrize("architecture", NAMES)
RANK = 2
LOOKED_UP = "cond_type_embedding.weight"  # an embedding, and no linear layer


def test_there_are_transformers() -> None:
    assert {"sd3", "flux1"} <= set(NAMES)


def layers(architecture: str) -> dict[str, Tensor]:
    """The linear layers of a denoiser as a single file has them, by their names there."""
    built = build_of(architecture)
    prefix = built.denoiser.prefix
    # Another part may lie inside of the denoiser's names.
    others = tuple(
        p.prefix for p in built.parts if p.prefix.startswith(prefix) and p.prefix != prefix
    )
    return {
        key.removeprefix(prefix).removesuffix(".weight"): tensor
        for key, tensor in the_single_file(architecture)[0].items()
        if key.startswith(prefix) and key.endswith(".weight") and tensor.ndim == 2
        if not key.startswith(others or ("?",)) and not key.endswith(LOOKED_UP)
    }


def factors(weights: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(3)
    made = {}
    for name, weight in weights.items():
        down = torch.randn(RANK, weight.shape[1], generator=generator) / weight.shape[1] ** 0.5
        made[name] = down, torch.randn(weight.shape[0], RANK, generator=generator) * 0.05
    return made


def kohya(of: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, (down, up) in of.items():
        flat = f"lora_unet_{name.replace('.', '_')}"
        found |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up}
        found[f"{flat}.alpha"] = torch.tensor(1.0)
    return found


@each
def test_every_linear_layer_of_a_file_has_a_name_that_loras_use(architecture: str) -> None:
    built = build_of(architecture)
    named = {layer: layers_named(built, layer.replace(".", "_")) for layer in layers(architecture)}
    nameless = {layer for layer, found in named.items() if not found}
    assert nameless <= {"pos_embed"}
    rows = [(one.part, one.path, one.rows) for found in named.values() for one in found]
    assert len(set(rows)) == len(rows)


def with_lora(model: Model, architecture: str, file: Path) -> bytes:
    adapter = Adapter(
        kind="lora", weights=Weights(name="x", sha256=a_digest("c")), strength=1.0, control=None
    )
    recipe = replace(loaded.recipe_of(architecture), adapters=(adapter,))
    switching.switch(model, recipe, lambda _: file)
    try:
        return render(recipe, (), model, on_step=lambda *_: None).content
    finally:
        switching.switch(model, loaded.recipe_of(architecture), lambda _: file)


def apart(one: bytes, other: bytes) -> float:
    a, b = (torch.frombuffer(bytearray(x), dtype=torch.uint8).float() for x in (one, other))
    return float((a - b).abs().max())


# The gate of HiDream's experts answers with a tuple: no LoRA is drawn on it.
DRAWN = [name for name in NAMES if name != "hidream"]
# Layers that are several of the network, in another order of rows, and such that are one: all other
# transformers are drawn with one by `make test-all`.
AT_ONCE = {"sd3", "flux1", "flux2-klein", "qwen-image", "wan"}


@pytest.mark.parametrize(
    "architecture",
    [pytest.param(n, marks=() if n in AT_ONCE else pytest.mark.slow) for n in DRAWN],
)
def test_a_lora_on_the_files_layers_draws_what_the_file_with_it_merged_draws(
    architecture: str, tmp_path: Path
) -> None:
    """Its layers may be several of the network, in another order of rows."""
    built, changed = build_of(architecture), factors(layers(architecture))
    lora = tmp_path / "lora.safetensors"
    save_file(kohya(changed), lora)
    files = split(architecture, tmp_path / "split", "single file")
    plain = model_of(architecture, files)
    before = render(loaded.recipe_of(architecture), (), plain, on_step=lambda *_: None).content
    with_it = with_lora(plain, architecture, lora)
    merged = dict(the_single_file(architecture)[0])
    for name, (down, up) in changed.items():
        merged[f"{built.denoiser.prefix}{name}.weight"] += up @ down / RANK
    prefix = built.denoiser.prefix
    denoiser = {k.removeprefix(prefix): t for k, t in merged.items() if k.startswith(prefix)}
    save_file(denoiser, files[built.denoiser.name])
    recipe, whole = loaded.recipe_of(architecture), model_of(architecture, files)
    right = render(recipe, (), whole, on_step=lambda *_: None).content
    assert apart(before, right) > 3
    assert apart(with_it, right) <= 2
    after = render(loaded.recipe_of(architecture), (), plain, on_step=lambda *_: None).content
    assert after == before


FLUX = {
    "lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072),
    "lora_unet_single_blocks_37_linear1": (21504, 3072),
    "transformer.transformer_blocks.18.attn.add_k_proj": (3072, 3072),
    "diffusion_model.double_blocks.0.img_mlp.0": (12288, 3072),
    "lora_te1_text_model_encoder_layers_0_mlp_fc1": (3072, 768),
}


@pytest.mark.parametrize("layer", FLUX)
def test_a_lora_is_told_by_its_layers(layer: str) -> None:
    rows, columns = FLUX[layer]
    kohya_ends = layer.startswith("lora_")
    down, up = ("lora_down", "lora_up") if kohya_ends else ("lora_A", "lora_B")
    shapes = {f"{layer}.{down}.weight": (4, columns), f"{layer}.{up}.weight": (rows, 4)}
    if layer.startswith("lora_te1"):  # SD's encoder is the same
        shapes |= {
            "lora_unet_double_blocks_1_txt_mlp_2.lora_down.weight": (4, 12288),
            "lora_unet_double_blocks_1_txt_mlp_2.lora_up.weight": (3072, 4),
        }
    assert of_file(shapes, "x").family == "flux1-dev"


def test_a_lora_of_what_is_looked_up_is_refused(tmp_path: Path) -> None:
    made = factors({"cond_type_embedding": torch.zeros(3, 32)})
    save_file(kohya(made), tmp_path / "x.safetensors")
    files = split("hunyuan-video-1.5", tmp_path / "split", "single file")
    with pytest.raises(UnusableWeights, match="looks up"):
        with_lora(
            model_of("hunyuan-video-1.5", files), "hunyuan-video-1.5", tmp_path / "x.safetensors"
        )


def test_a_layer_that_nobody_has_is_named() -> None:
    shapes = {
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (4, 3072),
        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": (9216, 4),
        "lora_unet_double_blocks_0_new_thing.lora_down.weight": (4, 3072),
    }
    with pytest.raises(UnusableWeights, match="new_thing"):
        of_file(shapes, "x")
