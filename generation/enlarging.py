"""More pixels for a picture: factors, sizes, and the tiles that it is worked in.

    |<---- tile ---->|
    +----------------+            neighbours share `overlap` pixels; in the middle half of these
    |           +----|-----------+   one fades into the other, so that neither's border shows
    |           |    |           |
    +-----------|----+           |

Pure.  The invariant: tiles cover every pixel, each is as large as the others, and none is larger
than the picture.
"""

from __future__ import annotations

from dataclasses import replace
from math import isqrt

from generation.errors import OutOfRange
from generation.recipe import Canvas, Enlarging, Recipe, Weights, needed
from generation.tasks import Task

# More would be megabytes that no chat takes, and minutes of somebody's device.
MAX_PIXELS = 4096 * 4096
MAX_CLIP_PIXELS = 2**28  # of all frames: 129 of 1920x1080; they are held in memory, 3 bytes each
SMALLEST_FACTOR, LARGEST_FACTOR = 1.0, 8.0

TILE, OVERLAP = 256, 32  # pixels of the picture that is enlarged
MAX_UPSCALER_TILE = 1024  # what a network keeps of a larger one is gigabytes
# What one round leaves of the difference to the original, the next one nearly takes away.
CORRECTIONS = 4
# How much of the enlarged picture is drawn anew, where nobody says: details, and nothing else.
DENOISE = 0.25

Size = tuple[int, int]  # width and height


def starts(side: int, tile: int, overlap: int) -> tuple[int, ...]:
    """Where tiles begin on a side; the last one ends with it."""
    if side <= tile:
        return (0,)
    step = tile - overlap
    return (*range(0, side - tile, step), side - tile)


def tiles(size: Size, tile: int | None, overlap: int | None) -> tuple[Size, ...]:
    """Left and top of each tile, row by row; None: the whole picture is one."""
    if tile is None:
        return ((0, 0),)
    across, down = (starts(side, tile, overlap or 0) for side in size)
    return tuple((left, top) for top in down for left in across)


def passes(size: Size, wanted: Size, factor: int) -> tuple[Size, ...]:
    """The sizes from which a network that makes `factor` times as much is asked, one by one.

    Once at least; once more where the last size falls short and the next is not far too large.
    """
    if factor == 1:
        return (size,)
    asked = [size]
    made = size[0] * factor
    while made < wanted[0] and made * factor <= 2 * wanted[0]:
        asked.append((asked[-1][0] * factor, asked[-1][1] * factor))
        made *= factor
    return tuple(asked)


def enlarged_size(width: int, height: int, factor: float) -> Size:
    """The size of a picture that many times as long and high.  Raises OutOfRange."""
    if not SMALLEST_FACTOR <= factor <= LARGEST_FACTOR:
        raise OutOfRange("factor", factor, f"{SMALLEST_FACTOR:g} to {LARGEST_FACTOR:g}")
    wanted = round(width * factor), round(height * factor)
    if wanted[0] * wanted[1] > MAX_PIXELS:
        largest = largest_factor(width, height)
        if largest < SMALLEST_FACTOR:
            raise OutOfRange("size", f"{width}x{height}", f"at most {_in_all()}")
        allowed = f"at most {largest:g} for {width}x{height} pixels, which is {_in_all()}"
        raise OutOfRange("factor", factor, allowed)
    return wanted


def largest_factor(width: int, height: int) -> float:
    """The most that a picture of that size can be enlarged, in tenths."""
    fits = isqrt(100 * MAX_PIXELS // (width * height)) / 10
    return min(LARGEST_FACTOR, fits)


def check_canvas(width: int, height: int) -> None:
    """Raise OutOfRange for more pixels than a picture is enlarged to."""
    if width * height > MAX_PIXELS:
        raise OutOfRange("size", f"{width}x{height}", f"at most {_in_all()}")


def check_clip(width: int, height: int, frames: int) -> None:
    """Raise OutOfRange for more pixels than a clip is enlarged to."""
    check_canvas(width, height)
    most = MAX_CLIP_PIXELS // (width * height)
    if frames > most:
        raise OutOfRange("frames", frames, f"at most {most} at {width}x{height}")


def _in_all() -> str:
    side = isqrt(MAX_PIXELS)
    return f"{side}x{side} pixels in all"


def on_grid(canvas: Canvas, grid: int) -> Size:
    """The canvas, filled up to whole steps of the grid that a model draws on."""
    return canvas.width + -canvas.width % grid, canvas.height + -canvas.height % grid


def piece(how: Enlarging, canvas: Canvas, grid: int) -> Size:
    """How large each piece is that is drawn anew."""
    width, height = on_grid(canvas, grid)
    if how.redrawn_tile is None:
        return width, height
    return min(how.redrawn_tile, width), min(how.redrawn_tile, height)


def of_a_piece(recipe: Recipe, grid: int) -> Recipe:
    """The recipe by which each piece of an enlarged picture is drawn over."""
    canvas, how = needed(recipe.canvas), needed(recipe.enlarging)
    width, height = piece(how, canvas, grid)
    return replace(
        recipe,
        task=Task.IMAGE_TO_IMAGE,
        canvas=Canvas(width=width, height=height),
        enlarging=None,
        sparing=None,
    )


def plain(upscaler: Weights | None = None, factor: int | None = None) -> Enlarging:
    """How it is done where nobody says otherwise, with an upscaler of that factor or without.

    One that makes no more pixels is there to change them, which a correction would take back.
    """
    by_model = upscaler is not None
    return Enlarging(
        method="model" if by_model else "lanczos",
        upscaler=upscaler,
        corrections=None if factor == 1 else CORRECTIONS,
        tile=TILE if by_model else None,
        overlap=OVERLAP if by_model else None,
        redrawn_tile=None,
        redrawn_overlap=None,
    )


def redrawn_share(recipe: Recipe) -> float:
    """How much is drawn anew, in pictures of its size: more than one, as tiles overlap; or none."""
    how, canvas = recipe.enlarging, recipe.canvas
    if how is None or canvas is None or recipe.sampling is None:
        return 0.0
    if how.redrawn_tile is None:
        return 1.0
    size = canvas.width, canvas.height
    each = min(how.redrawn_tile, size[0]) * min(how.redrawn_tile, size[1])
    return len(tiles(size, how.redrawn_tile, how.redrawn_overlap)) * each / canvas.pixels
