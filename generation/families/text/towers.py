"""The tensors of the towers with which language models look at pictures, by their configs.

Invariant as in `generation.families.blueprint`: a test compares them with the modules'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from generation.families import blueprint
from generation.families.architecture import Config, Shapes

_BLOCK = re.compile(r"blocks\.(\d+)\.")
_MERGER = re.compile(r"deepstack_merger_list\.(\d+)\.")

# What their classes take where a config says nothing.
_QWEN25: Config = {
    "depth": 32,
    "hidden_size": 3584,
    "in_channels": 3,
    "intermediate_size": 3420,
    "out_hidden_size": 3584,
    "patch_size": 14,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
}
_QWEN3: Config = {
    **_QWEN25,
    "deepstack_visual_indexes": (8, 16, 24),
    "depth": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_position_embeddings": 2304,
    "patch_size": 16,
}
# The layers whose sight goes straight into the first layers of the words, by the tower's depth.
_DEEP: Mapping[int, tuple[int, ...]] = {24: (5, 11, 17), 27: (8, 16, 24)}


def qwen25(config: Config) -> dict[str, tuple[int, ...]]:
    """Those of Qwen2.5-VL.  Raises Unwritten."""
    config, out = {**_QWEN25, **config}, dict[str, tuple[int, ...]]()
    width, inner, merged = _begin(out, config)
    for number in range(blueprint.whole(config["depth"], blueprint.MOST)):
        name = f"blocks.{number}"
        _attention(out, name, width)
        for what in ("gate_proj", "up_proj"):
            blueprint.linear(out, f"{name}.mlp.{what}", inner, width)
        blueprint.linear(out, f"{name}.mlp.down_proj", width, inner)
        for norm in ("norm1", "norm2"):
            out[f"{name}.{norm}.weight"] = (width,)
    out["merger.ln_q.weight"] = (width,)
    blueprint.linear(out, "merger.mlp.0", merged, merged)
    blueprint.linear(out, "merger.mlp.2", blueprint.whole(config["out_hidden_size"]), merged)
    return out


def qwen3(config: Config) -> dict[str, tuple[int, ...]]:
    """Those of Qwen3-VL.  Raises Unwritten."""
    config, out = {**_QWEN3, **config}, dict[str, tuple[int, ...]]()
    width, inner, merged = _begin(out, config)
    out["patch_embed.proj.bias"] = (width,)
    out["pos_embed.weight"] = (blueprint.whole(config["num_position_embeddings"]), width)
    for number in range(blueprint.whole(config["depth"], blueprint.MOST)):
        name = f"blocks.{number}"
        _attention(out, name, width)
        blueprint.linear(out, f"{name}.mlp.linear_fc1", inner, width)
        blueprint.linear(out, f"{name}.mlp.linear_fc2", width, inner)
        for norm in ("norm1", "norm2"):
            out[f"{name}.{norm}.weight"] = out[f"{name}.{norm}.bias"] = (width,)
    deep = config["deepstack_visual_indexes"]
    if not isinstance(deep, Sequence) or len(deep) > blueprint.MOST:
        raise blueprint.Unwritten
    mergers = {"merger": width, **{f"deepstack_merger_list.{n}": merged for n in range(len(deep))}}
    for name, normed in mergers.items():
        out[f"{name}.norm.weight"] = out[f"{name}.norm.bias"] = (normed,)
        blueprint.linear(out, f"{name}.linear_fc1", merged, merged)
        made = blueprint.whole(config["out_hidden_size"])
        blueprint.linear(out, f"{name}.linear_fc2", made, merged)
    return out


def _begin(out: dict[str, tuple[int, ...]], config: Config) -> tuple[int, int, int]:
    """The first layer; returns the tower's width, that inside its blocks, and that of a token."""
    width, patch = blueprint.whole(config["hidden_size"]), blueprint.whole(config["patch_size"])
    time = blueprint.whole(config["temporal_patch_size"])
    channels = blueprint.whole(config["in_channels"])
    out["patch_embed.proj.weight"] = (width, channels, time, patch, patch)
    side = blueprint.whole(config["spatial_merge_size"])
    return width, blueprint.whole(config["intermediate_size"]), width * side**2


def _attention(out: dict[str, tuple[int, ...]], name: str, width: int) -> None:
    blueprint.linear(out, f"{name}.attn.qkv", 3 * width, width)
    blueprint.linear(out, f"{name}.attn.proj", width, width)


def told(shapes: Shapes) -> Config:
    """What a tower's tensors say of its config; nothing where they are none's."""
    blocks = {int(match[1]) for key in shapes if (match := _BLOCK.match(key))}
    mergers = {int(match[1]) for key in shapes if (match := _MERGER.match(key))}
    last = "merger.linear_fc2.weight" if mergers else "merger.mlp.2.weight"
    inner = "mlp.linear_fc1" if mergers else "mlp.gate_proj"
    try:
        found: dict[str, object] = {
            "depth": len(blocks),
            "hidden_size": shapes["patch_embed.proj.weight"][0],
            "intermediate_size": shapes[f"blocks.0.{inner}.weight"][0],
            "out_hidden_size": shapes[last][0],
        }
        if mergers:
            found["num_position_embeddings"] = shapes["pos_embed.weight"][0]
            if len(deep := _DEEP.get(len(blocks), ())) == len(mergers):
                found["deepstack_visual_indexes"] = deep
    except LookupError:
        return {}
    return found
