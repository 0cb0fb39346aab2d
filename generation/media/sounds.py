"""Sounds that people send: whether they can be used, and how they become samples of a known rate.

    WAV, FLAC, Ogg, Opus, MP3, AIFF     soundfile; WAV alone by ourselves where it is missing
    MP4, MOV, M4A, WebM, AVI            the first sound in them, by av

`check` runs in the bot, before a job exists; `load` runs in the worker, on the same bytes.  The
invariant: the same bytes, rate, channels and seconds give the same samples, and of a file of hours
no more is decoded than was asked for.  Whoever opens a sound of somebody does it here.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from generation.errors import BadSound
from generation.media import wav
from generation.media.clips import demuxer_of

Samples = npt.NDArray[np.float32]  # (channels, frames), in -1 to 1

MAX_BYTES = 100 * 2**20
MAX_CHANNELS = 32
MIN_RATE, MAX_RATE = 1_000, 768_000
MIN_SECONDS = 0.05
MAX_VALUES = 2**27  # of all channels together that are ever decoded of a file
LOOKED_AT = 30.0  # seconds in which a sound has to be heard
LOUDEST = 32767  # of 16 bits: what 1.0 is
SILENT = 1e-4  # a peak under which nothing is heard: -80 dB
NOT_KNOWN = "it is not a WAV, FLAC, Ogg, MP3 or AIFF file, nor a video with sound"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """What a sound is, before anything was done to it."""

    rate: int
    channels: int
    seconds: float | None  # None: the file does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    facts: SoundFacts
    samples: Samples  # at the file's own rate, in its own channels


def content_of(samples: Samples) -> bytes:
    """Samples in -1 to 1 as the content of our files: clipped, and rounded to the even."""
    whole = np.rint(np.clip(samples.astype(np.float64), -1.0, 1.0) * LOUDEST)
    return whole.T.astype("<i2").tobytes()


def check(data: bytes) -> SoundFacts:
    """What the sound is; its beginning was decoded.  Raises BadSound."""
    read = _read(data, LOOKED_AT)
    if np.abs(read.samples).max(initial=0.0) < SILENT:
        raise BadSound("nothing is heard in it")
    return read.facts


def load(data: bytes, *, rate: int, channels: int, seconds: float) -> Samples:
    """The first so many seconds of it (or all), at this rate.  Raises BadSound."""
    read = _read(data, seconds + 0.1)  # a little more: the resampler looks ahead
    found = _mixed(read.samples, channels)
    if read.facts.rate != rate:
        found = resampled(found, read.facts.rate, rate)
    return np.ascontiguousarray(np.clip(found, -1.0, 1.0)[:, : int(seconds * rate)])


def _read(data: bytes, seconds: float) -> _Read:
    if len(data) > MAX_BYTES:
        raise BadSound(f"it is larger than {MAX_BYTES // 2**20} MB")
    with _translated():
        if (demuxer := demuxer_of(data)) is not None:
            read = _by_av(data, demuxer, seconds)
        elif _is_sound(data):
            read = _by_soundfile(data, seconds)
        else:
            raise BadSound(NOT_KNOWN)
    if not read.samples.size or read.samples.shape[1] < MIN_SECONDS * read.facts.rate:
        raise BadSound(f"it is shorter than {MIN_SECONDS:g} seconds")
    return _Read(facts=read.facts, samples=np.nan_to_num(read.samples, posinf=1.0, neginf=-1.0))


def is_sound(data: bytes) -> bool:
    """Whether its first bytes are a sound's; nothing is unpacked for it."""
    return _is_sound(data) and data[8:12] not in (b"WEBP", b"AVI ")


def _is_sound(data: bytes) -> bool:
    return data.startswith((b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"FORM")) or (
        data[:1] == b"\xff" and data[1:2] >= b"\xe0"  # frames of an MP3
    )


