"""Parts of a checkpoint that are files of their own: what a file is, and which a checkpoint takes.

    clip_l.safetensors  clip_g.safetensors  t5xxl_fp16.safetensors    as they are published alone

Such a file has the names that the part has in a whole checkpoint, without their prefix.  The
invariant: a file is a part wholly or not at all; and which one a checkpoint takes, where several
could be it, their sizes say (the largest has most digits) or else their names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from generation.catalog.checkpoint import (
    CONFIGS,
    Reading,
    check_spare,
    check_types,
    config_of,
    fits,
)
from generation.catalog.quantised import Contents, scales_of
from generation.errors import UnusableWeights
from generation.families.architecture import Architecture, Part
from generation.families.family import ARCHITECTURES
from generation.recipe import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A file that can be a part."""

    weights: Weights
    fills: tuple[str, ...]  # the parts that it can be, by their `Part.config`
    size_bytes: int


def parts_apart() -> Iterator[Part]:
    """Those that may be files of their own, of every architecture."""
    return (part for one in ARCHITECTURES for part in one.parts if part.apart)


def fills(contents: Contents, name: str, configs: Path = CONFIGS) -> tuple[str, ...]:
    """The parts that a file can be.  Raises UnusableWeights for one whose numbers are not read."""
    return tuple(
        part.config
        for part in parts_apart()
        if read_component(contents, name, part, configs) is not None
    )


def read_component(
    contents: Contents, name: str, part: Part, configs: Path = CONFIGS
) -> Reading | None:
    """How a file is read as that part; None: it is another.  Raises UnusableWeights."""
    config, shapes = config_of(configs / part.config), contents.shapes
    expected = part.layout(part.network.tensors(config) or {}, config)
    used = {key: key.removeprefix(part.prefix) for key in expected}
    for key, theirs in used.items():
        if theirs not in shapes or not fits(shapes[theirs], expected[key], key):
            return None
    check_types(used.values(), contents.dtypes, name)
    scales = scales_of(contents, name)
    beside = tuple(begin.removeprefix(part.prefix) for begin in part.spare(config))
    check_spare(shapes.keys() - set(used.values()) - scales.keys, name, beside)
    return Reading(
        used=used,
        scales=scales,
        prediction="",
        told=None,
        says=None,
        noise=None,
        lacks=(),
    )


def chosen(
    architecture: Architecture, lacks: Sequence[str], here: Sequence[Component], name: str
) -> tuple[tuple[Weights, ...], str]:
    """The files for what a checkpoint lacks, and what is to be said of them.

    Raises UnusableWeights, with all that is missing.
    """
    found: list[Weights] = []
    missing: list[str] = []
    said: list[str] = []
    for part in architecture.parts:
        if part.config not in lacks:
            continue
        able = [one for one in here if part.config in one.fills]
        able.sort(key=lambda one: (-one.size_bytes, one.weights.name))
        if able:
            found.append(able[0].weights)
        elif not part.optional:
            missing.append(part.title)
        if len(able) > 1:
            others = " or ".join(one.weights.name for one in able[1:])
            said.append(f"{able[0].weights.name} is its {part.title}, not {others}")
    if missing:
        raise UnusableWeights(
            name,
            f"a checkpoint without its {' and its '.join(missing)}, which may be a file of its own "
            "in a model folder",
        )
    return tuple(found), "; ".join(said)
