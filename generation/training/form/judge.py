"""What a mesh is, by the formulas alone: its form, its colour, its size.

Invariant: no network is asked. A mesh is filled cell by cell, as a ray along z crosses it, and is
compared with each solid filled in the same way; its form is that of the solid with which it shares
most space, and its colour the palette's nearest to what its vertices have on average.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from generation.training.form.solids import FORMS, SIZES, Floats, cells, distance
from generation.training.form.wishes import Body, shade
from generation.training.starter.scenes import COLOURS

GRID = 64
SCALES = (0.92, 1.0, 1.08)  # a solid may be a little larger or smaller than its word

Cells = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What was found, and the share of space in common with the solid that was asked for."""

    form: str
    colour: str
    size: str
    overlap: float


@cache
def solid_cells(form: str, size: float) -> Cells:
    """Which points of the grid lie in the solid, (GRID ** 3,)."""
    return np.asarray(distance(form, cells(GRID), size) <= 0)


def filled(vertices: Floats, faces: NDArray[np.int64]) -> Cells:
    """Which points of the grid lie in the mesh, (GRID ** 3,): an odd number of crossings below."""
    step = 2 / (GRID - 1)
    # A hair beside the points, so that no ray meets a vertex or an edge.
    corners = (vertices[faces] + 1 + np.array([1.7e-5, 2.9e-5, 0])) / step
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    corners, area = corners[area != 0], area[area != 0]
    low = np.ceil(corners[..., :2].min(axis=1)).astype(int)
    most = np.floor(corners[..., :2].max(axis=1)).astype(int) - low
    crossings = np.zeros((GRID, GRID, GRID + 1), dtype=np.int64)
    for dx, dy in product(*(range(int(most[:, axis].max(initial=-1)) + 1) for axis in (0, 1))):
        chosen = (most[:, 0] >= dx) & (most[:, 1] >= dy)
        x, y = low[chosen, 0] + dx, low[chosen, 1] + dy
        inside, heights = _heights(corners[chosen], area[chosen], x, y)
        inside &= (x >= 0) & (y >= 0) & (x < GRID) & (y < GRID)
        above = np.ceil(heights[inside]).clip(0, GRID).astype(int)
        np.add.at(crossings, (x[inside], y[inside], above), 1)
    return np.asarray(np.cumsum(crossings, axis=2)[..., :GRID].reshape(-1) % 2 == 1)


def _heights(
    corners: Floats, area: Floats, x: NDArray[np.int64], y: NDArray[np.int64]
) -> tuple[Cells, Floats]:
    """Whether the upright ray at x, y meets each triangle, and how high."""
    shares = []
    for at in range(3):
        p, q = corners[:, (at + 1) % 3], corners[:, (at + 2) % 3]
        part = (q[:, 0] - p[:, 0]) * (y - p[:, 1]) - (q[:, 1] - p[:, 1]) * (x - p[:, 0])
        shares.append(part / area)
    share = np.stack(shares, axis=-1)
    return np.asarray((share > 0).all(axis=1)), np.asarray((share * corners[..., 2]).sum(axis=1))


def overlap(one: Cells, other: Cells) -> float:
    """The space that two have in common as a share of what either takes."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def named_colour(linear: Floats) -> str:
    """The palette's colour that is nearest to the mean of linear colours, (count, 3)."""
    low = linear <= 0.0031308
    srgb = np.where(low, 12.92 * linear, 1.055 * linear.clip(1e-9) ** (1 / 2.4) - 0.055).mean(
        axis=0
    )
    return min(COLOURS, key=lambda name: float(((srgb - np.array(shade(name))) ** 2).sum()))


def judged(vertices: Floats, colours: Floats, faces: NDArray[np.int64], asked: Body) -> Sentence:
    """What the mesh is; z is up, colours are linear."""
    space = filled(vertices, faces)
    found = {
        (form, size): max(
            overlap(space, solid_cells(form, SIZES[size] * scale)) for scale in SCALES
        )
        for form, size in product(FORMS, SIZES)
    }
    form, size = max(found, key=lambda key: found[key])
    return Sentence(
        form=form,
        colour=named_colour(colours),
        size=size,
        overlap=overlap(space, solid_cells(asked.form, SIZES[asked.size])),
    )
