"""LoRAs and embeddings: weights that change what a checkpoint draws, set anew for every job.

A LoRA is read once, by the plan that the catalog judged it by, and then only switched on and off:
its patches hang on the layers' outputs, and no weight is touched.  The invariant: before a job
draws, and whenever it gets the device back, exactly the recipe's LoRAs are on, in the recipe's
order, at the recipe's strengths; with none on, the model gives the bits it gave before any came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load
from torch import Tensor

from generation.catalog import embeddings
from generation.catalog.checkpoint import check_types
from generation.catalog.header import read_header
from generation.catalog.loras.plan import LayerChange, LoraPlan, read_plan
from generation.errors import UnusableWeights
from generation.recipe import Adapter, Recipe, Weights
from generation.worker.adapters.patches import Layer, Patch, patch
from generation.worker.model import Model
from generation.worker.text.clip import Learned

Locate = Callable[[Weights], Path]

KINDS = ("lora", "embedding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """A LoRA in the memory of its model's device."""

    patches: tuple[tuple[Layer, Patch], ...]
    words: tuple[dict[str, Tensor], ...]  # its bundled embeddings, for each text encoder


def switch(model: Model, recipe: Recipe, locate: Locate) -> None:
    """Load what is missing, and switch on exactly the recipe's LoRAs."""
    for adapter in recipe.adapters:
        if adapter.kind not in KINDS:
            raise UnusableWeights(adapter.weights.name, f"an adapter of the kind {adapter.kind!r}")
    switch_off(model)
    on: dict[Layer, list[tuple[Patch, float]]] = {}
    for adapter in recipe.adapters:
        if adapter.kind == "lora":
            for layer, one in _lora(model, adapter, locate).patches:
                on.setdefault(layer, []).append((one, adapter.strength))
    for layer, patches in on.items():
        model.hooks.append(layer.register_forward_hook(_adding(patches)))


def switch_off(model: Model) -> None:
    """The bare checkpoint."""
    for hook in model.hooks:
        hook.remove()
    model.hooks.clear()


def unload(model: Model) -> None:
    """Take all LoRAs out: their files have them, and `switch` reads them again."""
    switch_off(model)
    model.adapters.clear()


def learned_words(model: Model, recipe: Recipe, locate: Locate) -> tuple[Learned, ...]:
    """The recipe's embeddings, for each text encoder.

    An embedding's word is its file's name; those that a LoRA brings have names of their own.
    """
    words: list[dict[str, list[Tensor]]] = [{} for _ in model.engine.learners(model.parts)]
    for adapter in recipe.adapters:
        if adapter.kind == "embedding":
            word = Path(adapter.weights.name).name.removesuffix(".safetensors")
            tables, strength = _embedding(model, adapter, word, locate), adapter.strength
        else:
            tables, strength = _lora(model, adapter, locate).words, 1.0
        for known, table in zip(words, tables, strict=True):
            for word, vectors in table.items():
                known[word.casefold()] = list(vectors.float() * strength)
    return tuple(words)


def _adding(patches: list[tuple[Patch, float]]) -> Any:
    def add(layer: Layer, inputs: tuple[Tensor, ...], out: Tensor) -> Tensor:
        for one, strength in patches:
            out = one(layer, inputs[0], out, strength)
        return out

    return add


def _lora(model: Model, adapter: Adapter, locate: Locate) -> Lora:
    """From memory, or from its file, which may have been changed since."""
    digest, name = adapter.weights.sha256, adapter.weights.name
    path = locate(adapter.weights)
    known: Lora | None = model.adapters.get(digest)
    if known is not None:
        return known
    header = read_header(path, name)
    each = model.denoiser.config.get("layers_per_block")
    plan = read_plan(
        header.shapes,
        header.metadata,
        name,
        layers_per_block=each if isinstance(each, int) else 2,
        dtypes=header.dtypes,
    )
    tensors = load(path.read_bytes())
    layers = _layers(model, plan, name)
    patches = []
    for change, layer in zip(plan.changes, layers, strict=True):
        roles = {role: tensors[key] for role, key in change.keys.items()}
        try:
            patches.append((layer, patch(change, roles, layer)))
        except ValueError as error:
            raise UnusableWeights(name, str(error)) from error
    words = [
        _tables(model, {word: [tensors[key] for key in keys]}, name)
        for word, keys in plan.words.items()
    ]
    merged: tuple[dict[str, Tensor], ...] = tuple({} for _ in model.engine.learners(model.parts))
    for tables in words:
        for all_words, table in zip(merged, tables, strict=True):
            all_words.update(table)
    lora = model.adapters[digest] = Lora(patches=tuple(patches), words=merged)
    return lora


def _layers(model: Model, plan: LoraPlan, name: str) -> list[Layer]:
    """The model's layers that a plan changes.  Raises UnusableWeights for what does not fit."""
    parts = {
        part.name: {
            part.network.modern(path): module
            for path, module in model.parts[part.name].named_modules()
        }
        for part in model.architecture.parts
        if part.name in model.parts
    }
    found = [parts.get(change.part, {}).get(change.path) for change in plan.changes]
    odd = [_misfit(c, layer) for c, layer in zip(plan.changes, found, strict=True)]
    if misfits := [why for why in odd if why]:
        more = f" ({len(misfits) - 1} more)" if len(misfits) > 1 else ""
        raise UnusableWeights(name, f"it does not fit this model: {misfits[0]}{more}")
    return found


def _misfit(change: LayerChange, layer: Layer | None) -> str | None:
    if layer is None or getattr(layer, "weight", None) is None:
        return f"there is no {change.part} {change.path}"
    shape = tuple(layer.weight.shape)
    if change.form.fits(shape):
        return None
    mine = f"{change.form.out}x{change.form.inner or 1}"
    return f"{change.path} is {mine} in the file and {'x'.join(map(str, shape))} in the model"


def _embedding(
    model: Model, adapter: Adapter, word: str, locate: Locate
) -> tuple[dict[str, Tensor], ...]:
    name, path = adapter.weights.name, locate(adapter.weights)
    header = read_header(path, name)
    keys = embeddings.read_words(header.shapes, name)
    check_types(keys, header.dtypes, name)
    tensors = load(path.read_bytes())
    return _tables(model, {word: [tensors[key] for key in keys]}, name)


def _tables(
    model: Model, words: dict[str, list[Tensor]], name: str
) -> tuple[dict[str, Tensor], ...]:
    """The vectors of words, for each text encoder.  Raises UnusableWeights for other ones."""
    clips = model.engine.learners(model.parts)
    for vectors in words.values():
        if len(vectors) != len(clips):
            raise UnusableWeights(name, "an embedding for other text encoders")
        for clip, table in zip(clips, vectors, strict=True):
            width = clip.encoder.config.hidden_size
            if table.shape[-1] != width:
                raise UnusableWeights(name, f"it is {table.shape[-1]} wide, the model {width}")
    return tuple(
        {word: vectors[n].reshape(-1, vectors[n].shape[-1]) for word, vectors in words.items()}
        for n in range(len(clips))
    )
