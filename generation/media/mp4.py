"""Our MP4s: H.264 and AAC by PyAV, as all players play them, with the recipe among the tags.

    ftyp, moov > (trak: frames) (trak: sound) (udta > meta: tags), mdat     moov first: it plays at
                                                                            once, and tags are near
The frames of such a file are not those that went in.  The invariant: the same content and recipe
give the same bytes under one version of PyAV, and what is asked of a file but `frames_in` and
`samples_in` unpacks nothing.
"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from generation.errors import BadPicture
from generation.media import media_tags
from generation.media.footage import Footage, SoundSamples, even, shared
from generation.media.medium import Beat
from generation.media.pyav import BT709, ENCODER, LIMITED, Frame, as_rgb, as_yuv

if TYPE_CHECKING:
    from av.container import OutputContainer

CRF = 16  # below what an eye tells apart; rising ones are for smaller files
SPEED = "medium"
MAX_RECIPE = 2**20  # letters
SOUND_BITS = 160_000  # a second
# What AAC can say; any other is resampled to the last of them.
RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

_CODEC_BITEXACT = 1 << 23
_ORDERS = ([b"ftyp", b"moov", b"free", b"mdat"], [b"ftyp", b"moov", b"mdat"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipShape:
    """What the outer form of an MP4 says."""

    width: int
    height: int
    frames: int
    sound: bool


def is_mp4(file: bytes) -> bool:
    """Whether it is one, by its first bytes."""
    return file[4:8] == b"ftyp"


def written(
    footage: Footage,
    tags: Mapping[str, str],
    beat: Beat,
    *,
    crf: int = CRF,
    sound_bits: int = SOUND_BITS,
) -> bytes:
    """The file.  `beat` is called after each frame."""
    import av

    with tempfile.TemporaryDirectory(prefix="clip-") as folder:
        # What comes first in it is written last: that takes a file.
        path = Path(folder) / "clip.mp4"
        options = {"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"}
        with av.open(path, "w", format="mp4", options=options) as container:
            container.metadata.update(tags)
            _write(container, footage, beat, crf, sound_bits)
        return path.read_bytes()


def _write(
    container: OutputContainer, footage: Footage, beat: Beat, crf: int, sound_bits: int
) -> None:
    fps = Fraction(footage.fps).limit_denominator(1001)
    video = container.add_stream(ENCODER, rate=fps, options={"crf": str(crf), "preset": SPEED})
    video.width, video.height = (
        footage.width + footage.width % 2,
        footage.height + footage.height % 2,
    )
    video.pix_fmt = "yuv420p"
    context = video.codec_context
    context.thread_count = 1  # several of them give other bytes
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED
    context.flags |= _CODEC_BITEXACT
    sound = _SoundTrack(container, footage, sound_bits) if footage.samples is not None else None
    parts = shared(footage.count, len(footage.samples) if footage.samples is not None else 0)
    for number, (frame, part) in enumerate(zip(footage.frames, parts, strict=True)):
        picture = as_yuv(even(frame))
        picture.pts, picture.time_base = number, 1 / fps
        container.mux(video.encode(picture))
        if sound is not None:
            sound.add(part)
        beat()
    container.mux(video.encode(None))
    if sound is not None:
        sound.end()


class _SoundTrack:
    """The sound of a clip, on its way into the file beside the frames."""

    def __init__(self, container: OutputContainer, footage: Footage, bits: int) -> None:
        assert footage.samples is not None
        self._container, self._samples, self._from = container, footage.samples, footage.rate
        rate = footage.rate if footage.rate in RATES else RATES[-1]
        layout = "mono" if footage.samples.shape[1] == 1 else "stereo"
        self._stream: Any = container.add_stream("aac", rate=rate, layout=layout)
        self._stream.bit_rate = bits
        self._stream.codec_context.flags |= _CODEC_BITEXACT
        self._layout = layout

    def add(self, part: slice) -> None:
        import av

        some = self._samples[part]
        if not len(some):
            return
        packed = np.ascontiguousarray(some).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=self._layout)
        frame.sample_rate, frame.pts = self._from, part.start
        frame.time_base = Fraction(1, self._from)
        self._container.mux(self._stream.encode(frame))

    def end(self) -> None:
        self._container.mux(self._stream.encode(None))


def tag(file: bytes, name: str) -> str | None:
    """The text of that name among the tags; None: there is none."""
    try:
        for found, text in media_tags.mp4(file):
            if found == name:
                return text if len(text) <= MAX_RECIPE else None
    except (ValueError, LookupError, struct.error):
        return None
    return None


def shape(file: bytes) -> ClipShape | None:
    """The outer form; None where the file is not a whole MP4 of ours and nothing else."""
    try:
        return _shape(file)
    except (struct.error, LookupError, ValueError):
        return None


def _shape(file: bytes) -> ClipShape | None:
    found = list(media_tags.boxes(file, 0, len(file)))
    if not found or found[0][0] != b"ftyp" or found[-1][2] != len(file):
        return None
    named = {kind: (start, stop) for kind, start, stop in found}
    # What FFmpeg writes, the frames last, and nothing hidden between or behind.
    if list(named) not in _ORDERS or len(named) != len(found):
        return None
    if b"free" in named and named[b"free"][0] != named[b"free"][1]:
        return None
    tracks = [_track(file, *place) for kind, *place in _inside(file, named[b"moov"], b"trak")]
    moving = [track for track in tracks if track[0] == b"vide"]
    if len(moving) != 1 or len(tracks) > 2:
        return None
    held = sum(size for _, _, size, _ in tracks)
    start, stop = named[b"mdat"]
    if held != stop - start:
        return None
    _, frames, _, (width, height) = moving[0]
    sound = any(kind == b"soun" for kind, *_ in tracks)
    return ClipShape(width=width, height=height, frames=frames, sound=sound)


def _inside(file: bytes, place: tuple[int, int], kind: bytes) -> list[tuple[bytes, int, int]]:
    return [box for box in media_tags.boxes(file, *place) if box[0] == kind]


def _track(file: bytes, start: int, stop: int) -> tuple[bytes, int, int, tuple[int, int]]:
    """A track: what it holds, how many samples, their bytes, and the size in pixels."""
    place = start, stop
    for kind in (b"mdia", b"minf", b"stbl"):
        [(_, *inner)] = _inside(file, place, kind)
        if kind == b"mdia":
            [(_, heard, _)] = _inside(file, (inner[0], inner[1]), b"hdlr")
        place = inner[0], inner[1]
    [(_, sizes, end)] = _inside(file, place, b"stsz")
    [(_, described, _)] = _inside(file, place, b"stsd")
    each, count = struct.unpack_from(">II", file, sizes + 4)
    if each == 0:
        if sizes + 12 + 4 * count > end:
            raise ValueError("cut short")
        held = sum(struct.unpack_from(f">{count}I", file, sizes + 12))
    else:
        held = each * count
    width, height = struct.unpack_from(">HH", file, described + 8 + 8 + 24)
    return file[heard + 8 : heard + 12], count, held, (width, height)


def frames_in(file: bytes) -> Iterator[Frame]:
    """The frames as players show them, one after the other.  Raises BadPicture."""
    import av

    try:
        with av.open(io.BytesIO(file), "r", format="mp4") as container:
            video = container.streams.video[0]
            video.codec_context.thread_count = 1
            for frame in container.decode(video):
                yield as_rgb(frame)
    except (av.FFmpegError, IndexError) as error:
        raise BadPicture("it is cut short or damaged") from error


READ_RATE = 48_000  # of the samples that are read back


def samples_in(file: bytes) -> SoundSamples:
    """The samples of its sound, as players play them.  Raises BadPicture."""
    import av

    found: list[SoundSamples] = []
    try:
        with av.open(io.BytesIO(file), "r", format="mp4") as container:
            sound = container.streams.audio[0]
            channels = sound.codec_context.channels
            resampler = av.AudioResampler("s16", sound.codec_context.layout.name, READ_RATE)
            for frame in (*container.decode(sound), None):
                found += [
                    one.to_ndarray().astype(np.int16, copy=False).reshape(-1, channels)
                    for one in resampler.resample(frame)
                ]
    except (av.FFmpegError, IndexError) as error:
        raise BadPicture("it is cut short or damaged") from error
    return np.concatenate(found)
