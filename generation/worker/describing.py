"""Saying what a picture shows: a captioner is had by the cache, within its budget, and asked.

The invariant: a captioner's numbers are those of the folder with its digest, every one of them; and
what is said is a function of these and the picture's bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image

from generation.catalog.modelfolder import model_type
from generation.errors import UnusableWeights
from generation.fleet.wire import Describe, Loading, Report
from generation.media.photos import as_rgb, upright
from generation.worker import pulse
from generation.worker.alone import built_alone
from generation.worker.baton import Turn
from generation.worker.captioners.captioner import Captioned, Captioner, CaptionerAtHand
from generation.worker.captioners.table import CAPTIONERS
from generation.worker.loading.loader import translated
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import LoadedPart, PartKey

LARGEST = 1024  # pixels of a side that captioners are shown
_PART = "captioner"


def described(
    order: Describe, cache: ModelCache, place: Turn, say: Callable[[Report], None]
) -> tuple[Captioned, float]:
    """What the picture shows, and the seconds that went into weights.

    Raises BadPicture, UnusableWeights and OutOfMemory.
    """
    picture = as_rgb(upright(order.picture))
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    weights = order.weights
    folder = cache.catalog.locate(weights)
    captioner = _captioner(folder, weights.name)
    dtype = _dtype(cache.device)
    key = PartKey(file=weights.sha256, part=_PART, dtype=dtype)

    def build() -> LoadedPart:
        with translated(weights.name):
            config = captioner.build(folder)
        return built_alone(captioner.network, config, folder, weights.name, key)

    def loads(name: str) -> None:
        say(Loading(job=order.job, name=name))

    began = place.seconds
    with cache.take_alone(key, build, weights.name, on_load=loads) as part:
        loading = place.seconds - began
        pulse.stage("words")
        it = CaptionerAtHand(folder=folder, module=part.module, device=cache.device, dtype=dtype)
        with torch.inference_mode(), translated(weights.name):
            return captioner.describe(it, picture), loading


def _captioner(folder: Path, name: str) -> Captioner:
    found = CAPTIONERS.get(model_type(folder) or "")
    if found is None:
        raise UnusableWeights(name, "it describes no pictures")
    return found


def _dtype(device: torch.device) -> torch.dtype:
    """Half of the memory where that is exact enough and fast."""
    exact = device.type != "cuda" or not torch.cuda.is_bf16_supported()
    return torch.float32 if exact else torch.bfloat16
