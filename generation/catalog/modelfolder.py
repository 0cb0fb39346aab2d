"""A diffusers folder: which of its files decide pixels, and whether they are all there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from generation.catalog import strangers
from generation.errors import BrokenWeights, PickleRefused, UnusableWeights
from generation.families.architecture import GUIDED_AT, Part
from generation.families.family import ARCHITECTURES

INDEX = "model_index.json"
BLOCKS_INDEX = "modular_model_index.json"  # of a pipeline that is made of blocks
PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin"})
# Of models as well, and not read: what to say of each.
UNREAD = {
    ".onnx": "an ONNX file, not supported yet",
    ".sft": "it is read when it is called .safetensors",
}

# Configs, tokenizers, weights.
MATTERING = frozenset({".json", ".txt", ".model", ".safetensors"})
# Parts that a folder may name without having them: they judge or describe, and draw nothing.
_DISPENSABLE = frozenset({"safety_checker", "feature_extractor", "image_encoder"})
_WEIGHTY = {part.name for one in ARCHITECTURES for part in one.parts} - _DISPENSABLE
_DENOISERS = tuple(dict.fromkeys(one.denoiser.name for one in ARCHITECTURES))
_TOKENIZERS = ({"tokenizer.json"}, {"vocab.json", "merges.txt"}, {"vocab.txt"})
_VAES = {one.vae.network.name for one in ARCHITECTURES}
# Parts that are adapters, by their network's class.
_ADAPTERS = {part.network.name: part for one in ARCHITECTURES for part in one.parts if part.adapter}


def class_of_folder(path: Path) -> object:
    """The class that a network's folder says it is of, as diffusers keeps one; None: it is none."""
    try:
        if index_of(path).exists() or not (path / "config.json").is_file():
            return None
        return read_json(path / "config.json", "").get("_class_name")
    except (OSError, UnusableWeights):
        return None


def is_vae_folder(path: Path) -> bool:
    """Whether a folder is a VAE alone, as diffusers keeps it: its config says so."""
    return class_of_folder(path) in _VAES


def adapter_of_folder(path: Path) -> Part | None:
    """The part that a folder is alone, of those that are adapters; None: it is none."""
    called = class_of_folder(path)
    return _ADAPTERS.get(called) if isinstance(called, str) else None


def model_type(path: Path) -> str | None:
    """What the config of a folder of transformers' says that it is; None where it is none."""
    try:
        if index_of(path).exists() or not (path / "config.json").is_file():
            return None
        told = read_json(path / "config.json", "").get("model_type")
    except (OSError, UnusableWeights):
        return None
    return told if isinstance(told, str) else None


def files_of_network(path: Path, name: str, *, reads_words: bool) -> list[Path]:
    """The files that decide what a network of transformers' says.

    Raises UnusableWeights where it lacks weights, or a tokenizer that it needs.
    """
    files = part_files(path, name)
    if not any(file.suffix == ".safetensors" for file in files):
        if any(file.suffix in PICKLES for file in path.iterdir()):
            raise PickleRefused(name)
        raise BrokenWeights(name, "it has no weights")
    if reads_words and not has_tokenizer(path):
        raise BrokenWeights(name, "it has no tokenizer (tokenizer.json)")
    return files


def has_tokenizer(path: Path) -> bool:
    """Whether a folder has a network's tokenizer."""
    return any(all((path / name).is_file() for name in its) for its in _TOKENIZERS)


def files_of_folder(path: Path, name: str) -> list[Path]:
    """The files that matter, the index first.  Raises UnusableWeights when parts are missing."""
    if class_of_folder(path) is not None:
        return part_files(path, name)
    index = read_index(path, name)
    files = [index_of(path)]
    parts = [
        part
        for part, library in sorted(index.items())
        if isinstance(library, list) and len(library) == 2 and library[1] is not None
    ]
    called = str(index.get("_class_name"))
    other = strangers.pipeline(called)
    if other is not None or not set(_DENOISERS) & set(parts):
        lacking = f"{called:.60}, which has no {' or '.join(_DENOISERS)}"
        raise UnusableWeights(name, f"{other or lacking}, not supported yet")
    for part in parts:
        if not part.isidentifier():
            raise BrokenWeights(name, f"its {INDEX} names a folder elsewhere")
        here = part_files(path / part, f"{name}/{part}")
        if not here and part not in _DISPENSABLE:
            raise BrokenWeights(name, f"its folder {part} is missing or empty")
        if part in _WEIGHTY - _DISPENSABLE and not any(
            file.suffix == ".safetensors" for file in here
        ):
            if any(file.suffix in PICKLES for file in (path / part).iterdir()):
                raise PickleRefused(f"{name}/{part}")
            raise BrokenWeights(name, f"its folder {part} has no weights")
        files += here
    return files


