"""A network that no model has, such as a captioner: out of a folder, as its library reads it.

The invariant: its numbers are those of the folder, every one of them, names of older releases
included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from generation.errors import BrokenWeights
from generation.families.architecture import Network, Stage
from generation.worker import pulse
from generation.worker.loading.building import BUILDING, class_of, skeleton
from generation.worker.loading.loader import translated
from generation.worker.model import LoadedPart, PartKey
from generation.worker.residence import MayGoOn, Residence, tensors_of


def built_alone(network: Network, config: Any, folder: Path, name: str, key: PartKey) -> LoadedPart:
    """The network before it has numbers.  Raises UnusableWeights.

    `config`: what its class is built from, a folder or what the class takes.
    """
    with translated(name):
        module = skeleton(network, config, key.dtype)
    pulse.follow(module)
    numbers = FolderNumbers(
        network=network, config=config, folder=folder, name=name, dtype=key.dtype
    )
    return LoadedPart(
        key=key,
        stage=Stage.ENCODE,
        module=module,
        tokenizer=None,
        residence=Residence(module, numbers),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderNumbers:
    """The numbers of such a network."""

    network: Network
    config: Any
    folder: Path
    name: str
    dtype: torch.dtype

    def read(self, into: Sequence[Tensor], may_go_on: MayGoOn) -> None:
        """Fill these.  Raises UnusableWeights, and Cancelled when `may_go_on` says no."""
        pulse.beat()
        kind = class_of(self.network.module, self.network.name)
        with BUILDING:
            ours = self.network.library == "generation"
            module = self._ours(kind) if ours else self._transformers(kind)
        for mine, numbers in zip(into, tensors_of(module), strict=True):
            may_go_on()
            pulse.beat()
            mine.copy_(numbers)

    def _ours(self, kind: Any) -> Any:
        module = kind(**self.config)
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
