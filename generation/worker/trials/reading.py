"""`python -m generation.worker.trials.reading FILE...`: how fast are a checkpoint's parts read?

The parts of a checkpoint (a file, or split files of which the first has the denoiser) are brought
to the processor's memory as the worker brings them, and the same bytes are read into fresh memory
of the same size by nobody but the system: in turns, all of it in the page cache.  Told is the share
of the system's speed that loading has; the medians of the turns count.
"""

from __future__ import annotations

import argparse
import mmap
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import torch

from generation.families.family import ARCHITECTURES
from generation.recipe import Precision, Sha256
from generation.worker.loading import single_file
from generation.worker.loading.loader import DTYPES, FileHeads, together
from generation.worker.memory.memory import READ_AHEAD
from generation.worker.model import LoadedPart

ENOUGH = 0.8
CPU = torch.device("cpu")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Measure and print; status 1 where loading is slower than it is to be."""
    parser = argparse.ArgumentParser(
        "python -m generation.worker.trials.reading", description=__doc__
    )
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--architecture", default="sd1", choices=[a.name for a in ARCHITECTURES])
    parser.add_argument("--precision", default="fp16", choices=[str(each) for each in Precision])
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args(arguments)
    heads = _heads(options)
    parts = [heads.built(part) for part in heads.parts]
    size = sum(part.bytes for part in parts)
    _read(heads.files, size)  # it lies in the page cache now
    turns = [(_load(parts), _read(heads.files, size)) for _ in range(options.turns)]
    ours, theirs = (statistics.median(each) for each in zip(*turns, strict=True))
    print(
        f"{size / 2**30:.2f} GiB: {size / ours / 1e9:.2f} GB/s, of the system's "
        f"{size / theirs / 1e9:.2f} GB/s {theirs / ours:.2f}"
    )
    sys.exit(0 if theirs / ours >= ENOUGH else 1)


def _heads(options: argparse.Namespace) -> FileHeads:
    built = next(one for one in ARCHITECTURES if one.name == options.architecture)
    first, *others = options.files
    head = single_file.opened(first, built, first.name)
    found = [single_file.opened_component(file, built, file.name) for file in others]
    digest = Sha256("0" * 64)
    return together(
        built,
        DTYPES[Precision(options.precision)],
        (head, digest),
        [(other, digest) for other in found],
    )


def _load(parts: Sequence[LoadedPart]) -> float:
    """Seconds that it takes to have all of them, none of which is there before or after."""
    began = time.perf_counter()
    for part in parts:
        part.residence.enter(CPU)
    seconds = time.perf_counter() - began
    for part in parts:
        part.residence.leave()
    return seconds


def _read(files: Sequence[Path], size: int) -> float:
    """Seconds that the system takes for the files' first bytes, as many as the parts have."""
    room = mmap.mmap(-1, size, access=mmap.ACCESS_COPY)
    view, at, began = memoryview(room), 0, time.perf_counter()
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while at < size and (read := stream.readinto(view[at : at + READ_AHEAD])):
                at += read
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
