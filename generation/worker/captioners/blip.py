"""BLIP (Li, Li, Xiong and Hoi 2022): a caption of its own accord, with nothing asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from generation.worker.captioners.captioner import (
    Captioned,
    CaptionerAtHand,
    network_of_transformers,
)
from generation.worker.captioners.writing import processors, written


class BlipCaptioner:
    """BlipForConditionalGeneration."""

    network = network_of_transformers("blip", "BlipForConditionalGeneration")

    def build(self, config: Path) -> Any:
        """The folder's config."""
        return config

    def describe(self, it: CaptionerAtHand, picture: Image.Image) -> Captioned:
        """The caption."""
        looking, tokenizer = processors(it.folder)
        seen = looking(picture, return_tensors="pt")
        return written(it, it.module, tokenizer, {"pixel_values": seen["pixel_values"]})
