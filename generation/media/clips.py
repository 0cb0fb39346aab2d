"""Clips that people send: whether they can be used, and how they become frames of a known size.

    MP4, MOV, WebM, Matroska, AVI     by PyAV, as what their first bytes say and nothing else
    GIF, APNG, WebP                   by Pillow

`check` runs in a process apart (`generation.media.decoding`) before a job exists, `frames` in the
worker, on the same bytes.  A clip may last for hours, or be made to: the invariant is that no more
is decoded than what was asked for and MOST_PIXELS, and that the same bytes, size, times and fit
give the same frames.

What becomes of the unusual: where frames last differently long, each moment shows the frame that is
played then; behind its end a clip stands still; it is turned as its file says, and its pixels are
made square; transparency lies over white; the last bits of colours are FFmpeg's, whose version the
environment names.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from generation.errors import BadClip, BadPicture, OutOfRange
from generation.media import photos, pyav
from generation.media.containers import gif_frames
from generation.media.pngchunks import SIGNATURE, chunks
from generation.media.pyav import Frame, Frames

if TYPE_CHECKING:
    import av

MIN_FRAMES = 2
LOOKED_AT = 10.0  # seconds of a clip that `check` decodes
MOST_PIXELS = 2**32  # that are decoded of one: 2,000 frames of 1920x1080
MOST_CHECKED = 2**30  # the same, where nothing but soundness is looked for
MOST_FRAMES = 20_000  # that are decoded of one, however small
SHORT = 2.0  # seconds that may be missing at the end of what is played: a last frame may stay
FAR = 1.0  # seconds ahead, from which on frames between are jumped over
UNSAID = 0.1  # seconds that a frame of an animation is shown which says nothing: as browsers do

FIRST, MIDDLE, LAST = "first", "middle", "last"
Moment = str | float  # one of these, or seconds from the start


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFacts:
    """What a clip is, after it was turned as its file says."""

    width: int
    height: int
    seconds: float
    fps: float  # how often there is a new frame at its beginning, on average
    format: str  # "MP4", "WEBM", "AVI", "GIF", "APNG", "WEBP"
    rate: int  # samples a second of its sound; 0: it has none that can be read
    channels: int

    @property
    def sound(self) -> bool:
        """Whether it has one."""
        return self.rate > 0


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A decoded frame, upright, and when it begins to be shown, in seconds."""

    at: float
    frame: Frame


def is_clip(data: bytes) -> bool:
    """Whether it is one, and no picture that stands still; nothing is unpacked for it."""
    if data.startswith(SIGNATURE):
        return any(chunk.kind == b"acTL" for chunk in chunks(data))
    if data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8X":
        return bool(data[20:21] and data[20] & 0x02)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return gif_frames(data, most=MIN_FRAMES) >= MIN_FRAMES
    return any(recognised(data) for _, _, recognised in _VIDEOS)


def check(data: bytes) -> ClipFacts:
    """Decode the beginning.  Raises BadClip with a reason that a person can read."""
    with opened(data) as clip:
        budget, seen, last = Budget(MOST_CHECKED), 0, None
        for last in clip.shown(0.0, budget):
            seen += 1
            if last.at > LOOKED_AT or budget.spent:
                break
        if last is None:
            raise BadClip("it is cut short or damaged")
        far = last.at > LOOKED_AT or budget.spent
        if seen < MIN_FRAMES and not far:
            raise BadClip("it is a picture that does not move")
        facts = clip.facts(last.frame, (seen - 1) / last.at if last.at > 0 else 1 / UNSAID)
        if not far and facts.seconds - last.at > max(SHORT, 2 / facts.fps):
            raise BadClip("it is cut short or damaged")
        return facts


def frames(
    data: bytes, *, width: int, height: int, count: int, fps: float, start: float = 0.0, fit: str
) -> Frames:
    """So many frames of exactly this size, at so many a second, from `start` seconds on.

    Each is brought to the size as a picture is (`photos.load`).  Raises BadClip, and OutOfRange
    for a fit that does not exist.
    """
    if fit not in photos.FITS:
        raise OutOfRange("fit", fit, ", ".join(photos.FITS))
    found: Frames = np.empty((count, height, width, 3), np.uint8)
    for number, frame in enumerate(sampled(data, count, fps, start)):
        found[number] = _fitted(frame, (width, height))
    return found


