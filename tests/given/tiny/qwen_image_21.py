"""A tiny Qwen-Image 2.1: two blocks of one head, its VAE, and a Qwen3-VL of three layers."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.given.tiny import qwen_image
from tests.given.tiny.parts import read, saved, write_index
from tests.given.tiny.qwen_image import WANS_NAMES

WIDTH = 32  # of the text encoder's states


def build(folder: Path, *, seed: int = 0) -> Path:
    """Write one into `folder`."""
    words = qwen_image.tokenizer()
    saved(folder / "processor", lambda: words, seed)
    saved(folder / "text_encoder", partial(language_model, words), seed)
    saved(folder / "transformer", transformer, seed)
    saved(folder / "vae", vae, seed)
    parts: dict[str, object] = {
        "text_encoder": ["transformers", "Qwen3VLForConditionalGeneration"],
        "processor": ["transformers", "Qwen3VLProcessor"],
        "transformer": ["diffusers", "QwenImage21Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLQwenImage21"],
        "sample_sigmas": None,
    }
    write_index(folder, "QwenImage21Pipeline", parts, qwen_image.SCHEDULER)
    return folder


def transformer() -> Any:
    """Norms and modulation begin as zeros, which would hide what they are multiplied with."""
    from diffusers import QwenImage21Transformer2DModel

    found = QwenImage21Transformer2DModel(
        num_layers=2, num_attention_heads=1, context_in_dim=WIDTH, mlp_ratio=2
    )
    for parameter in found.parameters():
        parameter.data = torch.randn_like(parameter) * 0.1
    return found


def vae() -> Any:
    from diffusers import AutoencoderKLQwenImage21

    return AutoencoderKLQwenImage21(
        base_dim=4, decoder_base_dim=6, dim_mult=[1, 1, 2, 2, 2], num_res_blocks=1
    )


def language_model(words: Any) -> Any:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    number = words.convert_tokens_to_ids
    config = Qwen3VLConfig(
        text_config={
            "hidden_size": WIDTH,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "vocab_size": len(words),
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [4, 2, 2],
                "mrope_interleaved": True,
                "rope_theta": 5e6,
            },
            "bos_token_id": number("<|endoftext|>"),
            "eos_token_id": number("<|im_end|>"),
            "pad_token_id": number("<|endoftext|>"),
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "num_heads": 2,
            "intermediate_size": 48,
            "out_hidden_size": WIDTH,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
        },
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )
    found = Qwen3VLForConditionalGeneration(config)
    norm = found.model.language_model.norm.weight
    norm.data = torch.linspace(0.5, 2.0, len(norm))  # its states are read before it
    return found


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of a folder's tensors, as ComfyUI saves them together."""
    return {
        **transformer_file(folder),
        **{f"vae.{key}": tensor for key, tensor in vae_file(folder).items()},
        **{
            f"text_encoders.qwen3vl_8b.transformer.{key}": tensor
            for key, tensor in text_encoder_file(folder).items()
        },
    }


def transformer_file(folder: Path) -> dict[str, Tensor]:
    """The transformer as a file of ComfyUI's: a gate and what it opens lie in one tensor."""
    found = read(folder, "transformer", "diffusion_pytorch_model")
    for key in [key for key in found if ".img_mlp.gate_layer." in key]:
        gate, up = found.pop(key), found.pop(key.replace("gate_layer", "proj"))
        found[key.replace("gate_layer", "gate_up")] = torch.cat([gate, up])
    return {f"model.diffusion_model.{key}": tensor for key, tensor in found.items()}


def vae_file(folder: Path, *, frames: bool = False) -> dict[str, Tensor]:
    """The VAE as a file, by the names that Wan 2.2's has; `frames`: with kernels of one frame."""
    found = read(folder, "vae", "diffusion_pytorch_model")
    named = {_wans_name(key): tensor for key, tensor in found.items()}
    return {key: _of_a_frame(key, one) if frames else one for key, one in named.items()}


def text_encoder_file(folder: Path) -> dict[str, Tensor]:
    """The text encoder as a file of ComfyUI's, which leaves one level of its names out."""
    found = read(folder, "text_encoder", "model")
    return {
        key.replace("model.language_model.", "model.").replace("model.visual.", "visual."): tensor
        for key, tensor in found.items()
    }


def _wans_name(key: str) -> str:
    for ours, theirs in WANS_NAMES.items():
        key = key.replace(ours, theirs)
    for way, last in (("down", 1), ("up", 2)):
        level = rf"{way}_blocks\.(\d)"
        key = re.sub(rf"{level}\.resnets\.", rf"{way}samples.\1.{way}samples.", key)
        key = re.sub(rf"{level}\.{way}sampler\.", rf"{way}samples.\1.{way}samples.{last}.", key)
    begin, _, end = key.partition(".")
    begin = {"quant_conv": "conv1", "post_quant_conv": "conv2"}.get(begin, begin)
    return f"{begin}.{end}"


def _of_a_frame(key: str, tensor: Tensor) -> Tensor:
    flat = tensor.ndim != 4 or "gamma" in key or ".resample." in key or ".middle.1." in key
    return tensor if flat else tensor.unsqueeze(2).contiguous()
