r"""The pieces that a FLAC is made of: what its samples are, and the texts in it.

    "fLaC" · STREAMINFO · (VORBIS_COMMENT, PICTURE, PADDING ...) · frames

A block's first byte holds its kind, and whether it is the last; three bytes its size.  A FLAC may
come from a stranger.  The invariant: no frame is looked at, and nothing is unpacked; a file costs a
walk along its blocks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"fLaC"
MAX_BLOCKS = 1_000
MAX_COMMENTS = 10_000
MAX_BLOCK_BYTES = 2**24 - 1

_INFO, _COMMENTS = 0, 4
_LAST = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What STREAMINFO says: frames are samples of all channels at a time."""

    rate: int
    channels: int
    bits: int
    frames: int


@dataclass(frozen=True, slots=True)
class FlacBlock:
    """One piece in front of the frames; `start` is where its head begins."""

    kind: int
    start: int
    end: int

    def data(self, flac: bytes) -> bytes:
        """What it holds."""
        return flac[self.start + 4 : self.end]


def blocks(flac: bytes) -> Iterator[FlacBlock]:
    """The whole blocks of a FLAC, up to the last; none of another file."""
    if not flac.startswith(SIGNATURE):
        return
    at = len(SIGNATURE)
    for _ in range(MAX_BLOCKS):
        if at + 4 > len(flac):
            return
        end = at + 4 + int.from_bytes(flac[at + 1 : at + 4])
        if end > len(flac):
            return
        yield FlacBlock(flac[at] & 0x7F, at, end)
        if flac[at] & _LAST:
            return
        at = end


def stream_of(flac: bytes) -> Stream | None:
    """What its samples are; None: it is no FLAC, or damaged."""
    for block in blocks(flac):
        said = block.data(flac)
        if block.kind != _INFO or len(said) != 34:
            return None
        packed = int.from_bytes(said[10:18])
        return Stream(
            rate=packed >> 44,
            channels=(packed >> 41 & 0x7) + 1,
            bits=(packed >> 36 & 0x1F) + 1,
            frames=packed & 0xFFFFFFFFF,
        )
    return None


def begins(flac: bytes) -> int:
    """Where the frames begin."""
    return max((block.end for block in blocks(flac)), default=0)


def comment(flac: bytes, key: str) -> bytes | None:
    """The text of that name, undecoded; None: there is none."""
    wanted = key.upper().encode() + b"="
    for block in blocks(flac):
        if block.kind == _COMMENTS:
            for entry in _entries(block.data(flac)):
                if entry[: len(wanted)].upper() == wanted:
                    return entry[len(wanted) :]
    return None


def _entries(said: bytes) -> Iterator[bytes]:
    """The texts "NAME=text" of a block of comments, as far as they are whole."""
    if len(said) < 4:
        return
    at = 4 + struct.unpack_from("<I", said)[0]
    if at + 4 > len(said):
        return
    (count,) = struct.unpack_from("<I", said, at)
    at += 4
    for _ in range(min(count, MAX_COMMENTS)):
        if at + 4 > len(said):
            return
        (size,) = struct.unpack_from("<I", said, at)
        if at + 4 + size > len(said):
            return
        yield said[at + 4 : at + 4 + size]
        at += 4 + size


def with_comments(flac: bytes, texts: dict[str, str]) -> bytes:
    """The same FLAC with these texts in place of its own.  A text of 16 MB is a ValueError."""
    entries = [f"{key}={text}".encode() for key, text in texts.items()]
    vendor = b"Atelier"
    said = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(entries))
    said += b"".join(struct.pack("<I", len(entry)) + entry for entry in entries)
    if len(said) > MAX_BLOCK_BYTES:
        raise ValueError("too long for a FLAC")
    found = list(blocks(flac))
    kept = [(b.kind, b.data(flac)) for b in found if b.kind != _COMMENTS]
    kept.insert(1, (_COMMENTS, said))  # STREAMINFO stays the first
    out = [SIGNATURE]
    for nth, (kind, data) in enumerate(kept, start=1):
        head = kind | (_LAST if nth == len(kept) else 0)
        out += [bytes([head]), len(data).to_bytes(3), data]
    return b"".join([*out, flac[found[-1].end :]])
