"""Which models suit this machine: by its memory, its graphics card and its disk.

The parts of a model take turns on the card and rest in the machine's memory, so the largest of them
decides, and what a picture needs beside it.  Invariant: a fifth of everything stays free.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from generation.sources.adding import LEAVE
from generation.sources.known import KnownModel

SHARE = 0.8
WORKING = 2.0e9  # bytes that a picture of a megapixel needs beside the weights, about
ON_PROCESSOR = 9.0e9  # bytes of a model that a processor draws with in bearable time

Fit = Literal["well", "slowly", "not"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Bytes of memory, of the graphics card (0: none), and free on the disk of the models."""

    memory: int
    card: int
    disk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """How a model suits a machine, and why in a clause."""

    model: KnownModel
    fit: Fit
    why: str


def advise(models: Iterable[KnownModel], machine: Machine) -> list[Advice]:
    """Each model, those that suit best first, in the order of the table."""
    found = [_advice(model, machine) for model in models]
    order: tuple[Fit, ...] = ("well", "slowly", "not")
    return sorted(found, key=lambda one: order.index(one.fit))


def _advice(model: KnownModel, machine: Machine) -> Advice:
    fit, why = _fit(model, machine)
    return Advice(model=model, fit=fit, why=why)


def _fit(model: KnownModel, machine: Machine) -> tuple[Fit, str]:
    if model.size + LEAVE > machine.disk:
        return "not", f"needs {_gb(model.size)} of disk, {_gb(machine.disk)} are free"
    memory, card = SHARE * machine.memory, SHARE * machine.card
    if machine.card and model.size + WORKING <= card:
        return "well", f"all of it fits the card's {_gb(machine.card)}"
    if model.size > memory:
        return "not", f"needs {_gb(model.size / SHARE)} of memory, {_gb(machine.memory)} are here"
    if machine.card:
        if model.largest + WORKING <= card:
            return "well", f"its parts take turns on the card's {_gb(machine.card)}"
        return "slowly", f"its largest part ({_gb(model.largest)}) is streamed to the card"
    if model.size <= ON_PROCESSOR:
        return "slowly", "there is no card: the processor draws, in minutes"
    return "not", f"{_gb(model.size)} are too much for a processor to draw with"


def _gb(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
