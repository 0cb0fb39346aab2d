"""What the upscaler learns from: pictures drawn in twice the size, and their halves.

Invariant: the half is the mean of two by two pixels, and the large picture's low frequencies are
the half's own, so nothing that is learned changes what a picture looked like from further away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from generation.training.starter.draw import draw
from generation.training.starter.export import MODEL
from generation.training.starter.scenes import Scene, training_scene

SIDES = (192, 224, 256, 256, 320)  # of the large pictures; the starter's own are half of 256
BANK = 400  # pictures at hand, the oldest of which gives way to each new one
AS_DRAWN_BY_THE_STARTER = 0.35  # share of pictures that went through its autoencoder
CROP = 32  # pixels of a half's side


def floats(picture: Image.Image) -> Tensor:
    """An RGB picture as (3, h, w) between 0 and 1."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255


def halved(pixels: Tensor) -> Tensor:
    """(n, 3, h, w) -> half of it, each pixel the mean of four."""
    return avg_pool2d(pixels, 2)


def with_look(large: Tensor, autoencoder: AutoencoderKL) -> Tensor:
    """A large picture with what the starter's autoencoder does to its half laid over it."""
    small = halved(large[None])
    with torch.no_grad():
        latents = autoencoder.encode(2 * small - 1).latent_dist.mode()
        again = autoencoder.decode(latents).sample.clamp(-1, 1) / 2 + 0.5
    change = interpolate(again - small, scale_factor=2.0, mode="bilinear", align_corners=False)
    return (large + change[0]).clamp(0, 1)


@dataclass(slots=True, kw_only=True)
class PairBank:
    """Large pictures at hand, and random crops of them beside their halves."""

    dice: Random
    autoencoder: AutoencoderKL
    pictures: list[Tensor] = field(default_factory=list)
    _oldest: int = 0

    def grow(self) -> None:
        """Draw one picture more."""
        side = self.dice.choice(SIDES)
        large = floats(draw(training_scene(self.dice), self.dice, side))
        if side % 16 == 0 and self.dice.random() < AS_DRAWN_BY_THE_STARTER:
            large = with_look(large, self.autoencoder)
        kept = (large * 255).round().to(torch.uint8)
        if len(self.pictures) < BANK:
            self.pictures.append(kept)
        else:
            self.pictures[self._oldest] = kept
            self._oldest = (self._oldest + 1) % BANK

    def pairs(self, count: int) -> tuple[Tensor, Tensor]:
        """`count` crops, of the halves and of the large pictures."""
        large = torch.stack([self._crop() for _ in range(count)]).float() / 255
        return halved(large), large

    def _crop(self) -> Tensor:
        """One large crop, turned somehow; mostly of where there is something to see."""
        tries = [self._cut() for _ in range(3 if self.dice.random() < 0.8 else 1)]
        cut = max(tries, key=lambda one: float(one.float().std()))
        cut = cut[self.dice.sample(range(3), 3)]
        if self.dice.random() < 0.5:
            cut = cut.flip(-1)
        if self.dice.random() < 0.5:
            cut = cut.transpose(-1, -2)
        return 255 - cut if self.dice.random() < 0.2 else cut

    def _cut(self) -> Tensor:
        picture = self.dice.choice(self.pictures)
        side = 2 * CROP
        # On even pixels: the half of a crop is then a crop of the half.
        left, top = (2 * self.dice.randint(0, (end - side) // 2) for end in picture.shape[1:])
        return picture[:, left : left + side, top : top + side]


def pair_bank(seed: int, count: int) -> PairBank:
    """A bank with its first pictures."""
    autoencoder = AutoencoderKL.from_pretrained(Path(MODEL), subfolder="vae").float().eval()
    bank = PairBank(dice=Random(seed), autoencoder=autoencoder)
    for _ in range(count):
        bank.grow()
    return bank


def renders(scenes: Sequence[Scene], seed: int, side: int = 256) -> list[Image.Image]:
    """Large pictures of scenes, to be halved and measured with."""
    return [draw(scene, Random(seed + number), side) for number, scene in enumerate(scenes)]
