"""Sounds: the FLAC that carries its own recipe, the digest of its samples, smaller files.

A sound is written with a text "ATELIER", the recipe exactly as `recipe.dump` spells it; as a WAV
with the same in a chunk where `soundfile` is missing.  The invariant: the samples that come out
are the samples that went in, and so is the recipe.  Content is whole numbers of 16 bits, those of
a frame side by side: what was made is clipped to -1..1, times 32767, and rounded to the even.

`recipe_in` decodes nothing: the file may be a stranger's.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from types import MappingProxyType

import numpy as np
from PIL.Image import Image

from generation.errors import BadSound, OutOfRange
from generation.media import flac, sounds, wav
from generation.media.flac import Stream
from generation.media.medium import Medium, Tensors
from generation.media.sounds import Samples
from generation.media.waveform import waveform
from generation.recipe import Recipe, Sha256, dump, needed, parse

RECIPE_TEXT = "ATELIER"
# How many bytes the frames have: a FLAC that was cut says so nowhere else.
LENGTH_TEXT = "ATELIER_BYTES"
LIGHT_FRAMES = 2**23  # of all channels: three minutes at 44.1 kHz
QUALITIES = (0.2, 0.5, 0.8)  # how much an MP3 leaves out
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
TIMES_FEWER = (2, 4, 8)  # samples a second

_NO_TENSORS: Tensors = MappingProxyType({})


def write(content: bytes, recipe: Recipe, _tensors: Tensors = _NO_TENSORS) -> bytes:
    """The file that carries its recipe."""
    sound = needed(recipe.sound)
    text = dump(recipe)
    packed = _flac(content, sound.rate, sound.channels)
    if packed is None:
        return wav.written(content, rate=sound.rate, channels=sound.channels, text=text)
    length = str(len(packed) - flac.begins(packed))
    return flac.with_comments(packed, {RECIPE_TEXT: text, LENGTH_TEXT: length})


def _flac(content: bytes, rate: int, channels: int) -> bytes | None:
    """A FLAC of 16 bits; None: `soundfile` is missing."""
    try:
        import soundfile
    except ImportError:
        return None
    out = io.BytesIO()
    samples = np.frombuffer(content, "<i2").reshape(-1, channels)
    soundfile.write(out, samples, rate, format="FLAC", subtype="PCM_16")
    return out.getvalue()


def suffix_of(file: bytes) -> str:
    """That of a file of ours."""
    return ".flac" if file.startswith(flac.SIGNATURE) else ".wav"


def recipe_in(file: bytes) -> Recipe | None:
    """The recipe inside a sound of ours; None when there is none.

    Raises OutOfRange when there is one that this version cannot read.
    """
    found = flac.comment(file, RECIPE_TEXT) or wav.comment(file)
    if found is None:
        return None
    try:
        return parse(found.decode())
    except UnicodeDecodeError as error:
        raise OutOfRange("recipe", "an unreadable text", "a recipe of this program") from error


def stream_of(file: bytes) -> Stream | None:
    """What the samples of a file of ours are, by its outer form; None: it is none, or damaged."""
    return flac.stream_of(file) or wav.stream_of(file)


def digest(content: bytes) -> Sha256:
    """The digest of a sound: of its samples; rate and channels are the recipe's."""
    return Sha256(hashlib.sha256(content).hexdigest())


def content_in(file: bytes) -> bytes:
    """The samples in a file of ours.  Raises BadSound."""
    said = stream_of(file)
    if said is None or said.bits != 16:
        raise BadSound("it is no sound of ours: those have 16 bits")
    if said.frames * said.channels > sounds.MAX_VALUES:
        raise BadSound("it is longer than any sound of ours")
    if not file.startswith(flac.SIGNATURE):
        return wav.samples_in(file)
    try:
        import soundfile
    except ImportError as error:
        raise BadSound("a FLAC needs soundfile (pip install soundfile)") from error
    try:
        found, _ = soundfile.read(io.BytesIO(file), dtype="int16", always_2d=True)
    except (RuntimeError, ValueError, OSError, TypeError) as error:
        raise BadSound("it is cut short or damaged") from error
    if len(found) != said.frames:
        raise BadSound("it is cut short or damaged")
    return np.asarray(found, dtype="<i2").tobytes()


def digest_in(file: bytes) -> Sha256:
    """The digest of the samples in a file.  Raises BadSound."""
    return digest(content_in(file))


