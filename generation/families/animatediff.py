"""AnimateDiff: checkpoints of Stable Diffusion move, with attention over time between layers.

    a checkpoint of Stable Diffusion 1.x        its UNet, VAE and text encoder, as they are
    mm_sd_v15_v2, v3_sd15_mm, AnimateLCM        a motion module: an adapter that a recipe names

A motion module is told by its tensors, whether it is called as its makers do or as diffusers does.
What was trained to move was trained under linear betas, whatever the checkpoint was trained under.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from generation.families.architecture import Config, Network, Part, Shapes, Stage
from generation.families.builds import motion as build
from generation.families.stable_diffusion import SD1
from generation.tasks import MOTION, Task

PREFIX = "motion_adapter."
LINEAR = "linear"

# Pieces of the names that AnimateDiff's makers give, and diffusers' for them.
_NAMES = {
    "module.": "",
    ".temporal_transformer.": ".",
    ".attention_blocks.0.": ".attn1.",
    ".attention_blocks.1.": ".attn2.",
    ".norms.0.": ".norm1.",
    ".norms.1.": ".norm2.",
    ".ff_norm.": ".norm3.",
}
_PLACE = re.compile(
    r"motion_adapter\.(down_blocks|up_blocks|mid_block)\.(?:(\d+)\.)?motion_modules\."
)
_POSITIONS = (".pos_encoder.pe", ".pos_embed.pe")
USUAL = 32  # frames that a module knows places for, where its file does not say


def modern(key: str) -> str:
    """diffusers' name for one of the makers'."""
    for theirs, ours in _NAMES.items():
        key = key.replace(theirs, ours)
    return key


def _spelled(key: str) -> str:
    return PREFIX + modern(key.removeprefix(PREFIX)) if key.startswith(PREFIX) else key


def _layout(own: Shapes, _: Config) -> Shapes:
    return {PREFIX + key: shape for key, shape in own.items()}


def _told(shapes: Shapes) -> Config:
    """What a motion module's tensors say of its config; nothing, where they are of none."""
    blocks: dict[int, int] = {}  # of the way down: layers
    depth = 1
    for key in shapes:
        if (place := _PLACE.match(key)) is None:
            continue
        _, _, inner = key.partition("motion_modules.")
        number, _, rest = inner.partition(".")
        if place[1] == "down_blocks" and rest == "proj_in.weight":
            blocks[int(place[2])] = max(blocks.get(int(place[2]), 0), int(number) + 1)
        if (layer := re.match(r"transformer_blocks\.(\d+)\.", rest)) is not None:
            depth = max(depth, int(layer[1]) + 1)
    if not blocks or sorted(blocks) != list(range(len(blocks))):
        return {}
    first = f"{PREFIX}down_blocks.{{}}.motion_modules.0.proj_in.weight"
    places = [shape[1] for key, shape in shapes.items() if _knows_places(key, shape)]
    return {
        "block_out_channels": tuple(shapes[first.format(block)][0] for block in sorted(blocks)),
        "motion_layers_per_block": tuple(blocks[block] for block in sorted(blocks)),
        "motion_transformer_layers_per_block": depth,
        "use_motion_mid_block": any(key.startswith(f"{PREFIX}mid_block.") for key in shapes),
        "motion_max_seq_length": max(places, default=USUAL),
    }


def _knows_places(key: str, shape: tuple[int, ...]) -> bool:
    return _PLACE.match(key) is not None and key.endswith(_POSITIONS) and len(shape) == 3


MOTION_ADAPTER = Network(
    module="diffusers.models.unets.unet_motion_model",
    name="MotionAdapter",
    weights="diffusion_pytorch_model",
    tensors=build.tensors,
    settings=frozenset(
        (
            *("block_out_channels", "motion_layers_per_block", "motion_max_seq_length"),
            *("motion_mid_block_layers_per_block", "motion_norm_num_groups"),
            *("motion_num_attention_heads", "motion_transformer_layers_per_block"),
            *("motion_transformer_layers_per_mid_block", "use_motion_mid_block"),
        )
    ),
    only={"conv_in_channels": (None,)},  # PIA's, which looks at a picture besides
)

MOTION_PART = Part(
    name=MOTION,
    title="motion module",
    network=MOTION_ADAPTER,
    stage=Stage.DENOISE,
    config="animatediff/motion",
    prefix=PREFIX,
    layout=_layout,
    spelling=_spelled,
    told=_told,
    optional=True,
    adapter=MOTION,
    file="v3_sd15_mm.safetensors",
)


def _fits(configs: Mapping[str, Config]) -> str | None:
    """Why a motion module is none for a UNet."""
    unet, module = configs.get("unet"), configs.get(MOTION)
    if unet is None or module is None:
        return None
    here, there = _widths(unet, "layers_per_block"), _widths(module, "motion_layers_per_block")
    if here != there:
        return f"the motion module is for layers of {there}, the UNet has {here}"
    groups = [unet.get("norm_num_groups", 32), module.get("motion_norm_num_groups", 32)]
    return None if groups[0] == groups[1] else f"groups of norms are {groups[1]}, not {groups[0]}"


def _widths(config: Config, layers: str) -> list[tuple[object, object]]:
    """Of each of its blocks how wide it is, and how many layers it has."""
    said, each = config.get("block_out_channels"), config.get(layers, 2)
    widths = list(said) if isinstance(said, list | tuple) else []
    many = list(each) if isinstance(each, list | tuple) else [each] * len(widths)
    return list(zip(widths, many, strict=False))


def _never(_: Mapping[str, object]) -> bool:
    return False


ANIMATEDIFF = replace(
    SD1,
    name="animatediff",
    family="animatediff",
    medium="video",
    borrows=SD1.name,
    parts=(*SD1.parts, MOTION_PART),
    recognise=_never,
    recognise_folder=_never,
    noise=replace(SD1.noise, levels=LINEAR),
    tasks=frozenset({Task.TEXT_TO_VIDEO, Task.VIDEO_TO_VIDEO}),
    fits=_fits,
    embedding_widths=(),
    trainers_names=("animatediff",),
    elder="sd15",
)
