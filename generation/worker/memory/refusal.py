"""Why a recipe does not fit, with the smallest change of it that would.

The invariant: what is said to fit does, by the same prediction that refused the recipe.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from generation.errors import OutOfMemory, Unacceptable
from generation.recipe import Canvas, Recipe
from generation.worker.memory import needs
from generation.worker.model import LoadedPart, Model
from generation.worker.packed import weight_bits

BITS = (8, 6, 5, 4)  # of a number, in files that people have
SHRUNK = 16  # a side is made shorter by so many parts, and by one after the other
LEAST = 4  # of them stay at least


def refusal(recipe: Recipe, model: Model, device: torch.device, possible: int) -> OutOfMemory:
    """The error of a recipe that takes more than the device has for it."""
    predicted = needs.predict(recipe, model, device).least
    for fewer, count in _with_fewer_references(recipe):
        if _fits(fewer, model, device, possible):
            return OutOfMemory(predicted, possible, references=count)
    for smaller in _smaller(recipe, model):
        if _fits(smaller, model, device, possible):
            size = smaller.drawn_at
            return OutOfMemory(predicted, possible, width=size.width, height=size.height)
    return OutOfMemory(predicted, possible, bits=_bits(recipe, model, device, possible))


def _fits(recipe: Recipe, model: Model, device: torch.device, possible: int) -> bool:
    return needs.predict(recipe, model, device).least <= possible


def _with_fewer_references(recipe: Recipe) -> Iterator[tuple[Recipe, int]]:
    """The recipe without its last picture that is looked at, without the last two, ..."""
    inputs = recipe.inputs
    looked_at = [number for number, each in enumerate(inputs) if each.role == "reference"]
    while len(looked_at) > 1:
        last = looked_at.pop()
        inputs = (*inputs[:last], *inputs[last + 1 :])
        yield replace(recipe, inputs=inputs), len(looked_at)


def _smaller(recipe: Recipe, model: Model) -> Iterator[Recipe]:
    """The recipe with the same shape in fewer pixels, the largest first."""
    canvas, grid = recipe.canvas, model.architecture.grid
    if canvas is None or recipe.drawn is not None or recipe.enlarging is not None:
        return  # other things decide how large it is drawn
    for parts in range(SHRUNK - 1, LEAST - 1, -1):
        width, height = (side * parts // SHRUNK // grid * grid for side in _sides(canvas))
        try:
            yield replace(recipe, canvas=replace(canvas, width=width, height=height))
        except Unacceptable:
            return  # smaller than anything is drawn


def _sides(canvas: Canvas) -> tuple[int, int]:
    return canvas.width, canvas.height


def _bits(recipe: Recipe, model: Model, device: torch.device, possible: int) -> int | None:
    """How many of a number would do, in another file of the same model; None: not even four."""
    for bits in BITS:
        predicted = needs.predict(recipe, model, device)
        taken = (
            sum(_in_bits(part, bits, device) for part in model.at(stage)) + each.drawing
            for stage, each in predicted.stages.items()
        )
        if max(taken, default=0) <= possible:
            return bits
    return None


def _in_bits(part: LoadedPart, bits: int, device: torch.device) -> int:
    least = part.residence.least_bytes(device)
    return min(least, int(least * bits / weight_bits(part.module)))
