"""Diffusers folders of the real shapes with tiny random weights, made once per test session.

They draw noise, but through every line of code that a real checkpoint goes through.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
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
def sd15() -> Path:
    """A tiny Stable Diffusion 1.x, carded as of the family "starter"."""
    return build_sd15(home() / "sd1" / "tiny-sd15")


@cache
def sdxl() -> Path:
    """A tiny SDXL."""
    return build_sdxl(home() / "sdxl" / "tiny-sdxl")


def build_sd15(folder: Path, *, seed: int = 0, prediction: str = "epsilon") -> Path:
    """Write a tiny SD 1.x into `folder`."""
    tokenizer = _tokenizer()
    _save(folder / "tokenizer", lambda: tokenizer, seed)
    _save(folder / "text_encoder", lambda: _text_encoder(tokenizer, "CLIPTextModel"), seed)
    _save(folder / "unet", lambda: _unet(cross_attention_dim=32, attention_head_dim=2), seed)
    _save(folder / "vae", _vae, seed)
    _write_index(
        folder,
        "StableDiffusionPipeline",
        {
            "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "safety_checker": [None, None],
            "feature_extractor": [None, None],
            "requires_safety_checker": False,
        },
        {**SCHEDULER, "prediction_type": prediction},
    )
    (folder / "atelier.toml").write_text('family = "starter"\ntitle = "Tiny"\n')
    return folder


def build_sdxl(folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny SDXL into `folder`."""
    tokenizer = _tokenizer()
    for suffix in ("", "_2"):
        _save(folder / f"tokenizer{suffix}", lambda: tokenizer, seed)
    _save(folder / "text_encoder", lambda: _text_encoder(tokenizer, "CLIPTextModel"), seed)
    _save(
        folder / "text_encoder_2",
        lambda: _text_encoder(tokenizer, "CLIPTextModelWithProjection", width=48),
        seed + 1,
    )
    _save(
        folder / "unet",
        lambda: _unet(
            cross_attention_dim=32 + 48,
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            transformer_layers_per_block=(1, 2),
            projection_class_embeddings_input_dim=80,
        ),
        seed,
    )
    _save(folder / "vae", _vae, seed)
    _write_index(
        folder,
        "StableDiffusionXLPipeline",
        {
            "text_encoder": ["transformers", "CLIPTextModel"],
            "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "tokenizer_2": ["transformers", "CLIPTokenizer"],
            "feature_extractor": [None, None],
            "image_encoder": [None, None],
            "force_zeros_for_empty_prompt": False,
        },
        SCHEDULER,
    )
    (folder / "atelier.toml").write_text('family = "sdxl"\n')
    return folder


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
        in_channels=4,
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
