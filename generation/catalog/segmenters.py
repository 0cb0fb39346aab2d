"""Which folders find a region of a picture by its words: CLIPSeg, as transformers keeps it.

    config.json      says model_type "clipseg"
    *.safetensors    every tensor that makes it one, in the shapes that its config says
    tokenizer.json, or vocab.json and merges.txt

The invariant: what is listed can be loaded; nothing is told by a folder's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from generation.catalog.header import read_header
from generation.catalog.modelfolder import files_of_network, read_json
from generation.errors import BrokenWeights

MODEL_TYPE = "clipseg"
Shapes = dict[str, tuple[int, ...]]


def files_of_segmenter(path: Path, name: str) -> list[Path]:
    """The files that decide what it finds.  Raises UnusableWeights where it lacks any."""
    files = files_of_network(path, name, reads_words=True)
    _check_tensors(path, files, name)
    return files


def _check_tensors(path: Path, files: list[Path], name: str) -> None:
    found: Shapes = {}
    for file in files:
        if file.suffix == ".safetensors":
            found |= read_header(file, f"{name}/{file.name}").shapes
    for key, shape in _essential(read_json(path / "config.json", name), name).items():
        if key not in found:
            raise BrokenWeights(name, f"its tensor {key} is missing")
        if found[key] != shape:
            raise BrokenWeights(name, f"its tensor {key} has another shape than its config says")


def _essential(config: Mapping[str, object], name: str) -> Shapes:
    """Tensors by which the sizes of all its parts are told."""
    words, sight = (config.get(part) for part in ("text_config", "vision_config"))
    if not isinstance(words, dict) or not isinstance(sight, dict):
        raise BrokenWeights(name, "its config does not describe its two encoders")
    taken = config.get("extract_layers", [3, 6, 9])
    joint, narrow = config.get("projection_dim", 512), config.get("reduce_dim", 64)
    wide, width = sight.get("hidden_size", 768), words.get("hidden_size", 512)
    patch = sight.get("patch_size", 32)
    numbers = (joint, narrow, wide, width, patch)
    if not all(isinstance(n, int) for n in numbers) or not isinstance(taken, list):
        raise BrokenWeights(name, "its config has no numbers where sizes stand")
    shapes: dict[str, tuple[object, ...]] = {
        "clip.text_projection.weight": (joint, width),
        "clip.visual_projection.weight": (joint, wide),
        "clip.vision_model.embeddings.patch_embedding.weight": (wide, 3, patch, patch),
        "decoder.film_mul.weight": (narrow, joint),
        **{f"decoder.reduces.{at}.weight": (narrow, wide) for at in range(len(taken))},
    }
    return {key: tuple(int(str(n)) for n in shape) for key, shape in shapes.items()}
