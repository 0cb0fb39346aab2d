"""HunyuanVideo 1.5: its parts, and how its folders are told.

    transformer      film and words are tokens of one attention; beside the noise of each latent
                     frame lies what is known of it, and whether anything is
    vae              16 pixels of a side and 4 frames are one
    text_encoder     the words' half of Qwen2.5-VL
    text_encoder_2   ByT5, which reads letter by letter what stands in quotes
    image_encoder    of what goes on from a picture: SigLIP, which sees it

Published in folders.  All have the same tensors but the one that was taught to leap over steps; a
folder says what it is: by its size in pixels, its image encoder, and what guides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from generation.families.architecture import (
    GUIDED_AT,
    LOOKS_BY,
    Architecture,
    Config,
    Network,
    Noise,
    Settings,
    Stage,
    Tokenizer,
)
from generation.families.builds import hunyuan_video, siglip
from generation.families.laid import folder_part
from generation.families.lengths import film_work
from generation.families.networks import T5, odd_factor
from generation.families.text.language import QWEN25_VL_WORDS, qwen_tokenizer
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.tasks import Task

NAME = "hunyuan-video-1.5"
STEP = 4  # frames of each latent one but the first, which is of one
SIDE = 16  # pixels of a latent pixel's side
LARGE, TAUGHT, LEAPING = "-720p", "-distilled", "-step-distilled"
SEEING = "-i2v"
_LARGE = 960  # the side of a square of as many pixels

TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_hunyuan_video15",
    name="HunyuanVideo15Transformer3DModel",
    weights="diffusion_pytorch_model",
    tensors=hunyuan_video.tensors,
    settings=frozenset(hunyuan_video.USUAL),
    only={
        "patch_size": (1, None),
        "patch_size_t": (1, None),
        "qk_norm": ("rms_norm", None),
        "task_type": ("t2v", "i2v", None),
    },
)
AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_hunyuanvideo15",
    name="AutoencoderKLHunyuanVideo15",
    weights="diffusion_pytorch_model",
    tensors=hunyuan_video.vae,
    settings=frozenset(hunyuan_video.VAE),
    only={
        "in_channels": (3, None),
        "out_channels": (3, None),
        "spatial_compression_ratio": (SIDE, None),
        "temporal_compression_ratio": (STEP, None),
    },
    fault=odd_factor,
)
SIGLIP = Network(
    module="transformers.models.siglip.modeling_siglip",
    name="SiglipVisionModel",
    weights="model",
    tensors=siglip.tensors,
    settings=None,
    # Older releases have a level around it.
    modern=lambda key: key.removeprefix("vision_model."),
    harmless=("text_model.", "logit_scale", "logit_bias"),
)


def latent_frames(frames: int) -> int:
    """How many latent frames a film of so many frames is."""
    return (frames - 1) // STEP + 1


_part = partial(folder_part, NAME)


# What the transformer reads, of which part, and as what.
_READ = (
    ("text_embed_dim", "text_encoder", "hidden_size", "words"),
    ("text_embed_2_dim", "text_encoder_2", "d_model", "words in quotes"),
    ("image_embed_dim", LOOKS_BY, "hidden_size", "pictures"),
)


def _fits(configs: Mapping[str, Config]) -> str | None:
    denoiser = configs.get("transformer", {})
    for said, part, given, what in _READ:
        read, made = denoiser.get(said), configs.get(part, {}).get(given)
        if isinstance(read, int) and isinstance(made, int) and read != made:
            return f"its {what} are {made} wide, and {read} is read"
    latent, beside = configs.get("vae", {}).get("latent_channels"), denoiser.get("in_channels")
    if isinstance(latent, int) and isinstance(beside, int) and beside != 2 * latent + 1:
        return f"its latents have {latent} channels, and {beside} are read, which are no {latent}"
    return None


def _finer_folder(index: Config, denoiser: Config) -> str:
    looks = index.get(LOOKS_BY)
    seeing = isinstance(looks, list) and looks[-1] is not None
    found = NAME + (LARGE if denoiser.get("target_size") == _LARGE else "")
    if seeing and denoiser.get("use_meanflow"):
        return NAME + SEEING + LEAPING
    return found + (SEEING if seeing else "") + (TAUGHT if index.get(GUIDED_AT) == 1 else "")


_INDEX: Settings = {
    "guider": (["diffusers", "ClassifierFreeGuidance"],),
    # What prepares pictures for SigLIP does it alike in all of them.
    "feature_extractor": (
        *(["transformers", f"SiglipImageProcessor{kind}"] for kind in ("", "Fast", "Pil")),
        [None, None],
    ),
}


HUNYUAN_VIDEO = Architecture(
    name=NAME,
    family=NAME,
    parts=(
        _part("transformer", "transformer", TRANSFORMER, Stage.DENOISE),
        _part("vae", "VAE", AUTOENCODER, Stage.DECODE),
        _part(
            "text_encoder",
            "text encoder (Qwen2.5-VL)",
            QWEN25_VL_WORDS,
            Stage.ENCODE,
            tokenizer=qwen_tokenizer(),
        ),
        _part(
            "text_encoder_2",
            "text encoder (ByT5)",
            T5,
            Stage.ENCODE,
            tokenizer=Tokenizer(
                name="tokenizer_2",
                module="transformers.models.byt5.tokenization_byt5",
                classes=("ByT5Tokenizer",),
                padding="<pad>",
            ),
        ),
        _part(LOOKS_BY, "image encoder (SigLIP)", SIGLIP, Stage.ENCODE, optional=True),
    ),
    recognise=lambda shapes: "transformer.cond_type_embed.weight" in shapes,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="HunyuanVideo15(ImageToVideo)?Pipeline",
    finer_folder=_finer_folder,
    index=_INDEX,
    fits=_fits,
    noise=Noise(
        levels="flow:5.0",  # of 480p; folders of others say 7 or 9
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset({Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.EXTEND_VIDEO}),
    grid=SIDE,
    latent_channels=32,
    medium="video",
    work=film_work(latent_frames),
)
