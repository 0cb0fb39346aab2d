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
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X":
        return _webp(data)
    if data[4:8] == b"ftyp":
        return _mp4(data)
    with Image.open(io.BytesIO(data)) as picture:
        upright = ImageOps.exif_transpose(picture)
        upright.info.clear()
        out = io.BytesIO()
        upright.save(out, format="PNG")
    return out.getvalue()


def _webp(data: bytes) -> bytes:
    """An animated WebP moves on: what speaks of it goes, and the marks that it is there."""
    kept, at = bytearray(data[:12]), 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        end = at + 8 + size + size % 2
        if kind not in (b"EXIF", b"XMP "):
            kept += data[at:end]
        at = end
    kept[4:8] = struct.pack("<I", len(kept) - 8)
    kept[20] &= ~0x0C
    return bytes(kept)


def _mp4(data: bytes) -> bytes:
    """An MP4 keeps its length, on which the places in it depend: its tags become blanks."""
    bare = bytearray(data)
    places = [(0, len(data))]
    while places:
        at, end = places.pop()
        while at + 8 <= end:
            size, kind = struct.unpack_from(">I4s", data, at)
            if size == 1:
                size = int.from_bytes(data[at + 8 : at + 16])
            stop = end if size == 0 else at + size
            if stop > end or size in range(1, 8):
                raise ValueError("it is cut short")
            if kind in (b"moov", b"trak"):
                places.append((at + 8, stop))
            elif kind in (b"udta", b"meta", b"uuid"):
                bare[at + 4 : stop] = b"free" + bytes(stop - at - 8)
            at = stop
    return bytes(bare)


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind of each chunk of a PNG, and the whole of it; it ends where the file breaks off."""
    at = len(PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at : at + 12 + length]
        at += 12 + length
