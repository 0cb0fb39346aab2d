"""A form that turns, drawn without a graphics card: triangles, a depth for each pixel, two lights.

    positions --turned--> pixels and depths --triangle by triangle--> the nearest at each pixel

Each number comes of single additions, products, quotients and roots, or of a table; sums are run
in one order, and no library picks another: so a frame is the same on every machine.  The work is
bounded, whatever the form: where its triangles would cover too much, the frames get smaller.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.media.surfaces import Mesh

SIDE, FRAMES = 320, 24
TURN_MS = 2_400  # of a whole turn
LIFT = 20  # degrees from which it is looked down upon
CREASE = 0.8  # the cosine of the angle from which on an edge is one, and is not smoothed away
FILL = 0.9  # of the frame, that the form takes
GROUND = (150, 154, 164)  # both white and black stand out before it
AMBIENT = 0.36
LIGHTS = ((-0.5, 0.62, 0.6, 0.62), (0.7, 0.1, 0.5, 0.2))  # where they stand, and how bright
MOST_FRAGMENTS = 6_000_000  # pixels that triangles of one frame may claim: bounds time and memory
_PART = 1_500_000
_LEAST_SIDE = 40

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lit:
    """A form ready to be turned: about the middle of its box, within a ball of radius 1."""

    places: Numbers  # (vertices, 3)
    normals: Numbers  # (faces, 3 corners, 3)
    colours: Numbers  # (vertices, 3), linear
    faces: Whole  # (faces, 3)


def webp(mesh: Mesh, side: int = SIDE, frames: int = FRAMES) -> bytes:
    """The form in a whole turn, as a lossless WebP that goes round and round."""
    lit = _lit(mesh)
    turns = [Image.fromarray(_seen(lit, 360 * at / frames, side)) for at in range(frames)]
    buffer = io.BytesIO()
    turns[0].save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=turns[1:],
        duration=TURN_MS // frames,
        loop=0,
        lossless=True,
        quality=20,
        method=1,
    )
    return buffer.getvalue()


def frame(mesh: Mesh, *, degrees: float = 30.0, side: int = SIDE) -> Pixels:
    """The form as it is seen when it has turned so far: RGB, (side, side, 3)."""
    return _seen(_lit(mesh), degrees, side)


def _lit(mesh: Mesh) -> _Lit:
    places, faces = mesh.positions.astype(np.float64), mesh.faces.astype(np.int64)
    if len(places):
        low, high = places.min(axis=0), places.max(axis=0)
        places = places - (low + high) / 2
        places = places / max(1e-9, float(_length(places).max()))
    a, b, c = (places[faces[:, at]] for at in range(3))
    crossed = _cross(b - a, c - a)  # as long as the triangle is large
    if _inwards(a, crossed):
        crossed = -crossed
    return _Lit(
        places=places,
        normals=_corner_normals(crossed, faces, len(places)),
        colours=mesh.colours.astype(np.float64),
        faces=faces,
    )


def _corner_normals(crossed: Numbers, faces: Whole, vertices: int) -> Numbers:
    """Smooth over the surface, but for edges."""
    flat = _unit(crossed)
    around: Numbers = np.stack(
        [
            np.bincount(faces.ravel(), np.repeat(crossed[:, axis], 3), minlength=vertices)
            for axis in range(3)
        ],
        axis=-1,
    )
    smooth = _unit(around)[faces]
    own = np.broadcast_to(flat[:, None], smooth.shape)
    same = (
        smooth[..., 0] * own[..., 0] + smooth[..., 1] * own[..., 1] + smooth[..., 2] * own[..., 2]
    )
    return np.where((same < CREASE)[..., None], own, smooth)


def _seen(lit: _Lit, degrees: float, side: int) -> Pixels:
    """One frame; where the triangles would cover too much, of a smaller one, enlarged."""
    turn = _turn(degrees)
    placed = _turned(lit.places, turn)
    drawn = side
    while drawn > _LEAST_SIDE and _claimed(_on_screen(placed, drawn), lit.faces) > MOST_FRAGMENTS:
        drawn //= 2
    picture = _drawn(lit, turn, _on_screen(placed, drawn), drawn)
    if drawn == side:
        return picture
    at = np.arange(side) * drawn // side
    return np.ascontiguousarray(picture[at][:, at])


def _on_screen(placed: Numbers, side: int) -> Numbers:
    """x and y in pixels, y downwards, and a depth that grows towards the viewer."""
    scale = FILL * side / 2
    return np.stack(
        [
            side / 2 + placed[:, 0] * scale,
            side / 2 - placed[:, 1] * scale,
            placed[:, 2],
        ],
        axis=-1,
    )


def _boxes(screen: Numbers, faces: Whole) -> tuple[Whole, Whole]:
    """The first pixel of each triangle's box, and how many it has each way; (faces, 2) both."""
    x, y = screen[:, 0][faces], screen[:, 1][faces]
    low = np.stack([x.min(axis=1), y.min(axis=1)], axis=-1)
    high = np.stack([x.max(axis=1), y.max(axis=1)], axis=-1)
    first = np.ceil(low - 0.5).astype(np.int64)  # a pixel is where its middle is
    return first, np.floor(high - 0.5).astype(np.int64) - first + 1


