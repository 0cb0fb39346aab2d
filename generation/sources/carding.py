"""The card that is written beside what was fetched: what its place says, and its tensors do not.

Invariant: a card that lies there is its owner's, and is left as it is.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.catalog.card import CARD
from generation.catalog.header import read_tensor
from generation.catalog.heads import head_of
from generation.catalog.naming import readable
from generation.catalog.recognition import Anatomy, of_file
from generation.errors import UnknownWeights, UnusableWeights
from generation.families.family import FAMILIES
from generation.sources.release import Release


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """What a file is by its header; `note` says where its place says something else."""

    anatomy: Anatomy | None
    family: str | None = None  # for the card, where the header alone does not tell it
    note: str = ""


def look(path: Path, told: str | None) -> LookedAt:
    """What the file is; `told` is the family that its place names.  The header counts first."""
    name = readable(path)
    try:
        anatomy = _anatomy(path, name, None)
    except UnknownWeights as error:
        return _by_word(path, name, told, error)
    except UnusableWeights as error:
        return LookedAt(anatomy=None, note=f"{name} is here, and cannot be used: {error.reason}")
    if told is None or anatomy.kind not in ("checkpoint", "lora") or told == anatomy.family:
        return LookedAt(anatomy=anatomy)
    said, found = FAMILIES[told], FAMILIES.get(anatomy.family)
    if found is None or found.architecture is said.architecture:
        return LookedAt(anatomy=anatomy, family=told)
    return LookedAt(
        anatomy=anatomy,
        note=f"{name} is told to be {said.title}, and its tensors are {found.title}'s: they count",
    )


def _by_word(path: Path, name: str, told: str | None, error: UnknownWeights) -> LookedAt:
    if told is not None:
        with contextlib.suppress(UnusableWeights):
            anatomy = _anatomy(path, name, told)
            if anatomy.kind != "lora" or _is_among(told, error.reason):
                return LookedAt(anatomy=anatomy, family=told)
    return LookedAt(anatomy=None, note=f"{name} is here, and cannot be used: {error.reason}")


def _is_among(told: str, reason: str) -> bool:
    """Whether it is one of the families between which the header of a LoRA leaves the choice."""
    named = (FAMILIES[word] for word in re.findall(r"[\w.-]+", reason) if word in FAMILIES)
    return any(one.architecture is FAMILIES[told].architecture for one in named)


def _anatomy(path: Path, name: str, family: str | None) -> Anatomy:
    header = head_of(path, name)
    return of_file(
        header.shapes,
        name,
        header.metadata,
        family=family,
        dtypes=header.dtypes,
        read=lambda key: read_tensor(path, header, key, name),
    )


def card_of(release: Release, seen: LookedAt) -> dict[str, object]:
    """What the card says, by its keys."""
    kind = seen.anatomy.kind if seen.anatomy is not None else None
    said: dict[str, object] = {
        "family": seen.family,
        "title": release.title if kind in ("checkpoint", "lora") else None,
        "licence": release.licence,
        "source": release.page or release.source,
        "base": release.base if kind in ("checkpoint", "lora") else None,
        "base_model": release.base_model,
        "preview": release.preview,
    }
    if kind == "lora" and release.triggers and seen.anatomy and not seen.anatomy.triggers:
        said["trigger"] = ", ".join(release.triggers)
    if kind == "checkpoint":
        said |= release.usual
    return {key: value for key, value in said.items() if value not in (None, "")}


def write_card(path: Path, said: Mapping[str, object]) -> bool:
    """Write it beside a file, or into a folder; returns whether there was none yet."""
    card = path / CARD if path.is_dir() else path.with_name(f"{path.name}.{CARD}")
    if not said or card.exists():
        return False
    lines = [f"{key} = {_toml(value)}" for key, value in said.items()]
    card.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return True


def _toml(value: object) -> str:
    """A value as TOML writes it; a text's escapes are those of JSON."""
    match value:
        case str():
            plain = value.encode("utf-8", "replace").decode("utf-8").replace("\x7f", "")
            return json.dumps(plain, ensure_ascii=False)
        case list() | tuple():
            return f"[{', '.join(_toml(one) for one in value)}]"
    return json.dumps(value)
