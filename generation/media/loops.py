"""Our animated WebPs: short loops without a sound, exact to the last pixel.

    RIFF > VP8X, ANIM, ANMF ..., EXIF (what other programs read), XMP (the recipe)

Frames that are equal lie in the file once, and longer.  The invariant: the frames that come out
are those that went in, and what is asked of a file but `frames_in` unpacks nothing.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape, unescape

import numpy as np
from PIL import Image
from PIL.WebPImagePlugin import WebPImageFile

from generation.errors import BadPicture
from generation.media.footage import Footage, begins
from generation.media.medium import Beat
from generation.media.photos import MAX_PIXELS, translated
from generation.media.pyav import Frame
from generation.spans import Motion

METHOD, EFFORT = 4, 60  # of the lossless packing; more takes longer and saves little
MAX_CHUNKS = 100_000
MAX_RECIPE = 2**20  # bytes

_NOTES, _COMMENT = 0x8769, 0x9286  # EXIF's second directory, and the comment in it
_OPEN, _CLOSE = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><atelier xmlns="tag:atelier,2026:recipe">',
    b"</atelier></x:xmpmeta>",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopShape:
    """What the outer form of an animated WebP says."""

    width: int
    height: int
    durations: tuple[int, ...]  # of each frame, in milliseconds; empty: it is a still


def is_loop(file: bytes) -> bool:
    """Whether it is a WebP, by its first bytes."""
    return file[:4] == b"RIFF" and file[8:12] == b"WEBP"


def written(
    footage: Footage, recipe: str, infotext: str, beat: Beat, *, quality: int | None = None
) -> bytes:
    """The file, without the sound; `quality` None: exact.  `beat` is called before each frame."""
    notes = Image.Exif()
    notes.get_ifd(_NOTES)[_COMMENT] = b"UNICODE\0" + infotext.encode("utf-16-le")
    starts = [begins(number, footage.fps) for number in range(footage.count + 1)]
    durations = [end - start for start, end in pairwise(starts)]
    first, *others = [_Beating(frame, beat) for frame in footage.frames]
    out = io.BytesIO()
    first.save(
        out,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=durations,
        loop=0,
        lossless=quality is None,
        quality=EFFORT if quality is None else quality,
        method=METHOD,
        exif=notes if infotext else b"",
        xmp=_OPEN + escape(recipe).encode() + _CLOSE if recipe else b"",
    )
    return out.getvalue()


class _Beating(Image.Image):
    """A frame that says so when it is packed; Pillow takes them one after the other."""

    def __init__(self, frame: Frame, beat: Beat) -> None:
        super().__init__()
        height, width = frame.shape[:2]
        whole = Image.frombuffer("RGB", (width, height), np.ascontiguousarray(frame))
        self.im, self._mode, self._size = whole.im, whole.mode, whole.size
        self._beat = beat

    def getim(self) -> object:
        self._beat()
        return super().getim()


def recipe_text(file: bytes) -> str | None:
    """The recipe in it, as it was written; None: there is none."""
    for kind, start, end in _chunks(file):
        ours = file.startswith(_OPEN, start) and file.endswith(_CLOSE, start, end)
        if kind == b"XMP " and ours and end - start <= MAX_RECIPE:
            return unescape(file[start + len(_OPEN) : end - len(_CLOSE)].decode())
    return None


def shape(file: bytes) -> LoopShape | None:
    """The outer form; None where the file is not a whole WebP and nothing else."""
    if not is_loop(file) or len(file) < 12:
        return None
    chunks = list(_chunks(file))
    if not chunks or chunks[-1][2] + (chunks[-1][2] & 1) != len(file):
        return None
    if int.from_bytes(file[4:8], "little") + 8 != len(file) or chunks[0][0] != b"VP8X":
        return None
    at = chunks[0][1]
    if chunks[0][2] - at != 10 or not any(kind in _PIXELS for kind, _, _ in chunks):
        return None
    width, height = (int.from_bytes(file[at + n : at + n + 3], "little") + 1 for n in (4, 7))
    held = [_duration(file, start) for kind, start, _ in chunks if kind == b"ANMF"]
    return LoopShape(width=width, height=height, durations=tuple(held))


_PIXELS = (b"ANMF", b"VP8L", b"VP8 ")


def _duration(file: bytes, start: int) -> int:
    return int.from_bytes(file[start + 12 : start + 15], "little")


def _chunks(file: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each whole piece, and where what it holds begins and ends."""
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(file) or not is_loop(file):
            return
        kind, size = struct.unpack_from("<4sI", file, at)
        if at + 8 + size > len(file):
            return
        yield kind, at + 8, at + 8 + size
        at += 8 + size + size % 2


def frames_in(file: bytes, motion: Motion) -> Iterator[Frame]:
    """The frames, one after the other.  Raises BadPicture where they are not so many."""
    given = 0
    with translated():
        opened = _opened(file)
        # One frame that stays until the end is a still.
        still = opened.n_frames == 1
        for number in range(min(opened.n_frames, motion.frames)):
            opened.seek(number)
            opened.load()
            frame = np.asarray(opened.convert("RGB"))
            ends = opened.info["timestamp"] + opened.info["duration"]
            while given < motion.frames and (still or begins(given, motion.fps) < ends):
                yield frame
                given += 1
    if given != motion.frames:
        raise BadPicture("it has fewer frames than its recipe says")


def _opened(file: bytes) -> WebPImageFile:
    found = shape(file)
    if found is None:
        raise BadPicture("it is cut short or damaged")
    if found.width * found.height > MAX_PIXELS:
        raise BadPicture("its frames are too large to be looked at")
    return WebPImageFile(io.BytesIO(file))
