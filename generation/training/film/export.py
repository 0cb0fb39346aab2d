"""Puts the trained parts into one folder in the diffusers layout, in fp16.

Invariant: `WanPipeline.from_pretrained(folder)` is all anybody needs to use it.
"""

import json
from pathlib import Path

import torch
from diffusers import WanPipeline
from transformers import T5Tokenizer, UMT5EncoderModel

from .transformer import load_transformer, new_scheduler
from .vae import load_vae

MODEL = Path(__file__).parents[2] / "starter" / "models" / "starter-video"

# What the catalog reads beside the weights: this family cannot be told from its shapes alone.
CARD = 'family = "starter-video"\ntitle = "Starter video (built in)"\n'


# What a pipeline says beside its parts where it is another Wan than 2.1.
_OF_OTHERS = ("boundary_ratio", "expand_timesteps", "transformer_2")


def _as_published(folder: Path) -> None:
    """Leaves out what Wan 2.1's own folder does not say: what is another Wan's, or nothing."""
    index, scheduler = folder / "model_index.json", folder / "scheduler/scheduler_config.json"
    for file in (index, scheduler):
        said = json.loads(file.read_text())
        kept = {k: v for k, v in said.items() if v is not None and k not in _OF_OTHERS}
        file.write_text(json.dumps(kept, indent=2) + "\n")


def export(work: Path, folder: Path = MODEL) -> int:
    """Writes the model folder and returns its size in bytes."""
    pipeline = WanPipeline(
        tokenizer=T5Tokenizer.from_pretrained(work / "tokenizer"),
        text_encoder=UMT5EncoderModel.from_pretrained(work / "text_encoder", dtype=torch.float16),
        vae=load_vae(work).half(),
        scheduler=new_scheduler(),
        transformer=load_transformer(work).half(),
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    # transformers 5 computes in the type named here unless told otherwise, diffusers in fp32.
    config = folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace('"dtype": "float16"', '"dtype": "float32"'))
    _as_published(folder)
    (folder / "atelier.toml").write_text(CARD)
    for path in folder.rglob("*.safetensors"):
        path.chmod(0o644)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
