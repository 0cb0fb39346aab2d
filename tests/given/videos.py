"""Clips for tests, as other programs write them: each frame's shade says its number."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.media.pyav import Frame, Frames

RED = (220, 20, 20)
SHADES = 8  # between the shades of two frames


def marked(count: int, height: int = 48, width: int = 64) -> Frames:
    """Frames of rising shades, red in the upper left."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    for number in range(count):
        frames[number] = 16 + SHADES * (number % 28)
    frames[:, : height // 3, : width // 3] = RED
    return frames


def number_of(frame: Frame) -> int:
    """Which of `marked` it is, by the lower right."""
    return round((int(frame[-4, -4, 1]) - 16) / SHADES)


def video(
    frames: Frames,
    *,
    fps: float = 12.0,
    times: Sequence[float] | None = None,  # seconds at which each begins
    codec: str = "libx264",
    container: str = "mp4",
    pixels: str = "yuv420p",
    turned: int = 0,  # degrees, counterclockwise, as the file says
    sound: bool = False,
    samples: NDArray[np.int16] | None = None,  # of one channel, or two beside each other
    rate: int = 8000,
    spoken: str = "aac",
) -> bytes:
    """A video as any program writes it; `sound` is a second of silence."""
    if sound and samples is None:
        samples = np.zeros((8000, 1), np.int16)
    layout = "stereo" if samples is not None and samples.shape[1] == 2 else "mono"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video"
        with av.open(path, "w", format=container) as out:
            stream: Any = out.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pixels
            stream.codec_context.thread_count = 1
            stream.codec_context.time_base = Fraction(1, 1000)
            if turned:
                stream.set_display_rotation(turned)
            beside: Any = (
                out.add_stream(spoken, rate=rate, layout=layout) if samples is not None else None
            )
            for number, frame in enumerate(frames):
                picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
                at = times[number] if times is not None else number / fps
                picture.pts, picture.time_base = round(1000 * at), Fraction(1, 1000)
                out.mux(stream.encode(picture))
            out.mux(stream.encode(None))
            if beside is not None and samples is not None:
                packed = np.ascontiguousarray(samples).reshape(1, -1)
                heard = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
                heard.sample_rate = rate
                out.mux(beside.encode(heard))
                out.mux(beside.encode(None))
        return path.read_bytes()


def only_sound() -> bytes:
    """An MP4 without a picture in it."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def animation(frames: Frames, kind: str, milliseconds: Sequence[int]) -> bytes:
    """A "GIF", a "WEBP" or an APNG ("PNG")."""
    first, *others = [Image.fromarray(frame) for frame in frames]
    out = io.BytesIO()
    exact = {"lossless": True} if kind == "WEBP" else {}
    first.save(
        out,
        kind,
        save_all=True,
        append_images=others,
        duration=list(milliseconds),
        loop=0,
        **exact,
    )
    return out.getvalue()
