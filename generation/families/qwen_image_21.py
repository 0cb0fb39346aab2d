"""Qwen-Image 2.1: its parts, and how their files are told.

    model.diffusion_model.transformer_blocks...   the transformer, one stream of words and pictures
    vae.                                          a VAE of 64 channels, 16 pixels to one of theirs
    text_encoders.qwen3vl_8b.transformer.         Qwen3-VL

One checkpoint draws from words and changes pictures as it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generation.families.architecture import (
    Architecture,
    Config,
    Lies,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.builds import image_vae
from generation.families.builds import qwen_image_21 as build
from generation.families.fitting import words_of
from generation.families.laid import under
from generation.families.networks import IMAGE_AUTOENCODER
from generation.families.qwen_image import QWEN_IMAGE, edited_at
from generation.families.text.encoder import encoder
from generation.families.text.language import QWEN3_VL, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler

_DENOISER = "model.diffusion_model."
_VAE = "vae."

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_qwenimage21",
    name="QwenImage21Transformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=build.tensors,
    settings=frozenset(build.USUAL),
    only={"causal_condition": (True, None), "patch_size": (1, None)},
)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    return build.told(under(_DENOISER, shapes))


def layout(shapes: Shapes, _config: Config) -> Shapes:
    """The transformer's tensors as a single file has them."""
    found: dict[str, tuple[int, ...]] = {}
    for key, (rows, *rest) in shapes.items():
        if build.GATED.search(key):
            found[_together(key)] = (2 * rows, *rest)
        else:
            found[_DENOISER + key] = (rows, *rest)
    return found


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    found = {key: (Lies(key=_DENOISER + key),) for key in shapes}
    for key in shapes:
        if (match := build.GATED.search(key)) is not None:
            nth = ("gate_layer", "proj").index(match[1])
            found[key] = (Lies(key=_together(key), nth=nth, of=2),)
    return found


def _together(key: str) -> str:
    return _DENOISER + build.GATED.sub(build.TOGETHER, key)


def _vae_layout(shapes: Shapes, config: Config) -> Shapes:
    return {_VAE + key: shape for key, shape in image_vae.layout(shapes, config).items()}


def _recognise(shapes: Shapes) -> bool:
    return _DENOISER + f"transformer_blocks.0{build.TOGETHER}" in shapes


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


QWEN_IMAGE_21 = Architecture(
    name="qwen-image-2.1",
    family="qwen-image-2.1",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="qwen-image-2.1/transformer",
            told=told,
            prefix=_DENOISER,
            layout=layout,
            lies=lies,
            settings={"in_channels": (64, None), "out_channels": (64, None)},
        ),
        Part(
            name="vae",
            title="VAE",
            network=IMAGE_AUTOENCODER,
            stage=Stage.DECODE,
            config="qwen-image-2.1/vae",
            prefix=_VAE,
            layout=_vae_layout,
            settings={"z_dim": (64, None)},
            file="qwen_image_2.1_vae_bf16.safetensors",
        ),
        encoder(
            QWEN3_VL,
            config="text/qwen3-vl",
            prefix="text_encoders.qwen3vl_8b.transformer.",
            tokenizer=qwen_tokenizer("processor", "Qwen3VLProcessor"),
            title="text encoder (Qwen3-VL)",
            classes=("Qwen3VLForConditionalGeneration",),
            file="qwen3vl_8b_bf16.safetensors",
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="QwenImage21Pipeline",
    fits=words_of(read_as="context_in_dim"),
    edits_at=edited_at,
    seen_at=QWEN_IMAGE.seen_at,
    # Levels of its own choice, which its Turbo has, are none that a scheduler makes.
    index={"sample_sigmas": (None,)},
    noise=Noise(
        levels=QWEN_IMAGE.noise.levels,
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=QWEN_IMAGE.tasks,
    grid=32,  # two latent pixels of a side stand for one token of its encoder
    latent_channels=64,
)
