"""Diffusers folders of the real shapes with tiny random weights, made once per test session.

They draw noise, but through every line of code that a real checkpoint goes through.
"""

from __future__ import annotations

import atexit
import copy
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from generation.families.family import ARCHITECTURES
from generation.tasks import IMAGE
from tests.given.tiny import (
    ace_step,
    anima,
    cogvideox,
    ernie_image,
    flux,
    flux2,
    flux3,
    hidream,
    hunyuan_video,
    krea2,
    longcat_image,
    ltx,
    ltx2,
    lumina2,
    parts,
    qwen_image,
    qwen_image_21,
    sana,
    shap_e,
    stable_audio,
    stable_audio_3,
    wan,
    z_image,
)

SCHEDULER = {
    "_class_name": "EulerDiscreteScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "steps_offset": 1,
    "timestep_spacing": "leading",
}
FLOW_SCHEDULER = {
    "_class_name": "FlowMatchEulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "shift": 3.0,
}


@cache
def home() -> Path:
    """The folder of this session's models, one folder each; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="atelier-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def of(architecture: str) -> Path:
    """The tiny model of an architecture."""
    name = {"sd1": "tiny-sd15"}.get(architecture, f"tiny-{architecture}")
    known = BUILDS | VARIANTS | FORMS | SOUNDS
    return known[architecture](home() / architecture / name)


def sd15() -> Path:
    """A tiny Stable Diffusion 1.x, carded as of the family "starter"."""
    return of("sd1")


def sdxl() -> Path:
    """A tiny SDXL."""
    return of("sdxl")


def build_sd15(
    folder: Path, *, seed: int = 0, prediction: str = "epsilon", channels: int = 4, **unet: object
) -> Path:
    """Write a tiny SD 1.x into `folder`; `unet` is what else its UNet's config says."""
    _build(
        folder,
        encoders={"text_encoder": ("CLIPTextModel", 32)},
        unet={
            "cross_attention_dim": 32,
            "attention_head_dim": 2,
            "in_channels": channels,
            **unet,
        },
        pipeline="StableDiffusion",
        scheduler={**SCHEDULER, "prediction_type": prediction},
        seed=seed,
    )
    (folder / "atelier.toml").write_text('family = "starter"\ntitle = "Tiny"\n')
    return folder


def build_sd2(
    folder: Path, *, seed: int = 0, prediction: str = "v_prediction", channels: int = 4
) -> Path:
    """Write a tiny SD 2.x into `folder`: that of 768 pixels, unless it predicts the noise."""
    _build(
        folder,
        encoders={"text_encoder": ("CLIPTextModel", 48)},
        unet={
            "cross_attention_dim": 48,
            "attention_head_dim": (2, 4),
            "in_channels": channels,
            "use_linear_projection": True,
        },
        pipeline="StableDiffusion",
        scheduler={**SCHEDULER, "prediction_type": prediction},
        seed=seed,
    )
    family = "sd2-768" if prediction == "v_prediction" else "sd2"
    (folder / "atelier.toml").write_text(f'family = "{family}"\n')
    return folder


def build_sdxl(folder: Path, *, seed: int = 0, channels: int = 4) -> Path:
    """Write a tiny SDXL into `folder`."""
    _build(
        folder,
        encoders={
            "text_encoder": ("CLIPTextModel", 32),
            "text_encoder_2": ("CLIPTextModelWithProjection", 48),
        },
        unet={
            "cross_attention_dim": 32 + 48,
            "attention_head_dim": (2, 4),
            "in_channels": channels,
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "transformer_layers_per_block": (1, 2),
            "projection_class_embeddings_input_dim": 32 + 6 * 8,
        },
        pipeline="StableDiffusionXL",
        scheduler=SCHEDULER,
        seed=seed,
    )
    (folder / "atelier.toml").write_text('family = "sdxl"\n')
    return folder


