"""Pictures as films' networks see them: CLIP's states before its last layer, or SigLIP's last ones.

Each picture is made small as its makers' processor does it: for CLIP the shorter side to its own
and the middle of it, for SigLIP all of it to a square, and then by their mean and spread.  The
invariant: the stock pipelines' bits.
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


def seen_by_siglip(parts: Parts, pictures: Sequence[Image]) -> Tensor:
    """(pictures, tokens, width)."""
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    encoder = parts["image_encoder"]
    side = encoder.config.image_size
    small = SiglipImageProcessorPil(size={"height": side, "width": side})
    seen = small(images=list(pictures), return_tensors="pt").pixel_values
    states: Tensor = encoder(pixel_values=seen.to(encoder.device, encoder.dtype)).last_hidden_state
    return states
