"""Pictures as language models with a tower look at them: in patches, and as tokens in a text.

The sizes that a picture is brought to are its model's: sides of whole tokens, between a least and a
most number of pixels.  The invariant: the same picture gives the same patches as the processor that
the stock pipelines hand it to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from generation.errors import UnusableWeights

_IMAGE = "<|image_pad|>"  # stands in a template where a picture goes; behind it, for each token

# By the type of the tower's model: what its processor is made with, as published.
_HALF = [0.5, 0.5, 0.5]
_LOOKING: dict[str, dict[str, Any]] = {
    "qwen2_5_vl": {
        "size": {"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 16384},
    },
    "qwen3_vl": {
        "size": {"shortest_edge": 256 * 256, "longest_edge": 4096 * 4096},
        "image_mean": _HALF,
        "image_std": _HALF,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPictures:
    """Pictures in patches."""

    patches: Tensor  # (patches of all pictures, numbers of one)
    grids: Tensor  # (pictures, 3): frames, rows and columns of patches
    token: int  # the id that stands for a token of a picture
    each: int  # patches that become one token

    def spread(self, text: str) -> str:
        """The text with as many places for each picture as it has tokens."""
        parts = text.split(_IMAGE)
        if len(parts) != len(self.grids) + 1:
            raise ValueError(f"{len(parts) - 1} places for {len(self.grids)} pictures")
        found = parts[0]
        for grid, part in zip(self.grids, parts[1:], strict=True):
            found += _IMAGE * (int(grid.prod()) // self.each) + part
        return found

    def inputs(self, ids: Tensor, *, grid: bool) -> dict[str, Tensor]:
        """What the network reads beside the ids; `grid`: where pictures are in them, too."""
        found = {"pixel_values": self.patches, "image_grid_thw": self.grids}
        return found | ({"mm_token_type_ids": (ids == self.token).int()} if grid else {})


def without_marks(words: str) -> str:
    """A person's words, in which no picture stands."""
    return words.replace(_IMAGE, "")


def seen_by(encoder: Any, pictures: Sequence[Image.Image]) -> SeenPictures:
    """What the encoder looks at of RGB pictures.  Raises UnusableWeights where it has no tower."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    if getattr(encoder, "visual", None) is None:
        raise UnusableWeights("text encoder", "a text encoder that cannot look at pictures")
    config = encoder.config
    tower = config.vision_config
    looking = Qwen2VLImageProcessorPil(
        patch_size=tower.patch_size,
        temporal_patch_size=tower.temporal_patch_size,
        merge_size=tower.spatial_merge_size,
        **_LOOKING[config.model_type],
    )
    seen = looking(list(pictures), return_tensors="pt")
    return SeenPictures(
        patches=seen["pixel_values"].to(torch.float32),
        grids=seen["image_grid_thw"],
        token=config.image_token_id,
        each=tower.spatial_merge_size**2,
    )
