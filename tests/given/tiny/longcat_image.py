"""A tiny LongCat-Image: FLUX.1's blocks, its VAE, and Qwen-Image's text encoder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny import flux, parts, qwen_image


def build(folder: Path, *, seed: int = 0, pipeline: str = "LongCatImagePipeline") -> Path:
    """Write one into `folder`."""
    words = qwen_image.tokenizer()
    parts.saved(folder / "tokenizer", lambda: words, seed)
    parts.saved(folder / "text_encoder", partial(qwen_image.language_model, words), seed)
    parts.saved(folder / "text_processor", qwen_image.processor, seed)
    parts.saved(folder / "transformer", _transformer, seed)
    parts.saved(folder / "vae", flux.vae, seed)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "Qwen2_5_VLForConditionalGeneration"],
        "text_processor": ["transformers", "Qwen2VLProcessor"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "transformer": ["diffusers", "LongCatImageTransformer2DModel"],
    }
    parts.write_index(folder, pipeline, index, flux.SCHEDULER)
    return folder


def _transformer() -> Any:
    from diffusers import LongCatImageTransformer2DModel

    return LongCatImageTransformer2DModel(
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=qwen_image.WIDTH,
        pooled_projection_dim=qwen_image.WIDTH,
        axes_dims_rope=[4, 6, 6],
    )


def named(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The transformer by the names of FLUX.1's files."""
    return flux.named(
        {key.replace("time_embed.", "time_text_embed."): t for key, t in ours.items()}
    )
