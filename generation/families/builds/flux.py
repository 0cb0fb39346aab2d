"""The tensors of FLUX.1's transformer, and of Chroma's and LongCat-Image's, which have its blocks.

    transformer_blocks          words and picture beside each other, attended to together
    single_transformer_blocks   both in one row

In FLUX.1 every block makes its own scales and shifts of the time; in Chroma one network makes those
of all (`distilled_guidance_layer`).  Invariant: as `generation.families.blueprint`'s.
"""

from __future__ import annotations

from generation.families.architecture import Config
from generation.families.blueprint import MOST, Shapes, Unwritten, linear, whole

_TIME = 256  # the waves that a timestep becomes
_WIDER = 4  # as wide as a token is the inner layer behind attention

# What FluxTransformer2DModel takes where a config says nothing.
FLUX: Config = {
    "attention_head_dim": 128,
    "axes_dims_rope": (16, 56, 56),
    "guidance_embeds": False,
    "in_channels": 64,
    "joint_attention_dim": 4096,
    "num_attention_heads": 24,
    "num_layers": 19,
    "num_single_layers": 38,
    "out_channels": None,
    "patch_size": 1,
    "pooled_projection_dim": 768,
}


def flux(config: Config) -> Shapes | None:
    """The tensors of a FluxTransformer2DModel; None: its build is not written down."""
    try:
        return _flux({**FLUX, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _flux(config: Config) -> Shapes:
    out: Shapes = {}
    width = whole(config["attention_head_dim"]) * whole(config["num_attention_heads"])
    read = {"timestep_embedder": _TIME}
    if config["guidance_embeds"]:
        read["guidance_embedder"] = _TIME
    read["text_embedder"] = whole(config["pooled_projection_dim"])
    for what, columns in read.items():
        linear(out, f"time_text_embed.{what}.linear_1", width, columns)
        linear(out, f"time_text_embed.{what}.linear_2", width, width)
    _timed(out, config, width)
    return out


def _timed(out: Shapes, config: Config, width: int) -> None:
    """Blocks that each make their own scales and shifts, and what is before and behind them."""
    _inwards(out, config, width)
    for name in _blocks(out, config, width):
        linear(out, f"{name}.norm1.linear", 6 * width, width)
        linear(out, f"{name}.norm1_context.linear", 6 * width, width)
    for name in _single_blocks(out, config, width):
        linear(out, f"{name}.norm.linear", 3 * width, width)
    linear(out, "norm_out.linear", 2 * width, width)
    _outwards(out, config, width)


# What LongCatImageTransformer2DModel takes where a config says nothing.
LONGCAT: Config = {
    "attention_head_dim": 128,
    "axes_dims_rope": (16, 56, 56),
    "in_channels": 64,
    "joint_attention_dim": 3584,
    "num_attention_heads": 24,
    "num_layers": 19,
    "num_single_layers": 38,
    "patch_size": 1,
    "pooled_projection_dim": 3584,  # of no use in the network itself
}


def longcat(config: Config) -> Shapes | None:
    """The tensors of a LongCatImageTransformer2DModel; None: its build is not written down."""
    try:
        return _longcat({**LONGCAT, **config, "out_channels": None})
    except (Unwritten, TypeError, ValueError):
        return None


def _longcat(config: Config) -> Shapes:
    out: Shapes = {}
    width = whole(config["attention_head_dim"]) * whole(config["num_attention_heads"])
    linear(out, "time_embed.timestep_embedder.linear_1", width, _TIME)
    linear(out, "time_embed.timestep_embedder.linear_2", width, width)
    _timed(out, config, width)
    return out


def _inwards(out: Shapes, config: Config, width: int) -> None:
    linear(out, "context_embedder", width, whole(config["joint_attention_dim"]))
    linear(out, "x_embedder", width, whole(config["in_channels"]))


def _outwards(out: Shapes, config: Config, width: int) -> None:
    made = config["out_channels"] or config["in_channels"]
    linear(out, "proj_out", whole(config["patch_size"]) ** 2 * whole(made), width)


def _blocks(out: Shapes, config: Config, width: int) -> list[str]:
    """The blocks of two rows, without what the time makes of them; returns their names."""
    head = whole(config["attention_head_dim"])
    names = [f"transformer_blocks.{n}" for n in range(whole(config["num_layers"], MOST))]
    for name in names:
        for what in ("to_q", "to_k", "to_v", "to_out.0"):
            linear(out, f"{name}.attn.{what}", width, width)
        for what in ("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"):
            linear(out, f"{name}.attn.{what}", width, width)
        for what in ("norm_q", "norm_k", "norm_added_q", "norm_added_k"):
            out[f"{name}.attn.{what}.weight"] = (head,)
        for what in ("ff", "ff_context"):
            linear(out, f"{name}.{what}.net.0.proj", _WIDER * width, width)
            linear(out, f"{name}.{what}.net.2", width, _WIDER * width)
    return names


def _single_blocks(out: Shapes, config: Config, width: int) -> list[str]:
    """The same of those of one row."""
    head, count = whole(config["attention_head_dim"]), whole(config["num_single_layers"], MOST)
    names = [f"single_transformer_blocks.{n}" for n in range(count)]
    for name in names:
        for what in ("to_q", "to_k", "to_v"):
            linear(out, f"{name}.attn.{what}", width, width)
        for what in ("norm_q", "norm_k"):
            out[f"{name}.attn.{what}.weight"] = (head,)
        linear(out, f"{name}.proj_mlp", _WIDER * width, width)
        linear(out, f"{name}.proj_out", width, (1 + _WIDER) * width)
    return names


# What ChromaTransformer2DModel takes where a config says nothing.
CHROMA: Config = {
    "approximator_hidden_dim": 5120,
    "approximator_layers": 5,
    "approximator_num_channels": 64,
    "attention_head_dim": 128,
    "axes_dims_rope": (16, 56, 56),
    "in_channels": 64,
    "joint_attention_dim": 4096,
    "num_attention_heads": 24,
    "num_layers": 19,
    "num_single_layers": 38,
    "out_channels": None,
    "patch_size": 1,
}


def chroma(config: Config) -> Shapes | None:
    """The tensors of a ChromaTransformer2DModel; None: its build is not written down."""
    try:
        return _chroma({**CHROMA, **config})
    except (Unwritten, TypeError, ValueError):
        return None


def _chroma(config: Config) -> Shapes:
    out: Shapes = {}
    width = whole(config["attention_head_dim"]) * whole(config["num_attention_heads"])
    inner, name = whole(config["approximator_hidden_dim"]), "distilled_guidance_layer"
    linear(out, f"{name}.in_proj", inner, whole(config["approximator_num_channels"]))
    for number in range(whole(config["approximator_layers"], MOST)):
        linear(out, f"{name}.layers.{number}.linear_1", inner, inner)
        linear(out, f"{name}.layers.{number}.linear_2", inner, inner)
        out[f"{name}.norms.{number}.weight"] = (inner,)
    linear(out, f"{name}.out_proj", width, inner)
    _inwards(out, config, width)
    _blocks(out, config, width)
    _single_blocks(out, config, width)
    _outwards(out, config, width)
    return out
