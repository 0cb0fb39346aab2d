"""How much memory a recipe will take, from the heads of its files, before anything is loaded."""

from __future__ import annotations

from pathlib import Path

from generation.recipe import Recipe
from generation.worker.loading.loader import DTYPES, PARTS, Model
from generation.worker.memory import memory


def to_draw(recipe: Recipe, path: Path, vae_path: Path | None) -> int:
    """What weights and drawing will take, from the heads of the files."""
    widths = memory.widths_of_folder(path) if path.is_dir() else (320, 128)
    itemsize = DTYPES[recipe.precision].itemsize
    numbers = weights(recipe, path, vae_path)
    return numbers + memory.activation_bytes(recipe, *widths, itemsize)


def weights(recipe: Recipe, path: Path, vae_path: Path | None) -> int:
    """What weights will take, in the recipe's precision."""
    return memory.weights_bytes(files(path, vae_path), DTYPES[recipe.precision].itemsize)


def activations(recipe: Recipe, model: Model) -> int:
    """What drawing with a model that is at hand will take besides."""
    return memory.activation_bytes(
        recipe,
        model.unet.config.block_out_channels[0],
        model.vae.config.block_out_channels[0],
        DTYPES[recipe.precision].itemsize,
    )


def files(path: Path, vae_path: Path | None) -> list[Path]:
    """The weights' files, without the fp16 copies that lie beside their originals."""
    found = [path]
    if path.is_dir():
        found = [f for part in PARTS for f in sorted((path / part).glob("*.safetensors"))]
    if vae_path is not None:
        found += [vae_path] if vae_path.is_file() else sorted(vae_path.glob("*.safetensors"))
    here = set(found)
    return [f for f in found if (plain := _full(f)) == f or plain not in here]


def _full(file: Path) -> Path:
    return file.with_name(file.name.replace(".fp16.", "."))
