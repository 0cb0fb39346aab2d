"""Forms: the GLB that carries its own recipe, the digest of its numbers, a turntable beside it.

The GLB's second chunk is the content without its head: positions, colours and faces, one after the
other, as content has them.  Its scene names them, and its `extras` hold the recipe exactly as
`recipe.dump` spells it.  The invariant: the numbers and the recipe that come out are those that
went in, and the recipe is found without a look at the numbers.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import struct
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

from PIL import Image

from generation.errors import BadPicture, OutOfRange
from generation.media import glb, surfaces, turntable
from generation.media.medium import Medium, Tensors
from generation.media.surfaces import Mesh, mesh_of
from generation.recipe import Recipe, Sha256, dump, parse

RECIPE = "atelier"  # the key of the recipe in the scene's extras
_FLOATS, _INTEGERS = 5126, 5125  # glTF's numbers for float32 and uint32
_OF_VERTICES, _OF_FACES = 34962, 34963  # glTF's numbers for what a graphics card keeps where
_LIGHT_BYTES = 64 * 2**20

_NO_TENSORS: Tensors = MappingProxyType({})


def write(content: bytes, recipe: Recipe, _tensors: Tensors = _NO_TENSORS) -> bytes:
    """A GLB of a form's content that carries its recipe."""
    mesh = mesh_of(content)
    numbers = content[len(surfaces.head(0, 0)) :]
    return glb.packed(_scene(mesh, len(numbers), dump(recipe)), numbers)


def _scene(mesh: Mesh, size: int, recipe: str) -> glb.Scene:
    vertices, corners = len(mesh.positions), mesh.faces.size
    ends = (0, 12 * vertices, 24 * vertices, size)
    views = [
        {
            "buffer": 0,
            "byteOffset": begin,
            "byteLength": end - begin,
            "target": _OF_FACES if at == 2 else _OF_VERTICES,
        }
        for at, (begin, end) in enumerate(itertools.pairwise(ends))
    ]
    whole = {"componentType": _FLOATS, "count": vertices, "type": "VEC3"}
    empty = not vertices
    box: dict[str, Any] = {
        "min": [0.0] * 3 if empty else mesh.positions.min(axis=0).tolist(),
        "max": [0.0] * 3 if empty else mesh.positions.max(axis=0).tolist(),
    }
    return {
        "asset": {"version": "2.0", "generator": "Atelier"},
        "extras": {RECIPE: recipe},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [
            {
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "COLOR_0": 1},
                        "indices": 2,
                        "material": 0,
                    }
                ]
            }
        ],
        "materials": [
            {
                "doubleSided": True,
                "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9},
            }
        ],
        "accessors": [
            {"bufferView": 0, **whole, **box},
            {"bufferView": 1, **whole},
            {"bufferView": 2, "componentType": _INTEGERS, "count": corners, "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": size}],
    }


def recipe_in(file: bytes) -> Recipe | None:
    """The recipe inside a GLB of ours; None when there is none (or when it is no GLB).

    Raises OutOfRange when there is one that this version cannot read, and BadPicture.
    """
    if not glb.is_glb(file):
        return None
    scene, _ = glb.unpacked(file)
    extras = scene.get("extras")
    text = extras.get(RECIPE) if isinstance(extras, dict) else None
    if text is None:
        return None
    if not isinstance(text, str):
        raise OutOfRange("recipe", "an unreadable text", "a recipe of this program")
    return parse(text)


def content_in(file: bytes) -> bytes:
    """The content that a GLB of ours was written of.  Raises BadPicture."""
    scene, numbers = glb.unpacked(file)
    try:
        places, _, corners = scene["accessors"]
        vertices, faces = places["count"], corners["count"] // 3
        head = surfaces.head(vertices, faces)
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise BadPicture("its description is none of this program") from error
    content = head + bytes(numbers)
    surfaces.counts(content)
    return content


def content_sha256(content: bytes) -> Sha256:
    """The digest of a form: of its content, head included."""
    return Sha256(hashlib.sha256(content).hexdigest())


def file_sha256(file: bytes) -> Sha256:
    """The same digest, of the content of a file.  Raises BadPicture."""
    return content_sha256(content_in(file))


def fault(file: bytes, _recipe: Recipe) -> str | None:
    """Why it is no form, as a clause; None when it is one."""
    try:
        return surfaces.fault(mesh_of(content_in(file)))
    except BadPicture as error:
        return error.reason


def beside(file: bytes) -> Iterator[tuple[str, bytes]]:
    """The form as it turns.  Raises BadPicture."""
    yield ".webp", turntable.webp(mesh_of(content_in(file)))


def still(file: bytes) -> Image.Image:
    """A picture of the form, seen from the front and a little from above.  Raises BadPicture."""
    return Image.fromarray(turntable.frame(mesh_of(content_in(file)), side=turntable.SIDE))


def smaller(file: bytes, limit_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Ever smaller turntables of a form, then a picture; the first within the limit is the last."""
    mesh = mesh_of(content_in(file))
    for side, frames in ((320, 24), (256, 16), (160, 12)):
        turning = turntable.webp(mesh, side=side, frames=frames)
        yield ".webp", turning
        if len(turning) <= limit_bytes:
            return
    buffer = io.BytesIO()
    Image.fromarray(turntable.frame(mesh, side=160)).save(buffer, "PNG")
    yield ".png", buffer.getvalue()


MESH = Medium(
    name="mesh",
    suffix=".glb",
    titles={".glb": "GLB", ".webp": "WebP", ".png": "PNG"},
    write=write,
    recipe_in=recipe_in,
    digest=content_sha256,
    digest_in=file_sha256,
    is_light=lambda file: len(file) <= _LIGHT_BYTES,
    fault=fault,
    smaller=smaller,
    beside=beside,
    still=still,
)
