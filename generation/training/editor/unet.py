"""The denoiser of the editor: the starter's UNet, which also sees the picture to be changed.

Invariant: the picture comes in as four more channels, as InstructPix2Pix has it: the mean of its
latents, *not* times the scaling factor. Their weights begin at zero, so that training begins where
the starter's ended.

Words and picture are each left out at times, alone and together, which is what the two guidance
scales of InstructPix2Pix need.
"""

import copy
import os
import time
from pathlib import Path
from random import Random

import torch
from diffusers import UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from generation.training.starter.captions import silence
from generation.training.starter.clock import Clock, cosine, follow, resume, save, set_rate
from generation.training.starter.export import MODEL as STARTER
from generation.training.starter.text import tokens_of
from generation.training.starter.unet import denoising_loss, descend, drawn_from
from generation.training.starter.vae import SCALING

from .bank import FamilyBank, load_families
from .pairs import pair
from .text import load_encoder

BATCH = 32
PEAK = 8e-4
LEFT_OUT = 0.05  # the words, the picture, and both: each
GRAIN = 0.12  # most noise on the picture to be changed, in deviations of a latent
TINT = 0.2  # most of what both pictures of a pair are tinted by, in deviations of a latent
SPOTS = 3  # across, of the tint
LATENTS = 4  # channels
RELOAD_EVERY = 100


def widened(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """The same network with four more channels coming in, of no weight yet."""
    wide: UNet2DConditionModel = UNet2DConditionModel.from_config(dict(unet.config, in_channels=8))
    weights = unet.state_dict()
    held = weights["conv_in.weight"]
    weights["conv_in.weight"] = torch.cat([held, torch.zeros_like(held)], dim=1)
    wide.load_state_dict(weights)
    return wide


def starter_unet() -> UNet2DConditionModel:
    """The starter's denoiser, in fp32."""
    unet: UNet2DConditionModel = UNet2DConditionModel.from_pretrained(
        STARTER / "unet", torch_dtype=torch.float32
    )
    return unet


class Lessons:
    """Draws batches: pictures to arrive at, pictures to begin with, and words between them."""

    def __init__(self, work: Path, seed: int) -> None:
        self.work, self.dice = work, Random(seed)
        self.generator = torch.Generator().manual_seed(seed)
        self.tokenizer = CLIPTokenizer.from_pretrained(STARTER / "tokenizer")
        self.encoder: CLIPTextModel = load_encoder(work).eval()
        self.bank: FamilyBank = load_families(work)

    def reload(self) -> None:
        """Takes in what has been drawn since; the bank may be growing beside us."""
        self.bank = load_families(self.work)

    @torch.no_grad()
    def batch(self, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Clean latents, the words' states, and the latents of the picture to be changed."""
        rows, olds, news, texts, seen = [], [], [], [], []
        for _ in range(count):
            row = self.dice.randrange(len(self.bank))
            before, after, said = pair(self.bank.members[row], self.dice)
            chance = self.dice.random()
            wordless = chance < 2 * LEFT_OUT
            texts.append(silence(self.dice).text if wordless else said.text)
            seen.append(0.0 if LEFT_OUT <= chance < 3 * LEFT_OUT else 1.0)
            rows.append(row)
            olds.append(before)
            news.append(after)
        clean = drawn_from(
            self.bank.mean[rows, news], self.bank.deviation[rows, news], self.generator
        )
        states = self.encoder(tokens_of(texts, self.tokenizer)).last_hidden_state
        given = self.bank.given[rows, olds].float()
        grain = GRAIN * torch.rand(count, 1, 1, 1, generator=self.generator).square()
        given = given + grain * torch.randn(given.shape, generator=self.generator)
        tint = self._tint(count)
        given = (given + tint) / SCALING * torch.tensor(seen)[:, None, None, None]
        return clean + tint, states, given

    def _tint(self, count: int) -> torch.Tensor:
        """Another shade of colour here and there, in both pictures alike.

        What the starter draws is never quite of the palette: a shade is to be copied, not guessed.
        """
        shape = (count, LATENTS, SPOTS, SPOTS)
        spots = torch.randn(shape, generator=self.generator)
        whole = torch.randn((count, LATENTS, 1, 1), generator=self.generator)
        strength = TINT * torch.rand(count, 1, 1, 1, generator=self.generator)
        side = self.bank.mean.shape[-1]
        return strength * (whole + 0.5 * nn.functional.interpolate(spots, side, mode="bilinear"))


def train_unet(work: Path, minutes: float, seed: int = 13) -> None:
    """Trains by the clock; the average goes to work/unet.pt at every checkpoint."""
    torch.manual_seed(seed)
    unet = widened(starter_unet())
    average = copy.deepcopy(unet).requires_grad_(False)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=PEAK, weight_decay=0.01, betas=(0.9, 0.99))
    clock = Clock(minutes=minutes)
    held = resume(work / "unet.ckpt", clock, unet, optimizer)
    if "average" in held:
        average.load_state_dict(held["average"])
    lessons = Lessons(work, seed + clock.step)
    recent, begun = 0.0, clock.step
    while clock.share() < 1:
        set_rate(optimizer, cosine(clock.share(), PEAK))
        clean, states, given = lessons.batch(BATCH)
        loss = denoising_loss(unet, clean, states, lessons.generator, given)
        descend(unet, optimizer, loss)
        clock.step += 1
        follow(average, unet, min(0.998, clock.step / (clock.step + 10)))
        value = float(loss.detach())
        recent += 0.02 * (value - recent) if clock.step - begun > 1 else value
        if clock.step % 50 == 0:
            print(
                f"{time.strftime('%H:%M:%S')} unet step {clock.step} "
                f"{clock.elapsed_s() / 60:.1f} min loss {recent:.4f} "
                f"{clock.step * BATCH / clock.elapsed_s():.0f} pairs/s "
                f"families {len(lessons.bank)}",
                flush=True,
            )
        if clock.step % RELOAD_EVERY == 0 and clock.share() < 0.5:
            lessons.reload()
        if clock.checkpoint_due():
            save(work / "unet.ckpt", clock, unet, optimizer, average=average.state_dict())
            torch.save(average.state_dict(), work / "unet.part")
            os.replace(work / "unet.part", work / "unet.pt")
    torch.save(average.state_dict(), work / "unet.pt")
    print(f"unet done: {clock.step} steps", flush=True)
