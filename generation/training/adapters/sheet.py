"""Sample sheets: what a checkpoint draws while it is taught, one row for each time it was asked.

Invariant: drawing one changes nothing of the training: seeds of its own, numbers put back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import LCMScheduler
from PIL import Image
from torch import Tensor

from generation.training.adapters.checkpoint import TaughtCheckpoint
from generation.training.adapters.descent import TrainingCourse
from generation.training.adapters.lora import put


@dataclass(slots=True, kw_only=True)
class SampleSheet:
    """Pictures of the same prompts and seeds, again and again."""

    taught: TaughtCheckpoint
    course: TrainingCourse
    path: Path
    prompts: Sequence[str]
    every: int
    steps: int = 20
    cfg: float = 5.0
    rapid: bool = False  # drawn by the lcm sampler
    pipeline: Any = None  # that draws, where it is not the checkpoint's own
    more: Sequence[Mapping[str, Any]] = ()  # what it is told beside each prompt

    def __call__(self, step: int, numbers: Mapping[str, Tensor]) -> None:
        """Draws a row where one is due."""
        if not self.prompts or not self.every or step % self.every:
            return
        kept = {name: number.detach().clone() for name, number in self.course.learns().items()}
        put(self.course.learns(), numbers)
        self._append([self._picture(n, prompt) for n, prompt in enumerate(self.prompts)])
        put(self.course.learns(), kept)

    @torch.no_grad()
    def _picture(self, n: int, prompt: str) -> Image.Image:
        pipeline = self.pipeline or self.taught.pipeline
        usual = pipeline.scheduler
        if self.rapid:
            pipeline.scheduler = LCMScheduler.from_config(usual.config)
        try:
            with self.taught.computing():
                drawn: Image.Image = pipeline(
                    prompt,
                    width=self.taught.side,
                    height=self.taught.side,
                    num_inference_steps=self.steps,
                    guidance_scale=self.cfg,
                    generator=torch.Generator("cpu").manual_seed(n),
                    **(self.more[n] if self.more else {}),
                ).images[0]
        finally:
            pipeline.scheduler = usual
        return drawn

    def _append(self, row: Sequence[Image.Image]) -> None:
        side = self.taught.side
        above = Image.open(self.path).convert("RGB") if self.path.exists() else None
        wide, tall = side * len(row), above.height if above else 0
        sheet = Image.new("RGB", (max(wide, above.width if above else 0), tall + side), "white")
        if above:
            sheet.paste(above, (0, 0))
        for n, picture in enumerate(row):
            sheet.paste(picture, (side * n, tall))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(self.path)
