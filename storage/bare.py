"""A picture without words: the same pixels, and nothing that says who made them of what.

Somebody's recipe may start from a picture of a person whose data is erased.  Its pixels stay, so
that the recipe still draws the same; the file's texts go.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from PIL import Image, ImageOps

PNG = b"\x89PNG\r\n\x1a\n"
PIXELS = frozenset(  # chunks that say what the pixels are; all others may hold anything
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT"}
)


def without_words(data: bytes) -> bytes:
    """The picture with its pixels alone.  Raises OSError or ValueError for what is none."""
    if data.startswith(PNG):
        kept = (chunk for kind, chunk in chunks(data) if kind in PIXELS)
        return PNG + b"".join(kept)
    with Image.open(io.BytesIO(data)) as picture:
        upright = ImageOps.exif_transpose(picture)
        upright.info.clear()
        out = io.BytesIO()
        upright.save(out, format="PNG")
    return out.getvalue()


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind of each chunk of a PNG, and the whole of it; it ends where the file breaks off."""
    at = len(PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at : at + 12 + length]
        at += 12 + length
