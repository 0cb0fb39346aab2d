"""The bank of families: latents of their pictures, computed once before the UNet trains.

Invariant: shard k is a function of the VAE and k alone. A picture's latents are those of the
picture itself (what shall be drawn) and, for some, also those of the picture decoded and encoded
again (what an input that was drawn by the model looks like).
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL

from generation.training.starter.draw import PartDice, draw_parts
from generation.training.starter.export import MODEL as STARTER
from generation.training.starter.scenes import Scene
from generation.training.starter.text import KINDS
from generation.training.starter.vae import SCALING, encode_scenes

from .pairs import MEMBERS, FamilyMember, family

FAMILIES = 500  # per shard
AGAIN = 0.25  # share of families whose inputs have been through the autoencoder once more


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyBank:
    """Pictures in the order of their families; rows of the same index belong together."""

    mean: torch.Tensor  # (families, MEMBERS, 4, 16, 16) bf16, times the VAE's scaling factor
    deviation: torch.Tensor  # the same shape
    given: torch.Tensor  # the same shape: what an input of this picture is encoded to
    members: list[list[FamilyMember]]

    def __len__(self) -> int:
        return len(self.members)


def starter_vae() -> AutoencoderKL:
    """The starter's very autoencoder, in fp32."""
    vae: AutoencoderKL = AutoencoderKL.from_pretrained(STARTER / "vae", torch_dtype=torch.float32)
    return vae.eval()


def _drawn(members: list[FamilyMember], seed: int) -> torch.Tensor:
    """(MEMBERS, 3, SIZE, SIZE) uint8, every picture with the same dice."""
    pictures = [
        np.asarray(draw_parts(one.scene, PartDice.of(seed), bare=one.bare)) for one in members
    ]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


@torch.no_grad()
def _again(vae: AutoencoderKL, mean: torch.Tensor) -> torch.Tensor:
    """The latents of the pictures that these latents decode to."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = vae.decode(mean / SCALING).sample.float()
    return encode_scenes(vae, ((made.clamp(-1, 1) + 1) * 127.5).round())[0]


def _shard(vae: AutoencoderKL, k: int) -> dict[str, object]:
    dice = Random(5000 + k)
    members = [family(dice) for _ in range(FAMILIES)]
    means, deviations, given = [], [], []
    for one in members:
        mean, deviation = encode_scenes(vae, _drawn(one, dice.randrange(2**40)))
        means.append(mean)
        deviations.append(deviation)
        given.append(_again(vae, mean) if dice.random() < AGAIN else mean)
    return {
        "mean": torch.stack(means).bfloat16(),
        "deviation": torch.stack(deviations).bfloat16(),
        "given": torch.stack(given).bfloat16(),
        "members": [
            [(*(getattr(m.scene, kind) for kind in KINDS), m.bare) for m in one] for one in members
        ],
    }


def draw_families(work: Path, shards: int) -> None:
    """Writes work/families/NNN.pt, leaving alone what is there already."""
    folder = work / "families"
    folder.mkdir(parents=True, exist_ok=True)
    vae = starter_vae()
    for k in range(shards):
        path = folder / f"{k:03}.pt"
        if path.exists():
            continue
        torch.save(_shard(vae, k), path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)
        print(
            f"{time.strftime('%H:%M:%S')} families {(k + 1) * FAMILIES} of {shards * FAMILIES}, "
            f"{MEMBERS} pictures each",
            flush=True,
        )


def load_families(work: Path) -> FamilyBank:
    """Every shard drawn so far."""
    held = [torch.load(p, weights_only=True) for p in sorted((work / "families").glob("*.pt"))]
    return FamilyBank(
        mean=torch.cat([h["mean"] for h in held]),
        deviation=torch.cat([h["deviation"] for h in held]),
        given=torch.cat([h["given"] for h in held]),
        members=[
            [
                FamilyMember(scene=Scene(**dict(zip(KINDS, values, strict=True))), bare=bare)
                for *values, bare in one
            ]
            for h in held
            for one in h["members"]
        ],
    )