def index_of(path: Path) -> Path:
    """Where a folder names its parts."""
    blocks = path / BLOCKS_INDEX
    return blocks if blocks.is_file() and not (path / INDEX).exists() else path / INDEX


def read_index(path: Path, name: str) -> Mapping[str, object]:
    """The parts that a folder names, each with its library and class.  Raises UnusableWeights.

    A pipeline of blocks also says where each comes from: what is not here, and what writes prompts
    before anything is drawn, is none of them.  What a guider says of cfg is with them.
    """
    index = read_json(index_of(path), name)
    if _GUIDER in index:
        return {**index, GUIDED_AT: _guided_at(path / _GUIDER, name)}
    if BLOCKS not in index:
        return index
    found: dict[str, object] = {}
    for key, value in index.items():
        if not isinstance(value, list) or len(value) != 3:
            found[key] = value
        elif key not in _BEFORE and (path / key).is_dir():
            hint = value[2].get("type_hint") if isinstance(value[2], dict) else None
            found[key] = hint if value[1] is None else value[:2]
    return found


BLOCKS = "_blocks_class_name"
_BEFORE = frozenset({"prompt_upsampler", "prompt_upsampler_processor"})


# What guides: its class, and the settings with which it is classifier-free guidance by cfg alone.
_GUIDER = "guider"
_PLAIN: Mapping[str, tuple[object, ...]] = {
    "_class_name": ("ClassifierFreeGuidance", None),
    "enabled": (True, False, None),
    "guidance_rescale": (0, None),
    "start": (0, None),
    "stop": (1, None),
    "use_original_formulation": (False, None),
}


def _guided_at(folder: Path, name: str) -> float:
    """The cfg that a guider says.  Raises UnusableWeights for one that does anything else."""
    config = read_json(folder / "guider_config.json", f"{name}/{_GUIDER}")
    for key, value in config.items():
        if key not in (*_PLAIN, "_diffusers_version", "guidance_scale"):
            raise UnusableWeights(name, f"the setting {key:.60} of its {_GUIDER} is not known")
        if key in _PLAIN and value not in _PLAIN[key]:
            raise UnusableWeights(name, f"the {key} of its {_GUIDER} is {value!r:.40}")
    scale = config.get("guidance_scale")
    if not isinstance(scale, int | float) or isinstance(scale, bool):
        raise UnusableWeights(name, f"the guidance_scale of its {_GUIDER} is {scale!r:.40}")
    return float(scale) if config.get("enabled", True) is not False else 1.0


def denoiser_of_folder(path: Path, index: Mapping[str, object]) -> Path:
    """The folder of its denoiser, which `files_of_folder` found there."""
    return path / next(name for name in _DENOISERS if name in index)


def part_files(folder: Path, name: str) -> list[Path]:
    """What matters of one network's folder.  Raises UnusableWeights."""
    try:
        here = sorted(f for f in folder.iterdir() if f.suffix in MATTERING and f.is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnusableWeights(name, f"it cannot be read: {error.strerror or error}") from error
    for file in here:
        if file.name.endswith(".safetensors.index.json"):
            shards = read_json(file, name).get("weight_map")
            named = set(shards.values()) if isinstance(shards, dict) else set()
            lacking = named - {f.name for f in here}
            if lacking:
                raise BrokenWeights(name, f"{len(lacking)} of its {len(named)} shards are missing")
    return here


def read_json(path: Path, name: str) -> Mapping[str, object]:
    """The object in a JSON file.  Raises BrokenWeights or UnusableWeights."""
    try:
        data = json.loads(path.read_bytes())  # with a mark at its begin, or in UTF-16
    except FileNotFoundError:
        raise BrokenWeights(name, f"its file {path.name} is missing") from None
    except OSError as error:
        raise UnusableWeights(name, f"it cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise BrokenWeights(name, f"its file {path.name} is not readable") from error
    if not isinstance(data, dict):
        raise BrokenWeights(name, f"its file {path.name} is no object")
    return data
