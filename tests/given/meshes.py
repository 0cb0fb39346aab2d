"""Forms by hand: a red tetrahedron, and a cube of any number of triangles."""

from __future__ import annotations

import itertools

import numpy as np

from generation.media.surfaces import Mesh


def a_tetrahedron() -> Mesh:
    """Closed, its triangles looking outwards."""
    corners = [(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]
    return coloured(np.array(corners) / 2, np.array([(0, 1, 2), (0, 3, 1), (0, 2, 3), (1, 3, 2)]))


def coloured(
    positions: np.ndarray, faces: np.ndarray, colour: tuple[float, float, float] = (0.7, 0.02, 0.02)
) -> Mesh:
    """A mesh of one colour."""
    return Mesh(
        positions=positions.astype(np.float32),
        colours=np.tile(np.array(colour, dtype=np.float32), (len(positions), 1)),
        faces=faces.astype(np.uint32),
    )


def a_cube(parts: int = 1) -> Mesh:
    """A closed cube whose sides are cut into parts x parts squares of two triangles each."""
    grid, faces = np.arange(parts + 1) / parts - 0.5, []
    index: dict[tuple[float, ...], int] = {}

    def at(axis: int, side: float, u: float, v: float) -> int:
        place = [u, v]
        place.insert(axis, side)
        return index.setdefault(tuple(place), len(index))

    for axis in range(3):
        for side in (-0.5, 0.5):
            for u, more_u in itertools.pairwise(grid):
                for v, more_v in itertools.pairwise(grid):
                    turn = [(u, v), (more_u, v), (more_u, more_v), (u, more_v)]
                    outward = (side > 0) == (axis != 1)
                    a, b, c, d = (at(axis, side, *uv) for uv in (turn if outward else turn[::-1]))
                    faces += [(a, b, c), (a, c, d)]
    return coloured(np.array(list(index)), np.array(faces))


A_FORM = a_tetrahedron()
