"""The picture that lies beside weights and shows what they draw, as other programs keep it.

    flower.preview.png, flower.png, flower.jpg ...    beside flower.safetensors
    preview.png ...                                   in a diffusers folder

Invariant: only names are looked at here; whoever opens the picture judges it first
(`generation.media.photos`).
"""

from __future__ import annotations

from pathlib import Path

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def preview_of(weights: Path) -> Path | None:
    """The picture beside these weights, the one that says so before others; None: there is none."""
    if weights.is_dir():
        names = [f"preview{suffix}" for suffix in _SUFFIXES]
        found = (weights / name for name in names)
    else:
        stems = (f"{weights.stem}.preview", weights.name, weights.stem)
        found = (weights.with_name(stem + end) for stem in stems for end in _SUFFIXES)
    return next((path for path in found if path.is_file()), None)
