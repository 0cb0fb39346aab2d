"""The tensors of a MotionAdapter, from its config, by diffusers' names.

Attention over time alone, behind each attention over space, or each resnet where there is none. The
positions that its class computes itself are not among them.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.families.blueprint import MOST, Unwritten, linear, norm, whole, wholes

Shapes = dict[str, tuple[int, ...]]
Config = Mapping[str, object]


def tensors(config: Config) -> Shapes | None:
    """The tensors of a MotionAdapter; None: its build is not written down."""
    try:
        return _tensors(config)
    except (Unwritten, KeyError, TypeError, ValueError):
        return None


def _tensors(config: Config) -> Shapes:
    said = config.get("block_out_channels", (320, 640, 1280, 1280))
    if not isinstance(said, list | tuple):
        raise Unwritten
    widths = wholes(said, len(said))
    layers = wholes(config.get("motion_layers_per_block", 2), len(widths), 8)
    depths = wholes(config.get("motion_transformer_layers_per_block", 1), len(widths), MOST)
    out: Shapes = {}
    if config.get("use_motion_mid_block", True):
        many = whole(config.get("motion_mid_block_layers_per_block", 1), 8)
        deep = whole(config.get("motion_transformer_layers_per_mid_block", 1), MOST)
        _modules(out, "mid_block", widths[-1], many, deep)
    for block, width in enumerate(widths):
        _modules(out, f"down_blocks.{block}", width, layers[block], depths[block])
    for block, width in enumerate(reversed(widths)):
        up = -1 - block
        _modules(out, f"up_blocks.{block}", width, layers[up] + 1, depths[up])
    return out


def _modules(out: Shapes, block: str, width: int, count: int, depth: int) -> None:
    for number in range(count):
        name = f"{block}.motion_modules.{number}"
        norm(out, f"{name}.norm", width)
        linear(out, f"{name}.proj_in", width, width)
        for layer in range(depth):
            inner = f"{name}.transformer_blocks.{layer}"
            for each in (1, 2, 3):
                norm(out, f"{inner}.norm{each}", width)
            for attention in ("attn1", "attn2"):
                for what in ("to_q", "to_k", "to_v"):
                    linear(out, f"{inner}.{attention}.{what}", width, width, bias=False)
                linear(out, f"{inner}.{attention}.to_out.0", width, width)
            linear(out, f"{inner}.ff.net.0.proj", 8 * width, width)
            linear(out, f"{inner}.ff.net.2", width, 4 * width)
        linear(out, f"{name}.proj_out", width, width)
