"""The tensors of Stable Audio 3's networks, from their configs, without building them.

    transformer          what draws: memory tokens before the sound's latents
    duration_embedder    a number of seconds as waves, brought to the width of words
    vae                  SAME: patches of samples, and layers that look at their neighbours alone

Attention that is differential has two kinds of queries and keys.  Invariant: every tensor that the
classes build from the same config, and no other (`tests/test_blueprint.py` compares them).
"""

from __future__ import annotations

from collections.abc import Sequence

from generation.families.blueprint import MOST, Config, Shapes, Unwritten, linear, whole

# diffusers' defaults, which a config need not say.
DIT: dict[str, object] = {
    "io_channels": 256,
    "patch_size": 1,
    "embed_dim": 1536,
    "depth": 24,
    "num_heads": 24,
    "cond_token_dim": 768,
    "global_cond_dim": 768,
    "local_add_cond_dim": 257,
    "timestep_features_dim": 256,
    "ff_mult": 4.0,
    "num_memory_tokens": 64,
    "use_differential_attention": True,
}
DURATION: dict[str, object] = {
    "output_dim": 768,
    "fourier_dim": 256,
    "min_val": 0.0,
    "max_val": 384.0,
    "min_freq": 0.5,
    "max_freq": 10000.0,
}
SAME: dict[str, object] = {
    "audio_channels": 2,
    "patch_size": 256,
    "encoder_channels": 128,
    "encoder_c_mults": [6],
    "encoder_strides": [16],
    "encoder_transformer_depths": [6],
    "latent_dim": 256,
    "use_differential_attention": True,
    "dim_heads": 64,
    "ff_mult": 3,
    "sliding_window": 1,
    "encoder_sinusoidal_blocks": [0],
    "decoder_sinusoidal_blocks": [0],
    "sampling_rate": 44100,
}


