"""Stable Diffusion 1, 2 and XL with its refiner: their parts, and how their files are told.

    model.diffusion_model.   the UNet    cond_stage_model.        the text encoder of SD 1 and 2
    first_stage_model.       the VAE     conditioner.embedders.   SDXL's two, or its refiner's one

Each is a UNet between CLIP and a VAE of four channels.  The width of what the text encoders hand
to the UNet's cross-attention tells them apart; those that are made to inpaint or to edit take
more channels than the four of the latents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from generation.families import ldm
from generation.families.architecture import (
    Architecture,
    Config,
    Dtype,
    Noise,
    Part,
    Purpose,
    Shapes,
    Stage,
    no_marks,
)
from generation.families.networks import (
    AUTOENCODER,
    CLIP,
    PROJECTED_CLIP,
    UNET,
    clip_tokenizer,
)
from generation.families.trained import SCHEDULERS, of_scheduler
from generation.tasks import Task

_CLIP_OF_1 = "cond_stage_model.transformer."
_FIRST_CLIP = "conditioner.embedders.0.transformer."
_SECOND_CLIP = "conditioner.embedders.1.model."
_CLIP_OF_2 = "cond_stage_model.model."
_CLIP_OF_REFINER = "conditioner.embedders.0.model."

_BOTH_CLASSES = (CLIP.name, PROJECTED_CLIP.name)  # a projection that is there is not used


# Channels of a UNet -> what it is made for: it reads a mask and a picture, or a picture, besides.
_FOR_A_MASK = {9: Purpose.INPAINTING}
_FOR_PICTURES = {**_FOR_A_MASK, 8: Purpose.EDITING}


def _reads(width: int, besides: Mapping[int, Purpose]) -> Callable[[Shapes], bool]:
    def recognise(shapes: Shapes) -> bool:
        read, taken = ldm.words_of_unet(shapes), ldm.channels_of_unet(shapes)
        return read == {width} and taken in {4, *besides}

    return recognise


def _configured(width: int, besides: Mapping[int, Purpose]) -> Callable[[Config], bool]:
    def recognise(config: Config) -> bool:
        taken = config.get("in_channels", 4)
        return config.get("cross_attention_dim") == width and taken in {4, *besides}

    return recognise


def _pipelines(name: str) -> str:
    # The same parts are used by several; which task they were saved for decides nothing.
    return rf"{name}(PAG|KDiffusion|Panorama)?(Img2Img|Inpaint|InstructPix2Pix)?Pipeline"


def _channels(shapes: Shapes) -> Config:
    told = shapes.get(ldm.GUIDANCE)
    guidance = {"time_cond_proj_dim": told[1]} if told is not None and len(told) == 2 else {}
    return {"in_channels": ldm.channels_of_unet(shapes), **guidance}


_GUIDED = (None, 256)  # how wide the guidance is that a UNet is told, of a latent consistency model


def _consistent(family: str) -> dict[str, Callable[..., str | None]]:
    """How latent consistency models are told, which have a UNet that is told its guidance."""
    return {
        "finer": lambda shapes, _: family if ldm.GUIDANCE in shapes else None,
        "finer_folder": lambda _, unet: family if unet.get("time_cond_proj_dim") else None,
    }


def _unread_of_2(config: Config) -> tuple[str, ...]:
    """The text encoder's last layer and projection: the layer before is what is read."""
    layers = config["num_hidden_layers"]
    return (f"{_CLIP_OF_2}transformer.resblocks.{layers}.", f"{_CLIP_OF_2}text_projection")


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
    told=_channels,
    settings={
        "in_channels": (*_FOUR, *_FOR_PICTURES),
        "out_channels": _FOUR,
        "addition_embed_type": (None,),
        "time_cond_proj_dim": _GUIDED,
    },
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
    file="vae-ft-mse-840000-ema-pruned.safetensors",
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
    file="clip_l.safetensors",
)

SD1 = Architecture(
    name="sd1",
    family="sd15",
    parts=(_UNET_OF_1, _VAE, _TEXT_ENCODER),
    recognise=_reads(768, _FOR_PICTURES),
    recognise_folder=_configured(768, _FOR_PICTURES),
    pipelines=rf"{_pipelines('StableDiffusion')}|LatentConsistencyModel(Img2Img)?Pipeline",
    finer=_consistent("sd15-lcm")["finer"],
    finer_folder=_consistent("sd15-lcm")["finer_folder"],
    noise=Noise(
        levels="scaled-linear",
        prediction="epsilon",
        schedulers=SCHEDULERS,
        read=of_scheduler,
    ),
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE),
        }
    ),
    grid=8,  # of one latent
    latent_channels=4,
    embedding_widths=(768,),
    trainers_names=("stable-diffusion-v1", "sd_v1", "sd_1"),
    purposes=_FOR_PICTURES,
    index={"requires_aesthetics_score": (False, None)},
)

