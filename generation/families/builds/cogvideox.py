"""The tensors of CogVideoX's transformers and of its VAE.

    patch_embed          words and latent pixels as tokens; places that were learned (5B I2V)
    transformer_blocks   one attention of words and film, and a layer
    encoder, decoder     of the VAE: its decoder's norms are shown the latents

Invariant: every tensor that the classes build from the same config, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generation.families import blueprint
from generation.families.blueprint import (
    Config,
    Shapes,
    Unwritten,
    conv,
    linear,
    norm,
    whole,
    wholes,
)

# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "attention_head_dim": 64,
    "dropout": 0.0,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 16,
    "max_text_seq_length": 226,
    "norm_elementwise_affine": True,
    "norm_eps": 1e-5,
    "num_attention_heads": 30,
    "num_layers": 30,
    "ofs_embed_dim": None,
    "out_channels": 16,
    "patch_bias": True,
    "patch_size": 2,
    "patch_size_t": None,
    "sample_frames": 49,
    "sample_height": 60,
    "sample_width": 90,
    "spatial_interpolation_scale": 1.875,
    "temporal_compression_ratio": 4,
    "temporal_interpolation_scale": 1.0,
    "text_embed_dim": 4096,
    "time_embed_dim": 512,
    "timestep_activation_fn": "silu",
    "use_learned_positional_embeddings": False,
    "use_rotary_positional_embeddings": False,
}
VAE: Mapping[str, object] = {
    "act_fn": "silu",
    "block_out_channels": (128, 256, 256, 512),
    "down_block_types": ("CogVideoXDownBlock3D",) * 4,
    "force_upcast": True,
    "in_channels": 3,
    "invert_scale_latents": False,
    "latent_channels": 16,
    "latents_mean": None,
    "latents_std": None,
    "layers_per_block": 3,
    "norm_eps": 1e-6,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_height": 480,
    "sample_width": 720,
    "scaling_factor": 1.15258426,
    "shift_factor": None,
    "temporal_compression_ratio": 4,
    "up_block_types": ("CogVideoXUpBlock3D",) * 4,
    "use_post_quant_conv": False,
    "use_quant_conv": False,
}


def tensors(config: Config) -> Shapes | None:
    """The tensors of a CogVideoXTransformer3DModel; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    out: Shapes = {}
    width = whole(config["num_attention_heads"]) * whole(config["attention_head_dim"])
    time = whole(config["time_embed_dim"])
    patch = _patches(out, config, width)
    linear(out, "time_embedding.linear_1", time, width)
    linear(out, "time_embedding.linear_2", time, time)
    if config["ofs_embed_dim"]:
        told = whole(config["ofs_embed_dim"])
        linear(out, "ofs_embedding.linear_1", told, told)
        linear(out, "ofs_embedding.linear_2", told, told)
    for number in range(whole(config["num_layers"], blueprint.MOST)):
        _block(out, f"transformer_blocks.{number}", width, time, config)
    norm(out, "norm_final", width)
    linear(out, "norm_out.linear", 2 * width, time)
    norm(out, "norm_out.norm", width)
    linear(out, "proj_out", patch * whole(config["out_channels"]), width)
    return out


