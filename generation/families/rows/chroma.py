"""The family of Chroma.  What is usual is what ComfyUI's template of it says."""

from __future__ import annotations

from dataclasses import replace

from generation.families.chroma import CHROMA
from generation.families.model_family import Family
from generation.families.rows.flux import DEV

ROWS: tuple[Family, ...] = (
    replace(
        DEV,
        name="chroma",
        title="Chroma",
        architecture=CHROMA,
        steps=26,
        cfg=3.5,
        scheduler="beta",
        guidance=None,
        does=None,
        negative=True,
        dialect="chroma",
    ),
)
