"""What a field may hold: its type and its range, told beside the field and checked in one place.

    seconds: Annotated[float, Within(0.0, 1e7)]

The invariant: what passes has exactly the declared types (True is no number, 1 is no text), its
numbers are finite, its text can be written as UTF-8; and what a refusal says names fields and
numbers, never text of the other side, which may be the words of a person.
"""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import (
    Annotated,
    Any,
    NewType,
    Protocol,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

LONGEST_TEXT = 4_000  # letters, where nothing else is said
LARGEST = 2**63 - 1


class Misshapen(ValueError):
    """A value is not what was declared."""


class FieldRule(Protocol):
    """More than a type says."""

    def refuses(self, value: Any, /) -> str | None:
        """Why not, as a clause; None when it may pass."""


@dataclass(frozen=True, slots=True)
class Within:
    """A number of this range."""

    low: float
    high: float

    def refuses(self, value: Any) -> str | None:
        if self.low <= value <= self.high:
            return None
        return f"it is {_number(value)} and must be {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class TextForm:
    """Text of this form."""

    pattern: str

    def refuses(self, value: Any) -> str | None:
        return None if re.fullmatch(self.pattern, value, re.ASCII) else "it has another form"


@dataclass(frozen=True, slots=True)
class AtMost:
    """So many letters, bytes or members."""

    count: int

    def refuses(self, value: Any) -> str | None:
        return None if len(value) <= self.count else f"it has {len(value)}, more than {self.count}"


@dataclass(frozen=True, slots=True)
class Passes:
    """What this function lets pass: it returns why not, as a clause, or None."""

    check: Callable[[Any], str | None]

    def refuses(self, value: Any) -> str | None:
        return self.check(value)


@dataclass(frozen=True, slots=True)
class Whole:
    """A dataclass whose own fields are as declared; without this rule only its type counts."""

    def refuses(self, value: Any) -> str | None:
        return _misfit_inside(value)


def checked(value: object) -> None:
    """Raise Misshapen when a field of this dataclass's instance is not as declared."""
    if why := _misfit_inside(value):
        raise Misshapen(f"{type(value).__name__}.{why}")


def _misfit_inside(value: object) -> str | None:
    kind: Any = type(value)
    for name, hint in _hints(kind).items():
        if why := _misfit(getattr(value, name), hint):
            return f"{name}: {why}"
    return None


def arguments_misfit(kind: type, values: tuple[object, ...]) -> str | None:
    """Why these cannot be the arguments of a class, by the types of its `__init__`."""
    parameters = _parameters(kind)
    if parameters is None:
        return next((why for value in values if (why := _misfit(value, object))), None)
    needed = sum(required for _, _, required in parameters)
    if not needed <= len(values) <= len(parameters):
        return f"{len(values)} facts instead of {needed} to {len(parameters)}"
    for value, (name, hint, _) in zip(values, parameters, strict=False):
        if why := _misfit(value, hint):
            return f"{name}: {why}"
    return None


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in fields(kind)}


@cache
def _parameters(kind: Any) -> tuple[tuple[str, Any, bool], ...] | None:
    """Name, type and whether it is required; None for a class that takes anything."""
    if "__init__" not in {name for base in kind.__mro__[:-3] for name in vars(base)}:
        return None  # only those of Exception and its bases
    hints = get_type_hints(kind.__init__)
    own = list(inspect.signature(kind).parameters.values())
    return tuple((p.name, hints.get(p.name, object), p.default is p.empty) for p in own)


def _misfit(value: Any, hint: Any) -> str | None:
    """Why the value is not of the type, as a clause; None when it is."""
    origin = get_origin(hint)
    if origin is Annotated:
        base, *said = get_args(hint)
        rules: Sequence[FieldRule] = said
        if why := _misfit(value, base):
            return why
        return next((why for rule in rules if (why := rule.refuses(value))), None)
    if isinstance(hint, NewType):
        return _misfit(value, hint.__supertype__)
    if origin in (Union, types.UnionType):
        whys = [_misfit(value, member) for member in get_args(hint)]
        return None if None in whys else whys[0]
    if origin is tuple:
        return _misfit_of_many(value, get_args(hint)[0])
    return _misfit_of_one(value, hint)


def _misfit_of_many(value: Any, hint: Any) -> str | None:
    if type(value) is not tuple:
        return f"it is {_kind(value)} and must be a list"
    return next((why for each in value if (why := _misfit(each, hint))), None)


def _misfit_of_one(value: Any, hint: Any) -> str | None:
    wanted: tuple[Any, ...] = (int, float) if hint is float else (hint,)
    if hint is object:
        wanted = (str, int, type(None))  # what a fact can be
    if type(value) not in wanted:
        return f"it is {_kind(value)} and must be {_kind_name(hint)}"
    if isinstance(value, float) and not math.isfinite(value):
        return f"it is {value}"
    if isinstance(value, int) and abs(value) > LARGEST:
        return "it has more than 64 bits"
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            return f"it has {len(value)} letters, more than {LONGEST_TEXT}"
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            return "it holds half a letter"
    return None


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < LARGEST else "huge"


def _kind(value: object) -> str:
    return "nothing" if value is None else f"of the type {type(value).__name__}"


def _kind_name(hint: Any) -> str:
    return "nothing" if hint is type(None) else getattr(hint, "__name__", str(hint))
