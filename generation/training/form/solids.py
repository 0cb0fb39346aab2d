"""The solids as formulas: how far each point of space lies from their surface.

Invariant: a distance is negative inside, positive outside and zero on the surface, so a solid is
all points where it is not positive; z is up, and every solid of size 1 fits into -1..1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Solid = Callable[[Floats], Floats]
Corners = Sequence[tuple[float, float]]


def _norm(*parts: Floats) -> Floats:
    return np.asarray(np.sqrt(sum(part * part for part in parts)))


def _polygon(x: Floats, y: Floats, corners: Corners) -> Floats:
    """The distance in a plane to a polygon, by its sides and the crossings of a ray."""
    nearest, inside = np.full(x.shape, np.inf), np.zeros(x.shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        ex, ey, px, py = bx - ax, by - ay, x - ax, y - ay
        along = np.clip((px * ex + py * ey) / (ex * ex + ey * ey), 0, 1)
        nearest = np.minimum(nearest, (px - ex * along) ** 2 + (py - ey * along) ** 2)
        if ay != by:
            inside ^= ((ay > y) != (by > y)) & (px < ex * py / ey)
    return np.asarray(np.where(inside, -1, 1) * np.sqrt(nearest))


def _extruded(corners: Corners, half: float) -> Solid:
    """A polygon in x and z that is as thick as twice `half` in y."""

    def distance(p: Floats) -> Floats:
        flat, deep = _polygon(p[:, 0], p[:, 2], corners), np.abs(p[:, 1]) - half
        inner: Floats = np.minimum(np.maximum(flat, deep), 0)
        return np.asarray(inner + _norm(flat.clip(0), deep.clip(0)))

    return distance


def _turned(corners: Corners) -> Solid:
    """A polygon of radii and heights, turned around the z axis."""
    whole = [*corners, *((-r, z) for r, z in reversed(corners))]
    tidy = [c for n, c in enumerate(whole) if c != whole[n - 1]]
    return lambda p: _polygon(_norm(p[:, 0], p[:, 1]), p[:, 2], tidy)


def _ball(p: Floats) -> Floats:
    return _norm(p[:, 0], p[:, 1], p[:, 2]) - 0.9


def _cube(p: Floats) -> Floats:
    beyond = np.abs(p) - 0.74
    outer: Floats = np.linalg.norm(beyond.clip(0), axis=1)
    return np.asarray(outer + np.minimum(beyond.max(axis=1), 0))


def _ring(p: Floats) -> Floats:
    return _norm(_norm(p[:, 0], p[:, 1]) - 0.68, p[:, 2]) - 0.28


def _pyramid(p: Floats) -> Floats:
    """The largest of the distances to its five planes: 0 at the right places, less far outside."""
    side, height = 0.85, 1.5
    lean = math.hypot(side, height)
    slope = height * np.abs(p[:, :2]).max(axis=1) + side * (p[:, 2] - height / 2)
    return np.asarray(np.maximum(slope / lean, -height / 2 - p[:, 2]))


_WALL = ((0.0, -0.8), (0.62, -0.8), (0.62, 0.8), (0.4, 0.8), (0.4, -0.54), (0.0, -0.54))


def _cup(p: Floats) -> Floats:
    body = _turned(_WALL)(p)
    handle = _norm(_norm(p[:, 0] - 0.6, p[:, 2]) - 0.33, p[:, 1]) - 0.13
    hollow = _norm(p[:, 0], p[:, 1]) - 0.5
    return np.minimum(body, np.maximum(handle, -hollow))


def _star_corners() -> Corners:
    turns = [math.pi / 2 + n * math.pi / 5 for n in range(10)]
    return [
        ((0.44 if n % 2 else 1.0) * math.cos(a), (0.44 if n % 2 else 1.0) * math.sin(a))
        for n, a in enumerate(turns)
    ]


def _heart_corners() -> Corners:
    """The usual curve of sines and cosines, brought into the box."""
    turns = [2 * math.pi * n / 48 for n in range(48)]
    across = [math.sin(a) ** 3 for a in turns]
    up = [
        13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)
        for a in turns
    ]
    return [(0.95 * x, (y + 2.5) / 15.6) for x, y in zip(across, up, strict=True)]


def _moon_corners() -> Corners:
    """The outer arc of a disc, then the inner one back from horn to horn."""
    horn, middle = math.radians(52), 0.62
    inner = math.hypot(math.cos(horn) - middle, math.sin(horn))
    tip = math.atan2(math.sin(horn), math.cos(horn) - middle)
    outer = [horn + n * (2 * math.pi - 2 * horn) / 36 for n in range(37)]
    back = [2 * math.pi - tip + n * (2 * tip - 2 * math.pi) / 24 for n in range(1, 24)]
    arcs = [(math.cos(a), math.sin(a)) for a in outer]
    arcs += [(middle + inner * math.cos(a), inner * math.sin(a)) for a in back]
    return [(0.95 * x + 0.2, 0.95 * y) for x, y in arcs]


def _cap_corners() -> Corners:
    """Half a mushroom: a stem, then a round cap over it."""
    arc = [math.pi / 2 * n / 12 for n in range(13)]
    cap = [(0.9 * math.cos(a), 0.82 * math.sin(a)) for a in arc]
    return [(0.0, -0.85), (0.33, -0.85), (0.33, 0.0), *cap]


_HOUSE = ((-0.7, -0.85), (0.7, -0.85), (0.7, 0.1), (0.92, 0.1), (0.0, 0.92), (-0.92, 0.1))
_EAVES = (*_HOUSE, (-0.7, 0.1))

SOLIDS: dict[str, Solid] = {
    "ball": _ball,
    "cube": _cube,
    "cone": _turned(((0.0, -0.85), (0.75, -0.85), (0.0, 0.9))),
    "ring": _ring,
    "pillar": _turned(((0.0, -0.95), (0.42, -0.95), (0.42, 0.95), (0.0, 0.95))),
    "pyramid": _pyramid,
    "star": _extruded(_star_corners(), 0.3),
    "heart": _extruded(_heart_corners(), 0.34),
    "moon": _extruded(_moon_corners(), 0.3),
    "mushroom": _turned(_cap_corners()),
    "cup": _cup,
    "house": _extruded(_EAVES, 0.6),
}
FORMS = tuple(SOLIDS)
SIZES = {"small": 0.45, "medium": 0.63, "large": 0.88}


def distance(form: str, points: Floats, size: float, stretch: float = 1.0) -> Floats:
    """How far each point, (count, 3), is from the solid; `stretch` makes it higher."""
    scale = np.array([1, 1, stretch]) * size
    return SOLIDS[form](points / scale) * size * min(1.0, stretch)


@cache
def cells(grid: int) -> Floats:
    """The points of a grid of -1..1, as `renderer.volume_query_points` orders them."""
    line = np.linspace(-1, 1, grid)
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
