"""Tiny Wans: two blocks of one head, VAEs a few channels wide, and a UMT5 of two layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny import parts, qwen_image

SCHEDULER: dict[str, object] = {
    "_class_name": "UniPCMultistepScheduler",
    "num_train_timesteps": 1000,
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
    "flow_shift": 3.0,
}
WIDTH = 96  # of the words, as `parts.t5` has it


def build(folder: Path, *, seed: int = 0, pipeline: str = "WanPipeline") -> Path:
    """Write a tiny Wan 2.1 into `folder`."""
    _words(folder, seed)
    parts.saved(folder / "transformer", transformer, seed)
    parts.saved(folder / "vae", vae, seed)
    parts.write_index(folder, pipeline, _index("transformer"), SCHEDULER)
    return folder


def _words(folder: Path, seed: int) -> None:
    _, words = parts.tiny_tokenizers()
    parts.saved(folder / "tokenizer", lambda: words, seed)
    parts.saved(folder / "text_encoder", umt5, seed)


def _index(*transformers: str) -> dict[str, object]:
    return {
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        **{name: ["diffusers", "WanTransformer3DModel"] for name in transformers},
    }


def umt5() -> Any:
    import transformers

    config = transformers.UMT5Config(
        d_model=WIDTH,
        d_kv=8,
        d_ff=37,
        num_heads=4,
        num_layers=2,
        feed_forward_proj="gated-gelu",
        vocab_size=300,
    )
    return transformers.UMT5EncoderModel(config)


def transformer(**options: object) -> Any:
    from diffusers import WanTransformer3DModel

    given: dict[str, Any] = {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 16,
        "out_channels": 16,
        "text_dim": WIDTH,
        "freq_dim": 32,
        "ffn_dim": 40,
        "num_layers": 2,
        "rope_max_seq_len": 32,
    }
    return WanTransformer3DModel(**(given | options))


def vae() -> Any:
    """2.1's."""
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(base_dim=4)


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of a folder's tensors in one file."""
    found: dict[str, Tensor] = {}
    for key, tensor in qwen_image.read(folder, "transformer", "diffusion_pytorch_model").items():
        found[f"model.diffusion_model.{named(key)}"] = tensor
    found |= {f"vae.{key}": tensor for key, tensor in qwen_image.vae_file(folder).items()}
    for key, tensor in qwen_image.read(folder, "text_encoder", "model").items():
        found[f"text_encoders.umt5xxl.transformer.{key}"] = tensor
    return found


# In this order.
_NAMES = {
    "condition_embedder.time_embedder.linear_1": "time_embedding.0",
    "condition_embedder.time_embedder.linear_2": "time_embedding.2",
    "condition_embedder.text_embedder.linear_1": "text_embedding.0",
    "condition_embedder.text_embedder.linear_2": "text_embedding.2",
    "condition_embedder.time_proj": "time_projection.1",
    "attn1": "self_attn",
    "attn2": "cross_attn",
    ".to_out.0.": ".o.",
    ".to_q.": ".q.",
    ".to_k.": ".k.",
    ".to_v.": ".v.",
    "proj_out": "head.head",
    "norm2": "norm3",
    "ffn.net.0.proj": "ffn.0",
    "ffn.net.2": "ffn.2",
}


def named(key: str) -> str:
    """The makers' name of a tensor of the transformer."""
    if key == "scale_shift_table":
        return "head.modulation"
    for ours, theirs in _NAMES.items():
        key = key.replace(ours, theirs)
    return key.replace("scale_shift_table", "modulation")
