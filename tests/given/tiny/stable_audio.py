"""A tiny Stable Audio: two blocks, 125 latents of 512 samples in two channels, and a T5."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

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


def one_file(folder: Path) -> dict[str, Tensor]:
    """The checkpoint and its text encoder in one file, with the makers' names."""
    out: dict[str, Tensor] = {}
    tensors = parts.read(folder, "transformer", "diffusion_pytorch_model")
    for key, tensor in tensors.items():
        if re.search(r"attn1\.to_[kv]|attn2\.to_v", key):
            continue
        name = key
        for ours, theirs in _OF_TRANSFORMER:
            name = re.sub(ours, theirs, name)
        several = {"attn1.to_q.": "qkv", "attn2.to_k.": "kv"}
        joined = next((many for begin, many in several.items() if begin in key), "")
        pieces = [tensors[re.sub(r"to_[qk]\.", f"to_{one}.", key)] for one in joined]
        whole = torch.cat(pieces) if pieces else tensor
        out[f"model.model.{name}"] = whole[:, None] if key == "time_proj.weight" else whole
    for key, tensor in parts.read(folder, "projection_model", "diffusion_pytorch_model").items():
        name = key.replace("time_positional_embedding", "embedder.embedding")
        name = name.replace("start_number_conditioner", "seconds_start")
        name = name.replace("end_number_conditioner", "seconds_total")
        out[f"conditioner.conditioners.{name}"] = tensor
    for key, tensor in parts.read(folder, "vae", "diffusion_pytorch_model").items():
        name = key
        for ours, theirs in _OF_VAE:
            name = re.sub(ours, theirs, name)
        name = re.sub(r"block\.(\d+)", lambda found: f"layers.{int(found[1]) + 1}", name)
        snake = key.endswith((".alpha", ".beta"))
        out[f"pretransform.model.{name}"] = tensor[0, :, 0] if snake else tensor
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        out[f"text_encoders.t5base.transformer.{key}"] = tensor
    # A whole T5 lies beside it, with what writes.
    out["text_encoders.t5base.transformer.decoder.final_layer_norm.weight"] = torch.ones(4)
    return out


_OF_TRANSFORMER = (
    (r"^transformer_blocks", "transformer.layers"),
    (r"^proj_", "transformer.project_"),
    (r"^time_proj", "timestep_features"),
    (r"^timestep_proj", "to_timestep_embed"),
    (r"^global_proj", "to_global_embed"),
    (r"^cross_attention_proj", "to_cond_embed"),
    (r"attn1\.to_q\.", "self_attn.to_qkv."),
    (r"attn2\.to_k\.", "cross_attn.to_kv."),
    ("attn1", "self_attn"),
    ("attn2", "cross_attn"),
    (r"to_out\.0", "to_out"),
    (r"ff\.net", "ff.ff"),
    (r"norm1\.weight", "pre_norm.gamma"),
    (r"norm1\.bias", "pre_norm.beta"),
    (r"norm2\.weight", "cross_attend_norm.gamma"),
    (r"norm2\.bias", "cross_attend_norm.beta"),
    (r"norm3\.weight", "ff_norm.gamma"),
    (r"norm3\.bias", "ff_norm.beta"),
)
# Of an Oobleck of two blocks.
_OF_VAE = (
    (r"(res_unit\d)\.snake1", r"\1.layers.0"),
    (r"(res_unit\d)\.conv1", r"\1.layers.1"),
    (r"(res_unit\d)\.snake2", r"\1.layers.2"),
    (r"(res_unit\d)\.conv2", r"\1.layers.3"),
    (r"^(encoder\.block\.\d)\.res_unit1", r"\1.layers.0"),
    (r"^(encoder\.block\.\d)\.res_unit2", r"\1.layers.1"),
    (r"^(encoder\.block\.\d)\.res_unit3", r"\1.layers.2"),
    (r"^(encoder\.block\.\d)\.snake1", r"\1.layers.3"),
    (r"^(encoder\.block\.\d)\.conv1", r"\1.layers.4"),
    (r"^(decoder\.block\.\d)\.snake1", r"\1.layers.0"),
    (r"^(decoder\.block\.\d)\.conv_t1", r"\1.layers.1"),
    (r"^(decoder\.block\.\d)\.res_unit1", r"\1.layers.2"),
    (r"^(decoder\.block\.\d)\.res_unit2", r"\1.layers.3"),
    (r"^(decoder\.block\.\d)\.res_unit3", r"\1.layers.4"),
    (r"^(\w+)\.conv1", r"\1.layers.0"),
    (r"^(\w+)\.snake1", r"\1.layers.3"),
    (r"^(\w+)\.conv2", r"\1.layers.4"),
)
