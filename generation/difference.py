"""What differs between two recipes, section by section: exactly this, and nothing else.

The invariant: two recipes differ in nothing exactly where they share an id, so a file that only has
another name is no difference, nor is what people are told of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass

from generation.recipe import BY_DIGEST, Recipe, Weights
from generation.spelling import spelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One field that differs; a section that one of two recipes has not is None there."""

    name: str  # "seed", "words.prompt"
    before: object
    after: object


def difference(before: Recipe, after: Recipe) -> tuple[Changed, ...]:
    """What the second recipe has otherwise, in the order of the fields."""
    return tuple(
        Changed(name=name, before=old, after=new)
        for name, old, new in _pairs(before, after, "")
        if spelled(old, BY_DIGEST) != spelled(new, BY_DIGEST)
    )


def _pairs(before: object, after: object, inside: str) -> list[tuple[str, object, object]]:
    """Each field by its name, with the two values that it has."""
    found: list[tuple[str, object, object]] = []
    whole = before if before is not None else after
    for field in fields(whole):  # type: ignore[arg-type]  # a recipe or a section of one
        if field.metadata.get("told"):
            continue
        name = f"{inside}{field.name}"
        old, new = (getattr(one, field.name, None) for one in (before, after))
        if _is_section(old) or _is_section(new):
            found += _pairs(old, new, f"{name}.")
        else:
            found.append((name, old, new))
    return found


def _is_section(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, Weights)
