"""Pictures as files that the platform takes.

The PNG is posted as it is whenever it fits: it carries its recipe.  A larger one is shown as a
lossless WebP or, if need be, as a JPEG; the exact PNG stays here either way.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from PIL import Image

MAX_FILES = 10  # attachments of one message
MAX_MESSAGE_BYTES = 24 * 2**20  # Discord refuses requests of 25 MiB


def fitting(
    pngs: Sequence[bytes], names: Sequence[int], limit_bytes: int, *, shrunk: int = 0
) -> tuple[tuple[str, bytes], ...]:
    """(file name, bytes) of each picture, none above the limit and all of them in one message.

    `shrunk` counts how often Discord has found them too large: each time they become much smaller.
    """
    pngs = pngs[:MAX_FILES]
    share = min(limit_bytes, MAX_MESSAGE_BYTES // max(1, len(pngs)))
    if shrunk:
        share = min(share, max(map(len, pngs), default=0)) // 4**shrunk
    return tuple(
        _fit(png, name, share, small=shrunk > 0) for png, name in zip(pngs, names, strict=False)
    )


def _fit(png: bytes, name: int, limit_bytes: int, *, small: bool) -> tuple[str, bytes]:
    if len(png) <= limit_bytes:
        return f"{name}.png", png
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    found = list(_encodings(picture, limit_bytes))
    kind, data = found[-1] if len(found[-1][1]) <= limit_bytes else min(found, key=_size)
    if len(data) >= len(png) and not small:
        return f"{name}.png", png  # nothing is smaller than it
    return f"{name}.{kind}", data


def _encodings(picture: Image.Image, limit_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Ever smaller ones; the first that is within the limit is the last."""
    if max(picture.size) <= 16383:
        webp = _encoded(picture, "WEBP", lossless=True, quality=60)
        yield "webp", webp
        if len(webp) <= limit_bytes:
            return
    for side in (None, 2048, 1024, 512, 256):
        if side is not None:
            if max(picture.size) <= side:
                continue
            picture.thumbnail((side, side))
        for quality in (95, 90, 80, 60):
            jpeg = _encoded(picture, "JPEG", quality=quality)
            yield "jpg", jpeg
            if len(jpeg) <= limit_bytes:
                return


def _size(encoded: tuple[str, bytes]) -> int:
    return len(encoded[1])


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
