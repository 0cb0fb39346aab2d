"""A field -> the surface on which it is zero: marching cubes, in pieces and of little memory.

    points --the network, a piece at a time--> values --cells that the surface cuts--> triangles

The numbers are, operation for operation, those of diffusers' `MeshDecoder`, which looks at all
cells at once: a vertex for each edge that is cut, in the order of the edges, and triangles in the
order of the cells, as the table in the checkpoint says.  The invariant: the same field and table
give the same mesh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from generation.errors import RenderFailed
from generation.media.surfaces import Mesh
from generation.worker import pulse
from generation.worker.codecs.decoded import Decoded

PIECE = 4096  # points that are asked for at once: how many decides last bits
RESTS = 16  # pieces between two rests

Ask = Callable[[Tensor], Tensor]  # points (1, count, 3) -> what the network says of each
_EDGES = (
    # Along x, y and z: the corner of a cell where each of its twelve edges begins.
    (0, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1),
    (0, 0, 0), (1, 0, 0), (0, 0, 1), (1, 0, 1),
    (0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where the surface is looked for: two corners, (3,) both."""

    low: Tensor
    high: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The triangles of 256 kinds of cells: (256, 5, 3) edges, and which of the 5 are any."""

    cases: Tensor
    masks: Tensor


def in_pieces(ask: Ask, points: Callable[[int, int], Tensor], count: int) -> Tensor:
    """What the network says of so many points, (1, count, n); others may draw in between."""
    found = []
    for nth, begin in enumerate(range(0, count, PIECE)):
        found.append(ask(points(begin, min(count, begin + PIECE))))
        pulse.beat()
        if nth % RESTS == RESTS - 1:
            pulse.rest()
    return torch.cat(found, dim=1)


def grid_points(box: Box, side: int) -> Callable[[int, int], Tensor]:
    """The points of a grid from one number to another, (1, count, 3): z runs first, then y."""

    def points(begin: int, end: int) -> Tensor:
        at = torch.arange(begin, end, device=box.low.device)
        rows = torch.div(at, side, rounding_mode="trunc") % side
        planes = torch.div(at, side**2, rounding_mode="trunc") % side
        whole = torch.stack([planes, rows, at % side], dim=1)
        return ((whole.float() / (side - 1)) * (box.high - box.low) + box.low)[None]

    return points


def surface_of(values: Tensor, box: Box, table: Table) -> tuple[Tensor, Tensor]:
    """Vertices (V, 3) and faces (F, 3) of a field (side, side, side), positive inside.

    Around the grid lies a border of -1, which closes what it cuts off.
    """
    side = len(values) + 2
    field = torch.full((side,) * 3, -1.0, device=values.device, dtype=values.dtype)
    field[1:-1, 1:-1, 1:-1] = values
    kinds = (field > 0).to(torch.uint8)
    kinds = kinds[:-1] | (kinds[1:] << 1)
    kinds = kinds[:, :-1] | (kinds[:, 1:] << 2)
    kinds = (kinds[:, :, :-1] | (kinds[:, :, 1:] << 4)).reshape(-1)
    cut = torch.nonzero((kinds != 0) & (kinds != 255))[:, 0]
    cells = cut // (side - 1) ** 2, cut // (side - 1) % (side - 1), cut % (side - 1)
    kind = kinds[cut].long()
    chosen = table.masks[kind]
    edges = torch.stack([_number(cells, edge, side) for edge in range(12)], dim=1)
    triangles = torch.gather(edges, 1, table.cases[kind].reshape(len(cut), -1))
    corners = triangles.reshape(len(cut), -1, 3)[chosen]
    used, faces = torch.unique(corners.reshape(-1), return_inverse=True)
    return _between(field, used, box), faces.reshape(-1, 3)


def _number(cells: tuple[Tensor, ...], edge: int, side: int) -> Tensor:
    """The number among all edges, those along x first, of an edge of each cell."""
    axis, (dx, dy, dz) = edge // 4, _EDGES[edge]
    wide = [side - (axis == a) for a in range(3)]
    x, y, z = cells[0] + dx, cells[1] + dy, cells[2] + dz
    return axis * (side - 1) * side**2 + (x * wide[1] + y) * wide[2] + z


def _between(field: Tensor, used: Tensor, box: Box) -> Tensor:
    """Where the field is zero on each edge, if it is even along it."""
    side = len(field)
    every = (side - 1) * side**2
    axis, at = used // every, used % every
    wide_y, wide_z = side - (axis == 1).long(), side - (axis == 2).long()
    first = torch.stack([at // (wide_y * wide_z), at // wide_z % wide_y, at % wide_z], dim=1)
    second = first + torch.nn.functional.one_hot(axis, 3)
    sides = torch.tensor([side] * 3).to(box.low)
    size = box.high - box.low
    s1, s2 = (field[p[:, 0], p[:, 1], p[:, 2]] for p in (first, second))
    p1, p2 = ((p.float() / (sides - 1)) * size + box.low for p in (first, second))
    t = (s1 / (s1 - s2))[:, None]
    return t * p2 + (1 - t) * p1


def to_mesh(vertices: Tensor, faces: Tensor, colours: Tensor) -> Decoded:
    """The content of a surface whose z is up, with sRGB colours of its vertices."""
    dark = colours <= 0.04045
    linear = torch.where(dark, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4).float()
    x, y, z = vertices.float().unbind(-1)
    mesh = Mesh(
        positions=torch.stack([x, z, -y], dim=-1).cpu().numpy(),
        colours=linear.cpu().numpy(),
        faces=faces.to(torch.int32).cpu().numpy().astype("uint32"),
    )
    return Decoded(content=mesh.content, again=False)


def check_surface(values: Tensor) -> None:
    """Raises RenderFailed for a field of no numbers, and for one that is nowhere positive."""
    if not bool(torch.isfinite(values).all()):
        raise RenderFailed(
            "the renderer overflowed: its field holds values that are no numbers (NaN)"
        )
    if not bool((values > 0).any()):
        raise RenderFailed(
            "nothing came into being: there is no surface in what was drawn; other words, another "
            "seed or a lower cfg may help"
        )


def texels(vertices: Tensor) -> Callable[[int, int], Tensor]:
    """Points of a surface from one number to another, (1, count, 3)."""
    return lambda begin, end: vertices[None, begin:end]
