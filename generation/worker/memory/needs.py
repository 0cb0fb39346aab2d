"""How much memory a recipe will take, from the heads of its files, before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generation.catalog.checkpoint import CONFIGS, config_of
from generation.catalog.header import read_header
from generation.catalog.modelfolder import read_json
from generation.families.architecture import Architecture, Config, Stage
from generation.families.family import family
from generation.recipe import Recipe
from generation.worker.engines.table import ENGINES
from generation.worker.loading.loader import DTYPES
from generation.worker.memory import memory
from generation.worker.model import Model


def to_draw(recipe: Recipe, path: Path, vae_path: Path | None) -> int:
    """What weights and drawing will take, from the heads of the files."""
    architecture = family(recipe.family).architecture
    configs = _configs(recipe.checkpoint.name, path, architecture)
    return weights(recipe, path, vae_path) + _activations(recipe, architecture, configs)


def _configs(name: str, path: Path, architecture: Architecture) -> Mapping[str, Config]:
    """Those of the parts that are there, and for a single file of all that it may have."""
    if path.is_dir():
        folders = {part.name: path / part.name for part in architecture.parts}
        found = {part: folder for part, folder in folders.items() if folder.is_dir()}
        return {part: read_json(folder / "config.json", name) for part, folder in found.items()}
    shapes = read_header(path, name).shapes
    return {
        part.name: {**config_of(CONFIGS / part.config), **part.told(shapes)}
        for part in architecture.parts
    }


def weights(recipe: Recipe, path: Path, vae_path: Path | None) -> int:
    """What weights will take, in the recipe's precision."""
    return memory.weights_bytes(files(recipe, path, vae_path), DTYPES[recipe.precision].itemsize)


def activations(recipe: Recipe, model: Model) -> int:
    """What drawing with a model that is at hand will take besides."""
    return _activations(recipe, model.architecture, model.parts.configs)


def _activations(recipe: Recipe, architecture: Architecture, configs: Mapping[str, Config]) -> int:
    """That of the stage which needs most."""
    engine, itemsize = ENGINES[architecture.name], DTYPES[recipe.precision].itemsize
    return max(engine.activation_bytes(recipe, configs, itemsize, stage) for stage in Stage)


def files(recipe: Recipe, path: Path, vae_path: Path | None) -> list[Path]:
    """The weights' files, without the fp16 copies that lie beside their originals."""
    found = [path]
    if path.is_dir():
        parts = family(recipe.family).architecture.parts
        found = [f for part in parts for f in sorted((path / part.name).glob("*.safetensors"))]
    if vae_path is not None:
        found += [vae_path] if vae_path.is_file() else sorted(vae_path.glob("*.safetensors"))
    here = set(found)
    return [f for f in found if (plain := _full(f)) == f or plain not in here]


def _full(file: Path) -> Path:
    return file.with_name(file.name.replace(".fp16.", "."))