def _checked(rate: int, channels: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise BadSound(f"it has {rate} samples a second; {MIN_RATE} to {MAX_RATE} can be used")
    if not 1 <= channels <= MAX_CHANNELS:
        raise BadSound(f"it has {channels} channels; at most {MAX_CHANNELS} can be used")


def _wanted(seconds: float, rate: int, channels: int) -> int:
    """How many frames are decoded at most."""
    return min(math.ceil(seconds * rate), MAX_VALUES // channels)


def _by_soundfile(data: bytes, seconds: float) -> _Read:
    try:
        import soundfile
    except ImportError:
        return _by_ourselves(data, seconds)
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        rate, channels = file.samplerate, file.channels
        _checked(rate, channels)
        known = file.frames / rate if 0 < file.frames < 2**48 else None
        found = file.read(_wanted(seconds, rate, channels), dtype="float32", always_2d=True)
    facts = SoundFacts(rate=rate, channels=channels, seconds=known)
    return _Read(facts=facts, samples=np.ascontiguousarray(found.T))


def _by_ourselves(data: bytes, seconds: float) -> _Read:
    """A WAV of whole numbers, without any library."""
    said = wav.stream_of(data)
    if said is None or said.bits not in (8, 16, 32):
        raise BadSound("only WAV files can be read here: install soundfile (pip install soundfile)")
    _checked(said.rate, said.channels)
    size = said.channels * said.bits // 8
    count = min(said.frames, _wanted(seconds, said.rate, said.channels))
    raw = wav.samples_in(data)[: count * size]
    if said.bits == 8:
        found = (np.frombuffer(raw, np.uint8).astype(np.float32) - 128.0) / 128.0
    else:
        kind, most = ("<i2", 2.0**15) if said.bits == 16 else ("<i4", 2.0**31)
        found = np.frombuffer(raw, kind).astype(np.float32) / np.float32(most)
    facts = SoundFacts(rate=said.rate, channels=said.channels, seconds=said.frames / said.rate)
    return _Read(facts=facts, samples=found.reshape(-1, said.channels).T)


def _by_av(data: bytes, demuxer: str, seconds: float) -> _Read:
    try:
        import av
    except ImportError as error:
        raise BadSound("the sound of a video needs av (pip install av)") from error
    # The demuxer by name: others would follow addresses and names of files in the bytes.
    with av.open(io.BytesIO(data), "r", format=demuxer) as film:
        if not film.streams.audio:
            raise BadSound("there is no sound in that video")
        stream = film.streams.audio[0]
        rate, channels = stream.rate, stream.channels
        _checked(rate, channels)
        duration, unit = stream.duration, stream.time_base
        known = float(duration * unit) if duration and unit else None
        parts = list(_frames(film, stream, _wanted(seconds, rate, channels), channels))
    facts = SoundFacts(rate=rate, channels=channels, seconds=known)
    empty = np.zeros((channels, 0), np.float32)
    return _Read(facts=facts, samples=np.concatenate([empty, *parts], axis=1))


def _frames(film: Any, stream: Any, wanted: int, channels: int) -> Iterator[Samples]:
    """The samples of a film's sound, until there are so many frames."""
    import av

    turned = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
    for frame in film.decode(stream):
        for part in turned.resample(frame):
            found: Samples = part.to_ndarray().astype(np.float32)
            if len(found) != channels:
                raise BadSound("it changes its channels in the middle")
            yield found[:, :wanted]
            wanted -= found.shape[1]
        if wanted <= 0:
            return


def _mixed(samples: Samples, channels: int) -> Samples:
    """One channel is their mean; one becomes two alike; of more, two are the mean as well."""
    if len(samples) == channels:
        return samples
    mean = samples.mean(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    return np.repeat(mean, channels, axis=0)


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """At another rate, by the same filter every time."""
    from scipy.signal import resample_poly  # half a second to load

    common = math.gcd(rate, wanted)
    found = resample_poly(samples.astype(np.float64), wanted // common, rate // common, axis=1)
    return np.asarray(found, dtype=np.float32)


@contextmanager
def _translated() -> Iterator[None]:
    """The many ways in which libraries say that a file is broken, as one."""
    try:
        yield
    except BadSound:
        raise
    except (
        *(OSError, EOFError, RuntimeError, ValueError, TypeError, LookupError),
        *(OverflowError, AttributeError, ArithmeticError, MemoryError),
    ) as error:
        raise BadSound("it is cut short or damaged") from error
