"""The bank: latents and caption states of drawn pictures, computed once before the UNet trains.

Invariant: shard k is a function of the VAE, the text encoder and k alone, and holds training
combinations only.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from diffusers import AutoencoderKL
from transformers import CLIPTextModel, CLIPTokenizer

from .captions import caption, silence
from .scenes import Scene
from .text import tokens_of
from .vae import encode_scenes, new_vae, pictures

SHARD = 4_000
SILENT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Rows of the same index belong together."""

    mean: torch.Tensor  # (count, 4, 16, 16) bf16, times the VAE's scaling factor
    deviation: torch.Tensor  # (count, 4, 16, 16) bf16
    states: torch.Tensor  # (count, 77, 128) bf16, the text encoder's last hidden states

    def __len__(self) -> int:
        return len(self.mean)


@torch.no_grad()
def _states(texts: list[str], tokenizer: CLIPTokenizer, encoder: CLIPTextModel) -> torch.Tensor:
    ids = tokens_of(texts, tokenizer)
    parts = [encoder(part).last_hidden_state.bfloat16() for part in torch.split(ids, 100)]
    return torch.cat(parts)


@torch.no_grad()
def draw_bank(work: Path, shards: int) -> None:
    """Writes work/bank/NNN.pt, leaving alone what is there already."""
    folder = work / "bank"
    folder.mkdir(parents=True, exist_ok=True)
    vae: AutoencoderKL = new_vae().eval()
    vae.load_state_dict(torch.load(work / "vae.pt", weights_only=True))
    tokenizer = CLIPTokenizer.from_pretrained(work / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(work / "text_encoder", dtype=torch.float32).eval()
    for k in range(shards):
        path = folder / f"{k:03}.pt"
        if path.exists():
            continue
        dice = Random(1000 + k)
        scenes: list[Scene] = []
        drawn = pictures(SHARD, dice, scenes)
        encoded = [encode_scenes(vae, part) for part in torch.split(drawn, 50)]
        said = [silence(dice) if dice.random() < SILENT else caption(s, dice) for s in scenes]
        held = {
            "mean": torch.cat([mean for mean, _ in encoded]).bfloat16(),
            "deviation": torch.cat([deviation for _, deviation in encoded]).bfloat16(),
            "states": _states([c.text for c in said], tokenizer, encoder),
        }
        torch.save(held, path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)
        print(f"{time.strftime('%H:%M:%S')} bank shard {k + 1} of {shards}", flush=True)


def load_bank(work: Path) -> Bank:
    """Every shard drawn so far."""
    held = [torch.load(p, weights_only=True) for p in sorted((work / "bank").glob("*.pt"))]
    return Bank(
        mean=torch.cat([h["mean"] for h in held]),
        deviation=torch.cat([h["deviation"] for h in held]),
        states=torch.cat([h["states"] for h in held]),
    )
