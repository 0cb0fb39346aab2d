"""The tensors of ControlNets of Stable Diffusion, from their configs, by diffusers' names.

They are a UNet's way down and its middle, with a small network that reads the control picture and
a convolution behind each result.  A config of a build that is not written down here has none
(None).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from generation.families import blueprint
from generation.families.blueprint import Unwritten, conv, whole

Shapes = dict[str, tuple[int, ...]]
Config = Mapping[str, object]

_UPWARDS = {"CrossAttnDownBlock2D": "CrossAttnUpBlock2D", "DownBlock2D": "UpBlock2D"}
_NOT_THERE = ("up_blocks.", "conv_norm_out.", "conv_out.")


def tensors(config: Config) -> Shapes | None:
    """The tensors of a ControlNetModel."""
    try:
        return _with_hint(config, half_unet(config))
    except (Unwritten, KeyError, IndexError, TypeError, ValueError):
        return None


def half_unet(config: Config) -> Shapes:
    """A UNet's way down and middle.  Raises Unwritten."""
    down = config["down_block_types"]
    if not isinstance(down, Sequence):
        raise Unwritten
    found = blueprint.unet(
        {
            **config,
            "up_block_types": [_UPWARDS.get(str(kind), "") for kind in reversed(down)],
            "transformer_layers_per_block": _depths(config, down),
            "out_channels": config.get("in_channels", 4),
        }
    )
    if found is None:
        raise Unwritten
    return {key: shape for key, shape in found.items() if not key.startswith(_NOT_THERE)}


def _depths(config: Config, down: Sequence[object]) -> object:
    """Blocks without attention say 0 of it in some configs, where a UNet's say 1."""
    said = config.get("transformer_layers_per_block", 1)
    if not isinstance(said, Sequence):
        return said
    pairs = zip(said, down, strict=True)
    return [1 if depth == 0 and kind == "DownBlock2D" else depth for depth, kind in pairs]


def behind(half: Shapes) -> Shapes:
    """The convolutions behind each result of a way down and of the middle."""
    out: Shapes = {}
    widths = [half["conv_in.weight"][0]]
    blocks = {int(key.split(".")[1]) for key in half if key.startswith("down_blocks.")}
    for block in sorted(blocks):
        begin = f"down_blocks.{block}."
        count = sum(key.startswith(begin) and key.endswith(".conv1.weight") for key in half)
        width = half[f"{begin}resnets.0.conv1.weight"][0]
        ends = f"{begin}downsamplers.0.conv.weight" in half
        widths += [width] * (count + ends)
    for number, width in enumerate(widths):
        conv(out, f"controlnet_down_blocks.{number}", width, width, 1)
    conv(out, "controlnet_mid_block", widths[-1], widths[-1], 1)
    return out


def hint(config: Config, width: int, name: str = "controlnet_cond_embedding") -> Shapes:
    """The network that reads the control picture."""
    out: Shapes = {}
    said = config.get("conditioning_embedding_out_channels", (16, 32, 96, 256))
    if not isinstance(said, Sequence) or not 1 <= len(said) <= 16:
        raise Unwritten
    widths = [whole(each) for each in said]
    conv(out, f"{name}.conv_in", widths[0], whole(config.get("conditioning_channels", 3)))
    for number, (before, after) in enumerate(pairwise(widths)):
        conv(out, f"{name}.blocks.{2 * number}", before, before)
        conv(out, f"{name}.blocks.{2 * number + 1}", after, before)
    conv(out, f"{name}.conv_out", width, widths[-1])
    return out


def _with_hint(config: Config, half: Shapes) -> Shapes:
    return {**half, **hint(config, half["conv_in.weight"][0]), **behind(half)}
