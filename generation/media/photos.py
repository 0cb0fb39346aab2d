"""Pictures that people send: whether they can be used, and how they become pixels of a known size.

`check` runs in the bot, before a job exists; `load` runs in the worker, on the same bytes.  The
invariant: the same bytes, size and fit give the same pixels, and nothing is decoded before its
header has been found harmless.  Whoever opens a picture of somebody does it here.

What becomes of the unusual: an animation gives its first frame; transparency lies over white; a
photo is turned as its EXIF says; CMYK, palettes and 16 bits become 8-bit RGB; colour profiles are
not applied (a profile engine would be one more thing that decides pixels), and what a PNG carries
beside its pixels is not looked at, be it large or damaged.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from generation.errors import BadPicture, OutOfRange
from generation.media.pngchunks import SIGNATURE, bare

MAX_PIXELS = 40_000_000
MIN_SIDE = 16
MAX_BYTES = 100 * 2**20
STRIP = 256  # rows that are turned into RGB at a time

# What is decoded in a moment; anything else is better decoded where it can be stopped.
LIGHT_BYTES = 4 * 2**20
LIGHT_PIXELS = 4_000_000
LIGHT_SCANS = 30  # of a progressive JPEG, each of which goes over the whole picture

FITS = ("cover",)

# The decoders are called by the file's first bytes and not through Image.open: that one guesses
# among dozens of formats, and judges the size by a process-wide limit with a warning.
_OPENERS: tuple[tuple[str, Callable[[bytes], bool], type[ImageFile]], ...] = (
    ("PNG", lambda d: d.startswith(SIGNATURE), PngImageFile),
    ("JPEG", lambda d: d.startswith(b"\xff\xd8\xff"), JpegImageFile),
    ("WEBP", lambda d: d[:4] == b"RIFF" and d[8:12] == b"WEBP", WebPImageFile),
    ("GIF", lambda d: d.startswith((b"GIF87a", b"GIF89a")), GifImageFile),
    ("BMP", lambda d: d.startswith(b"BM"), BmpImageFile),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFacts:
    """What a picture is, after it was turned as its EXIF says."""

    width: int
    height: int
    format: str  # "PNG", "JPEG", "WEBP", "GIF", "BMP"
    animated: bool  # only its first frame is used


def check(data: bytes) -> InputFacts:
    """Decode the whole picture once.  Raises BadPicture with a reason that a person can read."""
    with translated():
        image, kind = _opened(data)
        # Not n_frames: to count those of a GIF, all of them are read.
        animated = bool(getattr(image, "is_animated", False))
        image.seek(0)
        width, height = _upright(image).size
    return InputFacts(width=width, height=height, format=kind, animated=animated)


def is_light(data: bytes) -> bool:
    """Whether the picture is decoded in a moment, by its header.  Raises BadPicture."""
    if len(data) > LIGHT_BYTES:
        return False
    with translated():
        image, kind = _opened(data, least=1)
    scans = data.count(b"\xff\xda") if kind == "JPEG" else 1
    return image.width * image.height <= LIGHT_PIXELS and scans <= LIGHT_SCANS


def rows(png: bytes) -> Iterator[bytes]:
    """The RGB bytes of a PNG, some rows at a time.  Raises BadPicture."""
    if not png.startswith(SIGNATURE):
        raise BadPicture("it is no PNG")
    with translated():
        image, _ = _opened(png, least=1)
        image.seek(0)
        image.load()
        for top in range(0, image.height, STRIP):
            box = (0, top, image.width, min(top + STRIP, image.height))
            yield image.crop(box).convert("RGB").tobytes()


def upright(data: bytes) -> Image.Image:
    """The picture in its own mode and size, turned as its EXIF says.  Raises BadPicture."""
    with translated():
        image, _ = _opened(data)
        image.seek(0)
        return _upright(image)


def as_rgb(image: Image.Image) -> Image.Image:
    """Any picture as RGB, over white.  Raises BadPicture."""
    with translated():
        return _rgb(image)


def load(data: bytes, *, width: int, height: int, fit: str) -> Image.Image:
    """The picture as RGB of exactly this size.

    "cover" scales it (Lanczos) until it fills the size, and keeps the middle.  Raises BadPicture,
    and OutOfRange for a fit that does not exist.
    """
    if fit not in FITS:
        raise OutOfRange("fit", fit, ", ".join(FITS))
    with translated():
        image, _ = _opened(data)
        image.seek(0)
        rgb = _rgb(_upright(image))
        return ImageOps.fit(rgb, (width, height), Image.Resampling.LANCZOS, centering=(0.5, 0.5))


def _opened(data: bytes, *, least: int = MIN_SIDE) -> tuple[ImageFile, str]:
    """The file with its header read, its pixels not yet."""
    if len(data) > MAX_BYTES:
        raise BadPicture(f"it is larger than {MAX_BYTES // 2**20} MB")
    for kind, recognised, opener in _OPENERS:
        if recognised(data):
            image = opener(io.BytesIO(bare(data) if kind == "PNG" else data))
            width, height = image.size
            if width * height > MAX_PIXELS:
                megapixels = width * height / 1e6
                raise BadPicture(
                    f"it has {megapixels:.0f} megapixels; at most {MAX_PIXELS // 10**6} can be used"
                )
            if min(width, height) < least:
                raise BadPicture(
                    f"it is {width}x{height} pixels; at least {least}x{least} are needed"
                )
            return image, kind
    raise BadPicture("it is not a PNG, JPEG, WebP, GIF or BMP picture")


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        turned = ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error, Warning):
        return image  # the pixels are sound, only the note on how to turn them is not
    return turned if turned is not None else image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow clips 16 bits at 255; what is meant is the upper byte.
        image = image.convert("I").point(lambda v: v * (1 / 257) + 0.5).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


@contextmanager
def translated() -> Iterator[None]:
    """Pillow's many ways to say that a file is broken, as one."""
    try:
        yield
    except BadPicture:
        raise
    except Image.DecompressionBombError as error:
        raise BadPicture("it unpacks to far more than its size") from error
    except (
        *(OSError, EOFError, SyntaxError, ValueError, struct.error, zlib.error),
        *(IndexError, KeyError, TypeError, OverflowError, AttributeError),
    ) as error:
        raise BadPicture("it is cut short or damaged") from error
