"""Florence-2 (Xiao and others 2023), by the sentence that its training asked for descriptions with.

The pixels stand before the words, as so many tokens as its vision tower gives of a picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from generation.worker.captioners.captioner import (
    Captioned,
    CaptionerAtHand,
    network_of_transformers,
)
from generation.worker.captioners.writing import ids_of, processors, written

TASK = "Describe in detail what is shown in the image."


class Florence2Captioner:
    """Florence2ForConditionalGeneration."""

    network = network_of_transformers("florence2", "Florence2ForConditionalGeneration")

    def build(self, config: Path) -> Any:
        """The folder's config."""
        return config

    def describe(self, it: CaptionerAtHand, picture: Image.Image) -> Captioned:
        """The detailed caption."""
        looking, tokenizer = processors(it.folder)
        pixels = looking(picture, return_tensors="pt")["pixel_values"]
        seen = it.module.get_image_features(pixels.to(it.device, it.dtype)).pooler_output
        image = [it.module.config.image_token_id] * seen.shape[1]
        ids = ids_of(tokenizer, image, [tokenizer.bos_token_id], TASK, [tokenizer.eos_token_id])
        return written(it, it.module, tokenizer, {"input_ids": ids, "pixel_values": pixels})