def is_light(file: bytes) -> bool:
    """Whether the sound is decoded in a moment, by its head."""
    said = stream_of(file)
    return said is not None and said.frames * said.channels <= LIGHT_FRAMES


def fault(file: bytes, recipe: Recipe) -> str | None:
    """Why it is no whole sound of the recipe's length, as a clause; None when it is one."""
    said, sound = stream_of(file), needed(recipe.sound)
    if said is None or not _whole(file):
        return "it is no whole FLAC or WAV"
    wanted = Stream(rate=sound.rate, channels=sound.channels, bits=16, frames=sound.samples)
    return None if said == wanted else "its sound has another length or rate"


def _whole(file: bytes) -> bool:
    """Whether nothing is missing at its end, and nothing stands behind it."""
    if not file.startswith(flac.SIGNATURE):
        return wav.length_of(file) == len(file)
    length = flac.comment(file, LENGTH_TEXT)
    return length == str(len(file) - flac.begins(file)).encode()


def smaller(file: bytes, limit_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Ever smaller files of a sound; the first that is within the limit is the last.

    First without its texts, which is exact; then as MP3, which every client plays; where
    `soundfile` is missing, with ever fewer samples a second.
    """
    said = stream_of(file)
    if said is None:
        return
    content = content_in(file)
    bare = _flac(content, said.rate, said.channels)
    if bare is not None:
        yield ".flac", bare
        if len(bare) <= limit_bytes:
            return
    for suffix, less in _lossy(content, said) if bare is not None else _fewer(content, said):
        yield suffix, less
        if len(less) <= limit_bytes:
            return


def _lossy(content: bytes, said: Stream) -> Iterator[tuple[str, bytes]]:
    """As MP3, then as one of a single channel, then ever less of its beginning."""
    samples = _floats(content, said)
    rate = min((r for r in MP3_RATES if r >= said.rate), default=MP3_RATES[-1])
    if rate != said.rate:
        samples = sounds.resampled(samples, said.rate, rate)
    for quality in QUALITIES:
        yield ".mp3", _mp3(samples, rate, quality)
    mono = samples.mean(axis=0, keepdims=True)
    while mono.shape[1] > rate:
        yield ".mp3", _mp3(mono, rate, QUALITIES[-1])
        mono = mono[:, : mono.shape[1] // 2]


def _mp3(samples: Samples, rate: int, quality: float) -> bytes:
    import soundfile

    out = io.BytesIO()
    soundfile.write(
        *(out, samples.T, rate),
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=quality,
        bitrate_mode="VARIABLE",
    )
    return out.getvalue()


def _fewer(content: bytes, said: Stream) -> Iterator[tuple[str, bytes]]:
    """As it is, without its text; then one channel of ever fewer samples a second."""
    yield ".wav", wav.written(content, rate=said.rate, channels=said.channels, text="")
    mono = _floats(content, said).mean(axis=0, keepdims=True)
    for times in TIMES_FEWER:
        rate = said.rate // times
        less = sounds.content_of(sounds.resampled(mono, said.rate, rate))
        yield ".wav", wav.written(less, rate=rate, channels=1, text="")


def _floats(content: bytes, said: Stream) -> Samples:
    """(channels, frames) of -1 to 1."""
    whole = np.frombuffer(content, "<i2").reshape(-1, said.channels).T
    return np.ascontiguousarray(whole.astype(np.float32) / np.float32(sounds.LOUDEST))


def beside(file: bytes) -> Iterator[tuple[str, bytes]]:
    """The waveform, to be shown beside a player.  Raises BadSound."""
    out = io.BytesIO()
    still(file).save(out, "PNG", optimize=True)
    yield ".png", out.getvalue()


def still(file: bytes) -> Image:
    """The waveform of a file of ours.  Raises BadSound."""
    content = content_in(file)
    said = needed(stream_of(file))
    return waveform(_floats(content, said))


AUDIO = Medium(
    name="audio",
    suffix=".flac",
    others=(".wav",),
    suffix_of=suffix_of,
    titles={".flac": "FLAC", ".wav": "WAV", ".mp3": "MP3"},
    write=write,
    recipe_in=recipe_in,
    digest=digest,
    digest_in=digest_in,
    is_light=is_light,
    fault=fault,
    smaller=smaller,
    beside=beside,
    still=still,
)
