"""The loaded networks of a checkpoint, by the names that its architecture gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generation.families.architecture import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Modules by their part's name, tokenizers by that of the text encoder that reads them.

    Both stand in the order of `Architecture.parts`.
    """

    modules: Mapping[str, Any]
    tokenizers: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        """The module of that part.  Raises KeyError."""
        return self.modules[name]

    def __contains__(self, name: object) -> bool:
        return name in self.modules

    def __iter__(self) -> Iterator[str]:
        return iter(self.modules)

    @property
    def configs(self) -> Mapping[str, Config]:
        """What each module was built from."""
        return {name: _as_mapping(module.config) for name, module in self.modules.items()}


def _as_mapping(config: Any) -> Config:
    found: Config = config if isinstance(config, Mapping) else config.to_dict()
    return found
