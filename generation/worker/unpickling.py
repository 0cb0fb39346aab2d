"""A program of its own: turns a pickle of tensors into safetensors.

    python -m generation.worker.unpickling OLD NEW

It opens files that nobody trusts, so it is run by name and holds nothing that anybody could want.
Invariant: `torch.load` is told `weights_only`, which builds tensors and plain containers alone, and
NEW appears only when it is whole.
"""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

_INSIDE = ("state_dict", "model_state_dict", "params_ema", "params", "model", "module")


def main(arguments: list[str]) -> int:
    """Convert; a failure is one line on standard error and status 1."""
    old, new = map(Path, arguments)
    torch.set_num_threads(1)
    try:
        count, left = convert(old, new)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        print(f"{type(error).__name__}: {reason}", file=sys.stderr)
        return 1
    print(f"{count} tensors" + (f", {left} other things left out" if left else ""))
    return 0


def convert(old: Path, new: Path) -> tuple[int, int]:
    """Write NEW; returns how many tensors it has, and how many other things OLD had."""
    loaded = torch.load(
        old, map_location="cpu", weights_only=True, mmap=True if zipfile.is_zipfile(old) else None
    )
    found = dict(_flat(_weights(loaded)))
    tensors = {
        key: value.detach().clone().contiguous()
        for key, value in found.items()
        if isinstance(value, torch.Tensor) and not value.is_sparse
    }
    if not tensors:
        raise ValueError("there are no tensors in it")
    trial = new.with_name(f".{new.name}.part")
    try:
        save_file(tensors, trial, metadata={"format": "pt"})
        with trial.open("rb") as whole:
            os.fsync(whole.fileno())
        os.replace(trial, new)
    finally:
        trial.unlink(missing_ok=True)
    return len(tensors), len(found) - len(tensors)


def _weights(loaded: object) -> object:
    """The weights within what trainers keep beside them."""
    if isinstance(loaded, Mapping):
        for key in _INSIDE:
            inner = loaded.get(key)
            if isinstance(inner, Mapping) and inner:
                return _weights(inner)
    return loaded


def _flat(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Everything in containers within containers, by names with dots."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name or "weight", value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
