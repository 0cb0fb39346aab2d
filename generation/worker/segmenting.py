"""Where in a picture a region lies that words name, by CLIPSeg (Lueddecke and Ecker 2022).

It is loaded for each picture and runs on the processor in fp32, whatever device draws: so a mask
needs none of its memory, and differs between machines as little as may be.  The invariant: the
same files, picture and words give the same area, and nothing is drawn from a generator.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from generation.errors import BadMask, BrokenWeights
from generation.worker import pulse
from generation.worker.codecs.joining import Area

USUAL_THRESHOLD = 0.4
NOT_FOUND = (
    "I found nothing of that name in the picture: call it what it looks like, or send a mask"
)
# What CLIP was trained with, where a folder does not say.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIDE = 352


def region_of(folder: Path, picture: Image.Image, words: str, threshold: float | None) -> Area:
    """The pixels that belong to it.  Raises BadMask where there are none, and BrokenWeights."""
    pulse.beat()
    likely = probabilities(folder, picture, words)
    pulse.beat()
    sized = interpolate(likely[None, None], size=(picture.height, picture.width), mode="bilinear")[
        0, 0
    ]
    area = np.asarray(sized.numpy() >= (USUAL_THRESHOLD if threshold is None else threshold))
    if not area.any():
        raise BadMask(NOT_FOUND)
    return area


def probabilities(folder: Path, picture: Image.Image, words: str) -> Tensor:
    """How likely each point belongs to it, as coarse as the network sees: (h, w)."""
    from transformers import AutoTokenizer, CLIPSegForImageSegmentation

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network: Any = CLIPSegForImageSegmentation.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise BrokenWeights(folder.name, "it cannot be loaded") from error
    network.eval()
    longest = network.config.text_config.max_position_embeddings
    read = tokenizer(
        [words], padding="max_length", max_length=longest, truncation=True, return_tensors="pt"
    )
    with torch.inference_mode():
        said = network(
            input_ids=read["input_ids"],
            attention_mask=read["attention_mask"],
            pixel_values=_seen(folder, picture),
        )
    likely: Tensor = said.logits.sigmoid()
    return likely.reshape(likely.shape[-2:])


def _seen(folder: Path, picture: Image.Image) -> Tensor:
    """The picture as the network takes it, by the folder's own account: (1, 3, side, side)."""
    config: dict[str, Any] = {}
    if (file := folder / "preprocessor_config.json").is_file():
        config = json.loads(file.read_bytes())
    size = config.get("size", _SIDE)
    sides = (size["width"], size["height"]) if isinstance(size, dict) else (size, size)
    way = Image.Resampling(config.get("resample", Image.Resampling.BILINEAR))
    small = np.asarray(picture.resize(sides, way), dtype=np.float32) / 255.0
    mean, deviation = config.get("image_mean", _MEAN), config.get("image_std", _DEVIATION)
    normal = (small - np.float32(mean)) / np.float32(deviation)
    return torch.from_numpy(normal).permute(2, 0, 1)[None].contiguous()
