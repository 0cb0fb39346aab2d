"""A tiny Stable Audio 3: two blocks, latents of 512 samples in two channels, and a T5Gemma."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.worker.text.pieces import t5gemma
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
    tokenizer = t5gemma(sana.pieces(), "it")
    parts.saved(folder / "tokenizer", lambda: tokenizer, seed)
    parts.saved(folder / "text_encoder", partial(_words, len(tokenizer)), seed)
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
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return network


def one_file(folder: Path) -> dict[str, Tensor]:
    """The checkpoint and its text encoder in one file, with the makers' names."""
    out: dict[str, Tensor] = {"pretransform.model.bottleneck.noise_scaling_factor": torch.ones(1)}
    for key, tensor in parts.read(folder, "transformer", "diffusion_pytorch_model").items():
        if key == "prompt_padding_embedding":
            out["conditioner.conditioners.prompt.padding_embedding"] = tensor
            continue
        name = key.replace("transformer_blocks.", "layers.")
        name = re.sub(r"^proj_(in|out)", r"project_\1", name)
        name = name.replace("ff.proj_in", "ff.ff.0.proj").replace("ff.proj_out", "ff.ff.2")
        beside = re.match(r"to_(timestep|cond|global)_embed|(pre|post)process_conv", key)
        level = "" if beside else "transformer."
        out[f"model.model.{level}{name}"] = _theirs(key, tensor)
    for key, tensor in parts.read(folder, "duration_embedder", "diffusion_pytorch_model").items():
        if key != "freqs":  # which is a formula
            name = key.replace(
                "linear", "conditioner.conditioners.seconds_total.embedder.embedding.1"
            )
            out[name] = tensor
    for key, tensor in parts.read(folder, "vae", "diffusion_pytorch_model").items():
        name = key
        for ours, theirs in _OF_VAE:
            name = re.sub(ours, theirs, name)
        out[f"pretransform.model.{name}"] = _theirs(key, tensor)
    # The makers keep what follows from the places.
    for side in ("encoder.layers.0", "decoder.layers.3"):
        for number in (0, 1):
            key = f"pretransform.model.{side}.transformers.{number}.rope.inv_freq"
            out[key] = torch.ones(4)
    for key, tensor in parts.read(folder, "text_encoder", "model").items():
        out[f"text_encoders.t5gemma.transformer.model.{key}"] = tensor
    # Its decoder lies in the published file, too.
    out["text_encoders.t5gemma.transformer.model.decoder.norm.weight"] = torch.ones(WORDS)
    pieces = torch.frombuffer(bytearray(sana.pieces()), dtype=torch.uint8)
    out["text_encoders.t5gemma.transformer.spiece_model"] = pieces
    return out


# Of a SAME of one block.
_OF_VAE = (
    (r"^encoder\.blocks\.0", "encoder.layers.0"),
    (r"^encoder\.proj", "encoder.layers.2"),
    (r"^decoder\.proj", "decoder.layers.1"),
    (r"^decoder\.blocks\.0", "decoder.layers.3"),
    (r"\.attn\.", ".self_attn."),
    (r"norm_attn", "pre_norm"),
    (r"norm_ff", "ff_norm"),
    (r"ff\.proj_in", "ff.ff.0.proj"),
    (r"ff\.proj_out", "ff.ff.2"),
    (r"bottleneck\.scale", "bottleneck.scaling_factor"),
)


def _theirs(key: str, tensor: Tensor) -> Tensor:
    """Queries, keys and values of attention to itself in the makers' order."""
    if not key.endswith("attn.to_qkv.weight"):
        return tensor
    first, second, key_1, key_2, value = tensor.chunk(5)
    return torch.cat([first, key_1, value, second, key_2])
