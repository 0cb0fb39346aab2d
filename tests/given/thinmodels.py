"""Configs of thin models: of the real widths of words, everything else small.

`SD15`, `SD2`, `SDXL`, `REFINER` and `VAE` are the tensors of their single files, by name and shape;
a catalog with `configs()` takes files of these shapes for whole.  Nothing can draw with them.
"""

from __future__ import annotations

import atexit
import json
import math
import shutil
import struct
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from generation.catalog.checkpoint import expected_tensors
from generation.catalog.partconfigs import CONFIGS
from generation.families.architecture import Architecture
from generation.families.family import ARCHITECTURES
from generation.families.ldm import VAE as VAE_PREFIX

Shapes = Mapping[str, tuple[int, ...]]

UNET: dict[str, object] = {
    "_class_name": "UNet2DConditionModel",
    "block_out_channels": [8, 8],
    "cross_attention_dim": 768,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "in_channels": 4,
    "layers_per_block": 1,
    "out_channels": 4,
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}
UNET_OF_2 = UNET | {"cross_attention_dim": 1024, "use_linear_projection": True}
UNET_XL = UNET | {
    "addition_embed_type": "text_time",
    "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "projection_class_embeddings_input_dim": 8,
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}
UNET_OF_REFINER = UNET_XL | {"cross_attention_dim": 1280}
AUTOENCODER: dict[str, object] = {
    "_class_name": "AutoencoderKL",
    "block_out_channels": [4, 4],
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "latent_channels": 4,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
}
CLIP: dict[str, object] = {
    "architectures": ["CLIPTextModel"],
    "hidden_size": 4,
    "intermediate_size": 4,
    "max_position_embeddings": 77,
    "model_type": "clip_text_model",
    "num_hidden_layers": 1,
    "projection_dim": 4,
    "vocab_size": 8,
}
CLIP_2 = CLIP | {"architectures": ["CLIPTextModelWithProjection"]}
SCHEDULER: dict[str, object] = {
    "_class_name": "DDIMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
}

# By `Part.config`.
_CONFIGS: dict[str, dict[str, object]] = {
    "sd1/unet": UNET,
    "sd1/vae": AUTOENCODER,
    "sd1/text_encoder": CLIP,
    "sd2/unet": UNET_OF_2,
    "sd2/text_encoder": CLIP,
    "sdxl/unet": UNET_XL,
    "sdxl/vae": AUTOENCODER,
    "sdxl/text_encoder": CLIP,
    "sdxl/text_encoder_2": CLIP_2,
    "sdxl-refiner/unet": UNET_OF_REFINER,
}


@cache
def configs() -> Path:
    """The folder of the configs, a folder for each; removed at the end.

    Those of other models are as they are published.
    """
    home = Path(tempfile.mkdtemp(prefix="atelier-thin-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for published in CONFIGS.glob("*/*/config.json"):
        part = published.parent.relative_to(CONFIGS)
        if part.as_posix() not in _CONFIGS:
            (home / part).mkdir(parents=True)
            shutil.copy(published, home / part)
    for name, config in _CONFIGS.items():
        (home / name).mkdir(parents=True)
        (home / name / "config.json").write_text(json.dumps(config))
    return home


def architecture(name: str) -> Architecture:
    """The architecture of that name."""
    return next(one for one in ARCHITECTURES if one.name == name)


SD15: Shapes = expected_tensors(architecture("sd1"), configs())
SD2: Shapes = expected_tensors(architecture("sd2"), configs())
SDXL: Shapes = expected_tensors(architecture("sdxl"), configs())
REFINER: Shapes = expected_tensors(architecture("sdxl-refiner"), configs())
VAE: Shapes = {
    key.removeprefix(VAE_PREFIX): shape for key, shape in SD15.items() if key.startswith(VAE_PREFIX)
}


def with_channels(shapes: Shapes, channels: int) -> Shapes:
    """A single file's tensors of a UNet that takes so many channels."""
    first = "model.diffusion_model.input_blocks.0.0.weight"
    rows, _, *kernel = shapes[first]
    return {**shapes, first: (rows, channels, *kernel)}


def parts(name: str, channels: int = 4) -> dict[str, tuple[dict[str, object], Shapes]]:
    """The parts of a folder that have weights: their config and tensors."""
    found: dict[str, tuple[dict[str, object], Shapes]] = {}
    for part in architecture(name).parts:
        config = dict(_CONFIGS[part.config])
        if part.name == "unet":
            config["in_channels"] = channels
        found[part.name] = config, part.network.tensors(config) or {}
    return found


def index(name: str, channels: int = 4) -> dict[str, object]:
    """A model_index.json."""
    made_for = {4: "", 8: "InstructPix2Pix", 9: "Inpaint"}[channels]
    pipeline = {
        "sdxl": f"StableDiffusionXL{made_for}Pipeline",
        "sdxl-refiner": "StableDiffusionXLImg2ImgPipeline",
    }
    entries: dict[str, object] = {}
    for part in architecture(name).parts:
        entries[part.name] = [part.network.library, part.network.name]
        if part.tokenizer is not None:
            entries[part.tokenizer.name] = ["transformers", part.tokenizer.classes[0]]
    return {
        "_class_name": pipeline.get(name, f"StableDiffusion{made_for}Pipeline"),
        "_diffusers_version": "0.42.1",
        **entries,
        "scheduler": ["diffusers", "DDIMScheduler"],
        "safety_checker": [None, None],
    }


def write_folder(path: Path, name: str = "sd1", *, fill: int = 0, channels: int = 4) -> Path:
    """A whole diffusers folder of half-precision zeros (or other bytes)."""
    path.mkdir(parents=True)
    (path / "model_index.json").write_text(json.dumps(index(name, channels)))
    for part, (config, shapes) in parts(name, channels).items():
        (path / part).mkdir()
        (path / part / "config.json").write_text(json.dumps(config))
        stem = "model" if part.startswith("text") else "diffusion_pytorch_model"
        write_file(path / part / f"{stem}.safetensors", shapes, fill=fill)
    for one in architecture(name).parts:
        if one.tokenizer is not None:
            (path / one.tokenizer.name).mkdir()
            (path / one.tokenizer.name / "tokenizer_config.json").write_text("{}")
    (path / "scheduler").mkdir()
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULER))
    return path


def write_vae(path: Path, *, fill: int = 0) -> Path:
    """A VAE as a folder of its own, as the hubs keep them."""
    path.mkdir(parents=True)
    config, shapes = parts("sd1")["vae"]
    (path / "config.json").write_text(json.dumps(config))
    write_file(path / "diffusion_pytorch_model.safetensors", shapes, fill=fill)
    return path


def write_file(
    path: Path,
    shapes: Shapes,
    *,
    fill: int = 0,
    dtypes: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A file of half-precision zeros (or other bytes) with these tensors."""
    sizes = {"F16": 2, "BF16": 2, "F32": 4, "F8_E4M3": 1, "U8": 1, "I8": 1, "F8_E8M0": 1}
    header: dict[str, object] = {"__metadata__": {"format": "pt", **(metadata or {})}}
    at = 0
    for key, shape in shapes.items():
        kind = (dtypes or {}).get(key, "F16")
        size = sizes[kind] * math.prod(shape)
        header[key] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes([fill]) * at)
    return path
