"""Layers: several who may say something, the first of whom counts; and which of them it was.

    filled(Draft, [("said", a draft), ("parent", another), ...])

The one way in which a gap is filled.  It goes by the fields of a dataclass, section by section, and
knows none by name.  Invariant: what stands in the result was said by the first layer that says
anything of it, and `whence` names that layer; None and () say nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
L = TypeVar("L")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled(Generic[T, L]):
    """What the layers say together."""

    value: T
    whence: Mapping[str, L]  # by name, as in "sampling.steps"; what nobody says is absent


def filled(kind: type[T], layers: Sequence[tuple[L, object]]) -> Filled[T, L]:
    """A `kind` of what the first of the layers says of each field.

    A layer may have fewer fields than the kind: of those that it lacks, it says nothing.
    """
    whence: dict[str, L] = {}
    return Filled(value=_first(kind, layers, "", whence), whence=whence)


def _first(
    kind: type[T], layers: Sequence[tuple[L, object]], inside: str, whence: dict[str, L]
) -> T:
    found: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # a dataclass, as its callers give
        name = f"{inside}{field.name}"
        given = [(layer, getattr(value, field.name, None)) for layer, value in layers]
        if is_dataclass(field.default):  # a section of gaps
            found[field.name] = _first(type(field.default), given, f"{name}.", whence)
            continue
        for layer, value in given:
            if value is not None and value != ():
                found[field.name], whence[name] = value, layer
                break
    return kind(**found)
