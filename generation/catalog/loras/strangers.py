"""Whose LoRA a file is, when it is for something that cannot be drawn here yet.

Told by names that nobody else has; the first row that fits speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_MARKS: tuple[tuple[str, str], ...] = (
    (r"^lora_controlnet$|^lora_controlnet_", "a Control-LoRA"),
    (r"^lora_prior_", "Stable Cascade"),
    (r"distilled_guidance_layer", "Chroma"),
    (r"double_stream_modulation|single_stream_modulation", "FLUX.2"),
    (r"individual_token_refiner|txt_in_refiner", "HunyuanVideo"),
    (r"double_blocks_|single_transformer_blocks_|(^|_)single_blocks_", "FLUX.1"),
    (r"joint_blocks_|context_block_attn", "Stable Diffusion 3"),
    (r"transformer_blocks_\d+_(img_mlp|txt_mlp|img_mod|txt_mod)", "Qwen-Image"),
    (r"transformer_blocks_\d+_attn_add_[qkv]_proj", "Stable Diffusion 3 or FLUX.1"),
    (r"(^|_)blocks_\d+_(self_attn|cross_attn)_(q|k|v|o|k_img|v_img)_", "Wan"),
    (r"(^|_)caption_projection|adaln_single", "PixArt, Sana or LTX-Video"),
    (r"(^|_)blocks_\d+_attn\d?_(Wqkv|q_proj|kv_proj|qkv|out_proj)", "Hunyuan-DiT"),
    (r"(context|noise)_refiner_\d+_|cap_embedder", "Lumina or Z-Image"),
    (r"(^|_)layers_\d+_attention_", "Lumina or Z-Image"),
    (r"(^|_)joint_transformer_blocks_", "AuraFlow"),
    (r"^(base_model_model_)?model_layers_\d+_", "a language model"),
    (r"^lora_te3_|(^|_)t5xxl_|^lora_te_encoder_block_", "a model with a T5 text encoder"),
    (r"^(lora_)?transformer_|^lycoris_transformer_", "a transformer model, such as FLUX.1"),
)
_COMPILED = tuple((re.compile(mark), title) for mark, title in _MARKS)

# What trainers write of themselves, for layouts that several models share.
_ARCHITECTURES = (
    ("flux-2", "FLUX.2"),
    ("flux", "FLUX.1"),
    ("hunyuan-video", "HunyuanVideo"),
    ("stable-diffusion-v3", "Stable Diffusion 3"),
    ("stable-diffusion-v2", "Stable Diffusion 2.x"),
)
_SHARED = ("FLUX.1", "Stable Diffusion 3 or FLUX.1", "a transformer model, such as FLUX.1")


def stranger(keys: Iterable[str], metadata: Mapping[str, str]) -> str | None:
    """What the file is for, as in "a LoRA for FLUX.1", or None when nothing says so."""
    flat = [key[:300].replace(".", "_") for key in keys]
    for mark, title in _COMPILED:
        if any(mark.search(key) for key in flat):
            said = metadata.get("modelspec.architecture", "").casefold()
            if title in _SHARED:
                title = next((t for part, t in _ARCHITECTURES if part in said), title)
            if title == "a Control-LoRA":
                return title
            return f"a LoRA for {title}"
    return None
