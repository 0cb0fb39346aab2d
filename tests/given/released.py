"""What earlier releases wrote: `tests/data/released`, whose README says what each file is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RELEASED = Path(__file__).parents[1] / "data" / "released"


def lines(name: str) -> list[dict[str, Any]]:
    """The values of a file that has one on each line."""
    text = (RELEASED / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


RECIPES, PICTURES, MARKS = lines("recipes.jsonl"), lines("pictures.jsonl"), lines("marks.jsonl")
TEXTS: list[str] = [line["recipe"] for line in (*RECIPES, *PICTURES, *MARKS)]
