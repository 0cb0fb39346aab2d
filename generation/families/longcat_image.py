"""LongCat-Image and -Edit: their parts, and how their files are told.

    double_blocks. single_blocks.       the transformer: FLUX.1's blocks, without its summary
    text_encoders.qwen25_7b.            Qwen2.5-VL, which reads words and looks at pictures
    vae.                                FLUX.1's VAE

What draws from words and what changes pictures have the same tensors: a folder's pipeline tells
them, and a card or a mark in the metadata does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from generation.families import flux
from generation.families.architecture import Architecture, Config, Lies, Network, Shapes
from generation.families.builds import flux as build
from generation.families.fitting import words_of
from generation.families.flux import DENOISER
from generation.families.laid import laid
from generation.families.marks import by_marks
from generation.families.qwen_image import QWEN_IMAGE

_TIME, _FLUXS_TIME = "time_embed.", "time_text_embed."
EDITED = 1024 * 1024  # pixels, about
GRID = 16


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    return {key: flux.places(_as_fluxs(key)) for key in shapes}


def _as_fluxs(key: str) -> str:
    return _FLUXS_TIME + key.removeprefix(_TIME) if key.startswith(_TIME) else key


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    found = dict(flux.told_of_blocks(shapes))
    found.pop("out_channels", None)  # as many as it takes
    return found


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_longcat_image",
    name="LongCatImageTransformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=build.longcat,
    settings=frozenset(build.LONGCAT),
    only={"patch_size": (1, None)},
)


def _recognise(shapes: Shapes) -> bool:
    ours = ("double_blocks.0.img_mod.lin.weight", "double_blocks.0.img_mlp.0.weight")
    if not all(DENOISER + key in shapes for key in (*ours, "time_in.in_layer.weight")):
        return False
    others = ("vector_in.in_layer.weight", "guidance_in.in_layer.weight")
    return not any(DENOISER + key in shapes for key in others)


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


def edited_at(width: int, height: int) -> tuple[int, int]:
    """The size of a picture of that shape with about a million pixels, on the grid or beyond."""
    across = math.sqrt(EDITED * (width / height))
    down = across / (width / height)
    return GRID * math.ceil(across / GRID), GRID * math.ceil(down / GRID)


_TRANSFORMER, _VAE = flux.FLUX1.parts[:2]

LONGCAT_IMAGE = Architecture(
    name="longcat-image",
    family="longcat-image",
    parts=(
        replace(
            _TRANSFORMER,
            network=TRANSFORMER,
            config="longcat-image/transformer",
            told=told,
            layout=laid(lies),
            lies=lies,
            settings={"in_channels": (flux.CHANNELS, None)},
        ),
        _VAE,
        QWEN_IMAGE.part("text_encoder"),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="LongCatImage(Edit)?Pipeline",
    by_pipeline={"LongCatImageEditPipeline": "longcat-image-edit"},
    finer=by_marks({"longcat-image-edit": "longcat-image-edit"}),
    alike={"longcat-image": ("longcat-image-edit",)},
    fits=words_of(),
    edits_at=edited_at,
    # What prepares pictures for the text encoder, which is done alike in all of them.
    index={
        "text_processor": (
            *(["transformers", f"Qwen2{kind}VLProcessor"] for kind in ("", "_5_")),
            [None, None],
        )
    },
    noise=flux.FLUX1.noise,
    tasks=flux.FLUX1.tasks,
    grid=GRID,
    latent_channels=flux.FLUX1.latent_channels,
)
