"""The bank: latents of drawn clips, computed once before the denoiser trains.

Invariant: shard k is a function of the autoencoder and k alone, and holds training combinations
only.  It keeps the scene of each clip, so that every step of the training says it anew.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch

from generation.training.starter.scenes import COLOURS, OBJECTS

from .scenes import BACKGROUNDS, MOTIONS, MovingScene, training_clip
from .vae import clips, encode, load_vae, normalised

SHARD = 500
_KINDS = (OBJECTS, COLOURS, MOTIONS, BACKGROUNDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipBank:
    """Rows of the same index belong together."""

    latents: torch.Tensor  # (count, 16, 4, 8, 8) fp16, mean 0 and deviation 1
    scenes: torch.Tensor  # (count, 4) indices of object, colour, motion, background

    def __len__(self) -> int:
        return len(self.latents)

    def scene(self, row: int) -> MovingScene:
        """What the clip of that row shows."""
        at = self.scenes[row].tolist()
        thing, colour, motion, ground = (names[i] for names, i in zip(_KINDS, at, strict=True))
        return MovingScene(object=thing, colour=colour, motion=motion, background=ground)


def _row(scene: MovingScene) -> list[int]:
    shown = (scene.object, scene.colour, scene.motion, scene.background)
    return [names.index(name) for names, name in zip(_KINDS, shown, strict=True)]


@torch.no_grad()
def draw_bank(work: Path, shards: int) -> None:
    """Writes work/bank/NNN.pt, leaving alone what is there already."""
    folder = work / "bank"
    folder.mkdir(parents=True, exist_ok=True)
    vae = load_vae(work)
    for k in range(shards):
        path = folder / f"{k:03}.pt"
        if path.exists():
            continue
        dice = Random(1000 + k)
        scenes = [training_clip(dice) for _ in range(SHARD)]
        drawn = clips(scenes, dice)
        latents = [normalised(vae, encode(vae, part)) for part in torch.split(drawn, 20)]
        held = {
            "latents": torch.cat(latents).half(),
            "scenes": torch.tensor([_row(scene) for scene in scenes]),
        }
        torch.save(held, path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)
        print(f"{time.strftime('%H:%M:%S')} bank shard {k + 1} of {shards}", flush=True)


def load_bank(work: Path) -> ClipBank:
    """Every shard drawn so far."""
    held = [torch.load(p, weights_only=True) for p in sorted((work / "bank").glob("*.pt"))]
    return ClipBank(
        latents=torch.cat([h["latents"] for h in held]),
        scenes=torch.cat([h["scenes"] for h in held]),
    )
