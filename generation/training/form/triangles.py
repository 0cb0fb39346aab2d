"""The marching-cubes table: which triangles a cell has, by the corners of it that lie inside.

Invariant: two cells that share a side cut it along the same lines, so a mesh of any field that is
negative at its border is closed. A side with two inner corners across from each other keeps them
apart. Numbers of corners and edges are those of `MeshDecoder` in diffusers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

Corner = tuple[int, int, int]
MOST = 5  # triangles of a cell


def _inserted(two: Sequence[int], axis: int, value: int) -> Corner:
    low, high = two
    return ((value, low, high), (low, value, high), (low, high, value))[axis]


def _edges() -> list[tuple[Corner, Corner]]:
    """The twelve: along x, then y, then z; within an axis the lower other axis counts first."""
    found = []
    for axis in range(3):
        for high, low in product((0, 1), repeat=2):
            rest = [low, high]
            found.append((_inserted(rest, axis, 0), _inserted(rest, axis, 1)))
    return found


EDGES = _edges()


def _sides() -> list[list[Corner]]:
    """The four corners of each of the six sides, in turn, seen from outside against the clock."""
    found = []
    for axis, end in product(range(3), (0, 1)):
        turn = [(0, 0), (1, 0), (1, 1), (0, 1)]
        corners = [_inserted(uv, axis, end) for uv in turn]
        # u, v, axis is right-handed for x and z, left-handed for y.
        outward = (end == 1) == (axis != 1)
        found.append(corners if outward else corners[::-1])
    return found


def _edge_of(a: Corner, b: Corner) -> int:
    return EDGES.index((min(a, b), max(a, b)))


def _lines(inside: set[Corner]) -> dict[int, int]:
    """From the edge where a cut enters a side to the edge where it leaves."""
    lines: dict[int, int] = {}
    for side in _sides():
        for at, corner in enumerate(side):
            before = side[at - 1]
            if corner not in inside or before in inside:
                continue
            last = at
            while side[(last + 1) % 4] in inside:
                last += 1
            leaves = _edge_of(side[last % 4], side[(last + 1) % 4])
            lines[_edge_of(before, corner)] = leaves
    return lines


def triangles_of(case: int) -> list[tuple[int, int, int]]:
    """The triangles of a cell, as edges; `case` has bit x + 2y + 4z where that corner is in."""
    inside: set[Corner] = {
        (x, y, z) for x, y, z in product((0, 1), repeat=3) if case >> (x + 2 * y + 4 * z) & 1
    }
    lines, found = _lines(inside), []
    while lines:
        loop = [next(iter(lines))]
        while (after := lines.pop(loop[-1])) != loop[0]:
            loop.append(after)
        found += [(loop[0], loop[n], loop[n + 1]) for n in range(1, len(loop) - 1)]
    return found


def tables() -> tuple[Tensor, Tensor]:
    """`MeshDecoder.cases`, (256, 5, 3), and `masks`, (256, 5)."""
    cases = torch.zeros(256, MOST, 3, dtype=torch.long)
    masks = torch.zeros(256, MOST, dtype=torch.bool)
    for case in range(256):
        for at, triangle in enumerate(triangles_of(case)):
            cases[case, at], masks[case, at] = torch.tensor(triangle), True
    return cases, masks
