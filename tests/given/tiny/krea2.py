"""A tiny Krea 2: two blocks, and a Qwen3-VL of as many layers as its states are taken from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from generation.families.text.language import QWEN3_VL
from tests.given import languagemodels
from tests.given.tiny import parts, qwen_image

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "max_image_seq_len": 6400,
    "max_shift": 1.15,
    "num_train_timesteps": 1000,
    "use_dynamic_shifting": True,
}


def build(folder: Path, *, seed: int = 0, distilled: bool = True) -> Path:
    """Write a tiny Krea 2 Turbo into `folder`, or one that is not distilled."""
    parts.saved(folder / "tokenizer", parts.chat_tokenizer, seed)
    parts.saved(folder / "text_encoder", _language_model, seed)
    parts.saved(folder / "transformer", _transformer, seed)
    parts.saved(folder / "vae", qwen_image.vae, seed)
    index: dict[str, object] = {
        "is_distilled": distilled,
        "patch_size": 2,
        "text_encoder": ["transformers", "Qwen3VLModel"],
        "text_encoder_select_layers": [2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "transformer": ["diffusers", "Krea2Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLQwenImage"],
    }
    parts.write_index(folder, "Krea2Pipeline", index, SCHEDULER)
    return folder


def _language_model() -> Any:
    config = languagemodels.small("qwen3-vl", num_hidden_layers=36)
    return languagemodels.made(QWEN3_VL, config)


def _transformer() -> Any:
    import torch
    from diffusers import Krea2Transformer2DModel

    made = Krea2Transformer2DModel(
        num_layers=2,
        attention_head_dim=32,
        axes_dims_rope=[8, 12, 12],
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=96,
        timestep_embed_dim=32,
        text_hidden_dim=32,
        text_num_attention_heads=2,
        text_num_key_value_heads=2,
        text_intermediate_size=48,
        num_layerwise_text_blocks=1,
        num_refiner_text_blocks=1,
    )
    for name, number in made.named_parameters():  # nothing, until they are trained
        if "norm" in name or name.endswith("table"):
            torch.nn.init.normal_(number, std=0.1)
    return made


# In this order: the makers' names.
_NAMES = {
    "img_in.": "first.",
    "time_embed.linear_1.": "tmlp.0.",
    "time_embed.linear_2.": "tmlp.2.",
    "time_mod_proj.": "tproj.1.",
    "txt_in.norm.weight": "txtmlp.0.scale",
    "txt_in.linear_1.": "txtmlp.1.",
    "txt_in.linear_2.": "txtmlp.3.",
    "text_fusion.": "txtfusion.",
    "transformer_blocks.": "blocks.",
    "final_layer.linear.": "last.linear.",
    "final_layer.norm.weight": "last.norm.scale",
    "final_layer.scale_shift_table": "last.modulation.lin",
    ".to_q.": ".wq.",
    ".to_k.": ".wk.",
    ".to_v.": ".wv.",
    ".to_out.0.": ".wo.",
    ".to_gate.": ".gate.",
    ".norm_q.weight": ".qknorm.qnorm.scale",
    ".norm_k.weight": ".qknorm.knorm.scale",
    ".ff.": ".mlp.",
    ".norm1.weight": ".prenorm.scale",
    ".norm2.weight": ".postnorm.scale",
    ".scale_shift_table": ".mod.lin",
}


def named(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The transformer's tensors as the makers' files have them."""
    out: dict[str, Tensor] = {}
    for key, tensor in ours.items():
        for name, theirs in _NAMES.items():
            key = key.replace(name, theirs)
        out[key] = tensor.reshape(-1) if key.endswith(".mod.lin") else tensor.clone()
    return out


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of a folder's tensors, as ComfyUI saves them together."""
    transformer = parts.read(folder, "transformer", "diffusion_pytorch_model")
    found = {f"model.diffusion_model.{key}": t for key, t in named(transformer).items()}
    found |= {f"vae.{key}": tensor for key, tensor in qwen_image.vae_file(folder).items()}
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        name = key.replace("language_model.", "model.")
        found[f"text_encoders.qwen3vl_4b.transformer.{name}"] = tensor
    return found
