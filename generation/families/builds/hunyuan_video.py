"""The tensors of HunyuanVideo 1.5's transformer and of its VAE.

    context_embedder     what the language model says of the words, refined
    context_embedder_2   what ByT5 says of words in quotes
    image_embedder       what SigLIP sees of the picture that a film begins with
    transformer_blocks   one attention of film and words, each with layers of its own
    encoder, decoder     of the VAE: where a level ends, pixels and frames become channels

Invariant: every tensor that the classes build from the same config, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2

from generation.families import blueprint
from generation.families.blueprint import Config, Shapes, Unwritten, linear, norm, whole, wholes

# What its class takes where a config says nothing.
USUAL: Mapping[str, object] = {
    "attention_head_dim": 128,
    "image_embed_dim": 1152,
    "in_channels": 65,
    "mlp_ratio": 4.0,
    "num_attention_heads": 16,
    "num_layers": 54,
    "num_refiner_layers": 2,
    "out_channels": 32,
    "patch_size": 1,
    "patch_size_t": 1,
    "qk_norm": "rms_norm",
    "rope_axes_dim": (16, 56, 56),
    "rope_theta": 256.0,
    "target_size": 640,
    "task_type": "i2v",
    "text_embed_2_dim": 1472,
    "text_embed_dim": 3584,
    "use_meanflow": False,
}
VAE: Mapping[str, object] = {
    "block_out_channels": (128, 256, 512, 1024, 1024),
    "downsample_match_channel": True,
    "in_channels": 3,
    "latent_channels": 32,
    "layers_per_block": 2,
    "out_channels": 3,
    "scaling_factor": 1.03682,
    "spatial_compression_ratio": 16,
    "temporal_compression_ratio": 4,
    "upsample_match_channel": True,
}
_TIME, _INNER = 256, 2048  # how wide times are told, and words in quotes on their way


def tensors(config: Config) -> Shapes | None:
    """The tensors of a HunyuanVideo15Transformer3DModel; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    out: Shapes = {}
    width = whole(config["num_attention_heads"]) * whole(config["attention_head_dim"])
    side, frames = whole(config["patch_size"], 16), whole(config["patch_size_t"], 16)
    read = whole(config["in_channels"])
    out["x_embedder.proj.weight"] = (width, read, frames, side, side)
    out["x_embedder.proj.bias"] = (width,)
    seen = whole(config["image_embed_dim"])
    norm(out, "image_embedder.norm_in", seen)
    linear(out, "image_embedder.linear_1", seen, seen)
    linear(out, "image_embedder.linear_2", width, seen)
    norm(out, "image_embedder.norm_out", width)
    _words(out, config, width)
    quoted = whole(config["text_embed_2_dim"])
    norm(out, "context_embedder_2.norm", quoted)
    linear(out, "context_embedder_2.linear_1", _INNER, quoted)
    linear(out, "context_embedder_2.linear_2", _INNER, _INNER)
    linear(out, "context_embedder_2.linear_3", width, _INNER)
    for what in ("", "_r") if config["use_meanflow"] else ("",):
        linear(out, f"time_embed.timestep_embedder{what}.linear_1", width, _TIME)
        linear(out, f"time_embed.timestep_embedder{what}.linear_2", width, width)
    out["cond_type_embed.weight"] = (3, width)
    for number in range(whole(config["num_layers"], blueprint.MOST)):
        _block(out, f"transformer_blocks.{number}", width, config)
    linear(out, "norm_out.linear", 2 * width, width)
    made = whole(config["out_channels"]) * side**2 * frames
    linear(out, "proj_out", made, width)
    return out


def _words(out: Shapes, config: Config, width: int) -> None:
    name, words = "context_embedder", whole(config["text_embed_dim"])
    for what, told in (("timestep", _TIME), ("text", words)):
        linear(out, f"{name}.time_text_embed.{what}_embedder.linear_1", width, told)
        linear(out, f"{name}.time_text_embed.{what}_embedder.linear_2", width, width)
    linear(out, f"{name}.proj_in", width, words)
    for number in range(whole(config["num_refiner_layers"], blueprint.MOST)):
        block = f"{name}.token_refiner.refiner_blocks.{number}"
        for which in (1, 2):
            norm(out, f"{block}.norm{which}", width)
        for what in ("to_q", "to_k", "to_v", "to_out.0"):
            linear(out, f"{block}.attn.{what}", width, width)
        _layer(out, f"{block}.ff", width, 4 * width)
        linear(out, f"{block}.norm_out.linear", 2 * width, width)


