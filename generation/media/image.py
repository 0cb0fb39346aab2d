"""The PNG that carries its own recipe, and the digest of its pixels.

A picture is written with two text chunks: "atelier", the recipe exactly as `recipe.dump` spells
it, and "parameters", the same in the words that A1111 and the sites that read it understand.
The invariant: the pixels that come out are the pixels that went in, and the recipe that comes out
equals the recipe that went in.

`recipe_in` decodes nothing and unpacks nothing but our own chunk: the file may be a stranger's,
made to blow up a decoder.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from types import MappingProxyType

from PIL import Image, PngImagePlugin

from generation.errors import OutOfRange
from generation.interchange.infotext import infotext
from generation.media import photos, pngchunks
from generation.recipe import Recipe, Sha256, dump, parse

RECIPE_CHUNK = "atelier"
INFOTEXT_CHUNK = "parameters"

_NO_TENSORS: Mapping[Sha256, str] = MappingProxyType({})


def png(
    rgb: bytes,
    width: int,
    height: int,
    recipe: Recipe,
    *,
    tensors: Mapping[Sha256, str] = _NO_TENSORS,
) -> bytes:
    """Write `rgb` (height rows of width times 3 bytes) as a PNG that carries its recipe."""
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt(RECIPE_CHUNK, dump(recipe))
    texts.add_text(INFOTEXT_CHUNK, infotext(recipe, tensors=tensors))
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), rgb).save(out, "PNG", pnginfo=texts)
    return out.getvalue()


def recipe_in(png: bytes) -> Recipe | None:
    """The recipe inside a PNG of ours; None when there is none (or when it is no PNG).

    Raises OutOfRange when there is one that this version cannot read, and BadPicture.
    """
    try:
        text = pngchunks.text(png, RECIPE_CHUNK.encode())
    except pngchunks.DamagedText as error:
        raise OutOfRange("recipe", "an unreadable chunk", "a recipe of this program") from error
    return None if text is None else parse(text)


def pixels_sha256(png: bytes) -> Sha256:
    """The digest of a picture: of its RGB bytes, row by row, with nothing before or between.

    Width and height are no part of it; they are the recipe's.  Raises BadPicture.
    """
    digest = hashlib.sha256()
    for rows in photos.rows(png):
        digest.update(rows)
    return Sha256(digest.hexdigest())


def rgb_sha256(rgb: bytes) -> Sha256:
    """The same digest, of pixels that are not in a file yet."""
    return Sha256(hashlib.sha256(rgb).hexdigest())
