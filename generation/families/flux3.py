"""FLUX.3 klein: its parts, and how its files are told.

    model.diffusion_model.content_mode_blocks...  the transformer
    vae.                                          FLUX.2's VAE
    text_encoders.qwen3vl_4b.                     Qwen3-VL 4B, of which eight layers are read

A distilled one is a flow map: it has a network for where a step jumps to, by which it is told from
the base model.
"""

from __future__ import annotations

import math
from dataclasses import replace

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Stage,
)
from generation.families.builds import flux3
from generation.families.builds.flux2 import DENOISER
from generation.families.fitting import words_of
from generation.families.flux2 import GRID, LATENTS, edited_at
from generation.families.text.encoder import encoder
from generation.families.text.language import QWEN3_VL, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

SHIFT = "flow:6.93"  # of diffusers' own steps for it
_MARK = "early_stream_modulations.image.lin.weight"
_MOST = 4 * 1024 * 1024  # pixels of a picture that is edited
_LEAST, _LONGEST = 64, 4096  # of its sides

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_flux3",
    name="Flux3Transformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=flux3.tensors,
    settings=frozenset(flux3.USUAL),
)

# Folders have a processor, which has pictures to do with as well.
_TOKENIZER = replace(
    qwen_tokenizer(), classes=(*qwen_tokenizer().classes, "Qwen3VLProcessor", "AutoProcessor")
)


def _edited_at(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture of that size is edited: nothing of it is cut off."""
    smaller = min(1.0, math.sqrt(_MOST / (width * height)), _LONGEST / max(width, height))
    while True:
        across, down = (_on_grid(round(side * smaller)) for side in (width, height))
        if across * down <= _MOST:
            return across, down
        smaller *= 0.995


def _on_grid(pixels: int) -> int:
    return min(_LONGEST, max(_LEAST, -(-pixels // GRID) * GRID))


def _seen_at(width: int, height: int, nth: int) -> tuple[int, int] | None:
    """The first is changed, and others are looked at in their own shape."""
    return edited_at(width, height) if nth else None


def _family(config: Config) -> str:
    return "flux3-klein" if config.get("flow_map") else "flux3-klein-base"


FLUX3 = Architecture(
    name="flux3",
    family="flux3-klein",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="flux3/transformer",
            told=flux3.told,
            prefix=DENOISER,
            layout=flux3.layout,
            lies=flux3.lies,
            spelling=flux3.spelling,
            spare=lambda _: (f"{DENOISER}repa_projectors.",),  # of the training
        ),
        LATENTS,
        encoder(
            QWEN3_VL,
            config="text/qwen3-vl",
            prefix="text_encoders.qwen3vl_4b.transformer.",
            title="text encoder (Qwen3-VL)",
            classes=("Qwen3VLForConditionalGeneration",),
            tokenizer=_TOKENIZER,
            file="qwen3vl_4b_bf16.safetensors",
        ),
    ),
    recognise=lambda shapes: DENOISER + _MARK in shapes,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="Flux3(Distilled)?ModularPipeline",
    fits=words_of(8),
    noise=Noise(
        levels=SHIFT,
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE, Task.EDIT),
        }
    ),
    grid=GRID,
    latent_channels=32,
    edits_at=_edited_at,
    seen_at=_seen_at,
    looks_at_the_rest=True,
    finer=lambda shapes, _: _family(flux3.told(shapes)),
    finer_folder=lambda _, config: _family(config),
)