def transformer(config: Config) -> Shapes | None:
    """Those of a StableAudio3DiTModel; None: a build that is not written down."""
    try:
        return _transformer({**DIT, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def duration(config: Config) -> Shapes | None:
    """Those of a StableAudio3DurationEmbedder; None: a build that is not written down."""
    try:
        said = {**DURATION, **config}
        waves = whole(said["fourier_dim"]) // 2
        out: Shapes = {"freqs": (waves,)}
        linear(out, "linear", whole(said["output_dim"]), 2 * waves)
        return out
    except (Unwritten, TypeError, ValueError):
        return None


def same(config: Config) -> Shapes | None:
    """Those of an AutoencoderSAME; None: a build that is not written down."""
    try:
        return _same({**SAME, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def hop(config: Config) -> int:
    """Samples of a latent frame."""
    said = {**SAME, **config}
    found = whole(said["patch_size"])
    for stride in _wholes(said["encoder_strides"]):
        found *= stride
    return found


def _transformer(config: Config) -> Shapes:
    width, words = whole(config["embed_dim"]), whole(config["cond_token_dim"])
    into, waves = whole(config["io_channels"]), whole(config["timestep_features_dim"])
    patched, head = into * whole(config["patch_size"]), width // whole(config["num_heads"])
    out: Shapes = {"prompt_padding_embedding": (words,)}
    _both(out, "to_timestep_embed", width, waves, bias=True)
    _both(out, "to_cond_embed", width, words, bias=False)
    _both(out, "to_global_embed", width, whole(config["global_cond_dim"]), bias=False)
    linear(out, "global_cond_embedder.0", width, width)
    linear(out, "global_cond_embedder.2", 6 * width, width)
    for name in ("preprocess_conv", "postprocess_conv"):
        out[f"{name}.weight"] = (into, into, 1)
    linear(out, "proj_in", width, patched, bias=False)
    linear(out, "proj_out", patched, width, bias=False)
    if remembered := _count(config["num_memory_tokens"]):
        out["memory_tokens"] = (remembered, width)
    out["rotary_pos_emb.inv_freq"] = ((head // 2 + 1) // 2,)
    two = 2 if config["use_differential_attention"] else 1
    inner = _inner(width, config["ff_mult"])
    for number in range(whole(config["depth"], MOST)):
        block = f"transformer_blocks.{number}"
        out[f"{block}.to_scale_shift_gate"] = (6 * width,)
        for norm in ("pre_norm", "cross_attend_norm", "ff_norm"):
            out[f"{block}.{norm}.gamma"] = (width,)
        linear(out, f"{block}.self_attn.to_qkv", (2 * two + 1) * width, width, bias=False)
        linear(out, f"{block}.cross_attn.to_q", two * width, width, bias=False)
        linear(out, f"{block}.cross_attn.to_kv", (two + 1) * width, width, bias=False)
        for name in ("self_attn", "cross_attn"):
            linear(out, f"{block}.{name}.to_out", width, width, bias=False)
            out[f"{block}.{name}.q_norm.gamma"] = out[f"{block}.{name}.k_norm.gamma"] = (head,)
        linear(out, f"{block}.ff.proj_in", 2 * inner, width)
        linear(out, f"{block}.ff.proj_out", width, inner)
        beside = whole(config["local_add_cond_dim"])
        _both(out, f"{block}.to_local_embed", width, beside, bias=True)
    return out


def _same(config: Config) -> Shapes:
    strides, depths = _wholes(config["encoder_strides"]), _depths(config)
    base = whole(config["encoder_channels"])
    heard = whole(config["audio_channels"], 64) * whole(config["patch_size"])
    widths = [heard, *(base * many for many in _wholes(config["encoder_c_mults"]))]
    if not len(strides) == len(depths) == len(widths) - 1:
        raise Unwritten
    latent = whole(config["latent_dim"])
    out: Shapes = {"bottleneck.scale": (1, latent, 1), "bottleneck.bias": (1, latent, 1)}
    out["bottleneck.running_std"] = (1,)
    for level in range(len(strides)):
        name = f"encoder.blocks.{level}"
        _resampled(out, name, (widths[level], widths[level + 1]), widths[level + 1], level, config)
        name = f"decoder.blocks.{len(strides) - 1 - level}"
        _resampled(out, name, (widths[level + 1], widths[level]), widths[level + 1], level, config)
    linear(out, "encoder.proj", latent, widths[-1])
    linear(out, "decoder.proj", widths[-1], latent)
    return out


def _resampled(
    out: Shapes, name: str, ends: tuple[int, int], width: int, level: int, config: Config
) -> None:
    """A block that has fewer or more frames behind it; `ends`: how wide they are on both sides."""
    before, after = ends
    if before != after:
        out[f"{name}.mapping.weight_g"] = (after, 1, 1)
        out[f"{name}.mapping.weight_v"] = (after, before, 1)
        out[f"{name}.mapping.bias"] = (after,)
    out[f"{name}.new_tokens"] = (1, 1, width)
    head = min(whole(config["dim_heads"]), width)
    many = 5 if config["use_differential_attention"] else 3
    inner = _inner(width, config["ff_mult"])
    for number in range(_depths(config)[level]):
        layer = f"{name}.transformers.{number}"
        _tanh(out, f"{layer}.norm_attn", width)
        _tanh(out, f"{layer}.norm_ff", width)
        _tanh(out, f"{layer}.attn.q_norm", head)
        _tanh(out, f"{layer}.attn.k_norm", head)
        linear(out, f"{layer}.attn.to_qkv", many * width, width, bias=False)
        linear(out, f"{layer}.attn.to_out", width, width, bias=False)
        linear(out, f"{layer}.ff.proj_in", 2 * inner, width)
        linear(out, f"{layer}.ff.proj_out", width, inner)


def _tanh(out: Shapes, name: str, width: int) -> None:
    out[f"{name}.alpha"] = (1,)
    out[f"{name}.gamma"] = out[f"{name}.beta"] = (width,)


def _both(out: Shapes, name: str, width: int, read: int, *, bias: bool) -> None:
    """Two layers with something between them that has no numbers."""
    linear(out, f"{name}.0", width, read, bias=bias)
    linear(out, f"{name}.2", width, width, bias=bias)


def _depths(config: Config) -> list[int]:
    return _wholes(config["encoder_transformer_depths"])


def _inner(width: int, many: object) -> int:
    if not isinstance(many, int | float) or not 0 < many < 64:
        raise Unwritten
    return int(width * many)


def _count(value: object) -> int:
    return 0 if value == 0 else whole(value)


def _wholes(value: object) -> list[int]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 0 < len(value) <= MOST:
        raise Unwritten
    return [whole(number, 4096) for number in value]
