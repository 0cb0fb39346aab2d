"""Puts the editor into one folder in the diffusers layout, in fp16.

Invariant: `StableDiffusionInstructPix2PixPipeline.from_pretrained(folder)` is all anybody needs to
use it. VAE, tokenizer and scheduler are the starter's very files, so whoever holds both models
holds them once.
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel

from generation.training.starter.export import MODEL as STARTER

from .unet import starter_unet, widened

MODEL = STARTER.parent / "starter-edit"
CARD = 'family = "starter"\ntitle = "Starter for changes (built in)"\n'
SAME = ("vae", "tokenizer", "scheduler")


def export(work: Path, folder: Path = MODEL) -> int:
    """Writes the model folder and returns its size in bytes."""
    unet: UNet2DConditionModel = widened(starter_unet())
    unet.load_state_dict(torch.load(work / "unet.pt", weights_only=True))
    unet.half().save_pretrained(folder / "unet", safe_serialization=True)
    encoder = CLIPTextModel.from_pretrained(work / "text_encoder", dtype=torch.float16)
    encoder.save_pretrained(folder / "text_encoder", safe_serialization=True)
    _forget_path(folder / "unet" / "config.json")
    # transformers 5 computes in the type named here unless told otherwise, diffusers in fp32.
    config = folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace('"dtype": "float16"', '"dtype": "float32"'))
    for name in SAME:
        shutil.copytree(STARTER / name, folder / name, dirs_exist_ok=True)
    index = json.loads((STARTER / "model_index.json").read_text())
    index["_class_name"] = "StableDiffusionInstructPix2PixPipeline"
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    (folder / "atelier.toml").write_text(CARD)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _forget_path(config: Path) -> None:
    """Takes out where the network that training began with lay on this machine."""
    held = json.loads(config.read_text())
    held.pop("_name_or_path", None)
    config.write_text(json.dumps(held, indent=2, sort_keys=True) + "\n")
