"""How full this machine is: processor, memory, graphics cards and their memory, the data's disk.

The rule of eighty: the first of them that is more than four fifths full is what limits.  Numbers
are the operating system's and the graphics driver's; torch is not asked, so nothing is loaded.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.languages.amounts import listed
from bot.languages.speaking import tr, trn

FULL = 0.8
LOOKED_FOR = 0.3  # seconds in which the processor's use is counted
ANSWER_SECONDS = 10.0  # that a driver may take

_ASK_CARDS = (
    "--query-gpu=name,utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One of them."""

    name: str
    used: float  # a share
    amount: str = ""  # "12.0 of 23.5 GiB"

    @property
    def limits(self) -> bool:
        """Whether it is as full as makes others wait."""
        return self.used > FULL


def resources(data: Path, ask: Sequence[str] | None = None) -> tuple[Resource, ...]:
    """Of this machine; `ask`: the program that knows graphics cards, None: the usual, if it is
    here.  Takes a third of a second."""
    memory = psutil.virtual_memory()
    there = next(path for path in (data, *data.absolute().parents) if path.exists())
    disk = shutil.disk_usage(there)
    cores = psutil.cpu_count() or 1
    return (
        Resource(
            name=tr("processor"),
            used=psutil.cpu_percent(LOOKED_FOR) / 100,
            amount=trn("of {n} core", "of {n} cores", cores),
        ),
        _of(tr("memory"), memory.total - memory.available, memory.total),
        *_cards(ask),
        _of(tr("disk"), disk.total - disk.free, disk.total),
    )


def limiting(found: Sequence[Resource]) -> Resource | None:
    """The first that is too full; None: nothing limits."""
    return next((each for each in found if each.limits), None)


def told(found: Sequence[Resource]) -> str:
    """All of them in a line."""
    return listed(f"{each.name} {each.used:.0%} {each.amount}".strip() for each in found)


def _cards(ask: Sequence[str] | None) -> Iterator[Resource]:
    if ask is None:
        tool = shutil.which("nvidia-smi")
        if tool is None:
            return
        ask = (tool, *_ASK_CARDS)
    try:
        asked = subprocess.run(
            ask, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=True
        )
        rows = [line.split(", ") for line in asked.stdout.strip().splitlines()]
        for name, busy, used, total in rows:
            yield Resource(name=name, used=float(busy) / 100)
            memory = tr("{card}'s memory", card=name)
            yield _of(memory, float(used) * 2**20, float(total) * 2**20)
    except (OSError, ValueError, subprocess.SubprocessError):
        return  # a driver that does not answer is another finding of the doctor's


def _of(name: str, used: float, total: float) -> Resource:
    share = used / total if total else 0.0
    return Resource(name=name, used=share, amount=tr("of {n} GiB", n=f"{total / 2**30:.1f}"))
