"""LoRAs and their kin: patches on layers, and the words that some files bring.

A LoRA is read once, by the plan that the catalog judged it by, and kept until the model leaves the
device.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from safetensors.torch import load
from torch import nn

from generation.catalog.header import read_header
from generation.catalog.loras.plan import LayerChange, LoraPlan, read_plan
from generation.errors import UnusableWeights
from generation.families.architecture import Stage
from generation.recipe import Adapter
from generation.worker.adapters.adapter import Locate, Tables, tables_of
from generation.worker.adapters.patches import Layer, Patch, patch
from generation.worker.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedLora:
    """A LoRA in the memory of its model's device."""

    patches: tuple[tuple[Layer, Patch], ...]
    words: Tables  # its bundled embeddings


class Lora:
    """Patches, and words of names of their own, which have no strength."""

    def patches(
        self, model: Model, adapter: Adapter, locate: Locate
    ) -> Iterable[tuple[Layer, Patch]]:
        return _loaded(model, adapter, locate).patches

    def words(self, model: Model, adapter: Adapter, locate: Locate) -> Tables:
        return _loaded(model, adapter, locate).words


def _loaded(model: Model, adapter: Adapter, locate: Locate) -> LoadedLora:
    """From memory, or from its file, which may have been changed since."""
    name = adapter.weights.name
    path = locate(adapter.weights)
    known: LoadedLora | None = model.adapters.get(adapter.place)
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
        built=model.architecture,
    )
    tensors = load(path.read_bytes())
    layers = _layers(model, plan, name)
    patches = []
    for change, layer in zip(plan.changes, layers, strict=True):
        roles = {role: tensors[key] for role, key in change.keys.items()}
        try:
            meant = _meant(model, change, layer, adapter.expert)
            patches += [(one, patch(change, roles, one)) for one in meant]
        except ValueError as error:
            raise UnusableWeights(name, str(error)) from error
    words = {word: [tensors[key].float() for key in keys] for word, keys in plan.words.items()}
    lora = model.adapters[adapter.place] = LoadedLora(
        patches=tuple(patches), words=tables_of(model, words, name)
    )
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


def _meant(model: Model, change: LayerChange, layer: Layer, expert: str | None) -> list[Layer]:
    """The layer, and the same one of a second denoiser: both, where nobody says which."""
    seconds = [part for part in model.architecture.at(Stage.REFINE) if part.name in model.parts]
    if change.part != model.architecture.denoiser.name or not seconds or expert == "high":
        return [layer]
    inside = [dict(model.parts[part.name].named_modules()) for part in seconds]
    twins = [modules[change.path] for modules in inside if change.path in modules]
    return twins if expert == "low" else [layer, *twins]


def _misfit(change: LayerChange, layer: Layer | None) -> str | None:
    if layer is None or getattr(layer, "weight", None) is None:
        return f"there is no {change.part} {change.path}"
    if isinstance(layer, nn.Embedding):
        return f"{change.path} only looks up numbers, which no LoRA changes"
    shape = tuple(layer.weight.shape)
    if change.fits(shape):
        return None
    mine = f"{change.form.out}x{change.form.inner or 1}"
    return f"{change.path} is {mine} in the file and {'x'.join(map(str, shape))} in the model"
