"""A draft's adapters: those that are a part of the model that draws, and the turns of others.

A motion module is such a part (`PARTS`).  The invariant: of each kind that a model has as a part, a
recipe names one, and of any other none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from generation.errors import NoMotionModule, OutOfRange
from generation.families.model_family import Family
from generation.recipe import Adapter
from generation.spans import EXPERTS, Experts, SecondPass
from generation.tasks import PARTS


def with_parts(adapters: tuple[Adapter, ...], usual: Sequence[Adapter]) -> tuple[Adapter, ...]:
    """With those that are usual, where none of their kind is named."""
    named = {adapter.kind for adapter in adapters}
    return (*(one for one in usual if one.kind not in named), *adapters)


def placed(adapters: Sequence[Adapter], *, in_turns: bool) -> tuple[Adapter, ...]:
    """In the turn that each is meant for (`Recipe.in_turns`), or in the one that there is.

    A LoRA for each of two turns, alike, is one for both; where there is one, the first counts.
    """
    found: list[Adapter] = []
    for one in adapters:
        bare = replace(one, expert=None)
        if not in_turns and one.expert is not None:
            if not any(a.expert is not None and a.weights == one.weights for a in found):
                found.append(one)
        elif found and one.expert and found[-1].expert and replace(found[-1], expert=None) == bare:
            same = found[-1].expert == one.expert
            found += [one] if same else []
            found[-1] = one if same else bare
        else:
            found.append(one)
    return tuple(found if in_turns else (replace(one, expert=None) for one in found))


def in_their_turns(
    adapters: tuple[Adapter, ...],
    experts: Experts | None,
    second: SecondPass | None,
    usual: Family,
) -> tuple[Adapter, ...]:
    """Each in the turn that it is meant for; what is of a second pass alone goes without one."""
    if usual.second is not None and second is None:
        adapters = tuple(one for one in adapters if one.expert != EXPERTS[1])
    return placed(adapters, in_turns=(experts or second) is not None)


def check_parts(adapters: Sequence[Adapter], usual: Family, model: str) -> None:
    """Raise OutOfRange for several adapters that are one part, NoMotionModule where it lacks."""
    for kind in PARTS:
        count = sum(adapter.kind == kind for adapter in adapters)
        wanted = any(part.adapter == kind for part in usual.architecture.parts)
        if count > int(wanted):
            raise OutOfRange(f"{kind} adapters", count, "one" if wanted else "none for that model")
        if wanted and not count:
            raise NoMotionModule(model)
