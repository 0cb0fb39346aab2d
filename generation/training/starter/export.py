"""Puts the trained parts into one folder in the diffusers layout, in fp16.

Invariant: `StableDiffusionPipeline.from_pretrained(folder)` is all anybody needs to use it.
"""

import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from transformers import CLIPTextModel, CLIPTokenizer

from .unet import new_scheduler, new_unet
from .vae import new_vae

MODEL = Path(__file__).parents[2] / "starter" / "models" / "starter"

# What the catalog reads beside the weights: this family cannot be told from its shapes alone.
CARD = 'family = "starter"\ntitle = "Starter (built in)"\n'


def export(work: Path, folder: Path = MODEL) -> int:
    """Writes the model folder and returns its size in bytes."""
    vae, unet = new_vae(), new_unet()
    vae.load_state_dict(torch.load(work / "vae.pt", weights_only=True))
    unet.load_state_dict(torch.load(work / "unet.pt", weights_only=True))
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    pipeline = StableDiffusionPipeline(
        vae=vae.half(),
        text_encoder=CLIPTextModel.from_pretrained(work / "text_encoder", dtype=torch.float16),
        tokenizer=tokenizer,
        unet=unet.half(),
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(work / "tokenizer" / name, folder / "tokenizer" / name)
    # transformers 5 computes in the type named here unless told otherwise, diffusers in fp32.
    config = folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace('"dtype": "float16"', '"dtype": "float32"'))
    (folder / "atelier.toml").write_text(CARD)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
