"""A tiny Qwen-Image: two blocks of one head, Wan's VAE, and a Qwen2.5-VL of two layers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny.parts import read, saved, write_index

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "invert_sigmas": False,
    "max_image_seq_len": 8192,
    "max_shift": 0.9,
    "num_train_timesteps": 1000,
    "shift": 1.0,
    "shift_terminal": 0.02,
    "stochastic_sampling": False,
    "time_shift_type": "exponential",
    "use_beta_sigmas": False,
    "use_dynamic_shifting": True,
    "use_exponential_sigmas": False,
    "use_karras_sigmas": False,
}
WIDTH = 32  # of the text encoder's states
SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"),
    *("<|image_pad|>", "<|video_pad|>"),
)


def build(
    folder: Path, *, seed: int = 0, pipeline: str = "QwenImagePipeline", timeless: bool = False
) -> Path:
    """Write one into `folder`; `timeless`: as -Edit-2511 is built."""
    words = tokenizer()
    saved(folder / "tokenizer", lambda: words, seed)
    saved(folder / "text_encoder", partial(language_model, words), seed)
    saved(folder / "transformer", partial(transformer, zero_cond_t=timeless), seed)
    saved(folder / "vae", vae, seed)
    parts: dict[str, object] = {
        "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "transformer": ["diffusers", "QwenImageTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLQwenImage"],
    }
    if "Edit" in pipeline:
        parts["processor"] = ["transformers", "Qwen2VLProcessor"]
        saved(folder / "processor", processor, seed)
    write_index(folder, pipeline, parts, SCHEDULER)
    return folder


def processor() -> Any:
    """What prepares pictures for the text encoder, as the published one says."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
        Qwen2VLImageProcessorPil,
    )

    return Qwen2VLImageProcessorPil(min_pixels=3136, max_pixels=12845056)


def transformer(*, zero_cond_t: bool = False) -> Any:
    """One head is 128 wide, as in every checkpoint: its positions need so many."""
    from diffusers import QwenImageTransformer2DModel

    return QwenImageTransformer2DModel(
        num_layers=2,
        num_attention_heads=1,
        joint_attention_dim=WIDTH,
        in_channels=64,
        out_channels=16,
        zero_cond_t=zero_cond_t,
    )


def vae() -> Any:
    from diffusers import AutoencoderKLQwenImage

    return AutoencoderKLQwenImage(base_dim=4)


def tokenizer() -> Any:
    """Every byte is a token, and a few words are."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    letters = sorted(ByteLevel.alphabet())
    merges = [("r", "e"), ("re", "d"), ("c", "a"), ("ca", "t")]
    tokens = [*letters, *map("".join, merges), *SPECIAL]
    found = Qwen2Tokenizer(
        vocab={token: number for number, token in enumerate(tokens)}, merges=merges
    )
    found.add_special_tokens({"additional_special_tokens": list(SPECIAL[1:])})
    return found


def language_model(words: Any) -> Any:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    number = words.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": WIDTH,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "vocab_size": len(words),
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [2, 3, 3],
                "rope_theta": 1e6,
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
            "fullatt_block_indexes": [1],
            "window_size": 112,
        },
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of a folder's tensors, as ComfyUI saves them together."""
    return {
        **transformer_file(folder),
        **{f"vae.{key}": tensor for key, tensor in vae_file(folder).items()},
        **{
            f"text_encoders.qwen25_7b.transformer.{key}": tensor
            for key, tensor in text_encoder_file(folder).items()
        },
    }


def transformer_file(folder: Path) -> dict[str, Tensor]:
    """The transformer as a file; it has diffusers' names there, too."""
    found = read(folder, "transformer", "diffusion_pytorch_model")
    return {f"model.diffusion_model.{key}": tensor for key, tensor in found.items()}


def vae_file(folder: Path) -> dict[str, Tensor]:
    """The VAE as a file, by the names that Wan's has."""
    found = read(folder, "vae", "diffusion_pytorch_model")
    return {_wans_name(key): tensor for key, tensor in found.items()}


def text_encoder_file(folder: Path) -> dict[str, Tensor]:
    """The text encoder as a file."""
    return read(folder, "text_encoder", "model")


# In this order.
WANS_NAMES = {
    ".norm1.": ".residual.0.",
    ".conv1.": ".residual.2.",
    ".norm2.": ".residual.3.",
    ".conv2.": ".residual.6.",
    ".conv_shortcut.": ".shortcut.",
    ".mid_block.resnets.0.": ".middle.0.",
    ".mid_block.attentions.0.": ".middle.1.",
    ".mid_block.resnets.1.": ".middle.2.",
    ".conv_in.": ".conv1.",
    ".norm_out.": ".head.0.",
    ".conv_out.": ".head.2.",
}


def _wans_name(key: str) -> str:
    for ours, theirs in WANS_NAMES.items():
        key = key.replace(ours, theirs)
    key = key.replace("encoder.down_blocks.", "encoder.downsamples.")
    for level in range(4):  # three layers of each, and what enlarges
        key = key.replace(f"up_blocks.{level}.upsamplers.0.", f"upsamples.{4 * level + 3}.")
        for layer in range(3):
            key = key.replace(
                f"up_blocks.{level}.resnets.{layer}.", f"upsamples.{4 * level + layer}."
            )
    begin, _, end = key.partition(".")
    begin = {"quant_conv": "conv1", "post_quant_conv": "conv2"}.get(begin, begin)
    return f"{begin}.{end}"
