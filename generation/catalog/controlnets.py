"""Which files and folders are ControlNets, and how their tensors are read.

The invariant: what is listed can be loaded, as catalog and loader ask the same functions; nothing
is told by a file's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.catalog.checkpoint import Reading, check_spare, check_types, check_whole
from generation.catalog.folderparts import read_part
from generation.catalog.modelfolder import class_of_folder, read_json
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.quantised import Contents, understood
from generation.errors import BrokenWeights
from generation.families.architecture import Config, with_told
from generation.families.controlnets import CONTROL_KINDS, ControlKind, kind_of, own_names, part_of
from generation.families.family import ARCHITECTURES

_BY_CLASS: Mapping[object, ControlKind] = {kind.network.name: kind for kind in CONTROL_KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlReading:
    """What a ControlNet is, and how it is read."""

    kind: ControlKind
    config: Config
    reading: Reading | None  # of a file; a folder is read by its own names

    @property
    def family(self) -> str:
        """The family whose models it steers; "" where its config does not tell."""
        steers = self.kind.steers(self.config)
        return next((one.family for one in ARCHITECTURES if one.name == steers), "")

    @property
    def modes(self) -> tuple[str, ...]:
        """What its control picture may show; empty: one kind of picture, which it does not name."""
        return self.kind.modes(self.config)


def is_controlnet(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether a file is one that is read here, whole or not."""
    return kind_of({key: shapes[its] for key, its in own_names(shapes).items()}) is not None


def read_controlnet(contents: Contents, name: str, configs: Path = CONFIGS) -> ControlReading:
    """How a file is read.  Raises UnusableWeights."""
    contents = understood(contents, name)
    theirs = own_names(contents.shapes)
    own = {key: contents.shapes[its] for key, its in theirs.items()}
    kind = kind_of(own)
    if kind is None:
        raise BrokenWeights(name, "it is no ControlNet that is known here")
    part = part_of(kind, name)
    try:
        known = {*(kind.network.settings or ()), *kind.network.only}
        begins = {k: v for k, v in config_of(configs / kind.begins(own)).items() if k in known}
        config = with_told(begins, kind.told(own))
    except (KeyError, IndexError, StopIteration) as error:
        raise BrokenWeights(name, f"tensors of its ControlNet are missing: {error}") from error
    expected = kind.network.tensors(config)
    if not expected:
        raise BrokenWeights(name, "its ControlNet is of a build that is not known")
    used = {key: theirs[key] for key in expected if key in theirs}
    check_whole(expected, used, contents.shapes, name, (part,))
    check_types(used.values(), contents.dtypes, name)
    check_spare(contents.shapes.keys() - {*used.values(), *contents.beside}, name)
    reading = Reading(
        used=used,
        contents=contents,
        parts=(part,),
        configs={part.name: config},
        prediction="",
        told=None,
        says=None,
        noise=None,
    )
    return ControlReading(kind=kind, config=config, reading=reading)


def is_controlnet_folder(path: Path) -> bool:
    """Whether a folder is one as diffusers keeps it: its config says so."""
    return class_of_folder(path) in _BY_CLASS


def read_controlnet_folder(path: Path, name: str) -> ControlReading:
    """What a folder is.  Raises UnusableWeights."""
    config = read_json(path / "config.json", name)
    kind = _BY_CLASS[config.get("_class_name")]
    read_part(path, name, part_of(kind, path.name))
    return ControlReading(kind=kind, config=config, reading=None)
