"""The models that are loaded, and which of them gives way.

The invariant: what `take` gives has exactly the recipe's weights, found by digest at this moment,
and a model that a job draws with, or is paused with, is never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from generation.catalog import Catalog
from generation.errors import OutOfMemory
from generation.recipe import Precision, Recipe, Sha256
from generation.worker import memory
from generation.worker.models import DTYPES, PARTS, Model, load

_Key = tuple[Sha256, Sha256 | None, Precision]


class Shelf:
    """Loaded models, the least recently used of which is dropped when room is needed.

    `limit`: bytes that weights and drawing may take together; None: what the device has.
    Only the job that holds the baton calls `take` and `clear`.
    """

    def __init__(self, catalog: Catalog, device: torch.device, limit: int | None) -> None:
        self.catalog = catalog
        self.device = device
        self._limit = limit
        self._models: dict[_Key, Model] = {}  # oldest use first

    @contextmanager
    def take(self, recipe: Recipe, *, on_load: Callable[[str], None]) -> Iterator[Model]:
        """The model of the recipe, kept on the shelf for as long as the block runs.

        `on_load(name)` is called before weights are read.  Raises UnusableWeights, OutOfMemory.
        """
        model = self._found(recipe, on_load)
        model.users += 1
        try:
            yield model
        finally:
            model.users -= 1

    def clear(self) -> None:
        """Drop every model that nobody uses."""
        self._models = {key: model for key, model in self._models.items() if model.users}
        memory.clean(self.device)

    def free_bytes(self) -> int:
        """What the device, or the limit given at the start, still has room for."""
        free = memory.free_bytes(self.device)
        if self._limit is not None:
            free = min(free, self._limit - sum(model.bytes for model in self._models.values()))
        return max(0, free)

    def _found(self, recipe: Recipe, on_load: Callable[[str], None]) -> Model:
        vae = recipe.vae.sha256 if recipe.vae is not None else None
        key = (recipe.checkpoint.sha256, vae, recipe.precision)
        # Looked up each time, also for a loaded model: a file that was changed or taken away since
        # must not go on drawing under its old name.
        path = self.catalog.locate(recipe.checkpoint)
        vae_path = self.catalog.locate(recipe.vae) if recipe.vae else None
        model = self._models.get(key)
        if model is None:
            self._make_room(_needed(recipe, path, vae_path), sparing=None)
            on_load(recipe.checkpoint.name)
            model = load(recipe, path, vae_path, self.device)
        else:
            self._make_room(_activations(recipe, model), sparing=model)
            del self._models[key]
        self._models[key] = model
        return model

    def _make_room(self, needed: int, *, sparing: Model | None) -> None:
        """Drop what must go.  Raises OutOfMemory, and drops nothing, when that is not enough."""
        idle = {k: m for k, m in self._models.items() if not m.users and m is not sparing}
        possible = self.free_bytes() + sum(model.bytes for model in idle.values())
        if possible < needed:
            raise OutOfMemory(needed, possible)
        for key in idle:
            if self.free_bytes() >= needed:
                return
            del self._models[key]
            memory.clean(self.device)


def _needed(recipe: Recipe, path: Path, vae_path: Path | None) -> int:
    """What weights and drawing will take, from the heads of the files."""
    itemsize = DTYPES[recipe.precision].itemsize
    if path.is_dir():
        files = [f for part in PARTS for f in sorted((path / part).glob("*.safetensors"))]
        unet_width, vae_width = memory.widths_of_folder(path)
    else:
        files, unet_width, vae_width = [path], 320, 128
    if vae_path is not None and vae_path.is_file():
        files.append(vae_path)
    needed = memory.weights_bytes(_one_variant(files), itemsize)
    return needed + memory.activation_bytes(recipe, unet_width, vae_width, itemsize)


def _activations(recipe: Recipe, model: Model) -> int:
    return memory.activation_bytes(
        recipe,
        model.unet.config.block_out_channels[0],
        model.vae.config.block_out_channels[0],
        DTYPES[recipe.precision].itemsize,
    )


def _one_variant(files: list[Path]) -> list[Path]:
    """Without the fp16 copies that lie beside their originals."""
    here = set(files)
    return [f for f in files if (plain := _full(f)) == f or plain not in here]


def _full(file: Path) -> Path:
    return file.with_name(file.name.replace(".fp16.", "."))