SD2 = replace(
    SD1,
    name="sd2",
    family="sd2",
    parts=(
        replace(
            _UNET_OF_1,
            config="sd2/unet",
            settings={
                **_UNET_OF_1.settings,
                "in_channels": (*_FOUR, *_FOR_A_MASK),
                "time_cond_proj_dim": (None,),
            },
        ),
        _VAE,
        replace(
            _TEXT_ENCODER,
            config="sd2/text_encoder",
            prefix=_CLIP_OF_2,
            layout=ldm.open_clip(_CLIP_OF_2),
            lies=ldm.open_clip_lies(_CLIP_OF_2),
            spelling=str,
            spare=_unread_of_2,
            tokenizer=clip_tokenizer("tokenizer", padding="!"),
            file="clip_h.safetensors",
        ),
    ),
    recognise=_reads(1024, _FOR_A_MASK),
    recognise_folder=_configured(1024, _FOR_A_MASK),
    pipelines=_pipelines("StableDiffusion"),
    finer=no_marks,
    finer_folder=no_marks,
    noise=replace(SD1.noise, prediction=None),  # some predict the noise, and some velocity
    embedding_widths=(1024,),
    trainers_names=("stable-diffusion-v2", "sd_v2", "sd_2"),
    elder="sd15",
    by_prediction={"epsilon": "sd2", "v_prediction": "sd2-768"},
    purposes=_FOR_A_MASK,
)

_UNET_OF_XL = replace(
    _UNET_OF_1,
    config="sdxl/unet",
    settings={**_UNET_OF_1.settings, "addition_embed_type": ("text_time",)},
)
_VAE_OF_XL = replace(
    _VAE,
    config="sdxl/vae",
    dtype=Dtype.UPCAST,  # its own overflows in fp16
    file="sdxl_vae.safetensors",
)
_TEXT_ENCODER_2 = Part(
    name="text_encoder_2",
    title="second text encoder",
    network=PROJECTED_CLIP,
    stage=Stage.ENCODE,
    config="sdxl/text_encoder_2",
    prefix=_SECOND_CLIP,
    layout=ldm.open_clip(_SECOND_CLIP),
    lies=ldm.open_clip_lies(_SECOND_CLIP),
    tokenizer=clip_tokenizer("tokenizer_2", padding="!"),
    file="clip_g.safetensors",
)

SDXL = replace(
    SD1,
    name="sdxl",
    family="sdxl",
    parts=(
        _UNET_OF_XL,
        _VAE_OF_XL,
        replace(
            _TEXT_ENCODER,
            title="first text encoder",
            config="sdxl/text_encoder",
            prefix=_FIRST_CLIP,
            layout=ldm.clip(_FIRST_CLIP),
            spelling=ldm.levelled(_FIRST_CLIP),
        ),
        _TEXT_ENCODER_2,
    ),
    recognise=_reads(2048, _FOR_PICTURES),
    recognise_folder=_configured(2048, _FOR_PICTURES),
    pipelines=_pipelines("StableDiffusionXL"),
    finer=_consistent("sdxl-lcm")["finer"],
    finer_folder=_consistent("sdxl-lcm")["finer_folder"],
    relative=_relative_of_xl,
    embedding_widths=(768, 1280),
    trainers_names=("stable-diffusion-xl", "sdxl"),
)

REFINER = replace(
    SDXL,
    name="sdxl-refiner",
    family="sdxl-refiner",
    parts=(
        replace(
            _UNET_OF_XL,
            config="sdxl-refiner/unet",
            settings={
                **_UNET_OF_XL.settings,
                "in_channels": _FOUR,
                "time_cond_proj_dim": (None,),
            },
        ),
        _VAE_OF_XL,
        replace(
            _TEXT_ENCODER_2,
            title="text encoder",
            prefix=_CLIP_OF_REFINER,
            layout=ldm.open_clip(_CLIP_OF_REFINER),
            lies=ldm.open_clip_lies(_CLIP_OF_REFINER),
        ),
    ),
    recognise=_reads(1280, {}),
    recognise_folder=_configured(1280, {}),
    finer=no_marks,
    finer_folder=no_marks,
    relative=SD1.relative,
    # It knows the last of the noise alone: there has to be a picture to begin with.
    tasks=frozenset({Task.IMAGE_TO_IMAGE, Task.INPAINT, Task.UPSCALE}),
    embedding_widths=(),
    trainers_names=("stable-diffusion-xl-v1-refiner", "sdxl_refiner"),
    elder="sdxl",
    purposes={},
    index={"requires_aesthetics_score": (True, None)},
)
