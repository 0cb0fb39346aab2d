"""ERNIE-Image and ERNIE-Image Turbo: their parts, and how their files are told.

    model.diffusion_model.layers...     the transformer, by diffusers' own names
    text_encoders.ministral3_3b.        Ministral 3 3B, which reads the words
    vae.                                FLUX.2's VAE

Turbo was distilled from the other and has its tensors: a card says which a file or folder is.  What
rewrites prompts in their folders (`pe`) is left alone: words are drawn as they were said.
"""

from __future__ import annotations

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.builds import ernie_image
from generation.families.fitting import words_of
from generation.families.flux import DENOISER
from generation.families.flux2 import LATENTS
from generation.families.laid import under
from generation.families.text.encoder import encoder
from generation.families.text.language import MINISTRAL3, mistral_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_ernie_image",
    name="ErnieImageTransformer2DModel",
    weights="diffusion_pytorch_model",
    tensors=ernie_image.tensors,
    settings=frozenset(ernie_image.USUAL),
)


def told(shapes: Shapes) -> Config:
    """What a single file's tensors say of its transformer; nothing where they are not its."""
    return ernie_image.told(under(DENOISER, shapes))


def _layout(shapes: Shapes, _config: Config) -> Shapes:
    return {DENOISER + key: shape for key, shape in shapes.items()}


def _recognise(shapes: Shapes) -> bool:
    return f"{DENOISER}layers.0.adaLN_sa_ln.weight" in shapes


def _recognise_folder(config: Config) -> bool:
    return config.get("_class_name") == TRANSFORMER.name


ERNIE_IMAGE = Architecture(
    name="ernie-image",
    family="ernie-image",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="ernie-image/transformer",
            told=told,
            prefix=DENOISER,
            layout=_layout,
            settings={"in_channels": (128, None), "out_channels": (128, None)},
        ),
        LATENTS,
        encoder(
            MINISTRAL3,
            config="text/ministral-3-3b",
            prefix="text_encoders.ministral3_3b.transformer.",
            title="text encoder (Ministral 3 3B)",
            classes=("Mistral3Model", "Mistral3ForConditionalGeneration"),
            tokenizer=mistral_tokenizer(),
            file="ministral-3-3b.safetensors",
        ),
    ),
    recognise=_recognise,
    recognise_folder=_recognise_folder,
    pipelines="ErnieImagePipeline",
    alike={"ernie-image": ("ernie-image-turbo",)},
    fits=words_of(read_as="text_in_dim"),
    noise=Noise(
        levels="flow:3.0",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset(
        {
            *(Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.BLEND),
            *(Task.INPAINT, Task.OUTPAINT, Task.UPSCALE),
        }
    ),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=32,
)
