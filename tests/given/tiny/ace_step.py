"""A tiny ACE-Step 1.5."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from tests.given.tiny import parts

SCHEDULER: dict[str, object] = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1,
    "shift": 1.0,
}
_LAYERS: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
_CHANNELS = 8
_FRAMES = 3  # of silence that differ
_HOP = 1920  # samples of a frame: 25 frames a second


def build(folder: Path, *, seed: int = 0, turbo: bool = False) -> Path:
    """Write a tiny ACE-Step into `folder`."""
    parts.saved(folder / "tokenizer", parts.chat_tokenizer, seed)
    parts.saved(folder / "text_encoder", parts.qwen3, seed)
    for name, kind, more in (
        ("transformer", "AceStepTransformer1DModel", _TRANSFORMER | {"is_turbo": turbo}),
        ("condition_encoder", "AceStepConditionEncoder", _CONDITIONS),
        ("audio_tokenizer", "AceStepAudioTokenizer", _SOUNDS | {"fsq_dim": 32}),
        ("audio_token_detokenizer", "AceStepAudioTokenDetokenizer", _SOUNDS),
    ):
        parts.saved(folder / name, partial(_network, kind, _LAYERS | more), seed)
    _silence(folder, "condition_encoder")
    parts.saved(folder / "vae", _vae, seed)
    index: dict[str, object] = {
        "vae": ["diffusers", "AutoencoderOobleck"],
        "text_encoder": ["transformers", "Qwen3Model"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"],
        "transformer": ["diffusers", "AceStepTransformer1DModel"],
        "condition_encoder": ["ace_step", "AceStepConditionEncoder"],
        "audio_tokenizer": ["ace_step", "AceStepAudioTokenizer"],
        "audio_token_detokenizer": ["ace_step", "AceStepAudioTokenDetokenizer"],
    }
    parts.write_index(folder, "AceStepPipeline", index, SCHEDULER)
    return folder


def _silence(folder: Path, part: str) -> None:
    """Beside the config lies what ComfyUI's files lack."""
    frames = parts.read(folder, part, "diffusion_pytorch_model")["silence_latent"][0, :_FRAMES]
    (folder / part / "silence_latent.json").write_text(json.dumps(frames.tolist()))


_TRANSFORMER: dict[str, Any] = {
    "num_hidden_layers": 2,
    "in_channels": 3 * _CHANNELS,
    "audio_acoustic_hidden_dim": _CHANNELS,
}
_CONDITIONS: dict[str, Any] = {
    "text_hidden_dim": 32,
    "timbre_hidden_dim": _CHANNELS,
    "num_lyric_encoder_hidden_layers": 2,
    "num_timbre_encoder_hidden_layers": 2,
}
_SOUNDS: dict[str, Any] = {
    "audio_acoustic_hidden_dim": _CHANNELS,
    "num_attention_pooler_hidden_layers": 2,
}


def _network(kind: str, config: dict[str, Any]) -> Any:
    import diffusers
    import torch

    made = getattr(diffusers, kind)(**config)
    if hasattr(made, "silence_latent"):  # nothing, until it is trained; the frames behind are alike
        torch.nn.init.normal_(made.silence_latent[:, :_FRAMES])
        made.silence_latent[:, _FRAMES:] = made.silence_latent[:, _FRAMES - 1 : _FRAMES]
    return made


def _vae() -> Any:
    from diffusers import AutoencoderOobleck

    return AutoencoderOobleck(
        encoder_hidden_size=2 * _CHANNELS,
        downsampling_ratios=[4, 4, 10, 12],
        channel_multiples=[1, 1, 1, 1],
        decoder_channels=8,
        decoder_input_channels=_CHANNELS,
        audio_channels=2,
        sampling_rate=48_000,
    )


def one_file(folder: Path) -> dict[str, Tensor]:
    """All of it in one file, with the makers' names, and as ComfyUI has it: without the silence."""
    whole = "model.diffusion_model."
    out: dict[str, Tensor] = {}
    for name, prefix in (
        ("transformer", "decoder."),
        ("condition_encoder", "encoder."),
        ("audio_tokenizer", "tokenizer."),
        ("audio_token_detokenizer", "detokenizer."),
    ):
        for key, tensor in parts.read(folder, name, "diffusion_pytorch_model").items():
            if key == "silence_latent":
                continue
            theirs = re.sub(r"\.to_([qkv])\.", r".\1_proj.", key)
            theirs = re.sub(r"\.norm_([qk])\.", r".\1_norm.", theirs)
            theirs = theirs.replace(".to_out.0.", ".o_proj.")
            theirs = theirs.replace("proj_in_conv", "proj_in.1").replace(
                "proj_out_conv", "proj_out.1"
            )
            begin = whole if key == "null_condition_emb" else whole + prefix
            out[begin + theirs] = tensor
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        out[f"text_encoders.qwen3_06b.transformer.model.{key}"] = tensor
    vae = parts.read(folder, "vae", "diffusion_pytorch_model")
    return out | {f"vae.{key}": tensor for key, tensor in vae.items()}
