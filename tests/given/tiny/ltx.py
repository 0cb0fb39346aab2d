"""Tiny LTX-Videos: two blocks, VAEs a few channels wide, and a T5 of two layers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny import parts

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "base_image_seq_len": 1024,
    "base_shift": 0.95,
    "invert_sigmas": False,
    "max_image_seq_len": 4096,
    "max_shift": 2.05,
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "shift_terminal": 0.1,
    "use_dynamic_shifting": True,
}
PLAIN: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "use_dynamic_shifting": False,
}
# The VAE of 0.9.5, whose levels change their widths where pixels become channels.
_NEWER: dict[str, Any] = {
    "block_out_channels": (8, 16, 16, 16, 16),
    "down_block_types": ("LTXVideo095DownBlock3D",) * 4,
    "layers_per_block": (1, 2, 1, 1, 1),
    "spatio_temporal_scaling": (True,) * 4,
    "downsample_type": ("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
    "spatial_compression_ratio": 32,
    "temporal_compression_ratio": 8,
    "decoder_block_out_channels": (8, 16, 32),
    "decoder_spatio_temporal_scaling": (True,) * 3,
    "decoder_layers_per_block": (1, 1, 2, 1),
    "decoder_inject_noise": (False,) * 4,
    "timestep_conditioning": True,
    "upsample_residual": (True,) * 3,
    "upsample_factor": (2,) * 3,
}


def build(folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny LTX-Video 0.9.0 into `folder`."""
    return _written(folder, seed, vae, "LTXPipeline", SCHEDULER)


def build_later(folder: Path, *, seed: int = 0) -> Path:
    """One of 0.9.5, whose VAE is told how noisy a film is."""
    return _written(folder, seed, partial(vae, **_NEWER), "LTXConditionPipeline", PLAIN)


def _written(
    folder: Path, seed: int, make_vae: Any, pipeline: str, scheduler: dict[str, object]
) -> Path:
    _, words = parts.tiny_tokenizers()
    parts.saved(folder / "tokenizer", lambda: words, seed)
    parts.saved(folder / "text_encoder", partial(parts.t5, 300), seed)
    parts.saved(folder / "transformer", transformer, seed)
    parts.saved(folder / "vae", make_vae, seed)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "LTXVideoTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLLTXVideo"],
    }
    parts.write_index(folder, pipeline, index, scheduler)
    return folder


def transformer() -> Any:
    """Of 32 heads, as every checkpoint: a single file does not say it otherwise."""
    from diffusers import LTXVideoTransformer3DModel

    return LTXVideoTransformer3DModel(
        num_attention_heads=32,
        attention_head_dim=2,
        cross_attention_dim=64,
        caption_channels=96,
        num_layers=2,
    )


def vae(**options: Any) -> Any:
    """0.9.0's, whose latents lie elsewhere and further apart than they are drawn."""
    import torch
    from diffusers import AutoencoderKLLTXVideo

    usual: dict[str, Any] = {
        "block_out_channels": (8, 8, 12, 12),
        "layers_per_block": (1, 2, 1, 1, 1),
        "decoder_block_out_channels": (8, 8, 12, 12),
        "decoder_layers_per_block": (1, 2, 1, 1, 1),
    }
    found = AutoencoderKLLTXVideo(**(usual | options))
    found.latents_mean += 0.1
    found.latents_std *= 0.8
    for name, parameter in found.named_parameters():
        if name.endswith("conv_out.conv.bias"):
            torch.nn.init.zeros_(parameter)
    return found


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of a folder's tensors in one file."""
    found: dict[str, Tensor] = {}
    for key, tensor in parts.read(folder, "transformer", "diffusion_pytorch_model").items():
        found[f"model.diffusion_model.{named(key)}"] = tensor
    for key, tensor in parts.read(folder, "vae", "diffusion_pytorch_model").items():
        found[f"vae.{_vae_named(key)}"] = tensor
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        found[f"text_encoders.t5xxl.transformer.{key}"] = tensor
    return found


def named(key: str) -> str:
    """The makers' name of a tensor of the transformer."""
    key = key.replace("norm_q", "q_norm").replace("norm_k", "k_norm")
    return key.replace("proj_in", "patchify_proj").replace("time_embed.", "adaln_single.")


# Of 0.9.0, in this order; what is longer before what it begins with.
_PLACES = {
    "decoder.mid_block": "decoder.up_blocks.0",
    "decoder.up_blocks.0": "decoder.up_blocks.1",
    "decoder.up_blocks.1.upsamplers.0": "decoder.up_blocks.2",
    "decoder.up_blocks.1": "decoder.up_blocks.3",
    "decoder.up_blocks.2.conv_in": "decoder.up_blocks.4",
    "decoder.up_blocks.2.upsamplers.0": "decoder.up_blocks.5",
    "decoder.up_blocks.2": "decoder.up_blocks.6",
    "decoder.up_blocks.3.upsamplers.0": "decoder.up_blocks.7",
    "decoder.up_blocks.3": "decoder.up_blocks.8",
    "encoder.down_blocks.0.downsamplers.0": "encoder.down_blocks.1",
    "encoder.down_blocks.1.downsamplers.0": "encoder.down_blocks.3",
    "encoder.down_blocks.1.conv_out": "encoder.down_blocks.4",
    "encoder.down_blocks.1": "encoder.down_blocks.2",
    "encoder.down_blocks.2.downsamplers.0": "encoder.down_blocks.6",
    "encoder.down_blocks.2": "encoder.down_blocks.5",
    "encoder.down_blocks.3": "encoder.down_blocks.7",
    "encoder.mid_block": "encoder.down_blocks.8",
    "latents_mean": "per_channel_statistics.mean-of-means",
    "latents_std": "per_channel_statistics.std-of-means",
}


def _vae_named(key: str) -> str:
    for ours, theirs in _PLACES.items():
        if key.startswith(ours):
            key = theirs + key.removeprefix(ours)
            break
    key = key.replace("resnets", "res_blocks").replace("norm3.", "norm3.norm.")
    return key.replace("conv_shortcut.conv", "conv_shortcut")
