"""Tiny ControlNets with random weights, as folders and as single files in both spellings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from generation.recipe import Adapter, Control, Sha256, Weights

WIDTHS = (32, 64)


def seeded(network: Any, seed: int) -> Any:
    """Every number drawn: the convolutions behind a fresh ControlNet are zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    return network.eval()


def of_unet(unet: Any, seed: int = 1, **changes: Any) -> Any:
    """A ControlNet with the widths and words of a UNet."""
    from diffusers import ControlNetModel

    plain = ControlNetModel.from_unet(unet, load_weights_from_unet=False)
    config = {key: value for key, value in plain.config.items() if not key.startswith("_")}
    return seeded(ControlNetModel.from_config({**config, **changes}), seed)


def union_of_unet(unet: Any, kinds: int = 6) -> Any:
    """One of several kinds of pictures, as for SDXL."""
    import inspect

    from diffusers import ControlNetUnionModel

    known = inspect.signature(ControlNetUnionModel.__init__).parameters
    config = {k: v for k, v in of_unet(unet).config.items() if k in known}
    wide = {"num_trans_channel": WIDTHS[0], "num_proj_channel": WIDTHS[0], "num_trans_head": 2}
    return seeded(ControlNetUnionModel(**config, **wide, num_control_type=kinds), 3)


def of_flux(transformer: Any, *, modes: int | None = None, single: int = 1, seed: int = 1) -> Any:
    """A ControlNet of FLUX.1 with one block of two, and `single` of one row."""
    from diffusers import FluxControlNetModel

    config = dict(transformer.config)
    known = ("attention_head_dim", "num_attention_heads", "joint_attention_dim", "in_channels")
    kept = {key: config[key] for key in (*known, "pooled_projection_dim", "axes_dims_rope")}
    net = FluxControlNetModel(
        **kept,
        num_layers=1,
        num_single_layers=single,
        guidance_embeds=config["guidance_embeds"],
        num_mode=modes,
    )
    return seeded(net, seed)


def of_qwen(transformer: Any, seed: int = 1) -> Any:
    """A ControlNet of Qwen-Image with one block."""
    from diffusers import QwenImageControlNetModel

    known = ("attention_head_dim", "num_attention_heads", "joint_attention_dim", "in_channels")
    kept = {key: transformer.config[key] for key in known}
    return seeded(QwenImageControlNetModel(**kept, num_layers=1), seed)


def write_folder(network: Any, folder: Path, family: str = "") -> Path:
    """As diffusers keeps it."""
    network.save_pretrained(folder)
    if family:
        (folder / "atelier.toml").write_text(f'family = "{family}"\n')
    return folder


def write_file(network: Any, file: Path, *, compvis: bool = False, family: str = "") -> Path:
    """One file in diffusers' names, or in those of the first ControlNets."""
    file.parent.mkdir(parents=True, exist_ok=True)
    numbers = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(in_compvis(numbers) if compvis else numbers, file)
    if family:
        file.with_name(f"{file.name}.atelier.toml").write_text(f'family = "{family}"\n')
    return file


_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "controlnet_mid_block": "middle_block_out.0",
    "controlnet_cond_embedding.conv_in": "input_hint_block.0",
    "controlnet_cond_embedding.conv_out": "input_hint_block.14",
}
_LAYER = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}


def in_compvis(numbers: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The names of lllyasviel's files, of two blocks of one layer."""
    return {f"control_model.{_compvis(key)}": value for key, value in numbers.items()}


def _compvis(key: str) -> str:
    stem, _, end = key.rpartition(".")
    if stem in _ENDS:
        return f"{_ENDS[stem]}.{end}"
    parts = key.split(".")
    match parts[0]:
        case "controlnet_down_blocks":
            return f"zero_convs.{parts[1]}.0.{end}"
        case "controlnet_cond_embedding":
            return f"input_hint_block.{2 * int(parts[2]) + 2}.{end}"
        case "mid_block":
            at = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}[".".join(parts[1:3])]
            return ".".join([f"middle_block.{at}", *_inside(parts[3:])])
    place = 1 + 2 * int(parts[1]) + (parts[2] == "downsamplers")
    if parts[2] == "downsamplers":
        return f"input_blocks.{place}.0.op.{end}"
    number = int(parts[2] == "attentions")
    return ".".join([f"input_blocks.{place}.{number}", *_inside(parts[4:])])


def _inside(parts: list[str]) -> list[str]:
    return [_LAYER.get(parts[0], parts[0]), *parts[1:]]


def numbers_in(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder."""
    return load_file(folder / "diffusion_pytorch_model.safetensors")


def steering(
    weights: Weights | Sha256,
    *,
    strength: float = 1.0,
    input: int = 0,
    start: float | None = None,
    end: float | None = None,
    preprocessor: str | None = None,
    mode: str | None = None,
) -> Adapter:
    """A ControlNet in a recipe."""
    if isinstance(weights, str):
        weights = Weights(name="net", sha256=weights)
    control = Control(input=input, start=start, end=end, preprocessor=preprocessor, mode=mode)
    return Adapter(kind="controlnet", weights=weights, strength=strength, control=control)
