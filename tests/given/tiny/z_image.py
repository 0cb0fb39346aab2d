"""A tiny Z-Image."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.given.tiny import parts

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "use_dynamic_shifting": False,
}


def build(folder: Path, *, seed: int = 0, shift: float = 3.0) -> Path:
    """Write a tiny Z-Image-Turbo into `folder`, or one of another shift."""
    parts.saved(folder / "tokenizer", parts.chat_tokenizer, seed)
    parts.saved(folder / "text_encoder", parts.qwen3, seed)
    parts.saved(folder / "transformer", _transformer, seed)
    sixteen = partial(parts.vae, latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159)
    parts.saved(
        folder / "vae", partial(sixteen, use_quant_conv=False, use_post_quant_conv=False), seed
    )
    index: dict[str, object] = {
        "text_encoder": ["transformers", "Qwen3Model"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "transformer": ["diffusers", "ZImageTransformer2DModel"],
    }
    parts.write_index(folder, "ZImagePipeline", index, {**SCHEDULER, "shift": shift})
    return folder


def _transformer() -> Any:
    from diffusers import ZImageTransformer2DModel

    made = ZImageTransformer2DModel(
        axes_dims=[8, 12, 12],
        axes_lens=[1536, 64, 64],
        cap_feat_dim=32,
        dim=96,
        n_heads=3,
        n_kv_heads=3,
        n_layers=2,
        n_refiner_layers=1,
    )
    for token in (made.x_pad_token, made.cap_pad_token):  # nothing, until they are trained
        torch.nn.init.normal_(token)
    return made


def named(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The transformer's tensors as the makers' files have them."""
    out: dict[str, Tensor] = {}
    for key, tensor in ours.items():
        name = key.replace("all_x_embedder.2-1.", "x_embedder.")
        name = name.replace("all_final_layer.2-1.", "final_layer.")
        name = name.replace(".to_out.0.", ".out.")
        name = name.replace(".norm_q.", ".q_norm.").replace(".norm_k.", ".k_norm.")
        if name.endswith(".to_q.weight"):
            three = [ours[key.replace(".to_q.", f".to_{one}.")] for one in "qkv"]
            out[name.replace(".to_q.", ".qkv.")] = torch.cat(three)
        elif ".to_" not in name:
            out[name] = tensor.clone()
    return out
