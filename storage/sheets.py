"""A sheet: which place of a comparison which picture of its request has, kept with the request.

The invariant: a request's recipes are each drawn once; places that mean the same picture share it,
and a place that nothing can be drawn for says why.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from generation.spelling import at_most, plain, read

MOST_CELLS = 25  # as many as a list of Discord's has, in which each can be picked
LABEL = 6000  # characters: a wording is one


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetAxis:
    """What differs from column to column, or from row to row."""

    name: str  # of the parameter
    labels: tuple[str, ...] = field(metadata=at_most(LABEL))


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetCell:
    """A place: the recipe's place in the request, or why it has none."""

    recipe: int | None = None
    why: str | None = field(default=None, metadata=at_most(LABEL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A comparison over one or two axes; `cells` are row by row."""

    across: SheetAxis
    down: SheetAxis | None = None
    cells: tuple[SheetCell, ...]

    def cell(self, column: int, row: int = 0) -> SheetCell:
        """The place in that column and row."""
        return self.cells[row * len(self.across.labels) + column]

    def to_json(self) -> str:
        """One line that `from_json` reads back to an equal value."""
        return json.dumps(plain(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | None) -> Sheet | None:
        """What `to_json` wrote; None for none."""
        return None if text is None else read(cls, json.loads(text), kept=True)
