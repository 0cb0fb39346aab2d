"""LoRAs as tensors, for the tiny models."""

from __future__ import annotations

import torch
from torch import Tensor


def lora_tensors(seed: int, *, rank: int = 2, alpha: float | None = None) -> dict[str, Tensor]:
    """A LoRA in kohya's format for attention layers of the UNet and of the text encoder."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q": (64, 64),
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k": (64, 32),
        "lora_te_text_model_encoder_layers_0_self_attn_q_proj": (32, 32),
        "lora_te_text_model_encoder_layers_0_self_attn_out_proj": (32, 32),
    }
    out: dict[str, Tensor] = {}
    for number, (layer, (rows, columns)) in enumerate(shapes.items()):
        out[f"{layer}.lora_down.weight"] = torch.randn(rank, columns, generator=generator)
        out[f"{layer}.lora_up.weight"] = torch.randn(rows, rank, generator=generator)
        if alpha is not None:
            out[f"{layer}.alpha"] = torch.tensor(alpha + number)
    return out
