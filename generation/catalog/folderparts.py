"""Whether the parts of a diffusers folder are whole, and are used as their configs say.

Catalog and loader choose among variants by the same function.  Invariant: every tensor and setting
of a part is used, or known to be harmless, or the folder is refused with its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.catalog.checkpoint import check_types, fits, is_harmless, missing
from generation.catalog.header import Header, read_header
from generation.catalog.modelfolder import BLOCKS, read_json
from generation.catalog.quantised import Contents, understood
from generation.catalog.shards import shards_of
from generation.errors import BrokenWeights, UnusableWeights
from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Part,
    Shapes,
    Stage,
    Trained,
)
from generation.families.family import ARCHITECTURES

# They judge, describe or read pictures, or write prompts; words are drawn without them.
_UNUSED = frozenset(
    (
        *("safety_checker", "feature_extractor", "image_encoder", "watermark"),
        *("pe", "pe_tokenizer"),
    )
)
_INDEX_SETTINGS = frozenset(
    {"requires_safety_checker", "force_zeros_for_empty_prompt", "add_watermarker"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The weights of one part: which variant is read, and what else lies beside it."""

    variant: str | None
    files: tuple[Path, ...]
    passed_over: tuple[str, ...]


def chosen_weights(folder: Path, name: str, network: Network) -> Chosen:
    """The files that are read: the plain ones where they are, else fp16, bf16 or what there is.

    Raises BrokenWeights when there are none, or shards are missing.
    """
    stem = network.weights
    single = re.compile(rf"{stem}(?:\.([\w-]+))?\.safetensors")
    sharded = re.compile(rf"{stem}\.safetensors\.index(?:\.([\w-]+))?\.json")
    files: dict[str | None, Path] = {}
    indices: dict[str | None, Path] = {}
    for file in sorted(folder.iterdir()):
        if match := single.fullmatch(file.name):
            if not re.search(r"-\d{5}-of-\d{5}$", file.stem):
                files[match[1]] = file
        elif match := sharded.fullmatch(file.name):
            indices[match[1]] = file
    there = {*files, *indices}
    if not there:
        raise BrokenWeights(name, f"its folder {folder.name} has no {stem}.safetensors")
    variant = _preferred(there)
    # As the libraries do: diffusers looks for shards first, transformers for the one file.
    if variant in indices and (variant not in files or network.library == "diffusers"):
        found = shards_of(indices[variant], f"{name}/{folder.name}")
    else:
        found = (files[variant],)
    others = sorted(other or "the plain ones" for other in there - {variant})
    return Chosen(variant=variant, files=found, passed_over=tuple(others))


def note_on_variants(path: Path, name: str, architecture: Architecture) -> str:
    """Which weights of a folder are read, where there are several; or nothing."""
    told = []
    for part in architecture.parts:
        if (path / part.name).is_dir():
            chosen = chosen_weights(path / part.name, name, part.network)
            if chosen.passed_over:
                taken = chosen.variant or "the plain weights"
                told.append(f"{taken} of its {part.name}, not {' or '.join(chosen.passed_over)}")
    return "; ".join(told)


def read_parts(path: Path, name: str, index: Config, architecture: Architecture) -> Trained:
    """What a folder of that architecture was trained for.  Raises UnusableWeights."""
    classes = dict(_classes(architecture))
    unsaid = BLOCKS in index and "scheduler" not in index  # its blocks make one as is usual
    if unsaid:
        del classes["scheduler"]
    for entry, fine in classes.items():
        if entry not in index and None not in fine:
            raise UnusableWeights(name, f"its model_index.json names no {entry}")
    for key, value in index.items():
        if key in architecture.index:
            _check_setting(key, value, architecture.index[key], name)
        else:
            _check_entry(key, value, classes, name)
    for part in architecture.parts:
        if _class_of(index.get(part.name)) is not None:
            read_part(path / part.name, name, part)
    if unsaid:
        usual = architecture.noise
        return Trained(prediction=usual.prediction or "epsilon", noise=usual.levels)
    scheduler = read_json(path / "scheduler" / "scheduler_config.json", f"{name}/scheduler")
    config = {"_class_name": _class_of(index["scheduler"]), **scheduler}
    return architecture.noise.read(config, name)


def _classes(architecture: Architecture) -> Mapping[str, tuple[object, ...]]:
    """The classes that each entry of a model_index.json may have; None: it may be left out."""
    found: dict[str, tuple[object, ...]] = {}
    for part in architecture.parts:
        if part.adapter or part.stage is Stage.ENLARGE:  # files of their own
            continue
        absent = (None,) if part.optional else ()
        found[part.name] = (*part.named, *absent)
        if part.tokenizer is not None:
            found[part.tokenizer.name] = (*part.tokenizer.classes, *absent)
    return {**found, "scheduler": tuple(architecture.noise.schedulers)}


