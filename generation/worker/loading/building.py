"""The classes of parts, and their networks before they have numbers; one thread at a time builds.

While diffusers, transformers and accelerate build one, they replace parts of torch.nn for the whole
process: a module that another thread builds meanwhile could stay without numbers.  The lock is held
for one part of a model at a time, so nobody waits for a whole checkpoint.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from generation.catalog.checkpoint import missing
from generation.errors import BrokenWeights
from generation.families.architecture import Config, Network
from generation.worker.loading.stored import Stored, StoredNumbers
from generation.worker.residence import tensors_of

BUILDING = threading.RLock()

# Lazy packages do not like to be imported by two threads at once.
_IMPORTING = threading.Lock()


def class_of(module: str, name: str) -> Any:
    """The class that a `Network` or a `Tokenizer` names; imports its module."""
    with _IMPORTING:
        return getattr(importlib.import_module(module), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A network before it has numbers, and where these are."""

    module: Any
    numbers: StoredNumbers


def skeleton(network: Network, config: Path | Config, dtype: torch.dtype) -> Any:
    """A network as its config, or the one in a folder, says: its parameters have shapes of that
    dtype, and no memory."""
    from accelerate import init_empty_weights  # type: ignore[import-untyped]  # it has none

    kind = class_of(network.module, network.name)
    with BUILDING:
        with init_empty_weights(include_buffers=False):
            module = _made(kind, network.library, config)
            for name in network.without(config) if not isinstance(config, Path) else ():
                setattr(module, name, None)
        if network.library == "transformers":
            module.tie_weights()
        # As the libraries do when they read a folder: some of its layers overflow in fp16, and
        # diffusers keeps them in bf16, too.
        few = dtype == torch.float16 or (network.library == "diffusers" and dtype.itemsize == 2)
        exact = set(kind._keep_in_fp32_modules or ()) if few else set()
        _give_shapes(module, dtype, exact, exact_buffers=network.library == "transformers")
    return module.eval()


def _give_shapes(module: Any, dtype: torch.dtype, exact: set[str], *, exact_buffers: bool) -> None:
    """Parameters that have their shapes and one number; `exact`: layers that stay in fp32.

    `exact_buffers`: what the class computes itself and no file has, such as the frequencies of
    positions, stays as it computes it.
    """
    made: dict[nn.Parameter, nn.Parameter] = {}  # of one that two layers share, one
    for path, owner in module.named_modules():
        for name, parameter in owner.named_parameters(recurse=False):
            wanted = torch.float32 if exact & {*path.split("."), name} else dtype
            empty = torch.empty((), dtype=wanted).expand(parameter.shape)
            shared = made.setdefault(parameter, nn.Parameter(empty, requires_grad=False))
            setattr(owner, name, shared)
        for name, buffer in owner.named_buffers(recurse=False):
            computed = exact_buffers and name in owner._non_persistent_buffers_set
            computed = computed or bool(exact & set(path.split(".")))
            if buffer.is_floating_point() and not computed:
                # Detached: a class may keep a parameter as one, which would become one again.
                setattr(owner, name, buffer.detach().to(dtype))


def _made(kind: Any, library: str, config: Path | Config) -> Any:
    if library == "generation":
        assert not isinstance(config, Path)  # of ours, no folder has a config
        return kind(**config)
    if library == "diffusers":
        if isinstance(config, Path):
            return kind.from_config(kind.load_config(config, local_files_only=True))
        # What tensors tell is in tuples, and some classes add lists to what their files say.
        return kind.from_config(json.loads(json.dumps(dict(config))))
    if isinstance(config, Path):
        read = kind.config_class.from_pretrained(config, local_files_only=True)
    else:
        read = kind.config_class.from_dict(config)
    # While it builds, the library makes the config's dtype that of the whole process, also for a
    # thread that draws; this one is it anyway.
    read.dtype = torch.float32
    return kind(read)


def numbers_of(
    module: Any, lie: Callable[[str], Sequence[Stored] | None], name: str, title: str
) -> StoredNumbers:
    """Where the numbers of a skeleton lie: (a parameter's name) -> its rows, one piece after the
    other; none: it is the identity; None: nowhere.  Raises BrokenWeights for a parameter that is
    nowhere."""
    names: dict[int, list[str]] = {}
    for key, tensor in (
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ):
        names.setdefault(id(tensor), []).append(key)
    found: list[Sequence[Stored] | Tensor] = []
    lacking: list[str] = []
    for tensor in tensors_of(module):
        called = names[id(tensor)]
        stored = next((lies for key in called if (lies := lie(key)) is not None), None)
        if stored is not None and not stored:
            found.append(torch.eye(*tensor.shape))
        elif stored is not None:
            _check_count(tensor, stored, called[0], name, title)
            found.append(stored)
        elif isinstance(tensor, nn.Parameter):
            lacking.append(called[0])
        else:
            found.append(tensor.clone())
    if lacking:
        raise missing(name, title, lacking)
    return StoredNumbers(found)


def _check_count(tensor: Tensor, stored: Sequence[Stored], key: str, name: str, title: str) -> None:
    shapes = [piece.shape for piece in stored]
    if sum(map(prod, shapes)) != tensor.numel():
        raise BrokenWeights(
            name, f"{key:.120} of its {title} has the shape {shapes[0]}, not {tuple(tensor.shape)}"
        )
