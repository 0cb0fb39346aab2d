"""The pieces that a WAV is made of: written by the standard library, with a chunk of our own.

    RIFF · WAVE · fmt · data · (atlr: the recipe)

Readers pass over chunks that they do not know.  The invariant: no sample is looked at, and a file
costs a walk along its chunks.
"""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass

from generation.media.flac import Stream

MAX_CHUNKS = 10_000
PCM = 1
_OURS = b"atlr"


@dataclass(frozen=True, slots=True)
class WavChunk:
    """One piece; `start` is where its data begins."""

    kind: bytes
    start: int
    end: int


def chunks(wav: bytes) -> Iterator[WavChunk]:
    """The whole chunks of a WAV; none of another file."""
    if wav[:4] != b"RIFF" or wav[8:12] != b"WAVE":
        return
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(wav):
            return
        kind, size = struct.unpack_from("<4sI", wav, at)
        if at + 8 + size > len(wav):
            return
        yield WavChunk(kind, at + 8, at + 8 + size)
        at += 8 + size + size % 2


def stream_of(wav: bytes) -> Stream | None:
    """What its samples are; None: it is no WAV of whole numbers, or damaged."""
    rate = channels = bits = 0
    for chunk in chunks(wav):
        if chunk.kind == b"fmt " and chunk.end - chunk.start >= 16:
            form, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", wav, chunk.start)
            if form != PCM:
                return None
        elif chunk.kind == b"data" and channels and bits >= 8:
            frames = (chunk.end - chunk.start) // (channels * (bits // 8))
            return Stream(rate=rate, channels=channels, bits=bits, frames=frames)
    return None


def length_of(wav: bytes) -> int | None:
    """How long the file is, as it says; None: it is no WAV."""
    return struct.unpack_from("<I", wav, 4)[0] + 8 if wav[:4] == b"RIFF" and len(wav) > 8 else None


def comment(wav: bytes) -> bytes | None:
    """The recipe's text, undecoded; None: there is none."""
    for chunk in chunks(wav):
        if chunk.kind == _OURS:
            return wav[chunk.start : chunk.end]
    return None


def written(samples: bytes, *, rate: int, channels: int, text: str) -> bytes:
    """A WAV of 16 bits with that text in it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
    said = text.encode()
    if not said:
        return out.getvalue()
    body = out.getvalue() + struct.pack("<4sI", _OURS, len(said)) + said + bytes(len(said) % 2)
    return body[:4] + struct.pack("<I", len(body) - 8) + body[8:]


def samples_in(wav: bytes) -> bytes:
    """The bytes of its samples."""
    for chunk in chunks(wav):
        if chunk.kind == b"data":
            return wav[chunk.start : chunk.end]
    return b""
