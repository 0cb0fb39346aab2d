"""The layers of the families that draw, as their UNets and text encoders have them in diffusers.

Paths are diffusers' and transformers' own, without the "text_model." that some versions put before
a text encoder's.  `tests/test_lora_layers.py` compares them with the networks themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Literal

Part = Literal["unet", "text_encoder", "text_encoder_2"]
PARTS: tuple[Part, ...] = ("unet", "text_encoder", "text_encoder_2")

Shape = tuple[int, ...]
Layers = Mapping[str, Shape]


@cache
def layers_of(family: str) -> Mapping[Part, Layers]:
    """The shape of every layer's weight; empty for a family without a fixed shape."""
    if family == "sd15":
        return {
            "unet": dict(
                _unet(widths=(320, 640, 1280, 1280), depths=(1, 1, 1, 0), middle=1, context=768)
            ),
            "text_encoder": dict(_text_encoder(768, 12)),
        }
    if family == "sdxl":
        return {
            "unet": dict(
                _unet(
                    widths=(320, 640, 1280),
                    depths=(0, 2, 10),
                    middle=10,
                    context=2048,
                    added=2816,
                    linear=True,
                )
            ),
            "text_encoder": dict(_text_encoder(768, 12)),
            "text_encoder_2": {**dict(_text_encoder(1280, 32)), "text_projection": (1280, 1280)},
        }
    return {}


SHAPED = ("sd15", "sdxl")  # the families whose layers are known


@cache
def paths(part: Part) -> Mapping[str, str]:
    """Every layer that any family has in this part, by its path with underscores for dots."""
    known = (path for family in SHAPED for path in layers_of(family).get(part, ()))
    return {path.replace(".", "_"): path for path in known}


def _unet(
    *,
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    middle: int,
    context: int,
    added: int = 0,
    linear: bool = False,
) -> Iterator[tuple[str, Shape]]:
    """`depths`: transformer blocks per attention of each level, 0 where there is none."""
    first, time = widths[0], 4 * widths[0]
    yield "conv_in", (first, 4, 3, 3)
    yield "time_embedding.linear_1", (time, first)
    yield "time_embedding.linear_2", (time, time)
    if added:
        yield "add_embedding.linear_1", (time, added)
        yield "add_embedding.linear_2", (time, time)
    levels = len(widths)
    for level, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        block = f"down_blocks.{level}"
        for number in range(2):
            before = widths[max(level - 1, 0)] if number == 0 else width
            yield from _resnet(f"{block}.resnets.{number}", before, width, time)
            yield from _attention(f"{block}.attentions.{number}", width, depth, context, linear)
        if level < levels - 1:
            yield f"{block}.downsamplers.0.conv", (width, width, 3, 3)
    for number in range(2):
        yield from _resnet(f"mid_block.resnets.{number}", widths[-1], widths[-1], time)
    yield from _attention("mid_block.attentions.0", widths[-1], middle, context, linear)
    for up, level in enumerate(reversed(range(levels))):
        block, width = f"up_blocks.{up}", widths[level]
        for number in range(3):
            before = widths[min(level + 1, levels - 1)] if number == 0 else width
            skipped = widths[max(level - 1, 0)] if number == 2 else width
            yield from _resnet(f"{block}.resnets.{number}", before + skipped, width, time)
            yield from _attention(
                f"{block}.attentions.{number}", width, depths[level], context, linear
            )
        if level:
            yield f"{block}.upsamplers.0.conv", (width, width, 3, 3)
    yield "conv_norm_out", (first,)
    yield "conv_out", (4, first, 3, 3)


def _resnet(path: str, before: int, width: int, time: int) -> Iterator[tuple[str, Shape]]:
    yield f"{path}.norm1", (before,)
    yield f"{path}.conv1", (width, before, 3, 3)
    yield f"{path}.time_emb_proj", (width, time)
    yield f"{path}.norm2", (width,)
    yield f"{path}.conv2", (width, width, 3, 3)
    if before != width:
        yield f"{path}.conv_shortcut", (width, before, 1, 1)


def _attention(
    path: str, width: int, depth: int, context: int, linear: bool
) -> Iterator[tuple[str, Shape]]:
    if not depth:
        return
    projection = (width, width) if linear else (width, width, 1, 1)
    yield f"{path}.norm", (width,)
    yield f"{path}.proj_in", projection
    yield f"{path}.proj_out", projection
    for number in range(depth):
        block = f"{path}.transformer_blocks.{number}"
        for attention, read in (("attn1", width), ("attn2", context)):
            yield f"{block}.{attention}.to_q", (width, width)
            yield f"{block}.{attention}.to_k", (width, read)
            yield f"{block}.{attention}.to_v", (width, read)
            yield f"{block}.{attention}.to_out.0", (width, width)
        yield f"{block}.ff.net.0.proj", (8 * width, width)
        yield f"{block}.ff.net.2", (width, 4 * width)
        for norm in ("norm1", "norm2", "norm3"):
            yield f"{block}.{norm}", (width,)


def _text_encoder(width: int, layers: int) -> Iterator[tuple[str, Shape]]:
    for number in range(layers):
        layer = f"encoder.layers.{number}"
        for side in "qkv":
            yield f"{layer}.self_attn.{side}_proj", (width, width)
        yield f"{layer}.self_attn.out_proj", (width, width)
        yield f"{layer}.mlp.fc1", (4 * width, width)
        yield f"{layer}.mlp.fc2", (width, 4 * width)
        for norm in ("layer_norm1", "layer_norm2"):
            yield f"{layer}.{norm}", (width,)
    yield "final_layer_norm", (width,)