def _claimed(screen: Numbers, faces: Whole) -> int:
    _, wide = _boxes(screen, faces)
    return int((wide[:, 0] * wide[:, 1]).sum())


def _drawn(lit: _Lit, turn: Numbers, screen: Numbers, side: int) -> Pixels:
    first, wide = _boxes(screen, lit.faces)
    many = wide[:, 0] * wide[:, 1]
    some = np.flatnonzero(many > 0)
    if int(many.sum()) > 4 * MOST_FRAGMENTS:  # as small as can be, and still too many: a sample
        some = some[:: int(many.sum()) // (4 * MOST_FRAGMENTS) + 1]
    depth = np.full(side * side, -np.inf)
    rgb = np.broadcast_to(np.array(GROUND, dtype=np.uint8), (side * side, 3)).copy()
    ends = np.cumsum(many[some])
    begin = 0
    while begin < len(some):
        until = ends[begin - 1] + _PART if begin else _PART
        end = max(begin + 1, int(np.searchsorted(ends, until, side="right")))
        chosen = some[begin:end]
        _paint(lit, turn, screen, (chosen, first[chosen], wide[chosen]), (depth, rgb))
        begin = end
    return rgb.reshape(side, side, 3)


def _paint(
    lit: _Lit,
    turn: Numbers,
    screen: Numbers,
    some: tuple[Whole, Whole, Whole],
    canvas: tuple[Numbers, Pixels],
) -> None:
    """Some triangles onto a canvas of depths and colours."""
    chosen, first, wide = some
    depth, rgb = canvas
    side = math.isqrt(len(depth))
    many = wide[:, 0] * wide[:, 1]
    which = np.repeat(np.arange(len(chosen)), many)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(many) - many, many)
    across = wide[which, 0]
    x, y = first[which, 0] + nth % across, first[which, 1] + nth // across
    corners = screen[lit.faces[chosen]]
    a, b, c = (corners[which, at] for at in range(3))
    px, py = x + 0.5, y + 0.5
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    of_a = (b[:, 0] - px) * (c[:, 1] - py) - (b[:, 1] - py) * (c[:, 0] - px)
    of_b = (c[:, 0] - px) * (a[:, 1] - py) - (c[:, 1] - py) * (a[:, 0] - px)
    of_c = area - of_a - of_b
    sign = np.sign(area)
    inside = (area != 0) & (of_a * sign >= 0) & (of_b * sign >= 0) & (of_c * sign >= 0)
    inside &= (x >= 0) & (y >= 0) & (x < side) & (y < side)
    kept = np.flatnonzero(inside)
    shares = np.stack([of_a[kept], of_b[kept], of_c[kept]], axis=-1) / area[kept, None]
    deep = _mixed(shares, np.stack([a[kept, 2], b[kept, 2], c[kept, 2]], axis=-1))
    pixel = y[kept] * side + x[kept]
    nearest = _nearest(pixel, deep)
    nearest = nearest[deep[nearest] > depth[pixel[nearest]]]
    at, face, share = pixel[nearest], chosen[which[kept[nearest]]], shares[nearest]
    depth[at] = deep[nearest]
    rgb[at] = _shaded(lit, turn, face, share)