def build_refiner(folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny refiner of SDXL into `folder`."""
    _build(
        folder,
        encoders={"text_encoder_2": ("CLIPTextModelWithProjection", 48)},
        unet={
            "cross_attention_dim": 48,
            "attention_head_dim": (2, 4),
            "in_channels": 4,
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "transformer_layers_per_block": 2,
            "projection_class_embeddings_input_dim": 32 + 5 * 8,
        },
        pipeline="StableDiffusionXLImg2Img",
        scheduler=SCHEDULER,
        seed=seed,
    )
    index = json.loads((folder / "model_index.json").read_text())
    index |= {
        "text_encoder": [None, None],
        "tokenizer": [None, None],
        "requires_aesthetics_score": True,
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "atelier.toml").write_text('family = "sdxl-refiner"\n')
    return folder


def build_sd3(
    folder: Path,
    *,
    seed: int = 0,
    t5: bool = True,
    large: bool = False,
    first: bool = False,
    real_words: bool = False,
) -> Path:
    """Write a tiny Stable Diffusion 3.5 into `folder`.

    Its first block has two attentions, as 3.5 medium's have, unless it is to be built as 3.5
    large, or without its norms as 3 (`first`).  `real_words`: with the tokenizers of real
    checkpoints, and room for their tokens.
    """
    clip, t5_words = (parts.real_tokenizers if real_words else parts.tiny_tokenizers)()
    index: dict[str, object] = {}
    for suffix, width in (("", 32), ("_2", 48)):
        parts.saved(folder / f"tokenizer{suffix}", partial(_padded, clip, suffix), seed)
        make = partial(parts.text_encoder, clip, "CLIPTextModelWithProjection", width=width)
        parts.saved(folder / f"text_encoder{suffix}", make if suffix else _unprojected(make), seed)
        index[f"text_encoder{suffix}"] = ["transformers", "CLIPTextModelWithProjection"]
        index[f"tokenizer{suffix}"] = ["transformers", "CLIPTokenizer"]
    index |= {"text_encoder_3": [None, None], "tokenizer_3": [None, None]}
    if t5:
        parts.saved(folder / "tokenizer_3", lambda: t5_words, seed)
        parts.saved(
            folder / "text_encoder_3", partial(parts.t5, 32128 if real_words else 300), seed
        )
        index["text_encoder_3"] = ["transformers", "T5EncoderModel"]
        index["tokenizer_3"] = ["transformers", "T5TokenizerFast"]
    parts.saved(folder / "transformer", partial(_mmdit, large=large, first=first), seed)
    vae = partial(parts.vae, latent_channels=16, scaling_factor=1.5305, shift_factor=0.0609)
    parts.saved(folder / "vae", partial(vae, use_quant_conv=False, use_post_quant_conv=False), seed)
    index["transformer"] = ["diffusers", "SD3Transformer2DModel"]
    parts.write_index(folder, "StableDiffusion3Pipeline", index, FLOW_SCHEDULER)
    return folder


BUILDS: dict[str, Callable[[Path], Path]] = {
    "sd1": build_sd15,
    "sd2": build_sd2,
    "sdxl": build_sdxl,
    "sdxl-refiner": build_refiner,
    "sd3": build_sd3,
    "flux1": flux.build,
    "flux1-schnell": flux.build_schnell,
    "flux2-klein": flux2.build_klein,
    "flux2-dev": flux2.build_dev,
    "flux3": flux3.build,
    "z-image": z_image.build,
    "ernie-image": ernie_image.build,
    "hidream": hidream.build,
    "sana": sana.build,
    "chroma": flux.build_chroma,
    "qwen-image": qwen_image.build,
    "qwen-image-2.1": qwen_image_21.build,
    "krea2": krea2.build,
    "anima": anima.build,
    "lumina2": lumina2.build,
    "longcat-image": longcat_image.build,
    "wan": wan.build,
    "wan-2.2-5b": wan.build_5b,
    "wan-vace": wan.build_vace,
    "ltx-video": ltx.build,
    "hunyuan-video-1.5": hunyuan_video.build,
}

_MEDIA = {one.name: one.medium for one in ARCHITECTURES}
PICTURES = tuple(name for name in BUILDS if _MEDIA[name] == IMAGE)  # of which pictures are made

# Other models of some of these architectures.
VARIANTS: dict[str, Callable[[Path], Path]] = {
    "wan-i2v": wan.build_i2v,
    "cogvideox-5b": partial(cogvideox.build, turned=True),
    "cogvideox-i2v": partial(cogvideox.build, turned=True, from_pictures=True),
    "cogvideox-1.5": partial(cogvideox.build, newer=True),
    "cogvideox-1.5-i2v": partial(cogvideox.build, newer=True, from_pictures=True),
    "hunyuan-video-1.5-i2v": partial(hunyuan_video.build, from_pictures=True),
    "hunyuan-video-1.5-i2v-step-distilled": partial(
        hunyuan_video.build, from_pictures=True, leaping=True, cfg=1.0
    ),
    "ltx-video-0.9.5": ltx.build_later,
    "ltx-2-distilled": ltx2.build_distilled,
    "ltx-2.3-distilled": ltx2.build_23_distilled,
    "wan-flf2v": partial(wan.build_i2v, both=True),
    "wan-2.2": wan.build_22,
    "wan-2.2-i2v": partial(wan.build_22, from_pictures=True),
}

# Of sounds, which have no size.
SOUNDS: dict[str, Callable[[Path], Path]] = {
    "ace-step": ace_step.build,
    "stable-audio": stable_audio.build,
    "stable-audio-3": stable_audio_3.build,
}

# What is read from folders alone, or whose file has more parts than one that draws pictures.
FORMS: dict[str, Callable[[Path], Path]] = {
    "shap-e": shap_e.build,
    "shap-e-image": shap_e.build_image,
    "cogvideox": cogvideox.build,
    "ltx-2": ltx2.build,
    "ltx-2.3": ltx2.build_23,
}

# What a pipeline is called that was saved for a denoiser with so many channels.
_TASKS = {4: "", 8: "InstructPix2Pix", 9: "Inpaint"}


def _build(
    folder: Path,
    *,
    encoders: Mapping[str, tuple[str, int]],
    unet: dict[str, Any],
    pipeline: str,
    scheduler: dict[str, object],
    seed: int,
) -> None:
    """`encoders`: the class and width of each text encoder, by its folder."""
    tokenizer, index = parts.tiny_tokenizer(), dict[str, object]()
    for part, (kind, width) in encoders.items():
        words = part.replace("text_encoder", "tokenizer")
        index |= {part: ["transformers", kind], words: ["transformers", "CLIPTokenizer"]}
        parts.saved(folder / words, lambda: tokenizer, seed)
        make = partial(parts.text_encoder, tokenizer, kind, width=width)
        parts.saved(folder / part, make, seed + part.endswith("_2"))
    parts.saved(folder / "unet", partial(_unet, **unet), seed)
    parts.saved(folder / "vae", parts.vae, seed)
    if pipeline.startswith("StableDiffusionXL"):
        index |= {"image_encoder": [None, None], "force_zeros_for_empty_prompt": False}
    else:
        index |= {"safety_checker": [None, None], "requires_safety_checker": False}
    index["unet"] = ["diffusers", "UNet2DConditionModel"]
    index["feature_extractor"] = [None, None]
    parts.write_index(folder, f"{pipeline}{_TASKS[unet['in_channels']]}Pipeline", index, scheduler)


def _unet(**options: object) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **{"norm_num_groups": 8, **options},
    )


def _mmdit(*, large: bool, first: bool) -> Any:
    """One head is 64 wide, as in every checkpoint: a single file does not say it otherwise."""
    from diffusers import SD3Transformer2DModel

    return SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=2,
        attention_head_dim=64,
        num_attention_heads=2,
        caption_projection_dim=128,
        joint_attention_dim=96,
        pooled_projection_dim=32 + 32,
        pos_embed_max_size=32,
        dual_attention_layers=() if large or first else (0,),
        qk_norm=None if first else "rms_norm",
    )


def _unprojected(make: Callable[[], Any]) -> Callable[[], Any]:
    """The encoder's projection changes nothing, as that of CLIP-L in Stable Diffusion 3."""
    import torch

    def made() -> Any:
        encoder = make()
        encoder.text_projection.weight.data = torch.eye(len(encoder.text_projection.weight))
        return encoder

    return made


def _padded(tokenizer: Any, suffix: str) -> Any:
    """The second CLIP fills short prompts with another token."""
    kept = copy.deepcopy(tokenizer)
    kept.pad_token = "!" if suffix else tokenizer.pad_token
    return kept