def _check_entry(
    key: str, value: object, classes: Mapping[str, tuple[object, ...]], name: str
) -> None:
    if key.startswith("_") or key in _INDEX_SETTINGS or (key in _UNUSED and key not in classes):
        return
    if key not in classes:
        if _class_of(value) is not None or not isinstance(value, list):
            raise UnusableWeights(name, f"its part or setting {key:.60} is not known here")
    elif _class_of(value) not in classes[key]:
        kind = _class_of(value)
        raise UnusableWeights(name, f"its {key} is {kind!r:.60}, not supported yet")


def _check_setting(key: str, value: object, fine: tuple[object, ...], name: str) -> None:
    if value not in fine:
        raise UnusableWeights(name, f"its {key} is {value!r:.40}, not supported yet")


def _class_of(entry: object) -> object:
    return entry[1] if isinstance(entry, list) and len(entry) == 2 else None


def read_vae_folder(folder: Path, name: str) -> tuple[Architecture, ...]:
    """Judge a VAE alone; returns the architectures that have such a one.

    Raises UnusableWeights.
    """
    config = read_json(folder / "config.json", f"{name}/{folder.name}")
    called = config.get("_class_name")
    built = [one for one in ARCHITECTURES if called in (None, one.vae.network.name)]
    fitting = [one for one in built if _misfit(config, one.vae) is None]
    read_part(folder, name, (fitting or built or ARCHITECTURES)[0].vae)
    return tuple(fitting)


def read_part(folder: Path, name: str, part: Part) -> None:
    """Judge the folder of one network.  Raises UnusableWeights."""
    config = read_json(folder / "config.json", f"{name}/{folder.name}")
    _check_quantisation(config, name)
    if part.network.settings is not None:
        _check_config(config, folder.name, part, part.network.settings, name)
    if (fault := part.network.fault(config)) is not None:
        raise UnusableWeights(name, fault)
    _check_tensors(folder, name, part, part.network.tensors(config))


def _check_config(config: Config, folder: str, part: Part, used: frozenset[str], name: str) -> None:
    network = part.network
    called = config.get("_class_name", network.name)
    if called != network.name:
        raise UnusableWeights(name, f"its {folder} is {called!r:.60}, not supported yet")
    for key, value in config.items():
        if key in network.only and value not in network.only[key]:
            raise UnusableWeights(name, _setting(key, folder, value))
        if key not in network.only and key not in used and not key.startswith("_"):
            raise UnusableWeights(name, f"the setting {key:.60} of its {folder} is not known")
    if (odd := _misfit(config, part)) is not None:
        raise UnusableWeights(name, _setting(odd, folder, config.get(odd)))


def _misfit(config: Config, part: Part) -> str | None:
    """The setting with which a part is none of its architecture, or None."""
    odd = (key for key, fine in part.settings.items() if config.get(key) not in fine)
    return next(odd, None)


def _setting(key: str, folder: str, value: object) -> str:
    return f"the {key} of its {folder} is {value!r:.40}, not supported yet"


def _check_quantisation(config: Config, name: str) -> None:
    said = config.get("quantization_config")
    if said is not None:
        method = said.get("quant_method", "") if isinstance(said, dict) else ""
        raise UnusableWeights(name, f"weights quantised by {method!s:.30}, not supported yet")


def _check_tensors(folder: Path, name: str, part: Part, expected: Shapes | None) -> None:
    """Raises UnusableWeights when the part is not whole, or holds what nobody knows."""
    title, named = part.title, part.network.modern
    shapes: dict[str, tuple[int, ...]] = {}
    dtypes: dict[str, str] = {}
    for header in _headers(chosen_weights(folder, name, part.network), name):
        contents = understood(
            Contents(shapes=header.shapes, dtypes=header.dtypes, metadata=header.metadata), name
        )
        if contents.packed:
            raise UnusableWeights(name, f"scaled fp8 in its {title}, not supported yet in a folder")
        shapes |= {named(key): shape for key, shape in header.shapes.items()}
        dtypes |= {named(key): kind for key, kind in header.dtypes.items()}
    if expected is None:  # a build that is not written down: the loader will tell
        expected = shapes
    lacking = expected.keys() - shapes.keys()
    if lacking:
        raise missing(name, title, lacking)
    for key, shape in expected.items():
        if not fits(shapes[key], shape, key):
            raise BrokenWeights(
                name, f"{key:.120} of its {title} has the shape {shapes[key]}, not {shape}"
            )
    check_types(expected.keys() - set(part.network.tables), dtypes, name)
    harmless = part.network.harmless
    spare = sorted(
        key
        for key in shapes.keys() - expected.keys()
        if not is_harmless(key) and not key.startswith(harmless)
    )
    if spare:
        raise UnusableWeights(name, f"its {title} holds tensors not known here: {spare[0]:.120}")


def _headers(chosen: Chosen, name: str) -> list[Header]:
    return [read_header(f, f"{name}/{f.parent.name}/{f.name}") for f in chosen.files]


def _preferred(variants: set[str | None]) -> str | None:
    for wanted in (None, "fp16", "bf16", "fp32"):
        if wanted in variants:
            return wanted
    return min(str(variant) for variant in variants)
