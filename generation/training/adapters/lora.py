"""LoRAs: low-rank matrices beside a checkpoint's layers, taught to draw what the pictures show.

Invariant: at the start a LoRA changes nothing (its second matrices are zero), and its names in the
file are kohya's, which every program reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from torch import Tensor, nn

from generation.training.adapters.checkpoint import ReadWords, TaughtCheckpoint
from generation.training.adapters.lessons import PictureBank, WordBank
from generation.training.adapters.written import write_tensors

NAME = "taught"
GAMMA = 5.0  # the most that a step's signal counts (min-SNR)
ATTENTION = r".*(to_q|to_k|to_v|to_out\.0|proj_in|proj_out|ff\.net\.0\.proj|ff\.net\.2)$"
ENCODER = r".*(q_proj|k_proj|v_proj|out_proj|fc1|fc2)$"
# Nor the first and last: what is seen and said by them is not the LoRA's.
EVERYWHERE = rf"({ATTENTION}|.*resnets\.\d+\.(conv1|conv2|conv_shortcut)$|.*samplers\.0\.conv$)"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraShape:
    """Which layers a LoRA changes, and how much it can."""

    rank: int
    alpha: float
    convolutions: bool = False  # of the UNet, too (LoCon)
    words: bool = False  # the text encoders, too

    def attach(self, taught: TaughtCheckpoint) -> None:
        """Put it beside the layers; the checkpoint draws as before until it learns."""
        where = EVERYWHERE if self.convolutions else ATTENTION
        taught.unet.add_adapter(self._config(where), adapter_name=NAME)
        for encoder in taught.encoders if self.words else ():
            encoder.add_adapter(self._config(ENCODER), adapter_name=NAME)

    def _config(self, where: str) -> LoraConfig:
        return LoraConfig(
            r=self.rank, lora_alpha=self.alpha, init_lora_weights="gaussian", target_modules=where
        )


def lora_numbers(taught: TaughtCheckpoint) -> dict[str, nn.Parameter]:
    """The LoRA's matrices by kohya's names; always the same tensors."""
    found: dict[str, nn.Parameter] = {}
    te = ("lora_te1", "lora_te2") if taught.wide else ("lora_te",)
    parts = [("lora_unet", taught.unet), *zip(te, taught.encoders, strict=True)]
    for prefix, part in parts:
        for name, number in part.named_parameters():
            for ours, theirs in (("lora_A", "lora_down"), ("lora_B", "lora_up")):
                if f".{ours}.{NAME}" in name:
                    layer = name.partition(f".{ours}.")[0]
                    found[f"{prefix}_{layer.replace('.', '_')}.{theirs}.weight"] = number
    return found


def kohya_file(
    numbers: Mapping[str, Tensor], shape: LoraShape, path: Path, metadata: Mapping[str, str]
) -> None:
    """Matrices and an alpha beside each pair."""
    layers = {name.partition(".")[0] for name in numbers}
    alphas = {f"{layer}.alpha": torch.tensor(float(shape.alpha)) for layer in sorted(layers)}
    spelled = {_spelled(name): number for name, number in numbers.items()}
    alphas = {_spelled(name): alpha for name, alpha in alphas.items()}
    write_tensors({**spelled, **alphas}, path, metadata)


def _spelled(name: str) -> str:
    """A text encoder's layers as kohya calls them; newer transformers have lost one level."""
    for prefix in ("lora_te_", "lora_te1_", "lora_te2_"):
        if name.startswith(prefix) and not name.startswith(f"{prefix}text_model_"):
            return f"{prefix}text_model_{name.removeprefix(prefix)}"
    return name


@torch.no_grad()
def put(course_numbers: Mapping[str, Tensor], numbers: Mapping[str, Tensor]) -> None:
    """Numbers into the tensors that are drawn with."""
    for name, number in course_numbers.items():
        number.copy_(numbers[name])


def stratified(count: int, generator: torch.Generator, most: int = 1000) -> Tensor:
    """Steps of noise, spread over the whole schedule."""
    spread = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    return (spread * most).long()


def denoising_loss(
    taught: TaughtCheckpoint,
    clean: Tensor,
    words: ReadWords,
    generator: torch.Generator,
    helped: Callable[[Tensor, Tensor], Mapping[str, Any]] = lambda _noisy, _steps: {},
) -> Tensor:
    """The error of a prediction on noisy latents of each, weighted by min-SNR.

    `helped`: what another network says to the UNet of noisy latents at these steps.
    """
    noise = torch.randn(clean.shape, generator=generator).to(taught.device)
    steps = stratified(len(clean), generator, len(taught.alphas)).to(taught.device)
    clean = clean.to(taught.device)
    signal, grain = taught.scales(steps)
    noisy = signal * clean + grain * noise
    said = taught.predict(noisy, steps, words, **helped(noisy, steps))
    errors = (said - taught.wanted(clean, noise, steps)).square().mean(dim=(1, 2, 3))
    snr = taught.alphas[steps] / (1 - taught.alphas[steps])
    if taught.prediction == "v_prediction":
        weight = (snr + 1).clamp(max=GAMMA + 1) / (snr + 1)
    else:
        weight = snr.clamp(max=GAMMA) / snr
    return (errors * weight).mean()


@dataclass(slots=True, kw_only=True)
class Batches:
    """Rows of a bank, and which of them are told nothing."""

    bank: PictureBank
    count: int
    silent: float = 0.1  # the share that is told nothing, for guidance to keep its meaning

    def rows(self, generator: torch.Generator) -> tuple[Tensor, list[bool]]:
        rows = torch.randint(len(self.bank), (self.count,), generator=generator)
        silent = torch.rand(self.count, generator=generator) < self.silent
        return rows, silent.tolist()


@dataclass(slots=True, kw_only=True)
class LoraCourse:
    """A LoRA that learns to draw what the pictures show."""

    taught: TaughtCheckpoint
    shape: LoraShape
    batches: Batches
    metadata: Mapping[str, str]
    words: WordBank | None  # None: they are read anew, as the text encoders learn, too

    def learns(self) -> Mapping[str, Tensor]:
        return lora_numbers(self.taught)

    def loss(self, generator: torch.Generator) -> Tensor:
        rows, silent = self.batches.rows(generator)
        clean = self.batches.bank.drawn(rows, generator)
        return denoising_loss(self.taught, clean, self.told(rows.tolist(), silent), generator)

    def told(self, rows: Sequence[int], silent: Sequence[bool]) -> ReadWords:
        """What is said of each row."""
        if self.words is not None:
            return self.words.of(rows, silent, self.taught.device)
        captions = self.batches.bank.captions
        return self.taught.words(
            ["" if s else captions[r] for r, s in zip(rows, silent, strict=True)]
        )

    def export(self, numbers: Mapping[str, Tensor], path: Path) -> None:
        kohya_file(numbers, self.shape, path, self.metadata)
