"""Stable Diffusion 1 and XL: their parts, and how their files are told.

    model.diffusion_model.   the UNet               cond_stage_model.        SD 1's text encoder
    first_stage_model.       the VAE                conditioner.embedders.   SDXL's two

Both are a UNet between CLIP and a VAE of four channels.  The width of what the text encoders hand
to the UNet's cross-attention tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from generation.families import ldm
from generation.families.architecture import (
    Architecture,
    Config,
    Dtype,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.networks import (
    AUTOENCODER,
    CLIP,
    PROJECTED_CLIP,
    UNET,
    clip_tokenizer,
)
from generation.families.trained import SCHEDULERS, of_scheduler
from generation.recipe import Task

_CLIP_OF_1 = "cond_stage_model.transformer."
_FIRST_CLIP = "conditioner.embedders.0.transformer."
_SECOND_CLIP = "conditioner.embedders.1.model."

_BOTH_CLASSES = (CLIP.name, PROJECTED_CLIP.name)  # a projection that is there is not used


def _reads(width: int, channels: int) -> Callable[[Shapes], bool]:
    def recognise(shapes: Shapes) -> bool:
        read, taken = ldm.words_of_unet(shapes), ldm.channels_of_unet(shapes)
        return read == {width} and taken == channels

    return recognise


def _configured(width: int, channels: int) -> Callable[[Config], bool]:
    def recognise(config: Config) -> bool:
        taken = config.get("in_channels", 4)
        return config.get("cross_attention_dim") == width and taken == channels

    return recognise


def _pipelines(name: str) -> str:
    # The same parts are used by several; which task they were saved for decides nothing.
    return rf"{name}(PAG|KDiffusion|Panorama)?(Img2Img|Inpaint)?Pipeline"


def _relative_of_xl(shapes: Shapes) -> str | None:
    if shapes.get(f"{ldm.UNET}label_emb.0.0.weight", ())[1:2] == (5632,):
        return "Kolors"
    whole = f"{ldm.UNET}middle_block."
    if any(key.startswith(whole) for key in shapes) and not any(
        key.startswith(f"{whole}1.") for key in shapes
    ):
        return "SSD-1B or another SDXL with layers taken out"
    return None


_FOUR = (4, None)  # channels, as a config says them

_UNET_OF_1 = Part(
    name="unet",
    title="UNet",
    network=UNET,
    stage=Stage.DENOISE,
    config="sd1/unet",
    prefix=ldm.UNET,
    layout=ldm.unet,
    settings={"in_channels": _FOUR, "out_channels": _FOUR, "addition_embed_type": (None,)},
)
_VAE = Part(
    name="vae",
    title="VAE",
    network=AUTOENCODER,
    stage=Stage.DECODE,
    config="sd1/vae",
    prefix=ldm.VAE,
    layout=ldm.vae,
    settings={"latent_channels": _FOUR},
)
_TEXT_ENCODER = Part(
    name="text_encoder",
    title="text encoder",
    network=CLIP,
    stage=Stage.ENCODE,
    config="sd1/text_encoder",
    prefix=_CLIP_OF_1,
    layout=ldm.clip(_CLIP_OF_1),
    spelling=ldm.levelled(_CLIP_OF_1),
    classes=_BOTH_CLASSES,
    tokenizer=clip_tokenizer("tokenizer", padding="<|endoftext|>"),
)

SD1 = Architecture(
    name="sd1",
    family="sd15",
    parts=(_UNET_OF_1, _VAE, _TEXT_ENCODER),
    recognise=_reads(768, 4),
    recognise_folder=_configured(768, 4),
    pipelines=_pipelines("StableDiffusion"),
    noise=Noise(
        levels="scaled-linear",
        prediction="epsilon",
        schedulers=SCHEDULERS,
        read=of_scheduler,
    ),
    tasks=frozenset({Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE}),
    pixels_per_latent=8,
    latent_channels=4,
    embedding_widths=(768,),
    trainers_names=("stable-diffusion-v1", "sd_v1", "sd_1"),
)

SDXL = replace(
    SD1,
    name="sdxl",
    family="sdxl",
    parts=(
        replace(
            _UNET_OF_1,
            config="sdxl/unet",
            settings={**_UNET_OF_1.settings, "addition_embed_type": ("text_time",)},
        ),
        replace(_VAE, config="sdxl/vae", dtype=Dtype.UPCAST),  # its own overflows in fp16
        replace(
            _TEXT_ENCODER,
            title="first text encoder",
            config="sdxl/text_encoder",
            prefix=_FIRST_CLIP,
            layout=ldm.clip(_FIRST_CLIP),
            spelling=ldm.levelled(_FIRST_CLIP),
        ),
        Part(
            name="text_encoder_2",
            title="second text encoder",
            network=PROJECTED_CLIP,
            stage=Stage.ENCODE,
            config="sdxl/text_encoder_2",
            prefix=_SECOND_CLIP,
            layout=ldm.open_clip(_SECOND_CLIP),
            tokenizer=clip_tokenizer("tokenizer_2", padding="!"),
        ),
    ),
    recognise=_reads(2048, 4),
    recognise_folder=_configured(2048, 4),
    pipelines=_pipelines("StableDiffusionXL"),
    relative=_relative_of_xl,
    embedding_widths=(768, 1280),
    trainers_names=("stable-diffusion-xl", "sdxl"),
)
