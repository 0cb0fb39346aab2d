"""Tiny CogVideoXs: two blocks of two heads, a VAE a few channels wide, and a T5 of two layers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.given.tiny import parts

SCHEDULER: dict[str, object] = {
    "_class_name": "CogVideoXDDIMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "set_alpha_to_one": True,
    "snr_shift_scale": 3.0,
    "steps_offset": 0,
    "timestep_spacing": "trailing",
    "trained_betas": None,
}


def build(
    folder: Path,
    *,
    seed: int = 0,
    turned: bool = False,
    newer: bool = False,
    from_pictures: bool = False,
) -> Path:
    """Write a tiny one into `folder`: of 2B, or of 5B (`turned`, by angles), or of 1.5."""
    _, words = parts.tiny_tokenizers()
    parts.saved(folder / "tokenizer", lambda: words, seed)
    parts.saved(folder / "text_encoder", partial(parts.t5, 300), seed)
    sizes: dict[str, Any] = {"in_channels": 32 if from_pictures else 16}
    if turned or newer:
        sizes["use_rotary_positional_embeddings"] = True
    if newer:
        sizes |= {"patch_size_t": 2, "patch_bias": False}
    if newer and from_pictures:
        sizes["ofs_embed_dim"] = 24
    if turned and from_pictures:
        sizes["use_learned_positional_embeddings"] = True
    parts.saved(folder / "transformer", partial(transformer, **sizes), seed)
    parts.saved(folder / "vae", partial(vae, invert_scale_latents=newer), seed)
    index: dict[str, object] = {
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5Tokenizer"],
        "transformer": ["diffusers", "CogVideoXTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLCogVideoX"],
    }
    less = {} if not (turned or newer) else {"snr_shift_scale": 1.0}
    kind = "ImageToVideo" if from_pictures else ""
    parts.write_index(folder, f"CogVideoX{kind}Pipeline", index, SCHEDULER | less)
    return folder


def transformer(**options: Any) -> Any:
    """Whose places are those of films of 96 by 64 pixels and 9 frames."""
    from diffusers import CogVideoXTransformer3DModel

    return CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        time_embed_dim=24,
        text_embed_dim=96,
        sample_width=12,
        sample_height=8,
        sample_frames=9,
        **options,
    )


def vae(**options: Any) -> Any:
    from diffusers import AutoencoderKLCogVideoX

    return AutoencoderKLCogVideoX(
        block_out_channels=(4, 8, 8, 8), layers_per_block=1, norm_num_groups=4, **options
    )
