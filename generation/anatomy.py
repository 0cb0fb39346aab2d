"""What a weight file is, told from the names and shapes of its tensors, never from its own name.

Each function looks at shapes and answers with an `Anatomy`, or raises UnusableWeights with the
reason why nothing here could draw with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Literal

from generation.errors import UnusableWeights

Kind = Literal["checkpoint", "lora", "vae", "embedding"]
KINDS: tuple[Kind, ...] = ("checkpoint", "lora", "vae", "embedding")

Shapes = Mapping[str, tuple[int, ...]]

# The width of what the text encoders hand to the UNet's cross-attention tells the families apart.
_FAMILY_OF_WIDTH = {768: "sd15", 2048: "sdxl"}

_LORA_ENDS = (
    *(".lora_down.weight", ".lora_up.weight", ".lora_A.weight", ".lora_B.weight"),
    *(".lora.down.weight", ".lora.up.weight"),
)
# The input side of a LoRA, in the three spellings; its second dimension is the layer's width.
_LORA_INPUTS = (".lora_down.weight", ".lora_A.weight", ".lora.down.weight")
_LORA_VARIANTS = (".hada_w1_a", ".lokr_w1", ".lokr_w1_a", ".lora_mid.weight", ".dora_scale")

_UNET = "model.diffusion_model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Kind and family of a file; the family of a VAE is "" (its shapes do not tell)."""

    kind: Kind
    family: str


def of_file(shapes: Shapes, name: str) -> Anatomy:
    """What a single safetensors file is.  Raises UnusableWeights."""
    if any(key.endswith((*_LORA_ENDS, *_LORA_VARIANTS)) for key in shapes):
        return _lora(shapes, name)
    if any(key.startswith(_UNET) for key in shapes):
        return _checkpoint(shapes, name)
    if _is_vae(shapes):
        return Anatomy(kind="vae", family="")
    if len(shapes) <= 2 and all(len(shape) <= 2 for shape in shapes.values()) and shapes:
        return _embedding(shapes, name)
    raise UnusableWeights(name, "unknown family")


def of_folder(class_name: object, unet: Mapping[str, object], name: str) -> Anatomy:
    """What a diffusers folder is, from its model_index.json and unet/config.json."""
    width, channels = unet.get("cross_attention_dim"), unet.get("in_channels")
    family = _family_of({width}) if isinstance(width, int) else None
    pipelines = {"sd15": "StableDiffusionPipeline", "sdxl": "StableDiffusionXLPipeline"}
    if family is None or channels != 4 or not str(class_name).startswith(pipelines[family][:-8]):
        raise UnusableWeights(name, "unknown family")
    return Anatomy(kind="checkpoint", family=family)


def _family_of(widths: Set[int]) -> str | None:
    """The family whose cross-attention has this one width."""
    return _FAMILY_OF_WIDTH.get(next(iter(widths))) if len(widths) == 1 else None


def _checkpoint(shapes: Shapes, name: str) -> Anatomy:
    if any("scaled_fp8" in key or key.endswith(".scale_weight") for key in shapes):
        raise UnusableWeights(name, "scaled fp8 weights, which cannot be loaded here")
    widths = {s[1] for key, s in shapes.items() if ".attn2.to_k.weight" in key and len(s) == 2}
    family = _family_of(widths)
    first = shapes.get(f"{_UNET}input_blocks.0.0.weight", ())
    if family is None or first[1:2] != (4,):  # 9 channels: inpainting, 8: InstructPix2Pix
        raise UnusableWeights(name, "unknown family")
    encoder = {"sd15": "cond_stage_model.", "sdxl": "conditioner.embedders.1."}[family]
    for part, prefix in (("text encoder", encoder), ("VAE", "first_stage_model.")):
        if not any(key.startswith(prefix) for key in shapes):
            raise UnusableWeights(name, f"a checkpoint without its {part}")
    return Anatomy(kind="checkpoint", family=family)


def _is_vae(shapes: Shapes) -> bool:
    bare = {key.removeprefix("first_stage_model.") for key in shapes}
    if not {"decoder.conv_in.weight", "encoder.conv_in.weight"} <= bare:
        return False
    latent = shapes.get("decoder.conv_in.weight") or shapes.get(
        "first_stage_model.decoder.conv_in.weight", ()
    )
    return latent[1:2] == (4,)


def _lora(shapes: Shapes, name: str) -> Anatomy:
    if any(key.endswith(_LORA_VARIANTS) for key in shapes):
        # They would be refused, or silently loaded as something else, by the pipelines.
        raise UnusableWeights(name, "a LoHa, LoKr, LoCon or DoRA, which cannot be loaded exactly")
    inputs = {k: s[1] for k, s in shapes.items() if k.endswith(_LORA_INPUTS) and len(s) >= 2}
    unet = {s for k, s in inputs.items() if "attn2" in k and ("to_k" in k or "to_v" in k)}
    if any(key.startswith("lora_te2_") or "text_encoder_2." in key for key in shapes):
        unet.add(2048)
    if not unet and any("lora_te_" in key or "text_encoder." in key for key in inputs):
        unet = {width for width in inputs.values() if width == 768}
    family = _family_of(unet)
    if family is None:
        raise UnusableWeights(name, "unknown family")
    return Anatomy(kind="lora", family=family)


def _embedding(shapes: Shapes, name: str) -> Anatomy:
    widths = {key: shape[-1] for key, shape in shapes.items() if shape}
    if widths == {"clip_l": 768, "clip_g": 1280}:
        return Anatomy(kind="embedding", family="sdxl")
    if len(widths) == 1 and set(widths.values()) == {768}:
        return Anatomy(kind="embedding", family="sd15")
    raise UnusableWeights(name, "unknown family")
