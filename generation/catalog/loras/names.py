"""A tensor's name in a LoRA file -> the layer it changes and its role there.

The spellings, of which one file may mix several:

    lora_unet_down_blocks_0_..._to_q.lora_down.weight     kohya, on diffusers' layers
    lora_unet_input_blocks_1_1_..._to_q.lora_down.weight  kohya, on CompVis' layers (SDXL)
    lora_te_..., lora_te1_..., lora_te2_...               kohya's text encoders
    lycoris_down_blocks_0_..._to_q.hada_w1_a              LyCORIS
    unet.down_blocks.0...to_q.lora_A.weight               PEFT, also lora_A.default.weight
    unet.down_blocks.0...to_q.lora.down.weight            diffusers
    unet.down_blocks.0...processor.to_q_lora.down.weight  diffusers in 2023, also without "unet."
    ...fc1.lora_linear_layer.down.weight                  the same, of other layers
    diffusion_model.input_blocks.1.1...lora_A.weight      ComfyUI
    ...motion_modules.0.temporal_transformer...to_q_lora.down.weight    AnimateDiff's makers

Dots and underscores are not told apart: no two layers differ in them alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from generation.catalog.loras.layers import ADAPTERS, Part, paths

MAX_NAME = 300  # characters; a longer name is nobody's

_ROLES = {
    **dict.fromkeys(("lora_down.weight", "lora.down.weight"), "down"),
    **dict.fromkeys(("lora_up.weight", "lora.up.weight"), "up"),
    "lora_linear_layer.down.weight": "down",
    "lora_linear_layer.up.weight": "up",
    "lora_A.weight": "down",
    "lora_B.weight": "up",
    "lora_mid.weight": "mid",
    "alpha": "alpha",
    "dora_scale": "dora_scale",
    "lora_magnitude_vector": "magnitude",
    "lora_magnitude_vector.weight": "magnitude",
    "diff": "diff",
    "diff_b": "diff_b",
    "w_norm": "diff",
    "b_norm": "diff_b",
    **{f"hada_{factor}": factor for factor in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")},
    **{
        f"lokr_{factor}": f"kron_{factor}"
        for factor in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2")
    },
}
_PEFT = {"lora_A": "down", "lora_B": "up", "lora_magnitude_vector": "magnitude"}

_PARTS: tuple[tuple[str, Part], ...] = (
    ("lora_unet_", "unet"),
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("lora_te_", "text_encoder"),
    ("lycoris_", "unet"),
    ("unet_", "unet"),
    ("text_encoder_2_", "text_encoder_2"),
    ("text_encoder_", "text_encoder"),
    ("text_encoders_clip_l_transformer_", "text_encoder"),
    ("text_encoders_clip_g_transformer_", "text_encoder_2"),
    ("model_diffusion_model_", "unet"),
    ("diffusion_model_", "unet"),
    ("", "unet"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """Where a tensor belongs."""

    part: Part
    path: str
    role: str
    compvis: bool  # whether the layer was called by its number in CompVis' UNet


def read_name(key: str, layers_per_block: int) -> Name | None:
    """The layer and the role of a tensor, or None for a name that means nothing here.

    `layers_per_block` counts CompVis' blocks: 2 in every family, fewer in small models.
    """
    if len(key) > MAX_NAME:
        return None
    layer, role = _split(key)
    if not role:
        return None
    flat = layer.replace(".", "_")
    prefix, part = next((p, part) for p, part in _PARTS if flat.startswith(p))
    flat = flat.removeprefix(prefix)
    if part == "unet":
        spelled = _compvis(flat, layers_per_block)
        path = paths(part).get(as_now(spelled or flat))
    else:
        spelled = None
        path = paths(part).get(_as_in_transformers(flat.removeprefix("text_model_")))
    if path is None:
        return _in_adapter(layer[len(prefix) :], role) if part == "unet" else None
    return Name(part=part, path=path, role=role, compvis=spelled is not None)


def _in_adapter(layer: str, role: str) -> Name | None:
    """The same of a layer that lies between those of a UNet."""
    for part in ADAPTERS:
        spelled = part.spelling(part.prefix + layer).removeprefix(part.prefix).replace(".", "_")
        if (path := paths(part.name).get(as_now(spelled))) is not None:
            return Name(part=part.name, path=path, role=role, compvis=False)
    return None


def layer_and_role(key: str) -> tuple[str, str]:
    """The name of the layer, with underscores for dots, and what the tensor is to it."""
    layer, role = _split(key)
    return layer.replace(".", "_"), role


def role_of(key: str) -> str:
    """What a tensor is to its layer, whichever that is; "" when its name does not say."""
    return _split(key)[1] if len(key) <= MAX_NAME else ""


def _split(key: str) -> tuple[str, str]:
    """The layer and the role; "" when the end of the name is none that is known."""
    words = key.split(".")
    for length in (3, 2, 1):
        role = _ROLES.get(".".join(words[-length:]))
        if role is not None and len(words) > length:
            return ".".join(words[:-length]), role
    if len(words) > 3 and words[-1] == "weight" and words[-3] in _PEFT:  # lora_A.default.weight
        return ".".join(words[:-3]), _PEFT[words[-3]]
    if len(words) > 2 and words[-2] == "lora_magnitude_vector":
        return ".".join(words[:-2]), "magnitude"
    old = len(words) > 3 and words[-3].endswith("_lora") and words[-1] == "weight"
    if old and words[-2] in ("down", "up"):
        return ".".join([*words[:-3], words[-3].removesuffix("_lora")]), words[-2]
    return key, ""


def as_now(flat: str) -> str:
    """diffusers' names of 2023 -> today's."""
    flat = flat.replace("_processor_to_", "_to_")
    return f"{flat}_0" if flat.endswith("_to_out") else flat


_OF_TEXT_ENCODERS = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}


def _as_in_transformers(flat: str) -> str:
    for old, new in _OF_TEXT_ENCODERS.items():
        if flat.endswith(f"self_attn_{old}"):
            return flat.removesuffix(old) + new
    return flat


_BLOCK = re.compile(r"(input_blocks|output_blocks)_(\d{1,2})_(\d)_(.+)")
_MIDDLE = re.compile(r"middle_block_([012])_(.+)")
_OUTER = {
    "input_blocks_0_0": "conv_in",
    "time_embed_0": "time_embedding_linear_1",
    "time_embed_2": "time_embedding_linear_2",
    "label_emb_0_0": "add_embedding_linear_1",
    "label_emb_0_2": "add_embedding_linear_2",
    "out_0": "conv_norm_out",
    "out_2": "conv_out",
}
_RESNET = {
    "in_layers_0": "norm1",
    "in_layers_2": "conv1",
    "emb_layers_1": "time_emb_proj",
    "out_layers_0": "norm2",
    "out_layers_3": "conv2",
    "skip_connection": "conv_shortcut",
}


def _compvis(flat: str, layers_per_block: int) -> str | None:
    """The name of CompVis' layer in diffusers, or None when it is none of CompVis'."""
    if flat in _OUTER:
        return _OUTER[flat]
    if (middle := _MIDDLE.fullmatch(flat)) is not None:
        number, rest = int(middle[1]), middle[2]
        if number == 1:
            return f"mid_block_attentions_0_{rest}"
        return f"mid_block_resnets_{number // 2}_{_RESNET.get(rest, rest)}"
    if (block := _BLOCK.fullmatch(flat)) is None:
        return None
    side, number, inner, rest = block[1], int(block[2]), int(block[3]), block[4]
    if side == "input_blocks":
        level, layer = divmod(number - 1, layers_per_block + 1)
        if rest == "op":
            return f"down_blocks_{level}_downsamplers_0_conv"
        where = f"down_blocks_{level}"
    else:
        level, layer = divmod(number, layers_per_block + 1)
        if rest == "conv":
            return f"up_blocks_{level}_upsamplers_0_conv"
        where = f"up_blocks_{level}"
    if inner == 0:
        return f"{where}_resnets_{layer}_{_RESNET.get(rest, rest)}"
    return f"{where}_attentions_{layer}_{rest}"
