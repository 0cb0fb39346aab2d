"""Images: the PNG that carries its own recipe, the digest of its pixels, smaller files to look at.

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
from collections.abc import Iterator
from types import MappingProxyType

from PIL import Image, PngImagePlugin

from generation.errors import OutOfRange
from generation.interchange.infotext import infotext
from generation.media import photos, pngchunks
from generation.media.medium import Medium, Tensors
from generation.recipe import Recipe, Sha256, dump, needed, parse

RECIPE_CHUNK = "atelier"
INFOTEXT_CHUNK = "parameters"

_NO_TENSORS: Tensors = MappingProxyType({})

WEBP_SIDE = 16_383  # the longest of a WebP
SIDES = (None, 2048, 1024, 512, 256)  # of ever smaller JPEGs; None: as it is
QUALITIES = (95, 90, 80, 60)


def png(rgb: bytes, recipe: Recipe, tensors: Tensors = _NO_TENSORS) -> bytes:
    """Write `rgb` (rows of the recipe's canvas, 3 bytes a pixel) as a PNG that carries it."""
    canvas = needed(recipe.canvas)
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt(RECIPE_CHUNK, dump(recipe))
    texts.add_text(INFOTEXT_CHUNK, infotext(recipe, tensors=tensors))
    out = io.BytesIO()
    Image.frombytes("RGB", (canvas.width, canvas.height), rgb).save(out, "PNG", pnginfo=texts)
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


def fault(png: bytes, recipe: Recipe) -> str | None:
    """Why it is no whole PNG of the recipe's size, as a clause; None when it is one."""
    if (why := pngchunks.fault(png)) is not None:
        return why
    canvas = needed(recipe.canvas)
    same = pngchunks.size(png) == (canvas.width, canvas.height)
    return None if same else "its picture has another size"


def smaller(png: bytes, limit_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Ever smaller files of a picture; the first that is within the limit is the last."""
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    if max(picture.size) <= WEBP_SIDE:
        webp = _encoded(picture, "WEBP", lossless=True, quality=60)
        yield ".webp", webp
        if len(webp) <= limit_bytes:
            return
    for side in SIDES:
        if side is not None:
            if max(picture.size) <= side:
                continue
            picture.thumbnail((side, side))
        for quality in QUALITIES:
            jpeg = _encoded(picture, "JPEG", quality=quality)
            yield ".jpg", jpeg
            if len(jpeg) <= limit_bytes:
                return


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


IMAGE = Medium(
    name="image",
    suffix=".png",
    titles={".png": "PNG", ".webp": "WebP", ".jpg": "JPEG"},
    write=png,
    recipe_in=recipe_in,
    digest=rgb_sha256,
    digest_in=pixels_sha256,
    is_light=photos.is_light,
    fault=fault,
    smaller=smaller,
)
