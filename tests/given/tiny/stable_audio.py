"""A tiny Stable Audio: two blocks, 125 latents of 512 samples in two channels, and a T5."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.given.tiny import parts

RATE, HOP, LATENTS = 44_100, 512, 125  # 1.45 seconds
CHANNELS = 4

COSINE: dict[str, object] = {
    "_class_name": "CosineDPMSolverMultistepScheduler",
    "final_sigmas_type": "zero",
    "prediction_type": "v_prediction",
    "sigma_data": 1.0,
    "sigma_max": 500,
    "sigma_min": 0.3,
    "sigma_schedule": "exponential",
    "solver_order": 2,
    "solver_type": "midpoint",
}
EDM: dict[str, object] = {
    "_class_name": "EDMDPMSolverMultistepScheduler",
    "prediction_type": "v_prediction",
    "sigma_data": 0.5,
    "sigma_max": 40.0,
    "sigma_min": 0.005,
}


def build(
    folder: Path, *, seed: int = 0, scheduler: dict[str, object] | None = None, channels: int = 2
) -> Path:
    """Write one into `folder`."""
    _, tokenizer = parts.tiny_tokenizers()
    tokenizer.model_max_length = 24
    parts.saved(folder / "tokenizer", lambda: tokenizer, seed)
    parts.saved(folder / "text_encoder", partial(parts.t5, len(tokenizer)), seed)
    parts.saved(folder / "transformer", _transformer, seed)
    parts.saved(folder / "projection_model", _projection, seed)
    parts.saved(folder / "vae", partial(_vae, channels), seed)
    index: dict[str, object] = {
        "projection_model": ["stable_audio", "StableAudioProjectionModel"],
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "StableAudioDiTModel"],
        "vae": ["diffusers", "AutoencoderOobleck"],
    }
    parts.write_index(folder, "StableAudioPipeline", index, scheduler or COSINE)
    return folder


def _transformer() -> Any:
    from diffusers import StableAudioDiTModel

    return StableAudioDiTModel(
        sample_size=LATENTS,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        num_key_value_attention_heads=2,
        cross_attention_dim=16,
        cross_attention_input_dim=32,
        global_states_input_dim=64,
        time_proj_dim=16,
    )


def _projection() -> Any:
    from diffusers.pipelines.stable_audio import StableAudioProjectionModel

    return StableAudioProjectionModel(
        text_encoder_dim=96, conditioning_dim=32, min_value=0, max_value=4
    )


def _vae(channels: int) -> Any:
    from diffusers import AutoencoderOobleck

    return AutoencoderOobleck(
        encoder_hidden_size=2 * CHANNELS,
        downsampling_ratios=[16, 32],
        channel_multiples=[1, 2],
        decoder_channels=8,
        decoder_input_channels=CHANNELS,
        audio_channels=channels,
        sampling_rate=RATE,
    )
