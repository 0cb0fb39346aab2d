"""LCM-LoRAs: a LoRA that makes four steps do what twenty did (Luo et al. 2023, latent consistency).

From a noisy latent the checkpoint itself, guided, takes one step of DDIM; the LoRA must say the
same clean latent from both ends of that step.  Invariant: the guidance is learned in, so that a
picture with the LoRA is drawn with a cfg of 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from generation.training.adapters.checkpoint import ReadWords, TaughtCheckpoint
from generation.training.adapters.lessons import WordBank
from generation.training.adapters.lora import Batches, LoraShape, kohya_file, lora_numbers

HINT = "sampler lcm, 4 steps, cfg 1"
SIGMA = 0.5  # of the data, and how fast a step leaves the boundary: the paper's
TIMES = 10.0
SOFT = 0.001  # of the Huber loss
PURE_FROM = 985  # above it half of the samples see noise alone, as every sampler begins


@dataclass(slots=True, kw_only=True)
class LcmCourse:
    """A LoRA that learns to be consistent along the checkpoint's own way to a picture."""

    taught: TaughtCheckpoint
    shape: LoraShape
    batches: Batches
    metadata: Mapping[str, str]
    words: WordBank
    cfg: float
    solver_steps: int = 20

    def learns(self) -> Mapping[str, Tensor]:
        return lora_numbers(self.taught)

    def loss(self, generator: torch.Generator) -> Tensor:
        rows, silent = self.batches.rows(generator)
        told = self.words.of(rows.tolist(), silent, self.taught.device)
        clean = self.batches.bank.drawn(rows, generator).to(self.taught.device)
        steps, before = self._times(len(rows), generator)
        noisy = self._noisy(clean, steps, generator)
        with torch.no_grad():
            earlier = self._ddim(noisy, steps, before, told)
            wanted = self._consistent(earlier, before, told)
        said = self._consistent(noisy, steps, told)
        soft = (said - wanted).square() + SOFT**2
        return (soft.sqrt() - SOFT).mean()

    def _times(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The two ends of a step of the solver."""
        most = len(self.taught.alphas)
        stride = most // self.solver_steps
        spread = (torch.arange(count) + torch.rand(count, generator=generator)) / count
        steps = ((spread * self.solver_steps).long() + 1) * stride - 1
        before = (steps - stride).clamp(min=0)
        return steps.to(self.taught.device), before.to(self.taught.device)

    def _noisy(self, clean: Tensor, steps: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(clean.shape, generator=generator).to(self.taught.device)
        late = torch.rand(len(clean), generator=generator).to(self.taught.device) < 0.5
        pure = ((steps >= PURE_FROM) & late)[:, None, None, None]
        signal, grain = self.taught.scales(steps)
        return torch.where(pure, noise, signal * clean + grain * noise)

    def _ddim(self, noisy: Tensor, steps: Tensor, before: Tensor, told: ReadWords) -> Tensor:
        """Where the checkpoint alone comes to from here, guided."""
        silence = self.words.said([self.words.silence] * len(noisy), self.taught.device)
        both = ReadWords(
            states=torch.cat([told.states, silence.states]),
            pooled=None
            if told.pooled is None or silence.pooled is None
            else torch.cat([told.pooled, silence.pooled]),
        )
        self.taught.unet.disable_adapters()
        said = self.taught.predict(torch.cat([noisy] * 2), torch.cat([steps] * 2), both)
        self.taught.unet.enable_adapters()
        with_words, without = said.chunk(2)
        guided = without + self.cfg * (with_words - without)
        clean, noise = self.taught.clean_and_noise(guided, noisy, steps)
        signal, grain = self.taught.scales(before)
        return signal * clean + grain * noise

    def _consistent(self, noisy: Tensor, steps: Tensor, told: ReadWords) -> Tensor:
        """The clean latent that is said from here; at no noise, what is there."""
        said = self.taught.predict(noisy, steps, told)
        clean, _ = self.taught.clean_and_noise(said, noisy, steps)
        far = (TIMES * steps.float())[:, None, None, None]
        skip = SIGMA**2 / (far**2 + SIGMA**2)
        return skip * noisy + far / (far**2 + SIGMA**2).sqrt() * clean

    def export(self, numbers: Mapping[str, Tensor], path: Path) -> None:
        kohya_file(numbers, self.shape, path, self.metadata)
