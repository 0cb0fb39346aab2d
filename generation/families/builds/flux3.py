"""The tensors of FLUX.3's transformer, from its config, and what files call them.

    content_mode_blocks.image  .image_cond  txt_mode_blocks   each kind of token by itself
    single_blocks                                             all of them as one sequence
    ref_time_in                                               where a step jumps to: distilled ones

Invariant: as `generation.families.blueprint`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from generation.families import blueprint
from generation.families.architecture import Config, Lies, Shapes
from generation.families.builds.flux2 import DENOISER, inner_width
from generation.families.laid import count_of, laid

_ENDS = {
    "timestep_embedder.linear_1": "time_in.in_layer",
    "timestep_embedder.linear_2": "time_in.out_layer",
    "target_timestep_embedder.linear_1": "ref_time_in.in_layer",
    "target_timestep_embedder.linear_2": "ref_time_in.out_layer",
    "context_embedder": "txt_in",
    "norm_out.linear": "final_layer.image.adaLN_modulation.1",
    "proj_out": "final_layer.image.linear",
}
_BEGINS = {
    "x_embedders.": "emb_in.",
    "mode_blocks.": "content_mode_blocks.",
    "single_transformer_blocks.": "single_blocks.",
}
_BLOCK = {
    ".attn.to_q": ".q_proj",
    ".attn.to_k": ".k_proj",
    ".attn.to_v": ".v_proj",
    ".attn.to_out.0": ".attn_out",
    ".attn.norm_q": ".norm.query_norm",
    ".attn.norm_k": ".norm.key_norm",
    ".ff.linear_in": ".mlp_in",
    ".ff.linear_out": ".mlp_out",
    ".linear": ".lin",  # of what modulates
}
_MODES = ("image", "image_cond")
_TARGET = "ref_time_in.in_layer.weight"
_NORM = re.compile(r"(\.(?:query|key)_norm)\.weight$")

# What its class takes where a config says nothing.
USUAL: Config = {
    "attention_head_dim": 128,
    "axes_dims_rope": (32, 32, 32, 32),
    "cond_in_channels": 128,
    "eps": 1e-6,
    "flow_map": False,
    "in_channels": 128,
    "joint_attention_dim": 20480,
    "mlp_ratio": 3.0,
    "num_attention_heads": 24,
    "num_layers": 5,
    "num_single_layers": 28,
    "rope_theta": 10000,
    "timestep_channels": 256,
}


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    return {key: _places(key) for key in shapes}


layout = laid(lies)  # the transformer's tensors as a single file has them


def _places(key: str) -> Sequence[Lies]:
    inner, _, end = key.rpartition(".")
    if inner == "norm_out.linear":  # shift before scale, where the network has scale first
        whole = f"{DENOISER}{_ENDS[inner]}.{end}"
        return Lies(key=whole, nth=1, of=2), Lies(key=whole, nth=0, of=2)
    return (Lies(key=f"{DENOISER}{_named(inner, end)}"),)


def _named(inner: str, end: str) -> str:
    if inner in _ENDS:
        return f"{_ENDS[inner]}.{end}"
    for ours, theirs in _BEGINS.items():
        if inner.startswith(ours):
            inner = theirs + inner.removeprefix(ours)
            break
    ours = next((ours for ours in _BLOCK if inner.endswith(ours)), "")
    theirs = inner.removesuffix(ours) + _BLOCK.get(ours, "")
    return f"{theirs}.{'scale' if theirs.endswith('_norm') else end}"


def spelling(key: str) -> str:
    """The layout's name for a tensor that other files call otherwise."""
    return _NORM.sub(r"\1.scale", key) if key.startswith(DENOISER) else key


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    mine = {
        spelling(k).removeprefix(DENOISER): s for k, s in shapes.items() if k.startswith(DENOISER)
    }
    try:
        width, channels = mine["emb_in.image.weight"]
        (head,) = mine["single_blocks.0.norm.query_norm.scale"]
        return {
            "attention_head_dim": head,
            "axes_dims_rope": (head // 4,) * 4,
            "cond_in_channels": mine["emb_in.image_cond.weight"][1],
            "flow_map": _TARGET in mine,
            "in_channels": channels,
            "joint_attention_dim": mine["txt_in.weight"][1],
            "mlp_ratio": mine["single_blocks.0.mlp_out.weight"][1] / width,
            "num_attention_heads": width // head,
            "num_layers": count_of(mine, "txt_mode_blocks"),
            "num_single_layers": count_of(mine, "single_blocks"),
            "timestep_channels": mine["time_in.in_layer.weight"][1],
        }
    except (LookupError, ValueError, ZeroDivisionError):
        return {}


def tensors(config: Config) -> dict[str, tuple[int, ...]] | None:
    """The tensors of a Flux3Transformer2DModel; None: its build is not written down."""
    try:
        return _tensors({**USUAL, **config})
    except (blueprint.Unwritten, TypeError, ValueError, OverflowError):
        return None


def _tensors(config: Config) -> dict[str, tuple[int, ...]]:
    head = blueprint.whole(config["attention_head_dim"])
    width = head * blueprint.whole(config["num_attention_heads"])
    taken = [blueprint.whole(config[key]) for key in ("in_channels", "cond_in_channels")]
    inner = inner_width(config["mlp_ratio"], width)
    out: dict[str, tuple[int, ...]] = {}
    waves = blueprint.whole(config["timestep_channels"])
    times = ("timestep_embedder", "target_timestep_embedder")
    for what in times if config["flow_map"] else times[:1]:
        out[f"{what}.linear_1.weight"] = (width, waves)
        out[f"{what}.linear_2.weight"] = (width, width)
    for what in ("early_stream_modulations", "single_stream_modulations"):
        for mode in (*_MODES, "txt"):
            out[f"{what}.{mode}.linear.weight"] = (3 * width, width)
    for mode, channels in zip(_MODES, taken, strict=True):
        out[f"x_embedders.{mode}.weight"] = (width, channels)
    out["context_embedder.weight"] = (width, blueprint.whole(config["joint_attention_dim"]))
    early = blueprint.whole(config["num_layers"], blueprint.MOST)
    for where in (*(f"mode_blocks.{mode}" for mode in _MODES), "txt_mode_blocks"):
        for number in range(early):
            _block(out, f"{where}.{number}", width, head, inner)
    for number in range(blueprint.whole(config["num_single_layers"], blueprint.MOST)):
        _block(out, f"single_transformer_blocks.{number}", width, head, inner)
    out["norm_out.linear.weight"] = (2 * width, width)
    out["proj_out.weight"] = (taken[0], width)
    return out


def _block(out: dict[str, tuple[int, ...]], name: str, width: int, head: int, inner: int) -> None:
    for what in ("to_q", "to_k", "to_v", "to_out.0"):
        out[f"{name}.attn.{what}.weight"] = (width, width)
    out[f"{name}.attn.norm_q.weight"] = out[f"{name}.attn.norm_k.weight"] = (head,)
    out[f"{name}.ff.linear_in.weight"] = (2 * inner, width)
    out[f"{name}.ff.linear_out.weight"] = (width, inner)
