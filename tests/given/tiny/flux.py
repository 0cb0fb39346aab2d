"""A tiny FLUX.1, as a folder, and its transformer by Black Forest Labs' names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.given.tiny import parts

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "max_image_seq_len": 4096,
    "max_shift": 1.15,
    "num_train_timesteps": 1000,
    "shift": 3.0,
    "use_dynamic_shifting": True,
}
STATIC = SCHEDULER | {"shift": 1.0, "use_dynamic_shifting": False}


def build(
    folder: Path,
    *,
    seed: int = 0,
    channels: int = 64,
    guided: bool = True,
    pipeline: str = "FluxPipeline",
    real_words: bool = False,
) -> Path:
    """Write a tiny FLUX.1 dev into `folder`; `channels`: that its transformer takes."""
    clip, t5_words = (parts.real_tokenizers if real_words else parts.tiny_tokenizers)()
    parts.saved(folder / "tokenizer", lambda: clip, seed)
    parts.saved(folder / "tokenizer_2", lambda: t5_words, seed)
    parts.saved(folder / "text_encoder", partial(parts.text_encoder, clip, "CLIPTextModel"), seed)
    parts.saved(folder / "text_encoder_2", partial(parts.t5, 32128 if real_words else 300), seed)
    make = partial(_transformer, in_channels=channels, guidance_embeds=guided)
    parts.saved(folder / "transformer", make, seed)
    parts.saved(folder / "vae", vae, seed)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "text_encoder_2": ["transformers", "T5EncoderModel"],
        "tokenizer_2": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "FluxTransformer2DModel"],
        "image_encoder": [None, None],
        "feature_extractor": [None, None],
    }
    parts.write_index(folder, pipeline, index, SCHEDULER if guided else STATIC)
    return folder


def build_schnell(folder: Path) -> Path:
    """Write a tiny FLUX.1 schnell into `folder`."""
    return build(folder, guided=False)


def _transformer(**options: object) -> Any:
    from diffusers import FluxTransformer2DModel

    return FluxTransformer2DModel(
        out_channels=64,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=96,
        pooled_projection_dim=32,
        axes_dims_rope=(4, 6, 6),
        **options,
    )


def build_chroma(folder: Path) -> Path:
    """Write a tiny Chroma into `folder`."""
    _, words = parts.tiny_tokenizers()
    parts.saved(folder / "tokenizer", lambda: words, 0)
    parts.saved(folder / "text_encoder", partial(parts.t5, 300), 0)
    parts.saved(folder / "transformer", _chroma, 0)
    parts.saved(folder / "vae", vae, 0)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5Tokenizer"],
        "transformer": ["diffusers", "ChromaTransformer2DModel"],
        "image_encoder": [None, None],
        "feature_extractor": [None, None],
    }
    parts.write_index(folder, "ChromaPipeline", index, STATIC)
    return folder


def vae() -> Any:
    factors = {"scaling_factor": 0.3611, "shift_factor": 0.1159}
    return parts.vae(latent_channels=16, use_quant_conv=False, use_post_quant_conv=False, **factors)


def _chroma() -> Any:
    from diffusers import ChromaTransformer2DModel

    return ChromaTransformer2DModel(
        out_channels=64,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=96,
        axes_dims_rope=(4, 6, 6),
        approximator_num_channels=16,
        approximator_hidden_dim=32,
        approximator_layers=2,
    )


# Black Forest Labs' names, and diffusers'.
_ENDS = {
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "txt_in": "context_embedder",
    "img_in": "x_embedder",
    "final_layer.linear": "proj_out",
}
_BLOCK = {
    "img_mod.lin.{}": ("norm1.linear.{}",),
    "txt_mod.lin.{}": ("norm1_context.linear.{}",),
    "img_attn.qkv.{}": ("attn.to_q.{}", "attn.to_k.{}", "attn.to_v.{}"),
    "txt_attn.qkv.{}": ("attn.add_q_proj.{}", "attn.add_k_proj.{}", "attn.add_v_proj.{}"),
    "img_attn.norm.query_norm.scale": ("attn.norm_q.weight",),
    "img_attn.norm.key_norm.scale": ("attn.norm_k.weight",),
    "txt_attn.norm.query_norm.scale": ("attn.norm_added_q.weight",),
    "txt_attn.norm.key_norm.scale": ("attn.norm_added_k.weight",),
    "img_attn.proj.{}": ("attn.to_out.0.{}",),
    "txt_attn.proj.{}": ("attn.to_add_out.{}",),
    "img_mlp.0.{}": ("ff.net.0.proj.{}",),
    "img_mlp.2.{}": ("ff.net.2.{}",),
    "txt_mlp.0.{}": ("ff_context.net.0.proj.{}",),
    "txt_mlp.2.{}": ("ff_context.net.2.{}",),
}
_SINGLE = {
    "modulation.lin.{}": ("norm.linear.{}",),
    "linear1.{}": ("attn.to_q.{}", "attn.to_k.{}", "attn.to_v.{}", "proj_mlp.{}"),
    "norm.query_norm.scale": ("attn.norm_q.weight",),
    "norm.key_norm.scale": ("attn.norm_k.weight",),
    "linear2.{}": ("proj_out.{}",),
}


def named_chroma(ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same of Chroma's, whose scales and shifts one network makes."""
    made = {key: tensor for key, tensor in ours.items() if key.startswith("distilled_guidance_")}
    rest = {key: tensor for key, tensor in ours.items() if key not in made}
    for layer in range(2):
        at = f"distilled_guidance_layer.layers.{layer}"
        for end in ("weight", "bias"):
            made[f"{at}.in_layer.{end}"] = made.pop(f"{at}.linear_1.{end}")
            made[f"{at}.out_layer.{end}"] = made.pop(f"{at}.linear_2.{end}")
        norm = f"distilled_guidance_layer.norms.{layer}"
        made[f"{norm}.scale"] = made.pop(f"{norm}.weight")
    return named(rest) | made


def named(ours: Mapping[str, Tensor], layers: int = 2, single_layers: int = 2) -> dict[str, Tensor]:
    """A transformer's tensors as Black Forest Labs have them; a norm's shift lies before its
    scale."""
    out: dict[str, Tensor] = {}
    for end in ("weight", "bias"):
        for theirs, name in _ENDS.items():
            if (key := f"{name}.{end}") in ours:
                out[f"{theirs}.{end}"] = ours[key]
        if (key := f"norm_out.linear.{end}") in ours:
            out[f"final_layer.adaLN_modulation.1.{end}"] = torch.cat(ours[key].chunk(2)[::-1])
        blocks = [("double_blocks", "transformer_blocks", _BLOCK, layers)]
        blocks += [("single_blocks", "single_transformer_blocks", _SINGLE, single_layers)]
        for theirs, name, table, count in blocks:
            for block in range(count):
                for key, keys in table.items():
                    found = [f"{name}.{block}.{each.format(end)}" for each in keys]
                    if found[0] in ours:
                        whole = torch.cat([ours[each] for each in found])
                        out[f"{theirs}.{block}.{key.format(end)}"] = whole
    return out
