"""Which nodes of ComfyUI are understood, as nodes.toml says."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("nodes.toml")


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


@cache
def understood() -> frozenset[str]:
    """The types of those that decide no pixel, or that become a part of a recipe as it stands."""
    groups: Mapping[str, list[str]] = _table()["nodes"]
    return frozenset(node for name, group in groups.items() if name != "read" for node in group)


@cache
def read() -> frozenset[str]:
    """The types of those of which nothing is lost that is not said otherwise."""
    return understood() | frozenset(_table()["nodes"]["read"])


def within(medium: str) -> frozenset[str]:
    """The types of those that have a place in what is made of that medium, and in no picture."""
    return frozenset(_table()["of"].get(medium, ()))


def missing() -> Mapping[str, str]:
    """The types of those that do what has no place in a recipe, and what that is."""
    found: Mapping[str, str] = _table()["missing"]
    return found
