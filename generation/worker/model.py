"""A checkpoint in memory: its parts by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The loaded networks of a checkpoint, by the names of `Architecture.parts`."""

    modules: Mapping[str, Any]
    tokenizers: Mapping[str, Any]  # by the name of the text encoder that reads their tokens

    def __getitem__(self, name: str) -> Any:
        """The module of that part.  Raises KeyError."""
        return self.modules[name]

    def __contains__(self, name: object) -> bool:
        return name in self.modules

    def __iter__(self) -> Iterator[str]:
        return iter(self.modules)
