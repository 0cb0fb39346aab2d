"""Qwen2.5-VL and Qwen3-VL (Bai and others 2025): a chat of one turn, with the picture in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from generation.families.architecture import Network
from generation.worker.captioners.captioner import Captioned, CaptionerAtHand
from generation.worker.captioners.writing import ASKED, ids_of, processors, written

_BEFORE = "<|im_start|>user\n<|vision_start|>"
_BEHIND = f"<|vision_end|>{ASKED}<|im_end|>\n<|im_start|>assistant\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class QwenCaptioner:
    """One of their classes."""

    network: Network

    def build(self, config: Path) -> Any:
        """The folder's config."""
        return config

    def describe(self, it: CaptionerAtHand, picture: Image.Image) -> Captioned:
        """The answer to the question what the picture shows."""
        looking, tokenizer = processors(it.folder)
        seen = looking(picture, return_tensors="pt")
        config = it.module.config
        each = config.vision_config.spatial_merge_size**2
        count = int(seen["image_grid_thw"][0].prod()) // each
        ids = ids_of(tokenizer, _BEFORE, [config.image_token_id] * count, _BEHIND)
        inputs = {
            "input_ids": ids,
            "mm_token_type_ids": (ids == config.image_token_id).int(),
            "pixel_values": seen["pixel_values"],
            "image_grid_thw": seen["image_grid_thw"],
        }
        return written(it, it.module, tokenizer, inputs)
