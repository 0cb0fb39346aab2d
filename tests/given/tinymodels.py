"""Diffusers folders of the real shapes with tiny random weights, made once per test session.

They draw noise, but through every line of code that a real checkpoint goes through.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

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
    return BUILDS[architecture](home() / architecture / name)


def sd15() -> Path:
    """A tiny Stable Diffusion 1.x, carded as of the family "starter"."""
    return of("sd1")


def sdxl() -> Path:
    """A tiny SDXL."""
    return of("sdxl")


def build_sd15(
    folder: Path, *, seed: int = 0, prediction: str = "epsilon", channels: int = 4
) -> Path:
    """Write a tiny SD 1.x into `folder`."""
    _build(
        folder,
        encoders={"text_encoder": ("CLIPTextModel", 32)},
        unet={"cross_attention_dim": 32, "attention_head_dim": 2, "in_channels": channels},
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


BUILDS: dict[str, Callable[[Path], Path]] = {
    "sd1": build_sd15,
    "sd2": build_sd2,
    "sdxl": build_sdxl,
    "sdxl-refiner": build_refiner,
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
    tokenizer, index = _tokenizer(), dict[str, object]()
    for part, (kind, width) in encoders.items():
        words = part.replace("text_encoder", "tokenizer")
        index |= {part: ["transformers", kind], words: ["transformers", "CLIPTokenizer"]}
        _save(folder / words, lambda: tokenizer, seed)
        make = partial(_text_encoder, tokenizer, kind, width=width)
        _save(folder / part, make, seed + part.endswith("_2"))
    _save(folder / "unet", partial(_unet, **unet), seed)
    _save(folder / "vae", _vae, seed)
    if pipeline.startswith("StableDiffusionXL"):
        index |= {"image_encoder": [None, None], "force_zeros_for_empty_prompt": False}
    else:
        index |= {"safety_checker": [None, None], "requires_safety_checker": False}
    index["feature_extractor"] = [None, None]
    _write_index(folder, f"{pipeline}{_TASKS[unet['in_channels']]}Pipeline", index, scheduler)


def _save(folder: Path, make: Callable[[], Any], seed: int) -> None:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        make().save_pretrained(folder)


def _write_index(
    folder: Path, pipeline: str, parts: dict[str, object], scheduler: dict[str, object]
) -> None:
    index = {
        "_class_name": pipeline,
        "_diffusers_version": "0.42.1",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        **parts,
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler))


def _tokenizer() -> Any:
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    tokens = letters + [letter + "</w>" for letter in letters]
    merges = [("r", "e"), ("re", "d</w>"), ("c", "a"), ("ca", "t</w>"), ("d", "o"), ("do", "g</w>")]
    tokens += ["".join(merge) for merge in merges]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def _text_encoder(tokenizer: Any, kind: str, *, width: int = 32) -> Any:
    import transformers

    config = transformers.CLIPTextConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        hidden_size=width,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=5,
        vocab_size=len(tokenizer),
        projection_dim=32,
        max_position_embeddings=77,
        hidden_act="gelu",
    )
    return getattr(transformers, kind)(config)


def _unet(**options: object) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
        **options,
    )


def _vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[16, 32, 32, 32],
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=4,
        norm_num_groups=8,
        scaling_factor=0.18215,
    )