def sampled(data: bytes, count: int, fps: float, start: float = 0.0) -> Iterator[Frame]:
    """The same in the clip's own size.  Raises BadClip."""
    moments = [start + number / fps for number in range(count)]
    last: ShownFrame | None = None
    with opened(data) as clip:
        for shown in clip.shown(start, Budget(MOST_PIXELS)):
            while moments and last is not None and moments[0] + _HALF < shown.at:
                yield last.frame
                del moments[0]
            if not moments:
                return
            last = shown
    if last is None:
        raise BadClip("it is cut short or damaged")
    for _ in moments:
        yield last.frame


_HALF = 0.5e-3  # seconds: containers round to milliseconds


def frame_at(data: bytes, moment: Moment) -> Image.Image:
    """One frame, in the clip's own size.  Raises BadClip."""
    with opened(data) as clip:
        at = clip.seconds_of(moment)
        found: Frame | None = None
        for shown in clip.shown(at, Budget(MOST_PIXELS)):
            if found is not None and shown.at > at + _HALF:
                break
            found = shown.frame
        if found is None:
            raise BadClip("it is cut short or damaged")
        return Image.fromarray(found)


def png_at(data: bytes, moment: Moment) -> bytes:
    """The same as a file, which is kept as what somebody sent would be.  Raises BadClip."""
    out = io.BytesIO()
    frame_at(data, moment).save(out, "PNG")
    return out.getvalue()


def moment(text: str) -> Moment:
    """A moment as it is written.  Raises OutOfRange."""
    if text in (FIRST, MIDDLE, LAST):
        return text
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.0 <= seconds < math.inf:
        raise OutOfRange("moment", text, "first, middle, last, or seconds from the start")
    return seconds


def _fitted(frame: Frame, size: tuple[int, int]) -> Frame:
    if frame.shape[1::-1] == size:
        return frame
    picture = Image.fromarray(frame)
    return np.asarray(ImageOps.fit(picture, size, Image.Resampling.LANCZOS))


class Budget:
    """How many more frames and pixels are decoded."""

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self.taken = 0  # frames

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self._pixels <= 0 or self.taken >= MOST_FRAMES

    def take(self, width: int, height: int) -> None:
        """One more frame.  Raises BadClip where there is nothing left."""
        if self.spent:
            raise BadClip("it has far more frames than I read of a clip")
        self._pixels -= width * height
        self.taken += 1


def _check_size(width: int, height: int) -> None:
    if width * height > photos.MAX_PIXELS:
        raise BadClip(
            f"its frames have {width * height / 1e6:.0f} megapixels; at most "
            f"{photos.MAX_PIXELS // 10**6} can be used"
        )
    if min(width, height) < (least := photos.MIN_SIDE):
        raise BadClip(f"it is {width}x{height} pixels; at least {least}x{least} are needed")


# -- animations ------------------------------------------------------------------------------


class _Animation:
    """A clip that Pillow reads."""

    def __init__(self, image: ImageFile, kind: str) -> None:
        _check_size(*image.size)
        self._image, self._kind = image, kind

    def shown(self, start: float, budget: Budget) -> Iterator[ShownFrame]:
        """Frames from the one on that is shown at `start`."""
        # Each needs those before it: nothing can be jumped over.
        pictures = ((at, photos.as_rgb(self._image)) for at, _ in self._played(budget))
        yield from _from(start, (ShownFrame(at, np.asarray(picture)) for at, picture in pictures))

    def facts(self, frame: Frame, fps: float) -> ClipFacts:
        """What it is, of whose frames this is one."""
        return ClipFacts(
            width=frame.shape[1],
            height=frame.shape[0],
            seconds=self._length(),
            fps=fps,
            format=self._kind,
            rate=0,
            channels=0,
        )

    def seconds_of(self, moment: Moment) -> float:
        """When that is."""
        return _moment(moment, self._length() if moment in (MIDDLE, LAST) else 0.0)

    def _played(self, budget: Budget) -> Iterator[tuple[float, float]]:
        """When each frame is shown, and until when; meanwhile it is the image."""
        at = 0.0
        for number in range(MOST_FRAMES):
            try:
                self._image.seek(number)
            except EOFError:
                return
            budget.take(*self._image.size)
            self._image.load()
            milliseconds = self._image.info.get("duration") or 0
            ends = at + (milliseconds / 1000 if milliseconds > 10 else UNSAID)
            yield at, ends
            at = ends

    def _length(self) -> float:
        """How long it is played, as far as it is read."""
        budget, length = Budget(MOST_PIXELS), UNSAID
        for _, ends in self._played(budget):
            length = ends
            if budget.spent:
                break
        return length


