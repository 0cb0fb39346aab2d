"""The configs of parts whose files bring none: they come with this program."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

CONFIGS = Path(__file__).parents[1] / "worker" / "configs"


def config_of(folder: Path) -> dict[str, object]:
    """The config of a part whose shapes come with this program."""
    return dict(_read(folder))


@lru_cache(512)
def _read(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)  # our own file
    return found
