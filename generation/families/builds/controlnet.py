"""The tensors of ControlNets, from their configs, by diffusers' names.

Those of Stable Diffusion are a UNet's way down and its middle, with a small network that reads the
control picture and a convolution behind each result; those of FLUX.1 and Qwen-Image are their first
blocks, with a layer behind each.  A config of a build that is not written down has none (None).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from generation.families import blueprint
from generation.families.blueprint import Unwritten, conv, linear, whole
from generation.families.builds import flux, qwen_image

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


def union_tensors(config: Config) -> Shapes | None:
    """The tensors of a ControlNetUnionModel."""
    try:
        return _union({"conditioning_embedding_out_channels": (48, 96, 192, 384), **config})
    except (Unwritten, KeyError, IndexError, TypeError, ValueError):
        return None


def _union(config: Config) -> Shapes:
    out = _with_hint(config, half_unet(config))
    kinds = whole(config.get("num_control_type", 6), 64)
    width, time = whole(config.get("num_trans_channel", 320)), 4 * out["conv_in.weight"][0]
    waves = whole(config["addition_time_embed_dim"])
    linear(out, "control_add_embedding.linear_1", time, kinds * waves)
    linear(out, "control_add_embedding.linear_2", time, time)
    out["task_embedding"] = (kinds, width)
    for layer in range(whole(config.get("num_trans_layer", 1), 64)):
        name = f"transformer_layes.{layer}"  # as diffusers spells it
        out[f"{name}.attn.in_proj_weight"] = (3 * width, width)
        out[f"{name}.attn.in_proj_bias"] = (3 * width,)
        linear(out, f"{name}.attn.out_proj", width, width)
        linear(out, f"{name}.mlp.c_fc", 4 * width, width)
        linear(out, f"{name}.mlp.c_proj", width, 4 * width)
        for norm in ("ln_1", "ln_2"):
            out[f"{name}.{norm}.weight"] = out[f"{name}.{norm}.bias"] = (width,)
    linear(out, "spatial_ch_projs", whole(config.get("num_proj_channel", 320)), width)
    return out


def flux_tensors(config: Config) -> Shapes | None:
    """The tensors of a FluxControlNetModel."""
    single = config.get("num_single_layers", 38)
    found = flux.flux({**config, "num_single_layers": single or 1, "out_channels": None})
    try:
        if found is None or config.get("conditioning_embedding_channels") is not None:
            raise Unwritten
        return _of_tokens(found, config, single)
    except (Unwritten, TypeError, ValueError):
        return None


def _of_tokens(found: Shapes, config: Config, single: object) -> Shapes:
    out = {k: v for k, v in found.items() if not k.startswith(("norm_out.", "proj_out."))}
    if single == 0:  # as the depth's of some
        out = {k: v for k, v in out.items() if not k.startswith("single_transformer_blocks.")}
    width, taken = out["x_embedder.weight"]
    for number in range(whole(config.get("num_layers", 19), 64)):
        linear(out, f"controlnet_blocks.{number}", width, width)
    for number in range(whole(single, 64) if single else 0):
        linear(out, f"controlnet_single_blocks.{number}", width, width)
    if (modes := config.get("num_mode")) is not None:
        out["controlnet_mode_embedder.weight"] = (whole(modes, 64), width)
    linear(out, "controlnet_x_embedder", width, taken)
    return out


def qwen_tensors(config: Config) -> Shapes | None:
    """The tensors of a QwenImageControlNetModel."""
    found = qwen_image.tensors({**config, "out_channels": 16})
    try:
        if found is None or config.get("extra_condition_channels"):
            raise Unwritten
        out = {k: v for k, v in found.items() if not k.startswith(("norm_out.", "proj_out."))}
        width, taken = out["img_in.weight"]
        for number in range(whole(config.get("num_layers", 60), 256)):
            linear(out, f"controlnet_blocks.{number}", width, width)
        linear(out, "controlnet_x_embedder", width, taken)
    except (Unwritten, TypeError, ValueError):
        return None
    return out
