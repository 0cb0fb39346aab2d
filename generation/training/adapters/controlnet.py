"""ControlNets: a copy of the UNet's first half that sees a control picture and steers the rest.

Invariant: at the start it says nothing (its last convolutions are zero); what is written is a
folder as diffusers' `ControlNetModel.from_pretrained` reads it, `config.json` and all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel
from PIL import Image
from torch import Tensor

from generation.media.edges import canny
from generation.training.adapters.checkpoint import ReadWords, TaughtCheckpoint
from generation.training.adapters.lessons import CaptionedPicture, WordBank, opened
from generation.training.adapters.lora import Batches, denoising_loss
from generation.training.adapters.written import write_tensors

WEIGHTS = "diffusion_pytorch_model.safetensors"
NARROW = (8, 16, 48, 96)  # channels of what looks at the control picture, for small checkpoints
WIDE = (16, 32, 96, 256)


def new_controlnet(unet: Any, *, slim: bool) -> Any:
    """A copy of the UNet's first half; `slim` has one block in the middle, without attention."""
    whole = ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=NARROW if slim else WIDE
    )
    if not slim:
        return whole
    config = {k: v for k, v in whole.config.items() if not k.startswith("_")}
    thin = ControlNetModel.from_config({**config, "mid_block_type": "UNetMidBlock2D"})
    kept, has = whole.state_dict(), set(thin.state_dict())
    thin.load_state_dict({name: number for name, number in kept.items() if name in has})
    return thin


def controls_of(lessons: Sequence[CaptionedPicture], side: int) -> Tensor:
    """(count, 3, side, side) uint8: the control pictures beside them, else their edges."""
    found = []
    for one in lessons:
        if one.control.exists():
            control = opened(one.control, side)
        else:
            control = canny(opened(one.file, side)).convert("RGB")
        found.append(np.asarray(control))
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous()


def control_picture(controls: Tensor, row: int) -> Image.Image:
    """One of them, to look at and to draw with."""
    return Image.fromarray(controls[row].permute(1, 2, 0).numpy())


@dataclass(slots=True, kw_only=True)
class ControlCourse:
    """A ControlNet that learns to keep to what it is shown."""

    taught: TaughtCheckpoint
    net: Any
    batches: Batches
    controls: Tensor
    words: WordBank
    metadata: Mapping[str, str]

    def learns(self) -> Mapping[str, Tensor]:
        return dict(self.net.named_parameters())

    def loss(self, generator: torch.Generator) -> Tensor:
        rows, silent = self.batches.rows(generator)
        clean = self.batches.bank.drawn(rows, generator)
        told = self.words.of(rows.tolist(), silent, self.taught.device)
        shown = self.controls[rows].to(self.taught.device).float() / 255

        def helped(noisy: Tensor, steps: Tensor) -> Mapping[str, Any]:
            return self._said(noisy, steps, told, shown)

        return denoising_loss(self.taught, clean, told, generator, helped)

    def _said(
        self, noisy: Tensor, steps: Tensor, told: ReadWords, shown: Tensor
    ) -> Mapping[str, Any]:
        with self.taught.computing():
            down, middle = self.net(
                noisy,
                steps,
                encoder_hidden_states=told.states,
                controlnet_cond=shown,
                added_cond_kwargs=self.taught.beside(told),
                return_dict=False,
            )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    def export(self, numbers: Mapping[str, Tensor], path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        write_tensors(numbers, path / WEIGHTS, self.metadata)
        config = {k: v for k, v in self.net.config.items() if v is not None or k != "_name_or_path"}
        config = {"_class_name": "ControlNetModel", **config}
        (path / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
