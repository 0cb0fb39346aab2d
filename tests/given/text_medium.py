"""A medium for tests: text files in which the recipe that made it stands above the content."""

from __future__ import annotations

import hashlib

from generation.errors import BadPicture
from generation.media.medium import Medium, Tensors
from generation.recipe import Recipe, Sha256, dump, needed, parse

HEAD = b"a text of ours"


def write(content: bytes, recipe: Recipe, _: Tensors) -> bytes:
    return b"\n".join((HEAD, dump(recipe).encode(), content.hex().encode(), b"the end"))


def recipe_in(file: bytes) -> Recipe | None:
    head, _, rest = file.partition(b"\n")
    return parse(rest.partition(b"\n")[0].decode()) if head == HEAD else None


def digest(content: bytes) -> Sha256:
    return Sha256(hashlib.sha256(b"as a text: " + content).hexdigest())


def digest_in(file: bytes) -> Sha256:
    try:
        _, _, content, _ = file.split(b"\n")
        return digest(bytes.fromhex(content.decode()))
    except ValueError:
        raise BadPicture("it is no whole text") from None


def fault(file: bytes, recipe: Recipe) -> str | None:
    lines = file.split(b"\n")
    if len(lines) != 4 or lines[-1] != b"the end":
        return "it is no whole text"
    whole = len(lines[2]) == 2 * 3 * needed(recipe.canvas).pixels
    return None if whole else "its text has another length"


TEXT = Medium(
    name="text",
    suffix=".txt",
    titles={".txt": "text"},
    write=write,
    recipe_in=recipe_in,
    digest=digest,
    digest_in=digest_in,
    is_light=lambda _: True,
    fault=fault,
    smaller=lambda _, __: (),
)
