"""Faces in the sandbox, drawn when it opens: a flower for the bot, initials for people."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw, ImageFont

SIZE = 256  # pixels; drawn large and shown small, which smooths the edges
COLOURS = {"Atelier": "#4a2d8f", "Ann": "#c2416b", "Ben": "#1f8a70"}
PETALS = 6


def avatar(name: str) -> bytes:
    """A PNG for that name."""
    image = Image.new("RGB", (SIZE, SIZE), COLOURS.get(name, "#5865f2"))
    draw = ImageDraw.Draw(image)
    if name == "Atelier":
        _flower(draw)
    else:
        middle = (SIZE / 2, SIZE / 2)
        draw.text(middle, name[:1], "white", ImageFont.load_default(SIZE * 0.55), anchor="mm")
    out = io.BytesIO()
    image.resize((SIZE // 2, SIZE // 2), Image.Resampling.LANCZOS).save(out, "PNG")
    return out.getvalue()


def _flower(draw: ImageDraw.ImageDraw) -> None:
    middle, reach, petal = SIZE / 2, SIZE * 0.22, SIZE * 0.145
    for turn in range(PETALS):
        angle = 2 * math.pi * turn / PETALS - math.pi / 2
        _disc(
            draw,
            middle + reach * math.cos(angle),
            middle + reach * math.sin(angle),
            petal,
            "#ff6b81",
        )
    _disc(draw, middle, middle, SIZE * 0.11, "#ffd166")


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: str) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour)
