"""The names that tensors have in the single files of Stable Diffusion 1 and XL.

    model.diffusion_model.input_blocks...   the UNet
    first_stage_model.decoder...            the VAE
    cond_stage_model.transformer...         SD 1's text encoder
    conditioner.embedders.0 and .1          SDXL's two; the second in OpenCLIP's layout

Each layout takes shapes by diffusers' and transformers' names (`generation.families.blueprint`),
with the config that they are of, and gives the same by these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from generation.families.architecture import Lies

Shapes = Mapping[str, tuple[int, ...]]
Config = Mapping[str, object]

UNET = "model.diffusion_model."
GUIDANCE = f"{UNET}time_embed.cond_proj.weight"  # of those that are told it
_BLOCKS = tuple(f"{UNET}{side}_block" for side in ("input", "middle", "output"))
_WORDS = ".attn2.to_k.weight"
VAE = "first_stage_model."

# Some merges of 2022 lost this level of the names.
_LEVEL = "text_model."

_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "time_embedding.cond_proj": "time_embed.cond_proj",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


def unet(shapes: Shapes, config: Config) -> Shapes:
    """A UNet's, every block of it with as many layers."""
    blocks, each = _blocks(config), config.get("layers_per_block", 2)
    assert isinstance(each, int)  # in every file of this kind
    layers = [each] * blocks
    attentive = ["CrossAttn" in str(kind) for kind in _listed(config["up_block_types"])]
    down = [1 + sum(n + 1 for n in layers[:block]) for block in range(len(layers))]
    upwards = [n + 1 for n in reversed(layers)]
    up = [sum(upwards[:block]) for block in range(len(layers))]

    def named(key: str) -> str:
        for begin, theirs in _ENDS.items():
            if key.startswith(f"{begin}."):
                return theirs + _inside(key[len(begin) :])
        side, block_text, kind, number_text, *_ = key.split(".")
        block, number = int(block_text), int(number_text)
        rest = key.split(f".{kind}.{number}", 1)[1]
        if kind == "downsamplers":
            return f"input_blocks.{down[block] + layers[block]}.0{rest.replace('.conv', '.op')}"
        if kind == "upsamplers":
            return f"output_blocks.{up[block] + upwards[block] - 1}.{1 + attentive[block]}{rest}"
        place = f"input_blocks.{down[block] + number}"
        if side == "up_blocks":
            place = f"output_blocks.{up[block] + number}"
        return f"{place}.{int(kind == 'attentions')}{_inside(rest)}"

    return {UNET + named(key): shape for key, shape in shapes.items()}


def _inside(rest: str) -> str:
    head, _, tail = rest[1:].partition(".")
    return f".{_RESNET.get(head, head)}" + (f".{tail}" if tail else "")


def modern_half(key: str, keys: Iterable[str]) -> str:
    """diffusers' name for one of a UNet's way down or its middle, without a prefix.

    `keys`: the names of all, which say how many layers a block has.
    """
    for ours, theirs in _ENDS.items():
        if key.startswith(f"{theirs}."):
            rest = key[len(theirs) :]
            return ours + (_outside(rest) if ".resnets." in ours else rest)
    match = re.fullmatch(r"input_blocks\.(\d+)\.(\d)(\..+)", key)
    if match is None:
        return key
    ends = [int(one.split(".")[1]) for one in keys if one.endswith(".0.op.weight")]
    each = min(ends, default=len({one.split(".")[1] for one in keys}))  # of a block, with its end
    block, layer = divmod(int(match[1]) - 1, each)
    place = f"down_blocks.{block}"
    if match[3].startswith(".op."):
        return f"{place}.downsamplers.0.conv{match[3].removeprefix('.op')}"
    if match[2] == "1":
        return f"{place}.attentions.{layer}{match[3]}"
    return f"{place}.resnets.{layer}{_outside(match[3])}"


def _outside(rest: str) -> str:
    """The end of a residual layer's name in diffusers, from CompVis'."""
    for ours, theirs in _RESNET.items():
        if rest.startswith(f".{theirs}."):
            return f".{ours}{rest[len(theirs) + 1 :]}"
    return rest


def words_of_unet(shapes: Shapes) -> set[int]:
    """How wide the words are that a single file's UNet reads."""
    read = (s for key, s in shapes.items() if key.endswith(_WORDS) and key.startswith(_BLOCKS))
    return {shape[1] for shape in read if len(shape) == 2}


def channels_of_unet(shapes: Shapes) -> int:
    """How many channels a single file's UNet takes."""
    first = shapes.get(f"{UNET}input_blocks.0.0.weight", ())
    return first[1] if len(first) > 1 else 4


