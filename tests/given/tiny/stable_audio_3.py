"""A tiny Stable Audio 3: two blocks, latents of 512 samples in two channels, and a T5Gemma."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.given.tiny import parts, sana

RATE, HOP, CHANNELS = 44_100, 512, 8
WORDS = 32  # how wide they are, and the seconds among them
LONGEST = 4.0  # seconds that it knows


def scheduler(*, stochastic: bool) -> dict[str, object]:
    """The folder's: that of what was distilled, or of its base."""
    return {
        "_class_name": "FlowMatchEulerDiscreteScheduler",
        "num_train_timesteps": 1,
        "shift": 1.0,
        "stochastic_sampling": stochastic,
    }


def build(folder: Path, *, seed: int = 0, stochastic: bool = True, channels: int = 2) -> Path:
    """Write one into `folder`."""
    parts.saved(folder / "tokenizer", sana.tokenizer, seed)
    parts.saved(folder / "text_encoder", partial(_words, len(sana.tokenizer())), seed)
    parts.saved(folder / "transformer", _transformer, seed)
    parts.saved(folder / "duration_embedder", _duration, seed)
    parts.saved(folder / "vae", partial(_vae, channels), seed)
    index: dict[str, object] = {
        "duration_embedder": ["stable_audio_3", "StableAudio3DurationEmbedder"],
        "text_encoder": ["transformers", "T5GemmaEncoderModel"],
        "tokenizer": ["transformers", "GemmaTokenizerFast"],
        "transformer": ["diffusers", "StableAudio3DiTModel"],
        "vae": ["diffusers", "AutoencoderSAME"],
    }
    parts.write_index(folder, "StableAudio3Pipeline", index, scheduler(stochastic=stochastic))
    return folder


def _words(tokens: int) -> Any:
    import transformers

    sizes = {
        "hidden_size": WORDS,
        "intermediate_size": 40,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "query_pre_attn_scalar": 8,
        "vocab_size": tokens,
        "sliding_window": 64,
    }
    config = transformers.T5GemmaConfig(encoder=sizes, decoder=sizes, is_encoder_decoder=False)
    return transformers.T5GemmaEncoderModel(config)


def _transformer() -> Any:
    from diffusers import StableAudio3DiTModel

    network = StableAudio3DiTModel(
        io_channels=CHANNELS,
        embed_dim=32,
        depth=2,
        num_heads=2,
        cond_token_dim=WORDS,
        global_cond_dim=WORDS,
        local_add_cond_dim=CHANNELS + 1,
        timestep_features_dim=16,
        ff_mult=2.0,
        num_memory_tokens=3,
    )
    return _thrown(network)


def _duration() -> Any:
    from diffusers.pipelines.stable_audio_3 import StableAudio3DurationEmbedder

    return StableAudio3DurationEmbedder(output_dim=WORDS, fourier_dim=16, max_val=LONGEST)


def _vae(channels: int) -> Any:
    from diffusers import AutoencoderSAME

    network = AutoencoderSAME(
        audio_channels=channels,
        patch_size=64,
        encoder_channels=8,
        encoder_c_mults=[4],
        encoder_strides=[8],
        encoder_transformer_depths=[2],
        latent_dim=CHANNELS,
        dim_heads=16,
        ff_mult=2,
        decoder_sinusoidal_blocks=[2],
        sampling_rate=RATE,
    )
    return _thrown(network)


def _thrown(network: Any) -> Any:
    """With numbers where nothing is until it is trained, or it would say nothing."""
    import torch

    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return network
