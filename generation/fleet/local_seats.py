"""The seats of this machine: a worker per graphics card, or some for the processor.

The invariant: nothing here loads torch.  When its answer is needed a child process gives it, and
only a machine with several cards, or a wish for particular ones, waits for that.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from generation.fleet.local import LocalWorker

log = logging.getLogger(__name__)

Gpus = Literal["all"] | int | tuple[int, ...]  # all of them, the first so many, or these

ASK_SECONDS = 120.0  # a cold disk reads torch for half a minute
_ASK_TORCH = "import torch; print(torch.cuda.device_count())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """So many bytes of one card that no worker takes."""

    card: int
    size: int

    def of(self, name: str) -> tuple[str, ...]:
        """The arguments of the worker that draws with the device of that name."""
        return ("--leave", str(self.size)) if self.size and is_on_card(name, self.card) else ()


NOTHING_LEFT = Leave(card=0, size=0)


def is_on_card(name: str, card: int) -> bool:
    """Whether a device of that name is the card; one that says no number is the first."""
    kind, _, number = name.partition(":")
    return kind in ("auto", "cuda", "mps") and int(number or 0) == card


def local_workers(
    folders: Sequence[Path],
    digests: Path,
    *,
    device: str = "auto",
    gpus: Gpus = "all",
    cpu_workers: int = 1,
    usable: Callable[[], int] | None = None,
    leave: Leave = NOTHING_LEFT,
) -> tuple[LocalWorker, ...]:
    """A worker for each card of `gpus`, or `cpu_workers` where there is none.

    `device` is the setting: "auto", "cuda", "mps" or "cpu".  `usable`: how many cards torch can
    use.  `leave`: bytes of a card that are another program's.  Blocks for as long as torch takes
    to answer.
    """
    names = device_names(device, gpus, cpu_workers, listed(), usable or ask_torch)
    workers = [
        LocalWorker(
            folders, digests, name, arguments=(*_part_of_memory(len(names)), *leave.of(name))
        )
        for name in names
    ]
    return tuple(workers)


def _part_of_memory(workers: int) -> tuple[str, ...]:
    """How much of this machine's memory each may keep weights in; one alone decides for itself."""
    if workers == 1:
        return ()
    return ("--host-memory", str(psutil.virtual_memory().available // (2 * workers)))


def device_names(
    device: str, gpus: Gpus, cpu_workers: int, listed: int, usable: Callable[[], int]
) -> tuple[str, ...]:
    """What each worker is told to draw with; `listed` is a cheap guess at the number of cards."""
    processor = ("cpu",) * cpu_workers
    if device == "mps":
        return ("mps",)
    if device == "cpu" or gpus == 0:
        return processor
    if gpus == "all" and listed <= 1 and (device == "cuda" or cpu_workers == 1):
        return (device,)  # the worker finds out for itself, while nobody waits
    if not listed and device == "auto":
        return ("auto",) if sys.platform == "darwin" else processor
    cards = usable()
    wanted = _wanted(gpus, cards)
    for missing in (index for index in wanted if index >= cards):
        log.error("there is no cuda:%d: torch can use %d cards (setting gpus)", missing, cards)
    names = tuple(f"cuda:{index}" for index in wanted if index < cards)
    return names or (("cuda",) if device == "cuda" else processor)


def _wanted(gpus: Gpus, cards: int) -> tuple[int, ...]:
    match gpus:
        case "all":
            return tuple(range(cards))
        case int():
            return tuple(range(gpus))
        case _:
            return gpus


def listed() -> int:
    """How many cards the system shows, in no time; torch may be able to use fewer."""
    amd = [node for node in Path("/dev/dri").glob("renderD*") if Path("/dev/kfd").exists()]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return len(amd)
    try:
        said = subprocess.run(
            [tool, "-L"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except subprocess.TimeoutExpired:
        return len(amd)
    return len(amd) + sum(line.startswith("GPU ") for line in said.splitlines())


def ask_torch() -> int:
    """How many cards torch can use; asked in a process of its own, which a driver may take down."""
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _ASK_TORCH],
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=False,
        )
        return int(asked.stdout.split()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        log.error("torch does not say how many cards there are; `doctor` looks closer")
        return 0
