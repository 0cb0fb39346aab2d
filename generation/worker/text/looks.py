"""Pictures as CLIP sees them: the states before its last layer, as Wan 2.1 reads them.

Each picture is made small as its makers' processor does it: the shorter side to CLIP's own, the
middle of it, and CLIP's mean and spread.  The invariant: the stock pipeline's bits.
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL.Image import Image
from torch import Tensor

from generation.worker.parts import Parts


def looks_of(parts: Parts, pictures: Sequence[Image]) -> Tensor:
    """(pictures, tokens, width)."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    encoder = parts["image_encoder"]
    side = encoder.config.image_size
    small = CLIPImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )
    seen = small(images=list(pictures), return_tensors="pt").pixel_values
    states: Tensor = encoder(
        pixel_values=seen.to(encoder.device, encoder.dtype), output_hidden_states=True
    ).hidden_states[-2]
    return states
