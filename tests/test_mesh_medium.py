"""A form's file: what it holds exactly, what is refused, and what other programs read in it."""

from __future__ import annotations

import hashlib
import io
import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from generation.errors import BadPicture, OutOfRange
from generation.media import glb, surfaces
from generation.media.mesh import MESH, content_in
from generation.media.surfaces import Mesh, is_watertight, mesh_of, volume
from generation.tasks import Task
from tests.given.builders import a_recipe_of, changed
from tests.given.meshes import A_FORM, a_cube, a_tetrahedron

RECIPE = a_recipe_of(Task.TEXT_TO_3D)


def _glb(mesh: Mesh = A_FORM) -> bytes:
    return MESH.write(mesh.content, RECIPE, {})


def test_content_is_counts_positions_colours_faces_in_little_endian() -> None:
    mesh = a_tetrahedron()
    spelled = b"mesh" + struct.pack("<2I", 4, 4)
    spelled += struct.pack("<12f", *mesh.positions.ravel())
    spelled += struct.pack("<12f", *mesh.colours.ravel())
    spelled += struct.pack("<12I", *mesh.faces.ravel())
    assert mesh.content == spelled
    assert MESH.digest(spelled) == hashlib.sha256(spelled).hexdigest()
    assert mesh_of(spelled).content == spelled == content_in(_glb(mesh))


def test_a_recipe_of_sixty_thousand_letters_comes_back() -> None:
    recipe = changed(RECIPE, prompt="ein großer Würfel 方块 " * 950)
    assert MESH.recipe_in(MESH.write(A_FORM.content, recipe, {})) == recipe
    longer = changed(RECIPE, prompt="方" * 20_000, negative_prompt="块" * 20_000)
    assert MESH.recipe_in(MESH.write(A_FORM.content, longer, {})) == longer


def test_the_recipe_is_read_without_a_look_at_the_numbers() -> None:
    file = bytearray(_glb())
    file[-40:] = b"\xff" * 40
    assert MESH.recipe_in(bytes(file)) == RECIPE
    assert MESH.fault(bytes(file), RECIPE)


def test_another_program_reads_the_same_vertices_faces_and_colours() -> None:
    mesh = a_cube(3)
    scene: Any = trimesh.load(io.BytesIO(_glb(mesh)), file_type="glb", process=False)
    (read,) = scene.geometry.values()
    assert np.array_equal(read.vertices, mesh.positions)
    assert np.array_equal(read.faces, mesh.faces)
    assert read.is_watertight
    assert read.volume == pytest.approx(1.0)
    assert np.array_equal(read.visual.vertex_attributes["color"][:, :3], mesh.colours)


def test_a_glb_of_another_program_holds_no_recipe() -> None:
    theirs = trimesh.creation.box().export(file_type="glb")
    assert MESH.recipe_in(theirs) is None
    with pytest.raises(BadPicture):
        MESH.digest_in(theirs)


def test_a_glb_with_a_recipe_that_nobody_can_read_is_refused() -> None:
    for said in ("{", "{}", 7):
        scene = {"extras": {"atelier": said}}
        with pytest.raises(OutOfRange):
            MESH.recipe_in(glb.packed(scene, b""))


@pytest.mark.parametrize(
    "scene",
    [b"[]", b"nothing", b"[" * 100_000, b'{"a":' * 50_000, b" " * (glb.MAX_JSON + 4)],
    ids=["a list", "no JSON", "deep", "deep objects", "long"],
)
def test_a_strangers_scene_costs_no_more_than_its_bytes(scene: bytes) -> None:
    chunks = struct.pack("<I4s", len(scene), b"JSON") + scene + struct.pack("<I4s", 0, b"BIN\0")
    file = struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
    with pytest.raises(BadPicture):
        MESH.recipe_in(file)
    assert MESH.fault(file, RECIPE)


@pytest.mark.parametrize("count", [-1, 2**32, 2**31, 5, 3.5, "4", None, True])
def test_counts_that_the_numbers_do_not_bear_out_are_a_fault(count: object) -> None:
    scene, numbers = glb.unpacked(_glb())
    scene["accessors"][0]["count"] = count
    file = glb.packed(scene, bytes(numbers))
    assert MESH.fault(file, RECIPE)
    with pytest.raises(BadPicture):
        MESH.digest_in(file)


@pytest.mark.parametrize(
    ("which", "value", "why"),
    [
        ("positions", np.nan, "no numbers"),
        ("positions", np.inf, "no numbers"),
        ("colours", np.nan, "no numbers"),
        ("colours", 1.5, "colours"),
        ("colours", -0.1, "colours"),
        ("faces", 4, "not there"),
        ("faces", 2**32 - 1, "not there"),
    ],
)
def test_numbers_that_are_no_form_are_a_fault(which: str, value: float, why: str) -> None:
    values = getattr(A_FORM, which).copy()
    values[1, 2] = value
    assert why in (MESH.fault(_glb(replace(A_FORM, **{which: values})), RECIPE) or "")


def test_more_triangles_than_any_form_has_are_a_fault() -> None:
    many = np.zeros((surfaces.MOST + 1, 3), dtype=np.uint32)
    assert "more triangles" in (surfaces.fault(replace(A_FORM, faces=many)) or "")


def test_only_what_encloses_a_space_is_watertight() -> None:
    cube = a_cube(4)
    assert is_watertight(cube)
    assert volume(cube) == pytest.approx(1.0)
    assert not is_watertight(replace(cube, faces=cube.faces[1:]))
    assert not is_watertight(replace(cube, faces=cube.faces[:0]))
    turned = cube.faces.copy()
    turned[0] = turned[0][::-1]
    assert not is_watertight(replace(cube, faces=turned))
    assert volume(replace(cube, faces=cube.faces[:, ::-1])) == pytest.approx(-1.0)


def test_what_is_shown_beside_it_turns_and_fits() -> None:
    file = _glb()
    ((suffix, turning),) = MESH.beside(file)
    with Image.open(io.BytesIO(turning)) as opened:
        assert (suffix, opened.format, getattr(opened, "n_frames", 1), opened.size) == (
            ".webp",
            "WEBP",
            24,
            (320, 320),
        )
        assert opened.info["loop"] == 0
    assert MESH.still is not None
    assert MESH.still(file).size == (320, 320)
    sizes = [len(smaller) for _, smaller in MESH.smaller(file, 0)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(list(MESH.smaller(file, 10**7))) == 1


def test_the_scene_is_plain_gltf() -> None:
    scene, numbers = glb.unpacked(_glb())
    assert scene["buffers"] == [{"byteLength": len(numbers)}]
    assert scene["accessors"][0]["min"] == [-0.5, -0.5, -0.5]
    assert json.loads(scene["extras"]["atelier"])["task"] == "text-to-3d"