# -- videos ----------------------------------------------------------------------------------


class _Video:
    """A clip that PyAV reads."""

    def __init__(self, container: Any, kind: str) -> None:
        moving = [one for one in container.streams.video if not _is_cover(one)]
        if not moving and not container.streams:
            raise BadClip("it is cut short or damaged")
        if not moving:
            raise BadClip("it has no moving picture in it")
        self._container, self._stream, self._kind = container, moving[0], kind
        context = self._stream.codec_context
        if context is None:
            raise BadClip("its frames are packed in a way that I cannot read")
        context.thread_count = 1
        if context.width and context.height:
            _check_size(context.width, context.height)
        self._rate = float(self._stream.average_rate or self._stream.guessed_rate or 25)
        base = self._stream.time_base or Fraction(1, 1000)
        self._begins = float((self._stream.start_time or 0) * base)

    def shown(self, start: float, budget: Budget) -> Iterator[ShownFrame]:
        """Frames from the one on that is shown at `start`."""
        if start > FAR:
            self._jump(start)
        found = False
        for one in _from(start, self._decoded(budget)):
            found = True
            yield one
        if not found and start > FAR:  # it jumped behind the end
            self._jump(0.0)
            yield from _from(start, self._decoded(budget))

    def facts(self, frame: Frame, fps: float) -> ClipFacts:
        """What it is, of whose frames this is one."""
        rate, channels = self._sounding()
        return ClipFacts(
            width=frame.shape[1],
            height=frame.shape[0],
            seconds=self._length(),
            fps=fps,
            format=self._kind,
            rate=rate,
            channels=channels,
        )

    def seconds_of(self, moment: Moment) -> float:
        """When that is."""
        return _moment(moment, self._length() if moment in (MIDDLE, LAST) else 0.0)

    def _sounding(self) -> tuple[int, int]:
        """Rate and channels of its first sound; zeros where none can be read."""
        first = next(iter(self._container.streams.audio), None)
        if first is None or first.codec_context is None:
            return 0, 0
        rate, channels = int(first.rate or 0), int(first.channels or 0)
        return (rate, channels) if rate and channels else (0, 0)

    def _jump(self, to: float) -> None:
        """Go on with the last frame before that time which needs none before it."""
        base = self._stream.time_base or Fraction(1, 1000)
        offset = int((to + self._begins) / base)
        self._container.seek(max(offset, self._stream.start_time or 0), stream=self._stream)

    def _decoded(self, budget: Budget) -> Iterator[ShownFrame]:
        at = 0.0
        for frame in self._container.decode(self._stream):
            budget.take(frame.width, frame.height)
            if frame.is_corrupt:
                continue
            _check_size(frame.width, frame.height)
            if frame.time is not None:
                at = max(at, frame.time - self._begins)
            yield ShownFrame(at, self._upright(frame))
            at += 0.0 if frame.time is not None else 1 / self._rate

    def _upright(self, frame: av.VideoFrame) -> Frame:
        pixels = pyav.as_rgb(frame)
        shape = self._stream.sample_aspect_ratio
        if shape is not None and 0 < shape != 1:
            pixels = _square(pixels, float(shape))
        turns = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels

    def _length(self) -> float:
        base = self._stream.time_base
        if self._stream.duration and base:
            return float(self._stream.duration * base)
        if self._container.duration:
            return float(self._container.duration) / 1e6
        return self._walked()

    def _walked(self) -> float:
        """The time of the last packet, for a file that says no length: nothing is decoded."""
        last = 0
        for packet in self._container.demux(self._stream):
            last = max(last, packet.pts or 0)
        self._jump(0.0)
        return max(1 / self._rate, float(last * (self._stream.time_base or 0)) - self._begins)


