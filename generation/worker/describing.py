"""Saying what a picture shows: a captioner is had by the cache, within its budget, and asked.

The invariant: a captioner's numbers are those of the folder with its digest, every one of them; and
what is said is a function of these and the picture's bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from generation.catalog.modelfolder import model_type
from generation.errors import BrokenWeights, UnusableWeights
from generation.families.architecture import Stage
from generation.fleet.wire import Describe, Loading, Report
from generation.media.photos import as_rgb, upright
from generation.worker import pulse
from generation.worker.baton import Turn
from generation.worker.captioners.captioner import Captioned, Captioner, CaptionerAtHand
from generation.worker.captioners.table import CAPTIONERS
from generation.worker.loading.building import BUILDING, class_of, skeleton
from generation.worker.loading.loader import translated
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import LoadedPart, PartKey
from generation.worker.residence import MayGoOn, Residence, tensors_of

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
        return _built(captioner, folder, weights.name, key)

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


def _built(captioner: Captioner, folder: Path, name: str, key: PartKey) -> LoadedPart:
    """The network before it has numbers.  Raises UnusableWeights."""
    with translated(name):
        module = skeleton(captioner.network, captioner.build(folder), key.dtype)
    pulse.follow(module)
    numbers = FolderNumbers(captioner=captioner, folder=folder, name=name, dtype=key.dtype)
    return LoadedPart(
        key=key,
        stage=Stage.ENCODE,
        module=module,
        tokenizer=None,
        residence=Residence(module, numbers),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderNumbers:
    """The numbers of a captioner, as its library reads them: names of older releases included."""

    captioner: Captioner
    folder: Path
    name: str
    dtype: torch.dtype

    def read(self, into: Sequence[Tensor], may_go_on: MayGoOn) -> None:
        """Fill these.  Raises UnusableWeights, and Cancelled when `may_go_on` says no."""
        pulse.beat()
        network = self.captioner.network
        kind = class_of(network.module, network.name)
        with BUILDING:
            read = self._ours if network.library == "generation" else self._transformers
            module = read(kind)
        for mine, numbers in zip(into, tensors_of(module), strict=True):
            may_go_on()
            pulse.beat()
            mine.copy_(numbers)

    def _ours(self, kind: Any) -> Any:
        module = kind(**self.captioner.build(self.folder))
        found = load_file(self.folder / "model.safetensors")
        expected = {key for key in module.state_dict() if not key.endswith("num_batches_tracked")}
        self._check(expected - found.keys())
        module.load_state_dict({key: value.float() for key, value in found.items()}, strict=False)
        return module

    def _transformers(self, kind: Any) -> Any:
        module, report = kind.from_pretrained(
            self.folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=self.dtype,
            output_loading_info=True,
        )
        self._check(report["missing_keys"])
        return module

    def _check(self, lacking: Any) -> None:
        if lacking:
            raise BrokenWeights(self.name, f"its tensor {min(lacking):.120} is missing")
