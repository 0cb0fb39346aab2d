"""A tiny motion module of AnimateDiff, for the tiny Stable Diffusion 1.x."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

CARD = 'family = "animatediff"\n'
PLACES = 24  # frames that it knows places for

# Pieces of diffusers' names, and those of AnimateDiff's makers for them.
_THEIRS = {
    ".transformer_blocks.": ".temporal_transformer.transformer_blocks.",
    ".norm1.": ".norms.0.",
    ".norm2.": ".norms.1.",
    ".norm3.": ".ff_norm.",
    ".attn1.": ".attention_blocks.0.",
    ".attn2.": ".attention_blocks.1.",
}


def module(*, seed: int = 5, middle: bool = True, places: int = PLACES, groups: int = 8) -> Any:
    """Every number drawn: what a fresh one adds is next to nothing."""
    from diffusers import MotionAdapter

    found = MotionAdapter(
        block_out_channels=(32, 64),
        motion_layers_per_block=1,
        motion_num_attention_heads=8,
        motion_norm_num_groups=groups,
        motion_max_seq_length=places,
        use_motion_mid_block=middle,
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in found.parameters():
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    return found.eval()


def write_folder(folder: Path, **built: Any) -> Path:
    """As diffusers keeps it."""
    module(**built).save_pretrained(folder)
    (folder / "atelier.toml").write_text(CARD)
    return folder


def write_file(path: Path, *, before: str = "", **built: Any) -> Path:
    """As its makers publish one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(theirs(module(**built).state_dict(), before), path)
    path.with_name(f"{path.name}.atelier.toml").write_text(CARD)
    return path


def theirs(tensors: dict[str, torch.Tensor], before: str = "") -> dict[str, torch.Tensor]:
    """By the names of AnimateDiff's makers."""
    found = {}
    for key, tensor in tensors.items():
        name = key.replace(".pos_embed.pe", ".attn1.pos_encoder.pe")
        for ours, its in _THEIRS.items():
            name = name.replace(ours, its)
        for outer in (".norm.", ".proj_in.", ".proj_out."):
            name = name.replace(outer, f".temporal_transformer{outer}")
        found[before + name] = tensor.clone()
        if name.endswith(".pe"):
            found[before + name.replace("attention_blocks.0", "attention_blocks.1")] = (
                tensor.clone()
            )
    return found


def lora(seed: int, *, makers: bool = False) -> dict[str, torch.Tensor]:
    """A LoRA of the module's attention, as diffusers keeps one or as AnimateDiff's makers do."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for place, attention, what in (("down_blocks.1", 1, "to_q"), ("up_blocks.0", 2, "to_out")):
        begin = f"{place}.motion_modules.0."
        if makers:
            begin += f"temporal_transformer.transformer_blocks.0.attention_blocks.{attention - 1}."
            begin += f"processor.{what}_lora."
        else:
            begin = f"unet.{begin}transformer_blocks.0.attn{attention}.processor.{what}_lora."
        for end, shape in (("down", (2, 64)), ("up", (64, 2))):
            found[f"{begin}{end}.weight"] = torch.randn(shape, generator=generator) * 0.3
    return found


def write_lora(path: Path, seed: int, *, makers: bool = False, family: str = "animatediff") -> Path:
    save_file(lora(seed, makers=makers), path)
    path.with_name(f"{path.name}.atelier.toml").write_text(f'family = "{family}"\n')
    return path
