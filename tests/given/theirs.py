"""Pictures of other programs, that carry what they were drawn with."""

from __future__ import annotations

import io

from PIL import Image, PngImagePlugin


def a_picture_of_theirs(text: str, key: str = "parameters") -> bytes:
    """A PNG with a text under that name."""
    said = PngImagePlugin.PngInfo()
    said.add_text(key, text)
    out = io.BytesIO()
    Image.new("RGB", (32, 32), (40, 90, 200)).save(out, "PNG", pnginfo=said)
    return out.getvalue()
