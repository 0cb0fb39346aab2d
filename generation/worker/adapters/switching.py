"""Puts the adapters of a picture on a loaded model, and takes them off: anew for every job.

The invariant: before a job draws, and whenever it gets the device back, exactly the recipe's
adapters are on, in the recipe's order, at the recipe's strengths; with none on, the model gives the
bits it gave before any came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from generation.errors import UnusableWeights
from generation.families.architecture import Stage
from generation.recipe import Adapter, Recipe
from generation.worker.adapters.adapter import Locate
from generation.worker.adapters.patches import Layer, Patch
from generation.worker.adapters.table import KINDS
from generation.worker.model import Model
from generation.worker.text.clip import Learned


def switch(model: Model, recipe: Recipe, locate: Locate) -> None:
    """Load what is missing, and switch on exactly the recipe's adapters."""
    for adapter in recipe.adapters:
        if adapter.kind not in KINDS:
            raise UnusableWeights(adapter.weights.name, f"an adapter of the kind {adapter.kind!r}")
    switch_off(model)
    on: dict[Layer, list[tuple[Patch, float]]] = {}
    for adapter in recipe.adapters:
        for layer, one in KINDS[adapter.kind].patches(model, adapter, locate):
            on.setdefault(layer, []).append((one, adapter.strength))
    for part in model.loaded:
        for layer in part.module.modules():
            if (patches := on.get(layer)) is not None:
                part.hooks.append(layer.register_forward_hook(_adding(patches)))


def switch_off(model: Model) -> None:
    """The bare checkpoint, whichever other model with parts of it had adapters on."""
    for part in model.loaded:
        for hook in part.hooks:
            hook.remove()
        part.hooks.clear()


def unload(model: Model) -> None:
    """Take all adapters out: their files have them, and `switch` reads them again."""
    switch_off(model)
    model.adapters.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taught:
    """What a recipe's adapters do to how words are read."""

    words: tuple[Learned, ...]  # new ones, for each text encoder that learns
    by: tuple[Adapter, ...]  # that teach some, or change an encoder


def taught(model: Model, recipe: Recipe, locate: Locate) -> Taught:
    """What the recipe's adapters do to how its words are read."""
    words: list[dict[str, list[Tensor]]] = [{} for _ in model.engine.learners(model.parts)]
    by = []
    for adapter in recipe.adapters:
        tables = KINDS[adapter.kind].words(model, adapter, locate)
        for known, table in zip(words, tables, strict=bool(tables)):
            for word, vectors in table.items():
                known[word.casefold()] = list(vectors)
        if any(tables) or _changes_encoders(model, adapter, locate):
            by.append(adapter)
    return Taught(words=tuple(words), by=tuple(by))


def _changes_encoders(model: Model, adapter: Adapter, locate: Locate) -> bool:
    layers = {layer for part in model.at(Stage.ENCODE) for layer in part.module.modules()}
    patches = KINDS[adapter.kind].patches(model, adapter, locate)
    return any(layer in layers for layer, _ in patches)


def _adding(patches: list[tuple[Patch, float]]) -> Any:
    def add(layer: Layer, inputs: tuple[Tensor, ...], out: Tensor) -> Tensor:
        for one, strength in patches:
            out = one(layer, inputs[0], out, strength)
        return out

    return add
