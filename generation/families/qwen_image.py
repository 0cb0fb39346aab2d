"""Qwen-Image: its parts, and how their files are told.

    model.diffusion_model.transformer_blocks...   the transformer, by diffusers' own names
    vae.                                          Wan's VAE, of 16 channels and one frame
    text_encoders.qwen25_7b.transformer.          Qwen2.5-VL

What it draws from words (Qwen-Image, -2512) and what changes pictures (-Edit, -Edit-2509) has the
same tensors: a folder's pipeline tells them, and a card does.  -Edit-2511 has a mark in its files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.builds import causal_vae
from generation.families.builds import qwen_image as build
from generation.families.fitting import words_of
from generation.families.laid import under
from generation.families.marks import by_marks
from generation.families.networks import CAUSAL_AUTOENCODER
from generation.families.text.encoder import encoder
from generation.families.text.language import QWEN25_VL, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

_DENOISER = "model.diffusion_model."
_VAE = "vae."

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_qwenimage",
    name="QwenImageTransformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=build.tensors,
    settings=frozenset(build.USUAL) | {"pooled_projection_dim"},  # which its class drops
    only={
        "guidance_embeds": (False, None),
        "use_additional_t_cond": (False, None),
        "use_layer3d_rope": (False, None),
    },
)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    return build.told(under(_DENOISER, shapes))


def _layout(shapes: Shapes, _config: Config) -> Shapes:
    return {_DENOISER + key: shape for key, shape in shapes.items()}


def _vae_layout(shapes: Shapes, config: Config) -> Shapes:
    return {_VAE + key: shape for key, shape in causal_vae.layout(shapes, config).items()}


def _recognise(shapes: Shapes) -> bool:
    return f"{_DENOISER}transformer_blocks.0.img_mod.1.weight" in shapes


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


EDITED = 1024 * 1024  # pixels


def edited_at(width: int, height: int, area: int | None = None) -> tuple[int, int]:
    """The size of a picture of that shape with about so many pixels, in steps of 32.

    That of the stock pipelines: at others the models shift what they look at.
    """
    across = math.sqrt((area or EDITED) * (width / height))
    down = across / (width / height)
    return max(32, round(across / 32) * 32), max(32, round(down / 32) * 32)


# How many pixels the text encoder looks at, of models that are told how many pictures there are; of
# others as many as the denoiser.
LOOKED_AT: Mapping[str, int] = {
    "qwen-image-edit-2509": 384 * 384,
    "qwen-image-edit-2511": 384 * 384,
}


_MARKED = by_marks(
    {
        "qwen-image-edit-2511": "qwen-image-edit-2511",
        "qwen-image-edit-2509": "qwen-image-edit-2509",
        "qwen-image-edit-plus": "qwen-image-edit-2509",
        "qwen-image-edit": "qwen-image-edit",
        "qwen-image-2512": "qwen-image-2512",
    }
)


def _finer(shapes: Shapes, metadata: Mapping[str, str]) -> str | None:
    if _DENOISER + build.TIMELESS in shapes:
        return "qwen-image-edit-2511"
    return _MARKED(shapes, metadata)


def _finer_folder(_index: Config, denoiser: Config) -> str | None:
    return "qwen-image-edit-2511" if denoiser.get("zero_cond_t") else None


QWEN_IMAGE = Architecture(
    name="qwen-image",
    family="qwen-image",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="qwen-image/transformer",
            told=told,
            prefix=_DENOISER,
            layout=_layout,
            spare=lambda _: (_DENOISER + build.TIMELESS,),
            settings={"in_channels": (64, None), "out_channels": (16, None)},
        ),
        Part(
            name="vae",
            title="VAE",
            network=CAUSAL_AUTOENCODER,
            stage=Stage.DECODE,
            config="qwen-image/vae",
            prefix=_VAE,
            layout=_vae_layout,
            settings={"z_dim": (16, None)},
            file="qwen_image_vae.safetensors",
        ),
        encoder(
            QWEN25_VL,
            config="text/qwen2.5-vl",
            prefix="text_encoders.qwen25_7b.transformer.",
            tokenizer=qwen_tokenizer(),
            title="text encoder (Qwen2.5-VL)",
            classes=("Qwen2_5_VLForConditionalGeneration",),
            file="qwen_2.5_vl_7b.safetensors",
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="QwenImage(Img2Img|Inpaint|Edit|EditInpaint|EditPlus)?Pipeline",
    by_pipeline={
        "QwenImageEdit(Inpaint)?Pipeline": "qwen-image-edit",
        "QwenImageEditPlusPipeline": "qwen-image-edit-2509",
    },
    fits=words_of(),
    finer=_finer,
    alike={"qwen-image": ("qwen-image-2512", "qwen-image-edit", "qwen-image-edit-2509")},
    finer_folder=_finer_folder,
    edits_at=edited_at,
    seen_at=lambda width, height, _nth: edited_at(width, height),
    # What prepares pictures for the text encoder does it alike in all of them.
    index={"processor": (["transformers", "Qwen2VLProcessor"], [None, None])},
    noise=Noise(
        levels="flow-mu:0.5:0.9:256:8192@0.02",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND, Task.EDIT),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE),
        }
    ),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
)
