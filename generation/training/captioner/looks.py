"""What happens to pictures on their way: files, sizes, the starter's autoencoder, the starter.

Invariant: a look changes no word of what a picture shows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image, ImageFilter
from torch import Tensor

from generation.modules.attributes import SIDE
from generation.training.captioner.sights import WholeScene, usual_sight
from generation.training.starter.captions import EVERYTHING, caption
from generation.training.starter.evaluate import SAMPLERS, load_pipeline, read_pictures
from generation.training.starter.export import MODEL as STARTER
from generation.training.starter.judge import load_judge, targets_of
from generation.training.starter.scenes import training_scene
from generation.training.starter.vae import SCALING, to_floats

PART = 16  # pictures that the starter draws at once
_WAYS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR)


def travelled(picture: Image.Image, dice: Random) -> Image.Image:
    """A picture as people send it: other sizes, JPEG, a little soft or bright."""
    if dice.random() < 0.4:
        side = dice.randint(96, 320)
        picture = picture.resize((side, side), dice.choice(_WAYS))
    if dice.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(dice.uniform(0, 0.9)))
    if dice.random() < 0.35:
        held = BytesIO()
        picture.save(held, "JPEG", quality=dice.randint(45, 96))
        picture = Image.open(held).convert("RGB")
    if dice.random() < 0.4:
        light, contrast = dice.uniform(-8, 8), dice.uniform(0.94, 1.06)
        shades = [max(0, min(255, round(128 + (n - 128) * contrast + light))) for n in range(256)]
        picture = picture.point(shades * 3)
    return picture.resize((SIDE, SIDE), dice.choice(_WAYS))


def stacked(pictures: Sequence[Image.Image]) -> Tensor:
    """uint8, (count, 3, SIDE, SIDE)."""
    arrays = np.stack([np.asarray(picture.convert("RGB")) for picture in pictures])
    return torch.from_numpy(arrays).permute(0, 3, 1, 2).contiguous()


def starter_autoencoder() -> AutoencoderKL:
    """The starter's own."""
    return AutoencoderKL.from_pretrained(Path(STARTER), subfolder="vae").float().eval()


@torch.no_grad()
def decoded(vae: AutoencoderKL, batch: Tensor, generator: torch.Generator) -> Tensor:
    """-1..1 pictures through the autoencoder, with noise such as a sampler leaves."""
    with torch.autocast("cpu", torch.bfloat16):
        latents = vae.encode(batch).latent_dist.mode().float()
        share = 0.2 * torch.rand(len(batch), 1, 1, 1, generator=generator)
        latents += share / SCALING * torch.randn(latents.shape, generator=generator)
        seen: Tensor = vae.decode(latents).sample.float().clamp(-1, 1)
    return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnBank:
    """Pictures that the starter drew and its judge found as they were asked for."""

    pictures: Tensor  # uint8, (count, 3, SIDE, SIDE)
    classes: Tensor  # (count, heads)


@torch.no_grad()
def drawn_bank(work: Path, count: int, seed: int = 20) -> DrawnBank:
    """The bank in `work`, drawn first where it lacks pictures; of training combinations only."""
    file, judge, dice = work / "drawn.pt", load_judge(), Random(seed)
    pictures, classes, part = torch.empty(0, 3, SIDE, SIDE, dtype=torch.uint8), [], 0
    if file.exists():
        held = torch.load(file, weights_only=True)
        pictures, classes, part = held["pictures"], held["classes"], held["part"]
        dice = Random(seed + part)
    pipelines = {name: load_pipeline(STARTER, name) for name in SAMPLERS}
    while part * PART < count:
        scenes = [training_scene(dice) for _ in range(PART)]
        drawn = pipelines[dice.choice(list(SAMPLERS))](
            [caption(scene, dice, EVERYTHING).text for scene in scenes],
            num_inference_steps=dice.randint(10, 20),
            guidance_scale=dice.uniform(1.5, 3.5),
            generator=torch.Generator().manual_seed(seed * 10_000 + part),
        ).images
        right = (read_pictures(judge, drawn) == targets_of(scenes)).all(dim=1)
        pictures = torch.cat([pictures, stacked(drawn)[right]])
        classes += [
            usual_sight(scene).classes() for scene, ok in zip(scenes, right, strict=True) if ok
        ]
        part += 1
        if part % 5 == 0 or part * PART >= count:
            torch.save({"pictures": pictures, "classes": classes, "part": part}, f"{file}.part")
            os.replace(f"{file}.part", file)
            print(f"{time.strftime('%H:%M:%S')} {len(pictures)} drawn by the starter", flush=True)
    return DrawnBank(pictures=pictures, classes=torch.tensor(classes))


def as_floats(pictures: Sequence[Image.Image]) -> Tensor:
    """-1..1, (count, 3, SIDE, SIDE)."""
    return to_floats(stacked(pictures))


def classes_of(sights: Sequence[WholeScene]) -> Tensor:
    """(count, heads) class indices."""
    return torch.tensor([sight.classes() for sight in sights])
