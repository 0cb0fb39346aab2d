"""What a weight file is, told from the names and shapes of its tensors, never from its own name.

Each function looks at shapes and answers with an `Anatomy`, or raises UnusableWeights with the
reason why nothing here could draw with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from generation import loras, strangers
from generation.embeddings import family_of_words, is_embedding, read_words
from generation.errors import UnknownWeights, UnusableWeights

Kind = Literal["checkpoint", "lora", "vae", "embedding"]
KINDS: tuple[Kind, ...] = ("checkpoint", "lora", "vae", "embedding")

Shapes = Mapping[str, tuple[int, ...]]
NO_METADATA: Mapping[str, str] = MappingProxyType({})

# The width of what the text encoders hand to the UNet's cross-attention tells the families apart.
_FAMILY_OF_WIDTH = {768: "sd15", 2048: "sdxl"}

# Of other models of the same build, and of those made for another task.
_OTHER_WIDTHS = {1024: "Stable Diffusion 2.x", 1280: "the refiner of SDXL"}
_TASK_OF_CHANNELS: dict[object, str] = {
    5: "a depth-to-image model (5 channels)",
    7: "the x4 upscaler (7 channels)",
    8: "InstructPix2Pix or another model that edits (8 channels)",
    9: "an inpainting model (9 channels)",
}

# Noise of another kind: drawn with the usual one, they give noise.
_EDM = {
    "edm_mean": "Playground 2.5's EDM",
    "edm_std": "Playground 2.5's EDM",
    "edm_vpred.sigma_max": "CosXL's EDM",
    "edm_vpred.sigma_min": "CosXL's EDM",
}

NOT_YET = "not supported yet"

_UNET = "model.diffusion_model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Kind and family of a file; the family of a VAE is "" (its shapes do not tell)."""

    kind: Kind
    family: str


def of_file(
    shapes: Shapes, name: str, metadata: Mapping[str, str] = NO_METADATA, kind: str | None = None
) -> Anatomy:
    """What a single safetensors file is.

    `kind` is what its owner says it is.  Raises UnusableWeights when it cannot be drawn, and of
    those UnknownWeights when only nobody knows what it is.
    """
    lora = loras.is_lora(shapes)
    if lora and kind not in (None, "lora"):
        raise UnusableWeights(name, f"its card calls it a {kind}, and it is a LoRA")
    if lora or kind == "lora":
        plan = loras.read_plan(shapes, metadata, name)
        return Anatomy(kind="lora", family=loras.family_of(plan, shapes, metadata, name))
    if kind == "embedding" or (kind is None and is_embedding(shapes)):
        words = read_words(shapes, name)
        return Anatomy(kind="embedding", family=family_of_words(shapes, words, name))
    if (other := strangers.architecture(shapes)) is not None:
        raise UnusableWeights(name, f"{other}, {NOT_YET}")
    if any(key.startswith(_UNET) for key in shapes):
        return _checkpoint(shapes, name)
    if _is_vae(shapes):
        return Anatomy(kind="vae", family="")
    if (alone := strangers.part(shapes)) is not None:
        raise UnusableWeights(name, f"{alone}, {NOT_YET}")
    raise UnknownWeights(name, strangers.likeness(shapes))


def of_folder(class_name: object, unet: Mapping[str, object], name: str) -> Anatomy:
    """What a diffusers folder is, from its model_index.json and unet/config.json."""
    if not isinstance(class_name, str):
        raise UnknownWeights(name, "its model_index.json does not name its pipeline (_class_name)")
    if (other := strangers.pipeline(class_name)) is not None:
        raise UnusableWeights(name, f"{other}, {NOT_YET}")
    width, channels = unet.get("cross_attention_dim"), unet.get("in_channels", 4)
    widths = {width} if isinstance(width, int) else set()
    family = _family_of(widths)
    if (special := _special(widths, channels)) is not None:
        raise UnusableWeights(name, f"{special}, {NOT_YET}")
    pipelines = {"sd15": "StableDiffusion", "sdxl": "StableDiffusionXL"}
    if family is None or not class_name.startswith(pipelines[family]):
        raise UnknownWeights(name, f"a {class_name:.60} with words of width {width!r:.20}")
    return Anatomy(kind="checkpoint", family=family)


def _special(widths: Set[int], channels: object) -> str | None:
    """What a UNet of Stable Diffusion's kind is, if it is none that is drawn here."""
    if channels in _TASK_OF_CHANNELS:
        return _TASK_OF_CHANNELS[channels]
    if channels != 4:
        return f"a UNet that takes {channels!r:.20} channels"
    return next((_OTHER_WIDTHS[width] for width in widths if width in _OTHER_WIDTHS), None)


def _family_of(widths: Set[int]) -> str | None:
    """The family whose cross-attention has this one width."""
    return _FAMILY_OF_WIDTH.get(next(iter(widths))) if len(widths) == 1 else None


def _checkpoint(shapes: Shapes, name: str) -> Anatomy:
    if any("scaled_fp8" in key or key.endswith(".scale_weight") for key in shapes):
        raise UnusableWeights(name, "scaled fp8 weights, which cannot be loaded here")
    widths = {s[1] for key, s in shapes.items() if ".attn2.to_k.weight" in key and len(s) == 2}
    family = _family_of(widths)
    first = shapes.get(f"{_UNET}input_blocks.0.0.weight", ())
    if (special := _special(widths, first[1] if len(first) > 1 else 4)) is not None:
        raise UnusableWeights(name, f"{special}, {NOT_YET}")
    for key, kind in _EDM.items():
        if key in shapes:
            raise UnusableWeights(name, f"{kind}, {NOT_YET}")
    if family is None:
        raise UnknownWeights(name, strangers.likeness(shapes))
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
