"""The table of models by name: which files each needs, and where they lie (known.toml).

Invariant: a row names a family that is drawn here and files that the table has.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from generation.families.family import FAMILIES
from generation.sources.faults import NoSuchSource

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file of a known model: its source, about how many bytes, and in which folder it goes."""

    at: str
    size: int
    into: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """A model by name; the first of its files is the one that its card belongs to."""

    name: str
    family: str
    title: str
    licence: str | None
    why: str
    files: tuple[KnownFile, ...]
    card: Mapping[str, object] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """About how many bytes all of it is."""
        return sum(file.size for file in self.files)

    @property
    def largest(self) -> int:
        """Bytes of the largest file, which is what draws."""
        return max(file.size for file in self.files)


@cache
def known_models() -> Mapping[str, KnownModel]:
    """The table, the models that most people use first."""
    table = tomllib.loads((_HERE / "known.toml").read_text(encoding="utf-8"))
    files = {
        key: KnownFile(at=row["at"], size=round(row["gb"] * 1e9), into=row.get("into", ""))
        for key, row in table["files"].items()
    }
    models = {
        name: KnownModel(
            name=name,
            family=row["family"],
            title=row["title"],
            licence=row.get("licence"),
            why=row["why"],
            files=tuple(files[key] for key in row["files"]),
            card=row.get("card", {}),
        )
        for name, row in table["models"].items()
    }
    strange = {model.family for model in models.values()} - FAMILIES.keys()
    if strange:
        raise ValueError(f"known.toml names families that are none: {sorted(strange)}")
    return models


def known_model(name: str) -> KnownModel:
    """The model of that name.  Raises NoSuchSource with the nearest."""
    models = known_models()
    if name.casefold() in models:
        return models[name.casefold()]
    near = get_close_matches(name.casefold(), models, n=3, cutoff=0.5)
    hint = f" Did you mean {', '.join(near)}?" if near else " `models recommend --all` lists them."
    raise NoSuchSource(f"No model is known as {name!r:.80}.{hint}")


@cache
def _bases() -> Mapping[str, str]:
    return tomllib.loads((_HERE / "base_models.toml").read_text(encoding="utf-8"))


def family_of_base(said: str) -> str | None:
    """The family of what CivitAI calls a base model; None where the table does not know it."""
    return _bases().get(" ".join(said.casefold().split()))
