"""Adapters that are a part of the model that draws: those of a recipe, where nobody names one.

A motion module is such a part (`PARTS`).  The invariant: of each kind that a model has as a part, a
recipe names one, and of any other none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generation.errors import NoMotionModule, OutOfRange
from generation.families.model_family import Family
from generation.recipe import Adapter
from generation.spans import Experts
from generation.tasks import PARTS


def with_parts(adapters: tuple[Adapter, ...], usual: Sequence[Adapter]) -> tuple[Adapter, ...]:
    """With those that are usual, where none of their kind is named."""
    named = {adapter.kind for adapter in adapters}
    return (*(one for one in usual if one.kind not in named), *adapters)


def placed(adapters: Sequence[Adapter], experts: Experts | None) -> tuple[Adapter, ...]:
    """On the denoiser that each is meant for, or on the one that there is.

    A LoRA for each of two denoisers, alike, is one for both; where there is one, the first counts.
    """
    found: list[Adapter] = []
    for one in adapters:
        bare = replace(one, expert=None)
        if experts is None and one.expert is not None:
            if not any(a.expert is not None and a.weights == one.weights for a in found):
                found.append(one)
        elif found and one.expert and found[-1].expert and replace(found[-1], expert=None) == bare:
            same = found[-1].expert == one.expert
            found += [one] if same else []
            found[-1] = one if same else bare
        else:
            found.append(one)
    return tuple(found if experts else (replace(one, expert=None) for one in found))


def check_parts(adapters: Sequence[Adapter], usual: Family, model: str) -> None:
    """Raise OutOfRange for several adapters that are one part, NoMotionModule where it lacks."""
    for kind in PARTS:
        count = sum(adapter.kind == kind for adapter in adapters)
        wanted = any(part.adapter == kind for part in usual.architecture.parts)
        if count > int(wanted):
            raise OutOfRange(f"{kind} adapters", count, "one" if wanted else "none for that model")
        if wanted and not count:
            raise NoMotionModule(model)
