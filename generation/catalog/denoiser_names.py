"""The names under which a file keeps a denoiser, alone or with the other parts of a checkpoint.

    model.diffusion_model.X     as single files have it, and what ComfyUI saves
    X                           as it is published alone, or behind another prefix
    transformer_blocks.0. ...   the network's own names, as diffusers keeps a part of a folder

The invariant: an architecture says its layout once, and `Named.shapes` are by that layout's names
whatever the file calls them, so that it is recognised, measured and refused by one rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from generation.catalog.partconfigs import config_of
from generation.families.architecture import Architecture, Part, Shapes
from generation.families.family import ARCHITECTURES

# What programs put before a denoiser's own names.
PREFIXES = ("model.diffusion_model.", "diffusion_model.", "transformer.", "unet.", "net.")

_MOST = 2 / 3  # of the names of a network's first blocks, which any size and version of it has

# What a layout makes of names that are not its network's.
_STRANGE = (AssertionError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The tensors of a checkpoint's file."""

    shapes: Shapes  # by the names of the architecture's layout
    theirs: Mapping[str, str]  # those names, or the network's own: the file's
    own: bool = False  # whether `theirs` is by the network's own names: of a denoiser alone


def recognised(shapes: Shapes, configs: Path) -> tuple[Architecture, Named] | None:
    """The architecture of a file that has a denoiser, and how it names its tensors."""
    for one, named in _candidates(shapes, configs, ARCHITECTURES):
        if one.recognise(named.shapes):
            return one, _spelled(named, one, shapes)
    return None


def named_for(architecture: Architecture, shapes: Shapes, configs: Path) -> Named:
    """How a file names its tensors that is said to be of that architecture."""
    found = [named for _, named in _candidates(shapes, configs, (architecture,))]
    for named in found:
        if architecture.recognise(named.shapes):
            return _spelled(named, architecture, shapes)
    denoiser = architecture.denoiser
    config = config_of(configs / denoiser.config)
    laid = denoiser.layout(denoiser.network.tensors(config) or {}, config)
    best = max(found, key=lambda named: len(named.shapes.keys() & laid.keys()))
    return _spelled(best, architecture, shapes)


def _spelled(named: Named, architecture: Architecture, shapes: Shapes) -> Named:
    """With the layout's name for each tensor that the file calls otherwise."""
    if named.own:
        return named
    theirs = dict(named.theirs)
    for part in architecture.parts:
        if part.spelling is not str:
            theirs = {part.spelling(key): its for key, its in theirs.items()}
    return Named(shapes={key: shapes[its] for key, its in theirs.items()}, theirs=theirs)


def _candidates(
    shapes: Shapes, configs: Path, architectures: Sequence[Architecture]
) -> Iterator[tuple[Architecture, Named]]:
    """What a file may be, in the order in which it is asked."""
    whole = _as_they_are(shapes)
    yield from ((one, whole) for one in architectures)
    before = next((p for p in PREFIXES if any(key.startswith(p) for key in shapes)), "")
    behind = {one.denoiser.prefix: one for one in architectures}
    for begin in dict.fromkeys((before, "")):  # which may be how its own names begin
        laid = {prefix: _behind(begin, one, shapes) for prefix, one in behind.items()}
        yield from ((one, laid[one.denoiser.prefix]) for one in architectures)
    bare = {key.removeprefix(before): key for key in shapes}
    for one in architectures:
        marks = _first_names(one.denoiser, configs)
        if len(marks & bare.keys()) > _MOST * len(marks):
            named = _by_own_names(bare, shapes, one.denoiser, configs)
            if named is not None:
                yield one, named


def _as_they_are(shapes: Shapes) -> Named:
    return Named(shapes=shapes, theirs={key: key for key in shapes})


def _behind(before: str, architecture: Architecture, shapes: Shapes) -> Named:
    """With the layout's prefix in place of another, or of none."""
    prefix = architecture.denoiser.prefix
    others = tuple(part.prefix for part in architecture.parts)
    theirs = {
        key
        if key.startswith(others) or not key.startswith(before)
        # What lies beside it is called as it is.
        else prefix + key.removeprefix(before): key
        for key in shapes
    }
    return Named(shapes={key: shapes[its] for key, its in theirs.items()}, theirs=theirs)


def _by_own_names(
    bare: Mapping[str, str], shapes: Shapes, part: Part, configs: Path
) -> Named | None:
    named = {part.network.modern(key): its for key, its in bare.items()}
    try:
        own = {key: shapes[its] for key, its in named.items()}
        laid = part.layout(own, config_of(configs / part.config))
    except _STRANGE:
        return None
    return Named(shapes=laid, theirs=named, own=True)


@lru_cache(64)
def _first_names(part: Part, configs: Path) -> frozenset[str]:
    """The network's own names of its first blocks, which one of any size has."""
    names = part.network.tensors(config_of(configs / part.config)) or {}
    return frozenset(
        name for name in names if not any(n.isdigit() and n != "0" for n in name.split("."))
    )