def vae(shapes: Shapes, config: Config) -> Shapes:
    """A VAE's."""
    blocks = _blocks(config)
    return {VAE + _vae_name(key, blocks): shape for key, shape in shapes.items()}


def _vae_name(key: str, blocks: int) -> str:
    """One name of the VAE."""
    if ".mid_block.attentions.0." in key:
        for ours, theirs in (
            *((".group_norm.", ".norm."), (".to_q.", ".q."), (".to_k.", ".k.")),
            *((".to_v.", ".v."), (".to_out.0.", ".proj_out.")),
        ):
            key = key.replace(ours, theirs)
        return key.replace(".mid_block.attentions.0.", ".mid.attn_1.")
    key = key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    for number in (0, 1):
        key = key.replace(f".mid_block.resnets.{number}.", f".mid.block_{number + 1}.")
    for block in range(blocks):
        key = key.replace(f".down_blocks.{block}.resnets.", f".down.{block}.block.")
        key = key.replace(f".down_blocks.{block}.downsamplers.0.", f".down.{block}.downsample.")
        key = key.replace(f".up_blocks.{block}.resnets.", f".up.{blocks - 1 - block}.block.")
        key = key.replace(
            f".up_blocks.{block}.upsamplers.0.", f".up.{blocks - 1 - block}.upsample."
        )
    return key


def clip(prefix: str) -> Callable[[Shapes, Config], Shapes]:
    """A CLIP text encoder's in transformers' layout, behind `prefix`."""

    def layout(shapes: Shapes, _: Config) -> Shapes:
        return {f"{prefix}{_LEVEL}{key}": shape for key, shape in shapes.items()}

    return layout


def levelled(prefix: str) -> Callable[[str], str]:
    """The name that a tensor behind `prefix` has in other files."""

    def spelling(key: str) -> str:
        if key.startswith(prefix) and not key.startswith(prefix + _LEVEL):
            return prefix + _LEVEL + key[len(prefix) :]
        return key

    return spelling


_OPEN_CLIP = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}
_OPEN_CLIP_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def open_clip(prefix: str) -> Callable[[Shapes, Config], Shapes]:
    """A CLIP text encoder's in OpenCLIP's layout: q, k and v are one, the projection lies over."""

    def layout(shapes: Shapes, _: Config) -> Shapes:
        out: dict[str, tuple[int, ...]] = {}
        for key, shape in shapes.items():
            if key in _OPEN_CLIP:
                out[prefix + _OPEN_CLIP[key]] = shape
            elif key == "text_projection.weight":
                out[f"{prefix}text_projection"] = shape[::-1]
            else:
                out |= _open_clip_layer(prefix, key, shape)
        return out

    return layout


def _open_clip_layer(prefix: str, key: str, shape: tuple[int, ...]) -> Shapes:
    number, _, inner = key.removeprefix("encoder.layers.").partition(".")
    inner, _, end = inner.rpartition(".")
    layer = f"{prefix}transformer.resblocks.{number}."
    if inner == "self_attn.q_proj":
        return {f"{layer}attn.in_proj_{end}": (3 * shape[0], *shape[1:])}
    if inner in _OPEN_CLIP_LAYER:
        return {f"{layer}{_OPEN_CLIP_LAYER[inner]}.{end}": shape}
    return {}


_THREE = {"self_attn.q_proj": 0, "self_attn.k_proj": 1, "self_attn.v_proj": 2}


def open_clip_lies(prefix: str) -> Callable[[Shapes, Config], Mapping[str, Sequence[Lies]]]:
    """Where a CLIP text encoder's tensors lie in OpenCLIP's layout."""

    def lies(shapes: Shapes, _: Config) -> Mapping[str, Sequence[Lies]]:
        return {key: (_open_clip_place(prefix, key),) for key in shapes}

    return lies


def _open_clip_place(prefix: str, key: str) -> Lies:
    if key in _OPEN_CLIP:
        return Lies(key=prefix + _OPEN_CLIP[key])
    if key == "text_projection.weight":
        return Lies(key=f"{prefix}text_projection", transposed=True)
    number, _, inner = key.removeprefix("encoder.layers.").partition(".")
    inner, _, end = inner.rpartition(".")
    layer = f"{prefix}transformer.resblocks.{number}."
    if inner in _THREE:
        return Lies(key=f"{layer}attn.in_proj_{end}", nth=_THREE[inner], of=3)
    return Lies(key=f"{layer}{_OPEN_CLIP_LAYER[inner]}.{end}")


def _blocks(config: Config) -> int:
    return len(_listed(config["block_out_channels"]))


def _listed(value: object) -> list[object]:
    assert isinstance(value, list | tuple)  # of our own file, or told by tensors
    return list(value)
