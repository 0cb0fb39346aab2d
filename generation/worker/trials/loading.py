"""`python -m generation.worker.trials.loading`: what do loading and keeping two models cost here?

Two checkpoints of Stable Diffusion 1.5's shapes with made-up numbers (fp16, one file each, 2 GB)
are written into a temporary folder, and a worker draws with them in turns: the first, the first
again, the second, the first, the second.  Told of each picture are the seconds until it is drawn,
those of them that loading took, the processor's seconds, which a busy machine changes less, and the
memory of the worker's process at its worst and at rest: what it has written itself, and with the
pages of files that it looks at.  The invariant: the same recipe gives the same pixels each time,
and no more memory is taken than is allowed, or this ends with status 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import psutil
import torch
from safetensors.torch import save_file

from generation.catalog.catalog import Catalog
from generation.catalog.checkpoint import expected_tensors
from generation.catalog.entry import Entry
from generation.catalog.partconfigs import CONFIGS
from generation.draft import Draft, DraftCanvas, DraftSampling, DraftWords, complete
from generation.families.family import ARCHITECTURES
from generation.fleet.wire import Drawn, Failed, Finished, Frame, Ready, Render, encode, read
from generation.job import JobId
from generation.recipe import Precision, Recipe, Sha256
from generation.yardstick import machine_slowness, processor_slowness

GIB = 2**30
ORDER = ("first", "first", "second", "first", "second")
RESTING = 1.0  # seconds after a picture, for threads that tidy up
FROM_THE_START = "5"  # what makes Linux count a process's peak anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A process's memory, in bytes."""

    written: int  # pages that it has written itself
    resident: int  # with those of files that it looks at
    peak: int  # of `resident`, since it was last counted anew


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        "python -m generation.worker.trials.loading", description=__doc__
    )
    parser.add_argument(
        "--architecture", choices=[one.name for one in ARCHITECTURES], default="sd1"
    )
    parser.add_argument("--precision", choices=[str(p) for p in Precision], default="fp32")
    parser.add_argument("--side", type=int, default=256, help="pixels")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--wait", type=float, default=15.0, help="seconds before the first order: libraries warm up"
    )
    parser.add_argument("--at-most", type=float, help="GiB of memory that are not to be exceeded")
    parser.add_argument("--folder", type=Path, help="keep the checkpoints there for another time")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for number, name in enumerate(dict.fromkeys(ORDER)):
            write_checkpoint(folder / f"{name}.safetensors", options.architecture, number)
        fine = _measure(folder, Path(temporary), options)
    sys.exit(0 if fine else 1)


