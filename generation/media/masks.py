"""Which part of a picture is drawn anew, made of what people send: one black and white PNG.

    a mask         white is drawn anew; strokes on a transparent layer are, too
    a picture      where its alpha channel lets the ground shine through
    a copy         where somebody drew over the picture: the difference, without a codec's noise

White is drawn anew and black stays, each pixel either: how softly both meet is the recipe's
(`Masking`).  The invariant: the same bytes give the same mask, its sides are at most SIDE, and it
is neither empty nor full.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.errors import BadMask, OutOfRange
from generation.media import photos

SIDE = 2048  # pixels; no canvas is much longer
HALF = 128
SAME_SHAPE = 0.03  # so much may the sides' ratios of a picture and its copy differ
TOO_MUCH = 0.97  # of a copy that differs: it is another picture

# Of a copy that a lossy codec wrote: how far it may be off, in levels of 255 and in parts of the
# contrast nearby, where codecs err most.  Measured with JPEG 50 to 95 and WebP 50 to 95.
NOISE, NOISE_AT_EDGES = 20, 0.4
LOSSY = 0.02  # of the pixels are off by a little: no lossless copy has so many
A_LITTLE = 12
LEAST = 0.001  # of a lossy copy: what is smaller was not drawn by hand

_Pixels = NDArray[Any]
_Area = NDArray[np.bool_]

EMPTY = (
    "the mask is black everywhere, so nothing would be drawn anew: paint white what is to change"
)
FULL = (
    "the mask is white everywhere, so nothing would stay: leave black what is to stay, or reply "
    "to the picture in words alone"
)
CLEAR = "that picture is transparent everywhere, so there is nothing that would stay"
NO_DIFFERENCE = (
    "I see no difference between your copy and the picture: draw over what is to change, in a "
    "colour that is not there"
)
ANOTHER = "nearly all of your copy differs from the picture: draw over a copy of that very picture"
SHAPES = "your copy has another shape than the picture: draw over it without cropping it"


def attached(data: bytes) -> bytes:
    """The mask that a picture of a mask means.  Raises BadMask and BadPicture."""
    image = _small(photos.upright(data))
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        strokes = _area(seen.getchannel("A"))
        black = Image.new("RGBA", seen.size, (0, 0, 0, 255))
        white = _area(Image.alpha_composite(black, seen).convert("L"))
        # Strokes of any colour on a layer of their own; a mask with a mere edge is as it looks.
        area = white if white.any() or strokes.all() else strokes
    else:
        area = _area(photos.as_rgb(image).convert("L"))
    return _png(area)


def transparent(data: bytes) -> bytes | None:
    """The mask that a picture's alpha channel means; None where it has no holes.

    Raises BadMask where it has nothing else, and BadPicture.
    """
    image = photos.upright(data)
    if not image.has_transparency_data:
        return None
    holes = ~_area(_small(image.convert("RGBA")).getchannel("A"))
    if holes.all():
        raise BadMask(CLEAR)
    return _png(holes) if holes.any() else None


def drawn_over(picture: bytes, copy: bytes) -> bytes:
    """The mask that a copy means on which somebody drew.  Raises BadMask and BadPicture.

    A line around something means what is inside: what it encloses, where that is more than the
    line itself.
    """
    before, after = (photos.as_rgb(photos.upright(data)) for data in (picture, copy))
    same_size = after.size == before.size
    before, after = _small(before), _small(after)
    if abs(before.width * after.height / (before.height * after.width) - 1) > SAME_SHAPE:
        raise BadMask(SHAPES)
    if after.size != before.size:
        after = after.resize(before.size, Image.Resampling.LANCZOS)
    old, new = (np.asarray(image, dtype=np.int16) for image in (before, after))
    area = _inside(_changed(old, new, lossless=same_size))
    if not area.any():
        raise BadMask(NO_DIFFERENCE)
    if area.mean() > TOO_MUCH:
        raise BadMask(ANOTHER)
    return _png(area)


def made(way: str, *files: bytes) -> bytes:
    """The mask that files mean in one of these ways, by its name; b"" where they mean none.

    Raises BadMask, BadPicture, and OutOfRange for a way that there is not.
    """
    if way not in _WAYS:
        raise OutOfRange("way", way, ", ".join(_WAYS))
    return _WAYS[way](*files) or b""


_WAYS: Mapping[str, Callable[..., bytes | None]] = {
    "attached": attached,
    "transparent": transparent,
    "drawn_over": drawn_over,
}


def _small(image: Image.Image) -> Image.Image:
    """The picture, no side longer than SIDE."""
    if max(image.size) <= SIDE:
        return image
    scale = SIDE / max(image.size)
    size = tuple(max(1, round(side * scale)) for side in image.size)
    whole = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return whole.resize(size, Image.Resampling.BOX)  # type: ignore[arg-type]  # two sides


def _area(grey: Image.Image) -> _Area:
    return np.asarray(grey) >= HALF


def _png(area: _Area) -> bytes:
    """Raises BadMask for one that is all of a colour."""
    if not area.any():
        raise BadMask(EMPTY)
    if area.all():
        raise BadMask(FULL)
    out = io.BytesIO()
    Image.fromarray(area.astype(np.uint8) * 255, "L").save(out, "PNG")
    return out.getvalue()


def _changed(old: _Pixels, new: _Pixels, *, lossless: bool) -> _Area:
    """Where somebody drew: what differs by more than a codec errs there.

    `lossless`: it may be a copy in which nothing else differs.
    """
    difference = np.abs(old - new).max(axis=2)
    little = (difference > 0) & (difference <= A_LITTLE)
    if lossless and little.mean() < LOSSY:
        return np.asarray(difference > 0)
    from scipy import ndimage  # half a second to load

    near = (5, 5, 1)
    contrast = (ndimage.maximum_filter(old, near) - ndimage.minimum_filter(old, near)).max(axis=2)
    loud = difference > NOISE + NOISE_AT_EDGES * contrast
    # A stroke is solid somewhere; a codec errs along thin lines.
    core = ndimage.binary_erosion(loud, np.ones((3, 3)))
    strokes = ndimage.binary_propagation(core, mask=loud, structure=np.ones((3, 3)))
    joined = ndimage.binary_closing(np.pad(strokes, 4), _disk(3))[4:-4, 4:-4]
    parts, count = ndimage.label(joined, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0  # what is in no part
    large = (sizes >= LEAST * joined.size)[parts]
    return np.asarray(ndimage.binary_dilation(large, np.ones((3, 3))))  # its soft edge


def _inside(strokes: _Area) -> _Area:
    """With what a line encloses, where that is more than the line."""
    from scipy import ndimage

    found = strokes.copy()
    lines, _ = ndimage.label(strokes, np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(lines), start=1):
        line = lines[box] == number
        filled = ndimage.binary_fill_holes(line)
        holes = filled.sum() - line.sum()
        if holes > line.sum() or holes < line.sum() / 20:
            found[box] |= filled
    return found


def _disk(radius: int) -> _Area:
    across = np.arange(-radius, radius + 1) ** 2
    return np.asarray(across[:, None] + across[None, :] <= radius**2)
