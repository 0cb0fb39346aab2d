"""Pictures as files that the platform takes.

The PNG is posted as it is whenever it fits: it carries its recipe.  A larger one is shown as a
lossless WebP or, if need be, as a JPEG; the exact PNG stays here either way.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

MAX_FILES = 10  # attachments of one message
MAX_MESSAGE_BYTES = 24 * 2**20  # Discord refuses requests of 25 MiB


def fitting(
    pngs: Sequence[bytes], names: Sequence[int], limit_bytes: int
) -> tuple[tuple[str, bytes], ...]:
    """(file name, bytes) of each picture, none above the limit and all of them in one message."""
    pngs = pngs[:MAX_FILES]
    share = min(limit_bytes, MAX_MESSAGE_BYTES // max(1, len(pngs)))
    return tuple(_fit(png, name, share) for png, name in zip(pngs, names, strict=False))


def _fit(png: bytes, name: int, limit_bytes: int) -> tuple[str, bytes]:
    if len(png) <= limit_bytes:
        return f"{name}.png", png
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    webp = _encoded(picture, "WEBP", lossless=True, quality=60)
    if len(webp) <= limit_bytes and max(picture.size) <= 16383:
        return f"{name}.webp", webp
    for quality in (95, 90, 80, 60):
        jpeg = _encoded(picture, "JPEG", quality=quality)
        if len(jpeg) <= limit_bytes:
            return f"{name}.jpg", jpeg
    picture.thumbnail((2048, 2048))
    return f"{name}.jpg", _encoded(picture, "JPEG", quality=60)


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
