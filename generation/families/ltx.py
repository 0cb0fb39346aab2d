"""LTX-Video 0.9: its parts, and how its files are told.

    model.diffusion_model.patchify_proj   the transformer, whose tokens are latent pixels
    vae.                                  128 channels; 32 pixels of a side and 8 frames are one
    text_encoders.t5xxl.                  T5-XXL, which reads the words

A file's own tensors say how large its networks are.  From 0.9.5 on the first frame has a time of
its own, as its VAE has always had it: a folder's pipeline says that, and of a file its VAE, its
size or its metadata; of one that lacks all, its card.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
)
from generation.families.builds import ltx, ltx_vae
from generation.families.chroma import CHROMA
from generation.families.flux import DENOISER, VAE
from generation.families.laid import renamed, turned, under
from generation.families.lengths import film_work
from generation.families.trained import FLOW_SCHEDULER, of_flow_scheduler
from generation.sigmas import TOKEN
from generation.tasks import Task

LATER = "ltx-video-0.9.5"  # the family of those from 0.9.5 on
STEP = 8  # frames of each latent one but the first, which is of one
SIDE = 32  # pixels of a latent pixel's side

_BEGINNINGS = {"proj_in.": "patchify_proj.", "time_embed.": "adaln_single."}
_INSIDE = {".norm_q.": ".q_norm.", ".norm_k.": ".k_norm."}
_THEIRS = partial(renamed, beginnings=_BEGINNINGS, inside=_INSIDE)
_OURS = partial(renamed, beginnings=turned(_BEGINNINGS), inside=turned(_INSIDE))


def layout(shapes: Shapes, _config: Config) -> Shapes:
    """The transformer's tensors as a file names them."""
    return {DENOISER + _THEIRS(key): shape for key, shape in shapes.items()}


def told(shapes: Shapes) -> Config:
    """What a file's tensors say of its transformer; nothing where they are not its."""
    return ltx.told({_OURS(key): shape for key, shape in under(DENOISER, shapes).items()})


def _vae_layout(shapes: Shapes, config: Config) -> Shapes:
    return {VAE + key: shape for key, shape in ltx_vae.layout(shapes, config).items()}


def _noisy(config: Config) -> str | None:
    """0.9.1's throws noise between its layers, as it falls on each device."""
    throws = config.get("decoder_inject_noise")
    if isinstance(throws, list | tuple) and any(throws):
        return "its VAE throws noise between its layers (0.9.1's), which no recipe says"
    return None


TRANSFORMER = Network(
    module="diffusers.models.transformers.transformer_ltx",
    name="LTXVideoTransformer3DModel",
    weights="diffusion_pytorch_model",
    tensors=ltx.tensors,
    settings=frozenset(ltx.USUAL),
    only={
        "activation_fn": ("gelu-approximate", None),
        "attention_bias": (True, None),
        "attention_out_bias": (True, None),
        "norm_elementwise_affine": (False, None),
        "patch_size": (1, None),
        "patch_size_t": (1, None),
        "qk_norm": ("rms_norm_across_heads", None),
    },
)
AUTOENCODER = Network(
    module="diffusers.models.autoencoders.autoencoder_kl_ltx",
    name="AutoencoderKLLTXVideo",
    weights="diffusion_pytorch_model",
    tensors=ltx_vae.tensors,
    settings=frozenset(ltx_vae.USUAL),
    only={
        "in_channels": (3, None),
        "out_channels": (3, None),
        "patch_size_t": (1, None),
        "scaling_factor": (1.0, None),
        "encoder_causal": (True, None),
        "decoder_causal": (False, None),
    },
    fault=_noisy,
)


def latent_frames(frames: int) -> int:
    """How many latent frames a film of so many frames is."""
    return (frames - 1) // STEP + 1


def tokens(pixels: int, frames: int) -> int:
    """How many tokens a film of that size and length is."""
    return pixels // SIDE**2 * latent_frames(frames)


def _recognise(shapes: Shapes) -> bool:
    # LTX-2's, by its own names or by diffusers'.
    sounds = any(
        f"{DENOISER}audio_{name}.weight" in shapes for name in ("patchify_proj", "proj_in")
    )
    mine = f"{DENOISER}patchify_proj.weight" in shapes
    return mine and f"{DENOISER}adaln_single.linear.weight" in shapes and not sounds


def _finer(shapes: Shapes, metadata: Mapping[str, str]) -> str | None:
    """The later VAE makes levels smaller by taking pixels for channels; 13B has 48 blocks."""
    later = (
        f"{VAE}encoder.down_blocks.1.conv.conv.weight" in shapes
        or f"{DENOISER}transformer_blocks.47.scale_shift_table" in shapes
        or '"causal_temporal_positioning": true' in metadata.get("config", "")
    )
    return LATER if later else None


LTX_VIDEO = Architecture(
    name="ltx-video",
    family="ltx-video",
    parts=(
        Part(
            name="transformer",
            title="transformer",
            network=TRANSFORMER,
            stage=Stage.DENOISE,
            config="ltx-video/transformer",
            told=told,
            prefix=DENOISER,
            layout=layout,
        ),
        Part(
            name="vae",
            title="VAE",
            network=AUTOENCODER,
            stage=Stage.DECODE,
            config="ltx-video/vae",
            told=lambda shapes: ltx_vae.told(under(VAE, shapes)),
            prefix=VAE,
            layout=_vae_layout,
            # Statistics that nothing reads.
            spare=lambda _: tuple(
                f"{VAE}per_channel_statistics.{name}" for name in ("channel", "mean-of-stds")
            ),
            file="LTX-Video-VAE-BF16.safetensors",
        ),
        CHROMA.part("text_encoder"),
    ),
    recognise=_recognise,
    recognise_folder=lambda config: config.get("_class_name") == TRANSFORMER.name,
    pipelines="LTX(Condition|ImageToVideo)?Pipeline",
    by_pipeline={"LTXConditionPipeline": LATER},
    finer=_finer,
    alike={"ltx-video": (LATER,)},
    noise=Noise(
        levels="flow-mu:0.95:2.05:1024:4096@0.1",
        prediction="flow",
        schedulers=frozenset({FLOW_SCHEDULER}),
        read=of_flow_scheduler,
    ),
    tasks=frozenset(
        {Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO, Task.VIDEO_TO_VIDEO, Task.EXTEND_VIDEO}
    ),
    grid=SIDE,
    latent_channels=128,
    medium="video",
    work=film_work(latent_frames),
    levels_by=lambda pixels, frames: TOKEN * tokens(pixels, frames),
)
