"""ControlNets: networks that look at a picture and steer a denoiser, and how their files are told.

    control_model.input_blocks...    as CompVis' programs keep one    ->  read by diffusers' names
    down_blocks. controlnet_...      as diffusers does, in a file or a folder

No torch; how they steer is in the engine of their architecture.  The invariant: what a file is
depends on its tensors alone, and whether it fits a checkpoint on both configs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from generation.errors import OutOfRange
from generation.families import ldm
from generation.families.architecture import Config, Network, Part, Shapes, Stage
from generation.families.builds import controlnet, flux

KIND = "controlnet"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ControlKind:
    """ControlNets of one class."""

    network: Network
    # Tensors, by the network's own names, that each of it has.
    marks: tuple[str, ...]
    # From its tensors, by its own names: the folder of the config that it begins with in
    # generation/worker/configs, and what they say of it otherwise.
    begins: Callable[[Shapes], str]
    told: Callable[[Shapes], Config]
    # From its config: the architecture that it steers, by its name; None: no config tells it.
    steers: Callable[[Config], str | None]
    architectures: frozenset[str]  # all that any of it steers
    alike: Mapping[str, str]  # settings that must be those of the denoiser, by its own names
    # What the control picture may show, in the order of the numbers that it knows it by.
    modes: Callable[[Config], tuple[str, ...]] = field(default=lambda _: ())

    def misfit(self, config: Config, denoiser: Config) -> str | None:
        """Why it cannot steer a denoiser with that config, as a clause; None: it can."""
        for mine, theirs in self.alike.items():
            here, there = _plain(config.get(mine)), _plain(denoiser.get(theirs))
            if here != there:
                return f"its {mine} is {here}, the model's {there}"
        return None


def part_of(kind: ControlKind, name: str) -> Part:
    """A ControlNet as a part of a loaded model, by that name."""
    return Part(
        name=name,
        title="ControlNet",
        network=kind.network,
        stage=Stage.DENOISE,
        config="",
        prefix="",
        layout=lambda own, _: own,
        apart=False,
    )


def own_names(shapes: Shapes) -> dict[str, str]:
    """The names that a file's tensors have in the network -> those in the file."""
    prefixes = ("control_model.", "controlnet.")
    prefix = next((p for p in prefixes if all(key.startswith(p) for key in shapes)), "")
    bare = {key.removeprefix(prefix): key for key in shapes}
    if "input_hint_block.0.weight" not in bare:
        return bare
    return {_modern(key, bare): its for key, its in bare.items()}


def _modern(key: str, bare: Mapping[str, str]) -> str:
    """diffusers' name for one of CompVis'."""
    if match := re.fullmatch(r"zero_convs\.(\d+)\.0\.(\w+)", key):
        return f"controlnet_down_blocks.{match[1]}.{match[2]}"
    if match := re.fullmatch(r"middle_block_out\.0\.(\w+)", key):
        return f"controlnet_mid_block.{match[1]}"
    if match := re.fullmatch(r"input_hint_block\.(\d+)\.(\w+)", key):
        last = max(int(k.split(".")[1]) for k in bare if k.startswith("input_hint_block."))
        number = int(match[1])
        place = f"blocks.{number // 2 - 1}" if 0 < number < last else ""
        place = place or ("conv_out" if number else "conv_in")
        return f"controlnet_cond_embedding.{place}.{match[2]}"
    return ldm.modern_half(key, bare)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


# ControlNets of Stable Diffusion: `ControlNetModel`.


def _begins(shapes: Shapes) -> str:
    if "add_embedding.linear_1.weight" in shapes:
        return "sdxl/unet"
    return "sd2/unet" if _is_linear(shapes) else "sd1/unet"


def _is_linear(shapes: Shapes) -> bool:
    return any(key.endswith(".proj_in.weight") and len(s) == 2 for key, s in shapes.items())