def _block(out: Shapes, name: str, width: int, config: Config) -> None:
    ratio = config["mlp_ratio"]
    if not isinstance(ratio, int | float) or config["qk_norm"] != "rms_norm":
        raise Unwritten
    for of in ("", "_context"):
        linear(out, f"{name}.norm1{of}.linear", 6 * width, width)
        _layer(out, f"{name}.ff{of}", width, int(width * ratio))
    for what in ("to_q", "to_k", "to_v", "to_out.0"):
        linear(out, f"{name}.attn.{what}", width, width)
    for what in ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"):
        linear(out, f"{name}.attn.{what}", width, width)
    for what in ("norm_q", "norm_k", "norm_added_q", "norm_added_k"):
        out[f"{name}.attn.{what}.weight"] = (whole(config["attention_head_dim"]),)


def _layer(out: Shapes, name: str, width: int, inner: int) -> None:
    linear(out, f"{name}.net.0.proj", inner, width)
    linear(out, f"{name}.net.2", width, inner)


def vae(config: Config) -> Shapes | None:
    """The tensors of an AutoencoderKLHunyuanVideo15; None: its build is not written down."""
    try:
        return _vae({**VAE, **config})
    except (Unwritten, LookupError, TypeError, ValueError):
        return None


def _vae(config: Config) -> Shapes:
    kinds, out = config["block_out_channels"], dict[str, tuple[int, ...]]()
    if not isinstance(kinds, Sequence):
        raise Unwritten
    widths, layers = wholes(kinds, len(kinds)), whole(config["layers_per_block"], blueprint.MOST)
    latent = whole(config["latent_channels"], 1024)
    space, time = (whole(config[f"{of}_compression_ratio"], 64) for of in ("spatial", "temporal"))
    of_space = [8 if level >= log2(space // time) else 4 for level in range(len(widths))]
    _causal(out, "encoder.conv_in", widths[0], whole(config["in_channels"], 16))
    before = widths[0]
    for level, width in enumerate(widths):
        name = f"encoder.down_blocks.{level}"
        before = _resnets(out, name, before, width, layers)
        if level < log2(space):
            after = widths[level + 1] if config["downsample_match_channel"] else width
            _causal(out, f"{name}.downsamplers.0.conv", after // of_space[level], width)
            before = after
    _ends(out, "encoder", widths[-1], 2 * latent)
    widths = widths[::-1]
    _causal(out, "decoder.conv_in", widths[0], latent)
    before = widths[0]
    for level, width in enumerate(widths):
        name = f"decoder.up_blocks.{level}"
        before = _resnets(out, name, before, width, layers + 1)
        if level < log2(max(space, time)):
            after = widths[level + 1] if config["upsample_match_channel"] else width
            pieces = 8 if level < log2(time) else 4
            _causal(out, f"{name}.upsamplers.0.conv", after * pieces, width)
            before = after
    _middle(out, "decoder", widths[0])
    _norm(out, "decoder.norm_out", widths[-1])
    _causal(out, "decoder.conv_out", whole(config["out_channels"], 16), widths[-1])
    return out


def _ends(out: Shapes, name: str, width: int, made: int) -> None:
    _middle(out, name, width)
    _norm(out, f"{name}.norm_out", width)
    _causal(out, f"{name}.conv_out", made, width)


def _middle(out: Shapes, side: str, width: int) -> None:
    name = f"{side}.mid_block"
    for number in (0, 1):
        _resnet(out, f"{name}.resnets.{number}", width, width)
    _norm(out, f"{name}.attentions.0.norm", width)
    for what in ("to_q", "to_k", "to_v", "proj_out"):
        _pointwise(out, f"{name}.attentions.0.{what}", width, width)


def _resnets(out: Shapes, name: str, before: int, width: int, count: int) -> int:
    for layer in range(count):
        _resnet(out, f"{name}.resnets.{layer}", before, width)
        before = width
    return before


def _resnet(out: Shapes, name: str, before: int, after: int) -> None:
    _norm(out, f"{name}.norm1", before)
    _causal(out, f"{name}.conv1", after, before)
    _norm(out, f"{name}.norm2", after)
    _causal(out, f"{name}.conv2", after, after)
    if before != after:
        _pointwise(out, f"{name}.conv_shortcut", after, before)


def _norm(out: Shapes, name: str, width: int) -> None:
    out[f"{name}.gamma"] = (width, 1, 1, 1)


def _causal(out: Shapes, name: str, rows: int, columns: int) -> None:
    out[f"{name}.conv.weight"] = (rows, columns, 3, 3, 3)
    out[f"{name}.conv.bias"] = (rows,)


def _pointwise(out: Shapes, name: str, rows: int, columns: int) -> None:
    out[f"{name}.weight"] = (rows, columns, 1, 1, 1)
    out[f"{name}.bias"] = (rows,)
