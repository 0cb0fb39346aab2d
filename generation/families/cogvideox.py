"""CogVideoX: its parts, and how its folders are told.

    transformer    words and film are tokens of one attention; 16 channels draw from words, 32 go on
                   from a picture
    vae            8 pixels of a side and 4 frames are one
    text_encoder   T5-XXL, which reads the words

Published in folders.  In 1.5 two latent frames are one token (`patch_size_t`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from generation.errors import UnusableWeights
from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Stage,
    Trained,
)
from generation.families.builds import cogvideox
from generation.families.laid import folder_part
from generation.families.lengths import film_work
from generation.families.networks import T5, t5_tokenizer
from generation.families.trained import of_scheduler
from generation.sigmas import ZERO_SNR
from generation.tasks import Task

STEP = 4  # frames of each latent one but the first, which is of one
FILMS = 8  # whose latent frames are decoded two by two, and the first with them
_SCHEDULERS = frozenset({"CogVideoXDDIMScheduler", "CogVideoXDPMScheduler"})

TRANSFORMER = Network(
    module="diffusers.models.transformers.cogvideox_transformer_3d",
    name="CogVideoXTransformer3DModel",
    weights="diffusion_pytorch_model",
    tensors=cogvideox.tensors,
    settings=frozenset(cogvideox.USUAL),
    only={
        "norm_elementwise_affine": (True, None),
        "patch_size": (2, None),
        "patch_size_t": (2, None),
        "temporal_compression_ratio": (4, None),
    },
)
AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_cogvideox",
    name="AutoencoderKLCogVideoX",
    weights="diffusion_pytorch_model",
    tensors=cogvideox.vae,
    settings=frozenset(cogvideox.VAE),
    only={
        "in_channels": (3, None),
        "out_channels": (3, None),
        "latents_mean": (None,),
        "latents_std": (None,),
        "shift_factor": (None,),
        "temporal_compression_ratio": (4, 4.0, None),
        "use_post_quant_conv": (False, None),
        "use_quant_conv": (False, None),
    },
)


def latent_frames(frames: int) -> int:
    """How many latent frames a film of so many frames is."""
    return (frames - 1) // STEP + 1


def _of_scheduler(config: Config, name: str) -> Trained:
    """What a folder's scheduler says: betas, and how much less signal there is than by these."""
    if (called := config.get("_class_name")) not in _SCHEDULERS:
        raise UnusableWeights(name, f"its scheduler is {called!r:.60}, not supported yet")
    less = config.get("snr_shift_scale", 3.0)
    if not isinstance(less, int | float) or not 0 < less < 10:
        raise UnusableWeights(name, f"its scheduler's snr_shift_scale is {less!r:.60}")
    others = {k: v for k, v in config.items() if k not in ("_class_name", "snr_shift_scale")}
    trained = of_scheduler(others, name)
    if less == 1:
        return trained
    noise = trained.noise.removesuffix(ZERO_SNR)
    ends = trained.noise.removeprefix(noise)
    return replace(trained, noise=f"{noise}*{float(less)!r:.10}{ends}")


_part = partial(folder_part, "cogvideox")


def _fits(configs: Mapping[str, Config]) -> str | None:
    read = configs.get("transformer", {}).get("text_embed_dim")
    given = configs.get("text_encoder", {}).get("d_model")
    if not isinstance(read, int) or not isinstance(given, int) or read == given:
        return None
    return f"its words are {given} wide, and {read} is read"


def _finer_folder(_index: Config, denoiser: Config) -> str:
    newer = "-1.5" if denoiser.get("patch_size_t") is not None else ""
    return f"cogvideox{newer}" + ("-i2v" if denoiser.get("in_channels") == 32 else "")


COGVIDEOX = Architecture(
    name="cogvideox",
    family="cogvideox",
    parts=(
        _part("transformer", "transformer", TRANSFORMER, Stage.DENOISE),
        _part("vae", "VAE", AUTOENCODER, Stage.DECODE),
        _part(
            "text_encoder",
            "text encoder (T5-XXL)",
            T5,
            Stage.ENCODE,
            t5_tokenizer("tokenizer"),
            config="sd3/text_encoder_3",
        ),
    ),
    recognise=lambda shapes: "transformer.patch_embed.text_proj.weight" in shapes,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="CogVideoX(ImageToVideo|VideoToVideo)?Pipeline",
    finer_folder=_finer_folder,
    fits=_fits,
    noise=Noise(
        levels="scaled-linear",
        prediction="v_prediction",
        schedulers=_SCHEDULERS,
        read=_of_scheduler,
    ),
    tasks=frozenset(
        {Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.VIDEO_TO_VIDEO, Task.EXTEND_VIDEO}
    ),
    grid=16,  # two latent pixels of a side are one of its tokens
    latent_channels=16,
    medium="video",
    work=film_work(latent_frames),
)