def told_of_half(shapes: Shapes) -> dict[str, object]:
    """What the tensors of a UNet's way down and middle say of its config."""
    blocks = sorted({int(k.split(".")[1]) for k in shapes if k.startswith("down_blocks.")})
    widths = [shapes[f"down_blocks.{block}.resnets.0.conv1.weight"][0] for block in blocks]
    read = next(s[1] for key, s in shapes.items() if key.endswith(".attn2.to_k.weight"))
    depths = [_layers(shapes, f"down_blocks.{b}.attentions.0.transformer_blocks.") for b in blocks]
    middle = _layers(shapes, "mid_block.attentions.0.transformer_blocks.")
    found: dict[str, object] = {
        "in_channels": shapes["conv_in.weight"][1],
        "block_out_channels": widths,
        "layers_per_block": _layers(shapes, "down_blocks.0.resnets."),
        "cross_attention_dim": read,
        "down_block_types": ["CrossAttnDownBlock2D" if d else "DownBlock2D" for d in depths],
        # The middle's is the last one's, which may have none of its own.
        "transformer_layers_per_block": [*(d or 1 for d in depths[:-1]), depths[-1] or middle or 1],
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
    }
    if _is_linear(shapes):  # a head of them is 64 wide, and one of the older has an eighth
        found["attention_head_dim"] = [width // 64 for width in widths]
    if (added := shapes.get("add_embedding.linear_1.weight")) is not None:
        found["projection_class_embeddings_input_dim"] = added[1]
    return found


def _layers(shapes: Shapes, begin: str) -> int:
    return len({key[len(begin) :].split(".")[0] for key in shapes if key.startswith(begin)})


def _told_of_hint(shapes: Shapes, name: str = "controlnet_cond_embedding") -> dict[str, object]:
    first = shapes[f"{name}.conv_in.weight"]
    count = _layers(shapes, f"{name}.blocks.")
    rest = [shapes[f"{name}.blocks.{number}.weight"][0] for number in range(1, count, 2)]
    return {
        "conditioning_channels": first[1],
        "conditioning_embedding_out_channels": [first[0], *rest],
    }


def _told(shapes: Shapes) -> Config:
    return {**told_of_half(shapes), **_told_of_hint(shapes)}


_WORDS = {768: "sd1", 1024: "sd2", 2048: "sdxl"}


def _steers(config: Config) -> str | None:
    read = config.get("cross_attention_dim")
    return _WORDS.get(read) if isinstance(read, int) else None


_SETTINGS_OF_HALF = (
    *("in_channels", "flip_sin_to_cos", "freq_shift", "down_block_types", "block_out_channels"),
    *("layers_per_block", "downsample_padding", "mid_block_scale_factor", "act_fn", "norm_eps"),
    *("norm_num_groups", "cross_attention_dim", "transformer_layers_per_block"),
    *("attention_head_dim", "num_attention_heads", "use_linear_projection", "upcast_attention"),
    *("only_cross_attention", "addition_embed_type", "addition_time_embed_dim"),
    *("addition_embed_type_num_heads", "resnet_time_scale_shift"),
    *("projection_class_embeddings_input_dim", "conditioning_channels"),
    *("controlnet_conditioning_channel_order", "conditioning_embedding_out_channels"),
)
_ALIKE = {
    key: key
    for key in (
        *("in_channels", "block_out_channels", "layers_per_block", "cross_attention_dim"),
        *("addition_embed_type", "projection_class_embeddings_input_dim"),
    )
}

CONTROLNET = ControlKind(
    network=Network(
        module="diffusers.models.controlnets.controlnet",
        name="ControlNetModel",
        weights="diffusion_pytorch_model",
        tensors=controlnet.tensors,
        settings=frozenset((*_SETTINGS_OF_HALF, "mid_block_type")),
        only={
            "class_embed_type": (None,),
            "num_class_embeds": (None,),
            "encoder_hid_dim": (None,),
            "encoder_hid_dim_type": (None,),
            # A picture's summary alone, as ControlNet's "shuffle": it steers one lane of two.
            "global_pool_conditions": (False, None),
        },
    ),
    marks=("controlnet_cond_embedding.conv_in.weight", "controlnet_mid_block.weight"),
    begins=_begins,
    told=_told,
    steers=_steers,
    architectures=frozenset({"sd1", "sd2", "sdxl", "animatediff"}),
    alike=_ALIKE,
)

# Of several kinds of pictures: `ControlNetUnionModel`, which xinsir published for SDXL.

_UNION_MODES = (
    *("pose", "depth", "scribble", "canny", "normal", "segmentation", "tile", "repaint"),
)


def _told_of_union(shapes: Shapes) -> Config:
    kinds, width = shapes["task_embedding"]
    return {
        **_told(shapes),
        "num_control_type": kinds,
        "num_trans_channel": width,
        "num_trans_layer": _layers(shapes, "transformer_layes."),
        "num_proj_channel": shapes["spatial_ch_projs.weight"][0],
    }


def _union_modes(config: Config) -> tuple[str, ...]:
    kinds = config.get("num_control_type", 6)
    return _UNION_MODES[:kinds] if isinstance(kinds, int) else ()


UNION = ControlKind(
    network=Network(
        module="diffusers.models.controlnets.controlnet_union",
        name="ControlNetUnionModel",
        weights="diffusion_pytorch_model",
        tensors=controlnet.union_tensors,
        settings=frozenset(
            (
                *_SETTINGS_OF_HALF,
                *("num_control_type", "num_trans_channel", "num_trans_head", "num_trans_layer"),
                "num_proj_channel",
            )
        ),
        only=CONTROLNET.network.only,
    ),
    marks=("task_embedding", "control_add_embedding.linear_1.weight", *CONTROLNET.marks),
    begins=_begins,
    told=_told_of_union,
    steers=_steers,
    architectures=frozenset({"sdxl"}),
    alike=_ALIKE,
    modes=_union_modes,
)


# Of FLUX.1: `FluxControlNetModel`, also the unions of InstantX and Shakker Labs.

_FLUX_MODES = ("canny", "tile", "depth", "blur", "pose", "gray", "low quality")


def _told_of_flux(shapes: Shapes) -> Config:
    width, taken = shapes["x_embedder.weight"]
    head = shapes["transformer_blocks.0.attn.norm_q.weight"][0]
    modes = shapes.get("controlnet_mode_embedder.weight")
    return {
        "attention_head_dim": head,
        "guidance_embeds": "time_text_embed.guidance_embedder.linear_1.weight" in shapes,
        "in_channels": taken,
        "joint_attention_dim": shapes["context_embedder.weight"][1],
        "num_attention_heads": width // head,
        "num_layers": _layers(shapes, "transformer_blocks."),
        "num_mode": None if modes is None else modes[0],
        "num_single_layers": _layers(shapes, "single_transformer_blocks."),
        "pooled_projection_dim": shapes["time_text_embed.text_embedder.linear_1.weight"][1],
    }


FLUX_CONTROLNET = ControlKind(
    network=Network(
        module="diffusers.models.controlnets.controlnet_flux",
        name="FluxControlNetModel",
        weights="diffusion_pytorch_model",
        tensors=controlnet.flux_tensors,
        settings=frozenset((*flux.FLUX, "num_mode")),
        only={"conditioning_embedding_channels": (None,), "out_channels": (None, 64)},
    ),
    marks=("controlnet_x_embedder.weight", "context_embedder.weight", "x_embedder.weight"),
    begins=lambda _: "flux1/transformer",
    told=_told_of_flux,
    steers=lambda _: "flux1",
    architectures=frozenset({"flux1", "flux1-schnell"}),
    alike={
        key: key
        for key in (
            *("attention_head_dim", "num_attention_heads", "joint_attention_dim", "in_channels"),
            "pooled_projection_dim",
        )
    },
    modes=lambda config: _FLUX_MODES if config.get("num_mode") is not None else (),
)

# Of Qwen-Image: `QwenImageControlNetModel`, InstantX's union, which is not told what it sees.


def _told_of_qwen(shapes: Shapes) -> Config:
    width, taken = shapes["img_in.weight"]
    head = shapes["transformer_blocks.0.attn.norm_q.weight"][0]
    return {
        "attention_head_dim": head,
        "in_channels": taken,
        "joint_attention_dim": shapes["txt_norm.weight"][0],
        "num_attention_heads": width // head,
        "num_layers": _layers(shapes, "transformer_blocks."),
    }


QWEN_CONTROLNET = ControlKind(
    network=Network(
        module="diffusers.models.controlnets.controlnet_qwenimage",
        name="QwenImageControlNetModel",
        weights="diffusion_pytorch_model",
        tensors=controlnet.qwen_tensors,
        settings=frozenset(
            (
                *("attention_head_dim", "axes_dims_rope", "in_channels", "joint_attention_dim"),
                *("num_attention_heads", "num_layers", "out_channels", "patch_size"),
            )
        ),
        only={"extra_condition_channels": (0, None)},  # that of a mask, in one that inpaints
    ),
    marks=("controlnet_x_embedder.weight", "img_in.weight", "txt_norm.weight"),
    begins=lambda _: "qwen-image/transformer",
    told=_told_of_qwen,
    steers=lambda _: "qwen-image",
    architectures=frozenset({"qwen-image"}),
    alike={
        key: key
        for key in (
            *("attention_head_dim", "num_attention_heads", "joint_attention_dim", "in_channels"),
        )
    },
)

CONTROL_KINDS: Sequence[ControlKind] = (UNION, CONTROLNET, FLUX_CONTROLNET, QWEN_CONTROLNET)


def mode_number(class_name: str, config: Config, mode: str | None) -> int | None:
    """What a network of that class calls a kind of picture; None: it knows one alone.

    Raises OutOfRange for a kind that it does not know.
    """
    kind = next(one for one in CONTROL_KINDS if one.network.name == class_name)
    modes = kind.modes(config)
    if not modes:
        return None
    if mode not in modes:
        raise OutOfRange("what the control picture shows", mode, " or ".join(modes))
    return modes.index(mode)


def kind_of(own: Shapes) -> ControlKind | None:
    """What a file is, by its tensors' own names; None: no ControlNet that is known."""
    return next((kind for kind in CONTROL_KINDS if set(kind.marks) <= own.keys()), None)
