"""SmolVLM (Marafioti and others 2025), under both of its classes: Idefics3's and its own.

The picture is looked at whole and once, not in tiles: it says less of small print, and takes a
tenth of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from generation.families.architecture import Network
from generation.worker.captioners.captioner import Captioned, CaptionerAtHand
from generation.worker.captioners.writing import ASKED, ids_of, processors, written

_BEFORE = "<|im_start|>User:<fake_token_around_image><global-img>"
_BEHIND = f"<fake_token_around_image>{ASKED}<end_of_utterance>\nAssistant:"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmolVlmCaptioner:
    """One of its classes."""

    network: Network

    def build(self, config: Path) -> Any:
        """The folder's config."""
        return config

    def describe(self, it: CaptionerAtHand, picture: Image.Image) -> Captioned:
        """The answer to the question what the picture shows."""
        looking, tokenizer = processors(it.folder)
        config = it.module.config
        side = config.vision_config.image_size
        seen = looking(
            [[picture]],
            return_tensors="pt",
            do_image_splitting=False,
            size={"longest_edge": side},
            max_image_size={"longest_edge": side},
        )
        count = (side // config.vision_config.patch_size) ** 2 // config.scale_factor**2
        ids = ids_of(tokenizer, _BEFORE, [config.image_token_id] * count, _BEHIND)
        inputs = {
            "input_ids": ids,
            "pixel_values": seen["pixel_values"],
            "pixel_attention_mask": seen["pixel_attention_mask"],
        }
        return written(it, it.module, tokenizer, inputs)
