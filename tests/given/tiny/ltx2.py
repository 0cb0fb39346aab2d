"""Tiny LTX-2s: two blocks, latents of eight channels, a vocoder of three steps, and a Gemma 3."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

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


def enlarger(seed: int = 0, *, rational: bool = False, **more: Any) -> Any:
    """What makes latents twice as wide and high; `rational`: as 2.0's, else as 2.3's is built."""
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes = {"in_channels": LATENT, "mid_channels": 32, "num_blocks_per_stage": 1} | more
        return LTX2LatentUpsamplerModel(use_rational_resampler=rational, **sizes)


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


_DRAWS = (
    (r"^proj_in", "patchify_proj"),
    (r"^audio_proj_in", "audio_patchify_proj"),
    (r"^(audio_)?time_embed\.", r"\1adaln_single."),
    (r"^(audio_)?prompt_adaln\.", r"\1prompt_adaln_single."),
    (r"^av_cross_attn_(video|audio)_scale_shift", r"av_ca_\1_scale_shift_adaln_single"),
    (r"^av_cross_attn_(?:video|audio)_(a2v|v2a)_gate", r"av_ca_\1_gate_adaln_single"),
    (r"(video|audio)_a2v_cross_attn_scale_shift_table", r"scale_shift_table_a2v_ca_\1"),
    (r"norm_(q|k)\.", r"\1_norm."),
)
_READS = (
    (r"^(video|audio)_connector", r"model.diffusion_model.\1_embeddings_connector"),
    (r"^(?:(video|audio)_)?text_proj_in", r"text_embedding_projection.\1_aggregate_embed"),
    (r"\._aggregate", ".aggregate"),
    ("transformer_blocks", "transformer_1d_blocks"),
    (r"norm_(q|k)\.", r"\1_norm."),
)
_SPEAKS = (
    ("upsamplers", "ups"),
    ("resnets", "resblocks"),
    ("conv_in", "conv_pre"),
    ("conv_out", "conv_post"),
    ("act_out", "act_post"),
    (r"downsample\.filter", "downsample.lowpass.filter"),
)
_SHOWS = (
    (r"^latents_mean", "per_channel_statistics.mean-of-means"),
    (r"^latents_std", "per_channel_statistics.std-of-means"),
)


def one_file(folder: Path) -> dict[str, Tensor]:
    """All parts, by the names of the makers' files."""

    def read(part: str, before: str, *names: tuple[str, str]) -> dict[str, Tensor]:
        found = {}
        stem = "model" if part == "text_encoder" else "diffusion_pytorch_model"
        for key, tensor in parts.read(folder, part, stem).items():
            for ours, theirs in names:
                key = re.sub(ours, theirs, key)
            found[before + key] = tensor.clone()
        return found

    film = read("vae", "", *_SHOWS)
    downs = 1 + max(int(k.split(".")[2]) for k in film if k.startswith("encoder.down_blocks."))
    words = {
        re.sub(r"^(model\.)?language_model\.(model\.)?", "model.", key): tensor
        for key, tensor in read("text_encoder", "").items()
        if "language_model." in key
    }
    return {
        **read("transformer", "model.diffusion_model.", *_DRAWS),
        **read("connectors", "", *_READS),
        **{f"vae.{_in_one_row(key, downs)}": tensor for key, tensor in film.items()},
        "vae.per_channel_statistics.channel": torch.ones(LATENT),
        **read("audio_vae", "audio_vae.", *_SHOWS),
        **read("vocoder", "vocoder.", *_SPEAKS),
        **{f"text_encoders.gemma3_12b.transformer.{key}": t for key, t in words.items()},
        "text_encoders.gemma3_12b.transformer.spiece_model": torch.frombuffer(
            bytearray(PIECES), dtype=torch.uint8
        ).clone(),
    }


def _in_one_row(key: str, downs: int) -> str:
    """The VAE's levels, and what lies between them."""
    side, kind, *rest = key.split(".", 3)
    if kind == "mid_block":
        key = f"{side}.{'down_blocks' if side == 'encoder' else 'up_blocks'}."
        key += f"{2 * downs if side == 'encoder' else 0}.{'.'.join(rest)}"
    elif kind in ("down_blocks", "up_blocks"):
        number, inner = int(rest[0]), rest[1]
        between = re.match(r"(?:down|up)samplers\.0\.", inner)
        row = 2 * number + (1 if between else 0 if side == "encoder" else 2)
        key = f"{side}.{kind}.{row}.{inner[between.end() :] if between else inner}"
    return key.replace("resnets.", "res_blocks.")
