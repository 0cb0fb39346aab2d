"""Whether bytes from a worker are the picture that they claim to be, by their outer form.

The invariant: nothing is unpacked here, and what is asked costs time in proportion to the file.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height of what `no_png` has let pass."""
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def no_png(data: bytes) -> str | None:
    """Why it is no whole PNG, as a clause; None when it is one."""
    try:
        kinds = [(kind, end - start) for kind, start, end in _chunks(data)]
    except ValueError as error:
        return str(error)
    names = {kind for kind, _ in kinds}
    if not kinds or kinds[0] != (b"IHDR", 13):
        return "it does not begin as a PNG"
    return None if {b"IDAT", b"IEND"} <= names else "it is a PNG that is cut short"


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's kind and where its data begins and ends, up to the end of the file."""
    if not data.startswith(PNG):
        raise ValueError("it is no PNG")
    view, at = memoryview(data), len(PNG)
    while at < len(data):
        start = at + 8
        end = start + int.from_bytes(data[at : at + 4])
        if end + 4 > len(data):
            raise ValueError("it is a PNG that is cut short")
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise ValueError("it is a damaged PNG")
        yield bytes(data[at + 4 : start]), start, end
        at = end + 4
        if data[start - 4 : start] == b"IEND" and at != len(data):
            raise ValueError("it is a PNG with something behind it")


def no_preview(data: bytes) -> str | None:
    """Why it is neither a JPEG nor empty, as a clause; None when it is."""
    return None if not data or data.startswith(JPEG) else "it is no JPEG"
