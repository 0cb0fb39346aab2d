"""DreamBooth (Ruiz et al. 2022): a subject by a trigger word, and everything else as before.

Invariant: beside each picture of the subject stands one of what the checkpoint could draw already,
so that the trigger takes nothing over.  What is learned is kept as a LoRA of all layers, which is a
small file; `whole` writes the checkpoint with it merged in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.training.adapters.checkpoint import TaughtCheckpoint
from generation.training.adapters.lora import LoraCourse


@dataclass(slots=True, kw_only=True)
class SubjectCourse:
    """A subject that is learned, and others that are kept."""

    subject: LoraCourse
    others: LoraCourse
    weight: float  # of the others

    def learns(self) -> Mapping[str, Tensor]:
        return self.subject.learns()

    def loss(self, generator: torch.Generator) -> Tensor:
        return self.subject.loss(generator) + self.weight * self.others.loss(generator)

    def export(self, numbers: Mapping[str, Tensor], path: Path) -> None:
        self.subject.export(numbers, path)


@torch.no_grad()
def draw_others(taught: TaughtCheckpoint, prompts: Sequence[str], count: int, folder: Path) -> Path:
    """Pictures by the checkpoint itself, with their words, where nobody brings any."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        file, prompt = folder / f"{n:05}-drawn.png", prompts[n % len(prompts)]
        if file.exists():
            continue
        with taught.computing():
            drawn = taught.pipeline(
                prompt,
                width=taught.side,
                height=taught.side,
                num_inference_steps=20,
                generator=torch.Generator("cpu").manual_seed(n),
            ).images[0]
        file.with_suffix(".txt").write_text(prompt, encoding="utf-8")
        drawn.save(file)
    return folder


def write_whole(taught: TaughtCheckpoint, lora: Path, folder: Path) -> None:
    """The checkpoint with the LoRA merged into it, a folder in diffusers' layout, in fp16."""
    pipeline: Any = taught.pipeline
    pipeline.unet.delete_adapters(list(pipeline.unet.peft_config))
    for encoder in taught.encoders:
        if names := list(getattr(encoder, "peft_config", {})):
            encoder.delete_adapter(names)
    pipeline.load_lora_weights(lora.parent, weight_name=lora.name)
    pipeline.fuse_lora(components=pipeline._lora_loadable_modules)
    pipeline.unload_lora_weights()
    pipeline.to(torch.float16).save_pretrained(folder, safe_serialization=True)