def _is_cover(stream: Any) -> bool:
    """Whether it is but the picture beside a sound."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _square(pixels: Frame, shape: float) -> Frame:
    """The frame with pixels as wide as they are high."""
    height, width = pixels.shape[:2]
    size = max(1, round(width * min(shape, 16.0))), height
    _check_size(*size)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


# -- of both ---------------------------------------------------------------------------------


def _from(start: float, every: Iterator[ShownFrame]) -> Iterator[ShownFrame]:
    """The frames from the one on that is shown at `start`; the last where it is behind the end."""
    held: ShownFrame | None = None
    for one in every:
        if one.at > start + _HALF:
            if held is not None:
                yield held
            held = None
            yield one
        else:
            held = one
    if held is not None:
        yield held


def _moment(moment: Moment, seconds: float) -> float:
    if isinstance(moment, str):
        return {FIRST: 0.0, MIDDLE: seconds / 2, LAST: seconds}[moment]
    return max(0.0, moment)


_PICTURES = (b"avif", b"avis", b"heic", b"heix", b"mif1")
_VIDEOS: tuple[tuple[str, str, Callable[[bytes], bool]], ...] = (
    ("MP4", "mp4", lambda d: d[4:8] == b"ftyp" and d[8:12] not in _PICTURES),
    ("MOV", "mov", lambda d: d[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")),
    ("WEBM", "matroska", lambda d: d.startswith(b"\x1aE\xdf\xa3")),
    ("AVI", "avi", lambda d: d[:4] == b"RIFF" and d[8:12] == b"AVI "),
)
_ANIMATIONS: tuple[tuple[str, Callable[[bytes], bool], type[ImageFile]], ...] = (
    ("GIF", lambda d: d.startswith((b"GIF87a", b"GIF89a")), GifImageFile),
    ("WEBP", lambda d: d[:4] == b"RIFF" and d[8:12] == b"WEBP", WebPImageFile),
    ("APNG", lambda d: d.startswith(SIGNATURE), PngImageFile),
)


def demuxer_of(data: bytes) -> str | None:
    """What reads the video by its first bytes, as libav calls it; None: it is none."""
    return next((demuxer for _, demuxer, recognised in _VIDEOS if recognised(data)), None)


@contextmanager
def opened(data: bytes) -> Iterator[_Animation | _Video]:
    """The clip with its head read.  Raises BadClip, also for what is done with it."""
    try:
        with _opened(data) as clip:
            yield clip
    except BadClip:
        raise
    except BadPicture as error:
        raise BadClip(error.reason) from error


@contextmanager
def _opened(data: bytes) -> Iterator[_Animation | _Video]:
    if len(data) > photos.MAX_BYTES:
        raise BadClip(f"it is larger than {photos.MAX_BYTES // 2**20} MB")
    for kind, recognised, opener in _ANIMATIONS:
        if recognised(data):
            with photos.translated():
                yield _Animation(opener(io.BytesIO(data)), kind)
            return
    for kind, demuxer, recognised in _VIDEOS:
        if recognised(data):
            with _played(data, kind, demuxer) as video:
                yield video
            return
    raise BadClip("it is no MP4, MOV, WebM, AVI, GIF, APNG or WebP clip")


@contextmanager
def _played(data: bytes, kind: str, demuxer: str) -> Iterator[_Video]:
    if not pyav.is_here():
        raise BadClip(
            "nothing here reads videos: the owner of this server can install `av` for it; "
            "a GIF or an animated WebP I can use"
        )
    import av

    try:
        # The demuxer by name: others would follow addresses and names of files in the bytes.
        with av.open(io.BytesIO(data), "r", format=demuxer, metadata_errors="replace") as container:
            yield _Video(container, kind)
    except (av.FFmpegError, ValueError, OverflowError, ZeroDivisionError) as error:
        raise BadClip("it is cut short or damaged") from error
