"""Chroma: its parts, and how its files are told.

FLUX.1's blocks (`generation.families.flux`), whose scales and shifts one network makes of the time
(`distilled_guidance_layer`); it reads T5 alone, and is guided by cfg.  What Radiance draws with
instead of a VAE (`nerf_`) is another model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from generation.families import flux
from generation.families.architecture import Architecture, Config, Lies, Network, Shapes
from generation.families.builds import flux as build
from generation.families.flux import DENOISER
from generation.families.laid import laid
from generation.families.networks import t5_tokenizer
from generation.tasks import Task

_MADE = "distilled_guidance_layer."
# What makes the scales and shifts: diffusers' names, and the single file's.
_MAKING = (
    (re.compile(r"(layers\.\d+)\.linear_1\."), r"\1.in_layer."),
    (re.compile(r"(layers\.\d+)\.linear_2\."), r"\1.out_layer."),
    (re.compile(r"(norms\.\d+)\.weight$"), r"\1.scale"),
)


def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
    """Where the transformer's tensors lie in a single file."""
    return {
        key: (Lies(key=DENOISER + _made(key)),) if key.startswith(_MADE) else flux.places(key)
        for key in shapes
    }


def _made(key: str) -> str:
    for ours, theirs in _MAKING:
        key = ours.sub(theirs, key)
    return key


def spelling(key: str) -> str:
    """The layout's name for one that newer programs write."""
    inner = key.removeprefix(DENOISER)
    return DENOISER + _made(inner) if inner.startswith(_MADE) else flux.spelling(key)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    blocks = flux.told_of_blocks(shapes)
    made = {spelling(key): shape for key, shape in shapes.items() if _MADE in key}
    try:
        inner, channels = made[f"{DENOISER}{_MADE}in_proj.weight"]
    except (LookupError, ValueError):
        return {}
    return {
        **blocks,
        "approximator_hidden_dim": inner,
        "approximator_layers": sum(key.endswith(".scale") for key in made),
        "approximator_num_channels": channels,
    }


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_chroma",
    name="ChromaTransformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=build.chroma,
    settings=frozenset(build.CHROMA),
    only={"patch_size": (1,)},
)


def _recognise(shapes: Shapes) -> bool:
    made = f"{DENOISER}{_MADE}in_proj.weight" in shapes
    return made and f"{DENOISER}img_in.weight" in shapes


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


_TRANSFORMER, _VAE, _, _T5 = flux.FLUX1.parts

CHROMA = Architecture(
    name="chroma",
    family="chroma",
    parts=(
        replace(
            _TRANSFORMER,
            network=TRANSFORMER,
            config="chroma/transformer",
            told=told,
            layout=laid(lies),
            lies=lies,
            spelling=spelling,
            settings={
                "in_channels": (flux.CHANNELS, None),
                "out_channels": (flux.CHANNELS, None),
            },
        ),
        _VAE,
        replace(
            _T5,
            name="text_encoder",
            title="text encoder (T5-XXL)",
            tokenizer=t5_tokenizer("tokenizer"),
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="Chroma(Img2Img|Inpaint)?Pipeline",
    # ComfyUI's template has no shift; a folder's scheduler says its own.
    noise=replace(flux.FLUX1.noise, levels="flow"),
    tasks=flux.FLUX1.tasks - {Task.EDIT},
    grid=flux.FLUX1.grid,
    latent_channels=flux.FLUX1.latent_channels,
)