def write_checkpoint(path: Path, architecture: str, seed: int, *, configs: Path = CONFIGS) -> None:
    """A whole checkpoint in fp16 whose numbers are made up; what lies there already stays."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    built = next(one for one in ARCHITECTURES if one.name == architecture)
    for key, shape in expected_tensors(built, configs).items():
        plain = torch.ones(shape) if len(shape) == 1 and key.endswith("weight") else None
        made = torch.randn(shape, generator=generator) * 0.02 if plain is None else plain
        tensors[key] = made.half()
    save_file(tensors, path)


def _measure(folder: Path, temporary: Path, options: argparse.Namespace) -> bool:
    began = time.perf_counter()
    catalog = Catalog([folder], temporary / "digests.json")
    catalog.scan()
    print(f"digests of {catalog.hashed_bytes / GIB:.2f} GiB: {time.perf_counter() - began:.1f} s")
    for entry in catalog.models():
        _forget_pages(entry.path)
    worker = _Worker(folder, temporary, options.device)
    spent = worker.processor_seconds()
    print(
        f"ready after {worker.ready_seconds:.1f} s, {spent:.1f} computed; {_told(worker.memory())}"
    )
    time.sleep(options.wait)
    pixels: dict[str, set[Sha256]] = {}
    most = 0.0
    for number, name in enumerate(ORDER):
        entry = catalog.find(name)
        pixels.setdefault(name, set()).add(worker.draw(number, _recipe(entry, options)))
        kind = "again" if name in ORDER[:number] else "new"
        weighed = worker.memory()
        most = max(most, weighed.peak / GIB)
        print(f"{name}, {kind}: {worker.said}; {_told(weighed)}; {_slowness()}")
    worker.close()
    same = all(len(found) == 1 for found in pixels.values())
    print("the same recipe gave the same pixels" if same else "THE SAME RECIPE GAVE OTHER PIXELS")
    print(f"at most {most:.2f} GiB")
    return same and (options.at_most is None or most <= options.at_most)


def _recipe(entry: Entry, options: argparse.Namespace) -> Recipe:
    draft = Draft(
        words=DraftWords(prompt="a lighthouse at night"),
        canvas=DraftCanvas(width=options.side, height=options.side),
        sampling=DraftSampling(steps=options.steps, sampler="euler"),
    )
    recipe = complete(draft, entry.model, seed=1, device="cpu")
    return replace(recipe, precision=Precision(options.precision))


class _Worker:
    """A worker at the other end of two pipes."""

    def __init__(self, folder: Path, temporary: Path, device: str) -> None:
        began = time.perf_counter()
        command = [sys.executable, "-m", "generation.worker", "--device", device]
        command += ["--models", str(folder), "--digests", str(temporary / "digests.json")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ready = self._read()
        assert isinstance(ready, Ready)
        self.ready_seconds = time.perf_counter() - began
        self._watched = psutil.Process(self._process.pid)
        self.said = ""

    def draw(self, number: int, recipe: Recipe) -> Sha256:
        """Draw, and return the digest of the pixels; `said` tells how long it took."""
        self._count_anew()
        assert self._process.stdin is not None
        began, spent = time.perf_counter(), self.processor_seconds()
        order = Render(job=JobId(number), recipe=recipe, inputs=(), preview_every=0)
        self._process.stdin.write(encode(order))
        self._process.stdin.flush()
        while not isinstance(report := self._read(), Finished):
            if isinstance(report, Failed):
                raise SystemExit(f"it failed: {report.kind} {report.facts}")
            if isinstance(report, Drawn):
                seconds = time.perf_counter() - began
                spent = self.processor_seconds() - spent
                loading = report.loading_seconds
                self.said = f"{seconds:.1f} s, {loading:.1f} of them loading, {spent:.1f} computed"
        return Sha256(report.pixels_sha256)

    def processor_seconds(self) -> float:
        """Of all its threads, with the system's for it."""
        times = self._watched.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> Weighed:
        """The process's memory, when it has come to rest."""
        time.sleep(RESTING)
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        said = dict(line.split(":", 1) for line in lines)
        kib = {key: int(said[key].split()[0]) * 1024 for key in ("RssAnon", "VmRSS", "VmHWM")}
        return Weighed(written=kib["RssAnon"], resident=kib["VmRSS"], peak=kib["VmHWM"])

    def close(self) -> None:
        """End of stdin; returns when the process is gone."""
        self._process.communicate()

    def _count_anew(self) -> None:
        Path(f"/proc/{self._process.pid}/clear_refs").write_text(FROM_THE_START)

    def _read(self) -> Frame:
        assert self._process.stdout is not None
        return read(self._process.stdout)  # type: ignore[arg-type]  # a pipe is a BinaryIO


def _told(memory: Weighed) -> str:
    return (
        f"memory at rest {memory.resident / GIB:.2f} GiB ({memory.written / GIB:.2f} of its own), "
        f"at most {memory.peak / GIB:.2f}"
    )


def _slowness() -> str:
    """How the machine was, for who compares times: see docs/performance.md."""
    return f"machine {machine_slowness():.1f} x, processor {processor_slowness():.1f} x"


def _forget_pages(path: Path) -> None:
    """Have the system forget a file's content, so that it is read from the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
