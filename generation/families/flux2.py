"""FLUX.2 dev and klein: their parts, and how their files are told.

    model.diffusion_model.double_blocks...  the transformer: 32 B of dev, 4 B and 9 B of klein
    vae.                                    the VAE, of 32 channels whose 2x2 are one of 128
    text_encoders.                          Mistral Small 3 of dev, Qwen3 4B or 8B of klein

A file's tensors say which it is: dev alone is told its guidance, and the words that the others
read are as wide as three layers of their encoder.  Base models and distilled ones have the same
tensors; a folder says it (`is_distilled`), of a file its card does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
    Trained,
)
from generation.families.builds import flux2
from generation.families.builds.flux2 import DENOISER
from generation.families.fitting import words_of
from generation.families.text.encoder import encoder
from generation.families.text.language import (
    MISTRAL,
    QWEN3,
    mistral_tokenizer,
    qwen_tokenizer,
)
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.sigmas import EMPIRICAL
from generation.tasks import Task

_MARK = "single_stream_modulation.lin.weight"  # one for all blocks, which FLUX.1 has not
_GUIDED = "guidance_in.in_layer.weight"

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_flux2",
    name="Flux2Transformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=flux2.tensors,
    settings=frozenset(flux2.USUAL),
    only={"patch_size": (1,)},
)
VAE = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_flux2",
    name="AutoencoderKLFlux2",
    weights="diffusion_pytorch_model",
    tensors=flux2.vae,
    settings=frozenset(flux2.VAE_USUAL)
    | {"act_fn", "force_upcast", "norm_num_groups", "sample_size"},
    only={"in_channels": (3,), "out_channels": (3,), "patch_size": ([2, 2],)},
)


def transformer(config: str) -> Part:
    """The transformer, with the shapes of the folder of that name."""
    return Part(
        name="transformer",
        title="transformer",
        network=TRANSFORMER,
        stage=Stage.DENOISE,
        config=config,
        told=flux2.told,
        prefix=DENOISER,
        layout=flux2.layout,
        lies=flux2.lies,
        spelling=flux2.spelling,
    )


# FLUX.3's as well.
LATENTS = Part(
    name="vae",
    title="VAE",
    network=VAE,
    stage=Stage.DECODE,
    config="flux2/vae",
    prefix=flux2.VAE,
    layout=flux2.vae_layout,
    told=flux2.vae_told,
    settings={"latent_channels": (32,)},
    file="flux2-vae.safetensors",
)


def _of_scheduler(config: Config, name: str) -> Trained:
    """Where a folder's levels depend on the picture's size, they are these models' own."""
    trained = of_flow_scheduler(config, name)
    return replace(trained, noise=EMPIRICAL) if config.get("use_dynamic_shifting") else trained


_NOISE = Noise(
    levels=EMPIRICAL,
    prediction="flow",
    schedulers=frozenset({FLOW_SCHEDULER}),
    read=_of_scheduler,
)
_TASKS = frozenset(
    {
        *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
        *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE, Task.EDIT),
    }
)
GRID = 16  # two latent pixels of a side are one of its tokens
_MOST = 1024 * 1024  # pixels of a picture that is looked at
_LEAST = 64  # of a side
_KLEIN_9B = 12_288  # how wide its words are: three layers of Qwen3 8B


def _qwen_of(config: Config) -> str:
    """The usual name of the text encoder that a transformer of klein reads."""
    size = "8b" if config.get("joint_attention_dim") == _KLEIN_9B else "4b"
    return f"qwen_3_{size}.safetensors"


def _guided(shapes: Shapes) -> bool | None:
    """Whether a file's transformer is told its guidance; None: it is none of FLUX.2."""
    if DENOISER + _MARK not in shapes:
        return None
    return DENOISER + _GUIDED in shapes


def _guided_in_folder(config: Config) -> bool | None:
    if config.get("_class_name") != TRANSFORMER.name:
        return None
    return bool({**flux2.USUAL, **config}["guidance_embeds"])


def _klein(config: Config) -> str:
    """The size of klein, by the words that it reads."""
    return "flux2-klein-9b" if config.get("joint_attention_dim") == _KLEIN_9B else "flux2-klein"


def edited_at(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture of that size is edited, or looked at: no larger than it is."""
    smaller = min(1.0, math.sqrt(_MOST / (width * height)))
    across, down = (max(_LEAST, int(side * smaller) // GRID * GRID) for side in (width, height))
    return across, down


def _seen_at(width: int, height: int, nth: int) -> tuple[int, int] | None:
    """The first is changed, and others are looked at in their own shape."""
    return edited_at(width, height) if nth else None


def _klein_in_file(shapes: Shapes, metadata: Mapping[str, str]) -> str:
    said = metadata.get("modelspec.title", "").casefold()
    return _klein(flux2.told(shapes)) + ("-base" if re.search(r"\bbase\b", said) else "")


def _klein_in_folder(index: Config, config: Config) -> str:
    if index.get("_class_name") == "Flux2KleinKVPipeline":
        return "flux2-klein-9b-kv"
    base = "-base" if index.get("is_distilled") is False else ""
    return _klein(config) + base


FLUX2_DEV = Architecture(
    name="flux2-dev",
    family="flux2-dev",
    parts=(
        transformer("flux2/transformer"),
        LATENTS,
        encoder(
            MISTRAL,
            config="text/mistral-small-3",
            prefix="text_encoders.mistral3_24b.transformer.",
            title="text encoder (Mistral Small 3)",
            classes=("Mistral3ForConditionalGeneration",),
            tokenizer=mistral_tokenizer(),
            file="mistral_3_small_flux2_bf16.safetensors",
        ),
    ),
    recognise=lambda shapes: _guided(shapes) is True,
    recognise_folder=lambda config: _guided_in_folder(config) is True,
    pipelines="Flux2Pipeline",
    fits=words_of(3),
    noise=_NOISE,
    tasks=_TASKS,
    grid=GRID,
    latent_channels=32,
    edits_at=edited_at,
    seen_at=_seen_at,
    looks_at_the_rest=True,
)
FLUX2_KLEIN = Architecture(
    name="flux2-klein",
    family="flux2-klein",
    parts=(
        transformer("flux2-klein/transformer"),
        LATENTS,
        encoder(
            QWEN3,
            config="text/qwen3",
            prefix="text_encoders.qwen3_4b.transformer.",
            title="text encoder (Qwen3)",
            classes=("Qwen3ForCausalLM",),
            tokenizer=qwen_tokenizer(),
            file=_qwen_of,
        ),
    ),
    recognise=lambda shapes: _guided(shapes) is False,
    recognise_folder=lambda config: _guided_in_folder(config) is False,
    pipelines="Flux2Klein(Inpaint|KV)?Pipeline",
    fits=words_of(3),
    alike={name: (f"{name}-base",) for name in ("flux2-klein", "flux2-klein-9b")},
    noise=_NOISE,
    tasks=_TASKS,
    grid=GRID,
    latent_channels=32,
    edits_at=edited_at,
    seen_at=_seen_at,
    looks_at_the_rest=True,
    finer=_klein_in_file,
    finer_folder=_klein_in_folder,
    index={"is_distilled": (True, False, None)},
)