def _patches(out: Shapes, config: Config, width: int) -> int:
    """Returns how many latent pixels are a token."""
    side, read = whole(config["patch_size"], 16), whole(config["in_channels"])
    over_time, name = config["patch_size_t"], "patch_embed.proj"
    patch = side**2 * (1 if over_time is None else whole(over_time, 16))
    if over_time is None:
        out[f"{name}.weight"] = (width, read, side, side)
    else:
        out[f"{name}.weight"] = (width, read * patch)
    if config["patch_bias"] or over_time is not None:
        out[f"{name}.bias"] = (width,)
    linear(out, "patch_embed.text_proj", width, whole(config["text_embed_dim"]))
    if config["use_learned_positional_embeddings"]:
        down, across = (whole(config[f"sample_{of}"]) // side for of in ("height", "width"))
        shorter = whole(config["temporal_compression_ratio"])
        frames = (whole(config["sample_frames"]) - 1) // shorter + 1
        places = whole(config["max_text_seq_length"]) + down * across * frames
        out["patch_embed.pos_embedding"] = (1, places, width)
    return patch


def _block(out: Shapes, name: str, width: int, time: int, config: Config) -> None:
    for number in (1, 2):
        linear(out, f"{name}.norm{number}.linear", 6 * width, time)
        norm(out, f"{name}.norm{number}.norm", width)
    for what in ("to_q", "to_k", "to_v"):
        biased = bool(config["attention_bias"])
        linear(out, f"{name}.attn1.{what}", width, width, bias=biased)
    linear(out, f"{name}.attn1.to_out.0", width, width)
    for what in ("norm_q", "norm_k"):
        norm(out, f"{name}.attn1.{what}", whole(config["attention_head_dim"]))
    linear(out, f"{name}.ff.net.0.proj", 4 * width, width)
    linear(out, f"{name}.ff.net.2", width, 4 * width)


def vae(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKLCogVideoX; None: its build is not written down."""
    try:
        return _vae({**VAE, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


def _vae(config: Config) -> Shapes:
    kinds = config["block_out_channels"]
    if not isinstance(kinds, Sequence):
        raise Unwritten
    widths, layers = wholes(kinds, len(kinds)), whole(config["layers_per_block"], blueprint.MOST)
    latent, out = whole(config["latent_channels"], 1024), dict[str, tuple[int, ...]]()
    _causal(out, "encoder.conv_in", widths[0], whole(config["in_channels"], 16))
    before = widths[0]
    for block, width in enumerate(widths):
        name = f"encoder.down_blocks.{block}"
        for layer in range(layers):
            _resnet(out, f"{name}.resnets.{layer}", before, width, None)
            before = width
        if block < len(widths) - 1:
            conv(out, f"{name}.downsamplers.0.conv", width, width)
    for number in (0, 1):
        _resnet(out, f"encoder.mid_block.resnets.{number}", before, before, None)
    norm(out, "encoder.norm_out", before)
    _causal(out, "encoder.conv_out", 2 * latent, before)
    _causal(out, "decoder.conv_in", before, latent)
    for number in (0, 1):
        _resnet(out, f"decoder.mid_block.resnets.{number}", before, before, latent)
    for block, width in enumerate(widths[::-1]):
        name = f"decoder.up_blocks.{block}"
        for layer in range(layers + 1):
            _resnet(out, f"{name}.resnets.{layer}", before, width, latent)
            before = width
        if block < len(widths) - 1:
            conv(out, f"{name}.upsamplers.0.conv", width, width)
    _norm(out, "decoder.norm_out", before, latent)
    _causal(out, "decoder.conv_out", whole(config["out_channels"], 16), before)
    return out


def _causal(out: Shapes, name: str, rows: int, columns: int, side: int = 3) -> None:
    out[f"{name}.conv.weight"] = (rows, columns, side, side, side)
    out[f"{name}.conv.bias"] = (rows,)


def _norm(out: Shapes, name: str, width: int, seen: int | None) -> None:
    """`seen`: channels of the latents that it is shown."""
    if seen is None:
        norm(out, name, width)
        return
    norm(out, f"{name}.norm_layer", width)
    _causal(out, f"{name}.conv_y", width, seen, 1)
    _causal(out, f"{name}.conv_b", width, seen, 1)


def _resnet(out: Shapes, name: str, before: int, after: int, seen: int | None) -> None:
    _norm(out, f"{name}.norm1", before, seen)
    _norm(out, f"{name}.norm2", after, seen)
    _causal(out, f"{name}.conv1", after, before)
    _causal(out, f"{name}.conv2", after, after)
    if before != after:
        out[f"{name}.conv_shortcut.weight"] = (after, before, 1, 1, 1)
        out[f"{name}.conv_shortcut.bias"] = (after,)