def _nearest(pixel: Whole, deep: Numbers) -> Whole:
    """Of the fragments of each pixel the one nearest to the viewer; of equals the first."""
    order = np.lexsort((np.arange(len(pixel))[::-1], deep, pixel))
    last = np.flatnonzero(np.diff(pixel[order], append=-1))
    return order[last]


def _shaded(lit: _Lit, turn: Numbers, face: Whole, share: Numbers) -> Pixels:
    normals, colours = lit.normals[face], lit.colours[lit.faces[face]]
    normal = _unit(np.stack([_mixed(share, normals[..., axis]) for axis in range(3)], axis=-1))
    normal = _turned(normal, turn)
    normal = np.where(normal[:, 2:] < 0, -normal, normal)  # a surface has two sides
    bright = np.full(len(face), AMBIENT)
    for x, y, z, strength in LIGHTS:
        long = math.sqrt(x * x + y * y + z * z)
        facing = normal[:, 0] * (x / long) + normal[:, 1] * (y / long) + normal[:, 2] * (z / long)
        bright = bright + strength * facing.clip(0)
    linear = np.stack([_mixed(share, colours[..., axis]) for axis in range(3)], axis=-1)
    # Matt, with a little sheen: black would be a hole otherwise.
    linear = (linear * bright[:, None] + 0.03 * bright[:, None]).clip(0, 1)
    table = _srgb()
    return np.asarray(table[(linear * (len(table) - 1) + 0.5).astype(np.int64)])


@cache
def _srgb() -> Pixels:
    """sRGB of linear values, 0 to 1 in equal steps."""
    steps = 4096
    values = []
    for at in range(steps):
        linear = at / (steps - 1)
        value = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
        values.append(math.floor(255 * value + 0.5))
    return np.array(values, dtype=np.uint8)


def _turn(degrees: float) -> Numbers:
    """About the upright axis, then towards the viewer: nine numbers, each alike everywhere."""

    def of(angle: float) -> tuple[float, float]:
        inner = math.radians(angle)
        return round(math.cos(inner), 9), round(math.sin(inner), 9)

    (c, s), (cl, sl) = of(degrees), of(LIFT)
    return np.array([[c, 0, s], [sl * s, cl, -sl * c], [-cl * s, sl, cl * c]])


def _turned(points: Numbers, turn: Numbers) -> Numbers:
    """Without a matrix product, whose order of sums is a library's own."""
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    return np.stack([row[0] * x + row[1] * y + row[2] * z for row in turn], axis=-1)


def _mixed(shares: Numbers, values: Numbers) -> Numbers:
    mixed: Numbers = (
        shares[:, 0] * values[:, 0] + shares[:, 1] * values[:, 1] + shares[:, 2] * values[:, 2]
    )
    return mixed


def _cross(one: Numbers, other: Numbers) -> Numbers:
    (ax, ay, az), (bx, by, bz) = one.T, other.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def _length(vectors: Numbers) -> Numbers:
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.asarray(np.sqrt(x * x + y * y + z * z))


def _unit(vectors: Numbers) -> Numbers:
    return np.asarray(vectors / np.maximum(_length(vectors), 1e-12)[..., None])


def _inwards(a: Numbers, crossed: Numbers) -> bool:
    """Whether the triangles look inwards: then six times the volume is negative."""
    whole = a[:, 0] * crossed[:, 0] + a[:, 1] * crossed[:, 1] + a[:, 2] * crossed[:, 2]
    return math.fsum(whole.tolist()) < 0
