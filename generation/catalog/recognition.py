"""What a weight file is, told from the names and shapes of its tensors, never from its own name.

Each function looks at shapes and answers with an `Anatomy`, or raises UnusableWeights with the
reason why nothing here could draw with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from generation.catalog import strangers
from generation.catalog.checkpoint import CONFIGS, check_types, read_checkpoint, read_vae
from generation.catalog.embeddings import family_of_words, is_embedding, read_words
from generation.catalog.loras.kin import family_of
from generation.catalog.loras.plan import is_lora, read_plan
from generation.catalog.quantised import Contents
from generation.errors import UnknownWeights, UnusableWeights
from generation.families.family import FAMILIES

Kind = Literal["checkpoint", "lora", "vae", "embedding"]
KINDS: tuple[Kind, ...] = ("checkpoint", "lora", "vae", "embedding")

Shapes = Mapping[str, tuple[int, ...]]
NO_METADATA: Mapping[str, str] = MappingProxyType({})

# The width of what the text encoders hand to the UNet's cross-attention tells the families apart.
_FAMILY_OF_WIDTH = {768: "sd15", 2048: "sdxl"}

# Of other models of the same build, and of those made for another task.
_OTHER_WIDTHS = {1024: "Stable Diffusion 2.x", 1280: "the refiner of SDXL"}
_TASK_OF_CHANNELS: dict[int, str] = {
    5: "a depth-to-image model (5 channels)",
    7: "the x4 upscaler (7 channels)",
    8: "InstructPix2Pix or another model that edits (8 channels)",
    9: "an inpainting model (9 channels)",
}

# The same parts are used by several pipelines; which task they were saved for decides nothing.
_TASKS = "(Img2Img|Inpaint)"

NOT_YET = "not supported yet"

_UNET = "model.diffusion_model."


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Kind and family of a file; the family of a VAE is "" (its shapes do not tell)."""

    kind: Kind
    family: str
    # Of a checkpoint alone.
    levels: str | None = None  # of a folder with betas of its own; None: its family's
    prediction: str | None = None  # what its card or metadata says
    noise: str | None = None  # what its card says, or that it ends without signal
    vae: str | None = None  # the name of the VAE that its card chooses


def of_file(
    shapes: Shapes,
    name: str,
    metadata: Mapping[str, str] = NO_METADATA,
    kind: str | None = None,
    family: str | None = None,
    *,
    dtypes: Mapping[str, str] = NO_METADATA,
    read: Callable[[str], bytes] | None = None,
    configs: Path = CONFIGS,
) -> Anatomy:
    """What a single safetensors file is.

    `kind` and `family` are what its owner says it is; `read` gives a small tensor.
    Raises UnusableWeights when it cannot be drawn, and of
    those UnknownWeights when only nobody knows what it is.
    """
    lora = is_lora(shapes)
    if lora and kind not in (None, "lora"):
        raise UnusableWeights(name, f"its card calls it a {kind}, and it is a LoRA")
    if lora or kind == "lora":
        plan = read_plan(shapes, metadata, name, dtypes=dtypes)
        return Anatomy(
            kind="lora",
            family=_told(lambda: family_of(plan, shapes, metadata, name), family),
        )
    if kind == "embedding" or (kind is None and is_embedding(shapes)):
        words = read_words(shapes, name)
        check_types(words, dtypes, name)
        return Anatomy(
            kind="embedding", family=_told(lambda: family_of_words(shapes, words, name), family)
        )
    if (other := strangers.architecture(shapes)) is not None:
        raise UnusableWeights(name, f"{other}, {NOT_YET}")
    contents = Contents(shapes=shapes, dtypes=dtypes, metadata=metadata, read=read)
    if kind == "checkpoint" or any(key.startswith(_UNET) for key in shapes):
        return _checkpoint(contents, name, family, configs)
    if kind == "vae" or _is_vae(shapes):
        read_vae(contents, name, configs)
        return Anatomy(kind="vae", family="")
    if (alone := strangers.part(shapes)) is not None:
        raise UnusableWeights(name, f"{alone}, {NOT_YET}")
    raise UnknownWeights(name, strangers.likeness(shapes))


def _told(read: Callable[[], str], said: str | None) -> str:
    """The family that a file tells, or what its card says where nobody can tell."""
    try:
        return read()
    except UnknownWeights:
        if said is None:
            raise
        return said


def of_folder(
    class_name: object, unet: Mapping[str, object], name: str, said: str | None = None
) -> Anatomy:
    """What a diffusers folder is, from its model_index.json and unet/config.json.

    `said`: the family that its card names.
    """
    if isinstance(class_name, str) and (other := strangers.pipeline(class_name)) is not None:
        raise UnusableWeights(name, f"{other}, {NOT_YET}")
    width = unet.get("cross_attention_dim")
    widths = {width} if isinstance(width, int) else set()
    if (special := _special(widths, unet.get("in_channels", 4))) is not None:
        raise UnusableWeights(name, f"{special}, {NOT_YET}")
    family = said or _family_of(widths)
    if class_name is None and said is None:
        raise UnknownWeights(name, "its model_index.json does not name its pipeline (_class_name)")
    if family not in FAMILIES:
        raise UnknownWeights(name, f"a {class_name!s:.60} with words of width {width!r:.20}")
    built = {"sd1": "StableDiffusion", "sdxl": "StableDiffusionXL"}[FAMILIES[family].architecture]
    usual = re.fullmatch(rf"{built}(PAG|KDiffusion|Panorama)?{_TASKS}?Pipeline", str(class_name))
    if class_name is not None and not usual:
        raise UnusableWeights(name, f"a {class_name!s:.60} that is called {family}, {NOT_YET}")
    return Anatomy(kind="checkpoint", family=family)


def _special(widths: Set[int], channels: object) -> str | None:
    """What a UNet of Stable Diffusion's kind is, if it is none that is drawn here."""
    if isinstance(channels, int) and channels in _TASK_OF_CHANNELS:
        return _TASK_OF_CHANNELS[channels]
    if channels != 4:
        return f"a UNet that takes {channels!r:.20} channels"
    return next((_OTHER_WIDTHS[width] for width in widths if width in _OTHER_WIDTHS), None)


def _family_of(widths: Set[int]) -> str | None:
    """The family whose cross-attention has this one width."""
    return _FAMILY_OF_WIDTH.get(next(iter(widths))) if len(widths) == 1 else None


def _checkpoint(contents: Contents, name: str, said: str | None, configs: Path) -> Anatomy:
    """`said`: the family that its card names; needed only where the widths tell none."""
    shapes = contents.shapes
    widths = {s[1] for key, s in shapes.items() if ".attn2.to_k.weight" in key and len(s) == 2}
    first = shapes.get(f"{_UNET}input_blocks.0.0.weight", ())
    if (special := _special(widths, first[1] if len(first) > 1 else 4)) is not None:
        raise UnusableWeights(name, f"{special}, {NOT_YET}")
    family = _family_of(widths) or said
    if family not in FAMILIES:
        raise UnknownWeights(name, strangers.likeness(shapes))
    reading = read_checkpoint(contents, name, FAMILIES[family].architecture, configs)
    return Anatomy(kind="checkpoint", family=family, prediction=reading.told, noise=reading.noise)


def _is_vae(shapes: Shapes) -> bool:
    bare = {key.removeprefix("first_stage_model.") for key in shapes}
    if not {"decoder.conv_in.weight", "encoder.conv_in.weight"} <= bare:
        return False
    latent = shapes.get("decoder.conv_in.weight") or shapes.get(
        "first_stage_model.decoder.conv_in.weight", ()
    )
    return latent[1:2] == (4,)
