"""A tiny Anima: two blocks of one head, and a Qwen3 and a text conditioner of two layers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny import parts, qwen_image

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 3.0,
}


def build(folder: Path, *, seed: int = 0) -> Path:
    """Write one into `folder`."""
    _, t5 = parts.tiny_tokenizers()
    parts.saved(folder / "tokenizer", parts.chat_tokenizer, seed)
    parts.saved(folder / "t5_tokenizer", lambda: t5, seed)
    parts.saved(folder / "text_encoder", partial(parts.qwen3, layers=2), seed)
    parts.saved(folder / "text_conditioner", _conditioner, seed)
    parts.saved(folder / "transformer", _transformer, seed)
    parts.saved(folder / "vae", qwen_image.vae, seed)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "Qwen3Model"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "t5_tokenizer": ["transformers", "T5TokenizerFast"],
        "text_conditioner": ["diffusers", "AnimaTextConditioner"],
        "transformer": ["diffusers", "CosmosTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLQwenImage"],
    }
    parts.write_index(folder, "AnimaModularPipeline", index, SCHEDULER)
    return folder


def _transformer() -> Any:
    from diffusers import CosmosTransformer3DModel

    return CosmosTransformer3DModel(
        num_layers=2,
        attention_head_dim=24,
        num_attention_heads=2,
        text_embed_dim=40,
        adaln_lora_dim=16,
        rope_scale=(1.0, 4.0, 4.0),
        extra_pos_embed_type=None,
    )


def _conditioner() -> Any:
    from diffusers.models.condition_embedders import AnimaTextConditioner

    return AnimaTextConditioner(
        source_dim=32,
        target_dim=40,
        model_dim=32,
        num_layers=2,
        num_attention_heads=2,
        target_vocab_size=300,
    )


# In this order: the names of its makers' files.
_NAMES = {
    "patch_embed.proj.": "x_embedder.proj.1.",
    "time_embed.t_embedder.": "t_embedder.1.",
    "time_embed.norm.": "t_embedding_norm.",
    "transformer_blocks.": "blocks.",
    "norm_out.linear_": "final_layer.adaln_modulation.",
    "proj_out.": "final_layer.linear.",
    ".norm1.linear_": ".adaln_modulation_self_attn.",
    ".norm2.linear_": ".adaln_modulation_cross_attn.",
    ".norm3.linear_": ".adaln_modulation_mlp.",
    ".attn1.": ".self_attn.",
    ".attn2.": ".cross_attn.",
    ".to_q.": ".q_proj.",
    ".to_k.": ".k_proj.",
    ".to_v.": ".v_proj.",
    ".to_out.0.": ".output_proj.",
    ".norm_q.": ".q_norm.",
    ".norm_k.": ".k_norm.",
    ".ff.net.0.proj.": ".mlp.layer1.",
    ".ff.net.2.": ".mlp.layer2.",
}


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of a folder's tensors in one file; its makers keep the first two together."""
    found: dict[str, Tensor] = {}
    for key, tensor in parts.read(folder, "transformer", "diffusion_pytorch_model").items():
        for ours, theirs in _NAMES.items():
            key = key.replace(ours, theirs)
        found[f"model.diffusion_model.{key}"] = tensor.clone()
    stem = "diffusion_pytorch_model"
    for key, tensor in parts.read(folder, "text_conditioner", stem).items():
        found[f"model.diffusion_model.llm_adapter.{key}"] = tensor
    found |= {f"vae.{key}": tensor for key, tensor in qwen_image.vae_file(folder).items()}
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        found[f"text_encoders.qwen3_06b.transformer.model.{key}"] = tensor
    return found
