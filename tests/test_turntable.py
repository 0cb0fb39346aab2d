"""A form that turns: what is seen, alike on every machine, and in bounded time."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from generation.media.surfaces import Mesh
from generation.media.turntable import GROUND, frame
from tests.given.meshes import a_cube, a_tetrahedron, coloured

# Of frames that were drawn with this program; another machine that drew others would say so here.
SEEN = {
    "tetrahedron": "42d5a0c7d7bfef18",
    "cube": "dea0b10d98cdb925",
}


def _digest(mesh: Mesh) -> str:
    return hashlib.sha256(frame(mesh, degrees=77.0, side=96).tobytes()).hexdigest()[:16]


def test_a_frame_is_the_same_on_every_machine() -> None:
    assert {"tetrahedron": _digest(a_tetrahedron()), "cube": _digest(a_cube(5))} == SEEN


def test_the_form_stands_in_the_middle_before_the_ground() -> None:
    picture = frame(a_cube(), side=64)
    assert tuple(picture[0, 0]) == tuple(picture[-1, -1]) == GROUND
    shown = (picture != GROUND).any(axis=-1)
    assert shown[32, 32]
    assert np.argwhere(shown).mean(axis=0) == pytest.approx([31.5, 31.5], abs=1)
    red, green, blue = picture[shown].astype(int).mean(axis=0)
    assert red > 2 * max(green, blue)


def test_what_lies_behind_is_hidden() -> None:
    """A green square stands before a red one, and behind it half a turn on."""
    square = np.array([(-1, -1, 0.0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)])
    ahead = np.array([0, 0, 0.5])
    both = np.concatenate([square + ahead, square - ahead])
    mesh = coloured(both, np.array([(0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7)]), (0.0, 0.6, 0.0))
    mesh.colours[4:] = (0.6, 0.0, 0.0)
    before, after = (frame(mesh, degrees=d, side=64)[32, 32].astype(int) for d in (0.0, 180.0))
    assert before[1] > 2 * before[0]
    assert after[0] > 2 * after[1]


def test_inside_out_triangles_look_the_same() -> None:
    cube = a_cube(2)
    turned = Mesh(positions=cube.positions, colours=cube.colours, faces=cube.faces[:, ::-1])
    assert np.array_equal(frame(cube, side=64), frame(turned, side=64))


def test_an_edge_stays_an_edge_and_a_curve_is_smooth() -> None:
    """On a cube each side has one shade, on a ball none has many pixels."""
    cube, ball = a_cube(8), a_cube(8)
    long = np.linalg.norm(ball.positions, axis=1, keepdims=True)
    assert _of_three_shades(cube) > 0.8
    assert _of_three_shades(coloured(ball.positions / long, ball.faces)) < 0.4


def _of_three_shades(mesh: Mesh) -> float:
    """The share of its pixels that have one of its three most frequent colours."""
    picture = frame(mesh, side=96)
    shown = picture[(picture != GROUND).any(axis=-1)]
    _, often = np.unique(shown, axis=0, return_counts=True)
    return float(np.sort(often)[-3:].sum() / len(shown))


def test_the_work_is_bounded_where_every_triangle_covers_all() -> None:
    """Three thousand triangles as large as the frame: it is drawn eight times smaller."""
    triangle = np.array([(-1, -1, 0.0), (1, -1, 0), (0, 1, 0)])
    mesh = coloured(triangle, np.tile(np.array([(0, 1, 2)]), (3_000, 1)))
    picture = frame(mesh, side=320)
    assert picture.shape == (320, 320, 3)
    assert np.array_equal(picture, picture[::8, ::8].repeat(8, axis=0).repeat(8, axis=1))
    few = frame(coloured(triangle, np.array([(0, 1, 2)])), side=320)
    assert not np.array_equal(few, few[::8, ::8].repeat(8, axis=0).repeat(8, axis=1))


@pytest.mark.parametrize("faces", [[], [(0, 0, 0)], [(0, 1, 1)]], ids=["none", "a point", "a line"])
def test_a_form_of_no_surface_is_an_empty_frame(faces: list[tuple[int, int, int]]) -> None:
    corners = np.array([(0.0, 0, 0), (1, 1, 1)])
    mesh = coloured(corners, np.array(faces, dtype=np.int64).reshape(-1, 3))
    assert (frame(mesh, side=40) == GROUND).all()
    nothing = coloured(np.zeros((0, 3)), np.zeros((0, 3)))
    assert (frame(nothing, side=40) == GROUND).all()
