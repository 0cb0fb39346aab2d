"""PyAV, where it is installed: how frames of videos become pixels, and pixels frames.

A large package, which is loaded when the first video is read or written, and may be missing.  The
invariant: the same bits give the same pixels on every processor, under one version of FFmpeg.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import av

Frame = NDArray[np.uint8]  # (height, width, 3), RGB
Frames = NDArray[np.uint8]  # (frames, height, width, 3)

ENCODER: Final = "libx264"

BT709, LIMITED = 1, 1  # of H.273: what players take HD for
HD = 720  # rows from which on colours are BT.709's where nobody says whose they are
_UNSAID = 2


def is_here() -> bool:
    """Whether videos can be read."""
    return importlib.util.find_spec("av") is not None


def encodes() -> bool:
    """Whether MP4s can be written as well: some builds lack the encoder."""
    if not is_here():
        return False
    import av

    return ENCODER in av.codecs_available


def as_rgb(frame: av.VideoFrame) -> Frame:
    """A frame's pixels."""
    hd = frame.colorspace == _UNSAID and frame.height >= HD
    rgb = frame.reformat(
        format="rgb24",
        src_colorspace=BT709 if hd else None,
        interpolation=_careful(),
        threads=1,
    )
    return rgb.to_ndarray().astype(np.uint8, copy=False)


def as_yuv(pixels: Frame) -> av.VideoFrame:
    """A frame of these pixels as H.264 has it: even sides, colours of 2x2 pixels together."""
    import av

    rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    return rgb.reformat(
        format="yuv420p",
        dst_colorspace=BT709,
        dst_color_range=LIMITED,
        interpolation=_careful(),
        threads=1,
    )


def _careful() -> int:
    from av.video.reformatter import Interpolation as How

    return int(How.BICUBIC | How.ACCURATE_RND | How.BITEXACT | How.FULL_CHR_H_INT)
