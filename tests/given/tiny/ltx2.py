"""Tiny LTX-2s: two blocks, latents of eight channels, a vocoder of three steps, and a Gemma 3."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from generation.worker.text.pieces import gemma
from tests.given.tiny import ltx, parts
from tests.given.tiny.lumina2 import PIECES

LATENT = 8  # channels of a latent pixel, and what a moment of sound is wide
WORDS, LAYERS = 32, 3  # of its text encoder

# What of them is otherwise in 2.3.
DRAWS_AS_23: dict[str, Any] = {
    **dict.fromkeys(("gated_attn", "audio_gated_attn", "perturbed_attn"), True),
    **dict.fromkeys(("cross_attn_mod", "audio_cross_attn_mod"), True),
    "use_prompt_embeddings": False,
}
READS_OF_23: dict[str, Any] = {
    **dict.fromkeys(("video_gated_attn", "audio_gated_attn", "per_modality_projections"), True),
    "proj_bias": True,
    "video_hidden_dim": 48,
    "video_connector_attention_head_dim": 12,
    "audio_hidden_dim": 32,
}
VAE_OF_23: dict[str, Any] = {
    "block_out_channels": (8, 16, 16, 16),
    "decoder_block_out_channels": (8, 16, 16, 32),
    "layers_per_block": (1, 2, 1, 1, 1),
    "decoder_layers_per_block": (1, 1, 2, 1, 1),
    "decoder_spatio_temporal_scaling": (True,) * 4,
    "decoder_inject_noise": (False,) * 5,
    "upsample_type": ("spatiotemporal", "spatiotemporal", "temporal", "spatial"),
    "upsample_residual": (False,) * 4,
    "upsample_factor": (2, 2, 1, 2),
    "decoder_spatial_padding_mode": "zeros",
}


def build(folder: Path, *, seed: int = 0, distilled: bool = False, newer: bool = False) -> Path:
    """Write one into `folder`; `newer`: 2.3."""
    parts.saved(folder / "tokenizer", lambda: gemma(PIECES, "it"), seed)
    parts.saved(folder / "text_encoder", gemma3, seed)
    parts.saved(folder / "connectors", partial(connectors, **(READS_OF_23 if newer else {})), seed)
    parts.saved(
        folder / "transformer", partial(transformer, **(DRAWS_AS_23 if newer else {})), seed
    )
    parts.saved(folder / "vae", partial(vae, **(VAE_OF_23 if newer else {})), seed)
    parts.saved(folder / "audio_vae", audio_vae, seed)
    parts.saved(folder / "vocoder", better_vocoder if newer else vocoder, seed)
    index: dict[str, object] = {
        "audio_vae": ["diffusers", "AutoencoderKLLTX2Audio"],
        "connectors": ["ltx2", "LTX2TextConnectors"],
        "text_encoder": ["transformers", "Gemma3ForConditionalGeneration"],
        "tokenizer": ["transformers", "GemmaTokenizerFast"],
        "transformer": ["diffusers", "LTX2VideoTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLLTX2Video"],
        "vocoder": ["ltx2", "LTX2VocoderWithBWE" if newer else "LTX2Vocoder"],
    }
    scheduler = ltx.PLAIN if distilled else ltx.SCHEDULER
    parts.write_index(folder, "LTX2Pipeline", index, scheduler)
    return folder


def gemma3() -> Any:
    """With eyes, which nothing here looks through."""
    import transformers

    words = {
        "hidden_size": WORDS,
        "intermediate_size": 48,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "vocab_size": 320,
        "sliding_window": 512,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
    }
    eyes = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    config = transformers.Gemma3Config(
        text_config=words, vision_config=eyes, mm_tokens_per_image=4, image_token_index=319
    )
    return transformers.Gemma3ForConditionalGeneration(config)


def connectors(**more: Any) -> Any:
    from diffusers.pipelines.ltx2 import LTX2TextConnectors

    sizes = {
        "caption_channels": WORDS,
        "text_proj_in_factor": LAYERS + 1,
        "video_connector_num_attention_heads": 4,
        "video_connector_attention_head_dim": 8,
        "video_connector_num_layers": 1,
        "audio_connector_num_attention_heads": 4,
        "audio_connector_attention_head_dim": 8,
        "audio_connector_num_layers": 1,
        "rope_type": "split",
    }
    return LTX2TextConnectors(**sizes | more)


def transformer(**more: Any) -> Any:
    from diffusers import LTX2VideoTransformer3DModel

    return LTX2VideoTransformer3DModel(
        in_channels=LATENT,
        out_channels=LATENT,
        num_attention_heads=4,
        attention_head_dim=12,
        cross_attention_dim=48,
        audio_in_channels=LATENT,
        audio_out_channels=LATENT,
        audio_num_attention_heads=4,
        audio_attention_head_dim=8,
        audio_cross_attention_dim=32,
        num_layers=2,
        caption_channels=WORDS,
        rope_type="split",
        **more,
    )


def vae(**more: Any) -> Any:
    """Whose latents lie elsewhere and further apart than they are drawn."""
    from diffusers import AutoencoderKLLTX2Video

    sizes: dict[str, Any] = {
        "latent_channels": LATENT,
        "block_out_channels": (8, 16, 16, 16),
        "decoder_block_out_channels": (8, 16, 32),
        "layers_per_block": (1, 2, 1, 1, 1),
        "decoder_layers_per_block": (1, 1, 2, 1),
        "decoder_causal": False,
        "spatial_compression_ratio": 32,
        "temporal_compression_ratio": 8,
    }
    found = AutoencoderKLLTX2Video(**sizes | more)
    found.latents_mean += 0.1
    found.latents_std *= 0.8
    return found


def audio_vae() -> Any:
    from diffusers import AutoencoderKLLTX2Audio

    found = AutoencoderKLLTX2Audio(
        base_channels=LATENT, ch_mult=(1, 1, 2), num_res_blocks=1, latent_channels=2, mel_bins=16
    )
    found.latents_mean += 0.1
    found.latents_std *= 0.8
    return found


def vocoder() -> Any:
    from diffusers.pipelines.ltx2 import LTX2Vocoder

    return LTX2Vocoder(
        in_channels=2 * 16,
        hidden_channels=32,
        upsample_kernel_sizes=[16, 15, 16],
        upsample_factors=[6, 5, 8],
        resnet_kernel_sizes=[3, 7],
        resnet_dilations=[[1, 3], [1, 3]],
    )


def better_vocoder() -> Any:
    """With the bases of its spectra, which a checkpoint brings."""
    import torch
    from diffusers.pipelines.ltx2.vocoder import LTX2VocoderWithBWE

    sizes = {
        "resnet_kernel_sizes": [3, 7],
        "resnet_dilations": [[1, 3], [1, 3]],
        "bwe_resnet_kernel_sizes": [3, 7],
        "bwe_resnet_dilations": [[1, 3], [1, 3]],
    }
    found = LTX2VocoderWithBWE(
        in_channels=2 * 16,
        hidden_channels=32,
        upsample_kernel_sizes=[11, 16, 4],
        upsample_factors=[5, 16, 2],
        bwe_in_channels=2 * 8,
        bwe_hidden_channels=16,
        bwe_upsample_kernel_sizes=[12, 11, 16],
        bwe_upsample_factors=[6, 5, 8],
        filter_length=64,
        window_length=64,
        num_mel_channels=8,
        **sizes,
    )
    for basis in (found.mel_stft.mel_basis, found.mel_stft.stft_fn.forward_basis):
        torch.nn.init.normal_(basis, std=0.2)
    return found


build_distilled = partial(build, distilled=True)
build_23 = partial(build, newer=True)
build_23_distilled = partial(build, newer=True, distilled=True)
