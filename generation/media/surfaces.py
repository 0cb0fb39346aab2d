"""A form as numbers: vertices, their colours, and triangles between them.

    b"mesh" | counts of vertices and faces | positions | colours | faces      one content

Positions are in units of the model's own, y up; colours are linear, 0 to 1.  The invariant: content
and surface are each other, bit for bit, on every machine.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.errors import BadPicture

MAGIC = b"mesh"
_HEAD = struct.Struct("<4sII")
VERTEX, FACE = 24, 12  # bytes of one, its colour included
MOST = 4_000_000  # vertices or faces: of a grid of 512 points a side, with a rough surface

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A surface of triangles."""

    positions: Floats  # (vertices, 3)
    colours: Floats  # (vertices, 3)
    faces: NDArray[np.uint32]  # (faces, 3)

    @property
    def content(self) -> bytes:
        """The bytes that a digest is taken of."""
        head = _HEAD.pack(MAGIC, len(self.positions), len(self.faces))
        parts = (self.positions, self.colours, self.faces)
        return head + b"".join(
            np.ascontiguousarray(part, dtype=kind).tobytes()
            for part, kind in zip(parts, ("<f4", "<f4", "<u4"), strict=True)
        )


def head(vertices: int, faces: int) -> bytes:
    """What content begins with."""
    return _HEAD.pack(MAGIC, vertices, faces)


def counts(content: bytes) -> tuple[int, int]:
    """How many vertices and faces content has.  Raises BadPicture."""
    if len(content) < _HEAD.size or content[:4] != MAGIC:
        raise BadPicture("it is no form")
    _, vertices, faces = _HEAD.unpack_from(content)
    if len(content) != _HEAD.size + vertices * VERTEX + faces * FACE:
        raise BadPicture("it is cut short")
    return vertices, faces


def mesh_of(content: bytes) -> Mesh:
    """The surface that content is.  Raises BadPicture."""
    vertices, faces = counts(content)
    numbers = np.frombuffer(content, dtype="<f4", offset=_HEAD.size, count=6 * vertices)
    placed, coloured = numbers.reshape(2, vertices, 3)
    begin = _HEAD.size + vertices * VERTEX
    corners = np.frombuffer(content, dtype="<u4", offset=begin, count=3 * faces)
    return Mesh(positions=placed, colours=coloured, faces=corners.reshape(faces, 3))


def fault(mesh: Mesh) -> str | None:
    """Why it can be no form, as a clause; None: it may be one."""
    if len(mesh.positions) > MOST or len(mesh.faces) > MOST:
        return "it has more triangles than any form has"
    if not (np.isfinite(mesh.positions).all() and np.isfinite(mesh.colours).all()):
        return "it holds values that are no numbers"
    if mesh.faces.size and int(mesh.faces.max()) >= len(mesh.positions):
        return "it has triangles between vertices that are not there"
    if mesh.colours.size and not (mesh.colours.min() >= 0 and mesh.colours.max() <= 1):
        return "it has colours that nobody can see"
    return None


def is_watertight(mesh: Mesh) -> bool:
    """Whether it encloses a space: each side of a triangle is the side of one other, run back."""
    ends = mesh.faces.astype(np.int64)[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    many = len(mesh.positions)
    forth, back = ends[:, 0] * many + ends[:, 1], ends[:, 1] * many + ends[:, 0]
    if not len(forth) or len(np.unique(forth)) != len(forth):
        return False
    return bool(np.array_equal(np.sort(forth), np.sort(back)))


def volume(mesh: Mesh) -> float:
    """The space that it encloses; negative where its triangles look inwards."""
    a, b, c = (mesh.positions.astype(np.float64)[mesh.faces[:, at]] for at in range(3))
    return float((a * np.cross(b, c)).sum() / 6)
