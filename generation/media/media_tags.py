"""The tags of clips, sounds and weights: names and texts, by their containers' own rules.

MP4, MOV        moov > udta > meta > keys, ilst; a comment in ilst
Matroska, WebM  Segment > Tags > Tag > SimpleTag
FLAC, Ogg       Vorbis comments: "name=text"
MP3             ID3v2's TXXX
safetensors     __metadata__ of the head

Functions give pairs and may raise ValueError, LookupError or struct.error where the bytes make no
sense: `generation.media.containers` is their only caller.  The invariant: each loop goes
forward in the bytes, so that the work is a walk along the file.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator

Texts = Iterator[tuple[str, str]]

MAX_PIECES = 100_000  # of a file
MAX_HEAD = 16 * 2**20  # bytes of what says what a file of weights is

# Boxes that hold boxes, and those among them that say four bytes of a version first.
_HOLDING = (b"moov", b"udta", b"meta", b"trak")
_COMMENT = b"\xa9cmt"

_SEGMENT, _TAGS, _TAG, _SIMPLE, _NAME, _STRING = (
    *(0x18538067, 0x1254C367, 0x7373),
    *(0x67C8, 0x45A3, 0x4487),
)


def mp4(data: bytes) -> Texts:
    """What ffmpeg's "use_metadata_tags" writes, and a plain comment."""
    yield from _boxes(data, 0, len(data), 0)


def _boxes(data: bytes, at: int, end: int, depth: int) -> Texts:
    keys: list[str] = []
    for kind, start, stop in boxes(data, at, end):
        if kind in _HOLDING and depth < 6:
            # QuickTime's has no version: its first box begins at once.
            plain = kind != b"meta" or data[start + 4 : start + 8] == b"hdlr"
            yield from _boxes(data, start if plain else start + 4, stop, depth + 1)
        elif kind == b"keys":
            keys = [
                data[a:b].decode("utf-8", "replace") for _, a, b in boxes(data, start + 8, stop)
            ]
        elif kind == b"ilst":
            yield from _items(data, start, stop, keys)


def boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each box, and where what it holds begins and ends."""
    for _ in range(MAX_PIECES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = end if size == 0 else at + size
        if stop < start or stop > end:
            return
        yield kind, start, stop
        at = stop


def _items(data: bytes, at: int, end: int, keys: list[str]) -> Texts:
    for kind, start, stop in boxes(data, at, end):
        number = int.from_bytes(kind)
        name = keys[number - 1] if 0 < number <= len(keys) else ""
        if kind == _COMMENT:
            name = "comment"
        for inner, first, last in boxes(data, start, stop):
            if inner == b"data" and name:
                yield name, data[first + 8 : last].decode("utf-8", "replace")


def matroska(data: bytes) -> Texts:
    """The tags in front of the frames, and those behind."""
    at, seen = 0, 0
    while at < len(data) and seen < MAX_PIECES:
        seen += 1
        kind, start = _element_id(data, at)
        size, start = _element_size(data, start)
        if kind == _SEGMENT:
            at = start
            continue
        if kind == _TAGS and size is not None:
            yield from _tags(data, start, min(start + size, len(data)))
        if size is None:
            # A cluster that nobody measured: tags behind it are found by their mark.
            at = data.find(_TAGS.to_bytes(4), start)
            if at < 0:
                return
            continue
        at = start + size


def _tags(data: bytes, at: int, end: int) -> Texts:
    name = ""
    while at < end:
        kind, start = _element_id(data, at)
        size, start = _element_size(data, start)
        if kind in (_TAG, _SIMPLE):
            at = start  # into it
            continue
        if size is None or start + size > end:
            return
        if kind == _NAME:
            name = data[start : start + size].decode("utf-8", "replace")
        elif kind == _STRING and name:
            yield name, data[start : start + size].decode("utf-8", "replace")
            name = ""
        at = start + size


def _element_id(data: bytes, at: int) -> tuple[int, int]:
    length = 9 - data[at].bit_length()
    if length > 4:
        raise ValueError("no element")
    return int.from_bytes(data[at : at + length]), at + length


def _element_size(data: bytes, at: int) -> tuple[int | None, int]:
    length = 9 - data[at].bit_length()
    if length > 8:
        raise ValueError("no size")
    bits = (1 << 7 * length) - 1
    size = int.from_bytes(data[at : at + length]) & bits
    return (None if size == bits else size), at + length


def flac(data: bytes) -> Texts:
    """The block of Vorbis comments."""
    at = 4
    for _ in range(MAX_PIECES):
        (head,) = struct.unpack_from(">I", data, at)
        kind, size = head >> 24, head & 0xFFFFFF
        if kind & 0x7F == 4:
            yield from _vorbis(data[at + 4 : at + 4 + size])
        if kind & 0x80:
            return
        at += 4 + size


def ogg(data: bytes) -> Texts:
    """The second packet of Opus or Vorbis, which goes over as many pages as it needs."""
    at, packets = 0, [bytearray()]
    while at + 27 <= len(data) and data[at : at + 4] == b"OggS" and len(packets) < 3:
        count = data[at + 26]
        sizes = data[at + 27 : at + 27 + count]
        at += 27 + count
        for size in sizes:
            packets[-1] += data[at : at + size]
            at += size
            if size < 255:
                packets.append(bytearray())
    if len(packets) < 2:
        return
    packet = bytes(packets[1])
    for mark in (b"OpusTags", b"\x03vorbis"):
        if packet.startswith(mark):
            yield from _vorbis(packet[len(mark) :])


def _vorbis(data: bytes) -> Texts:
    (size,) = struct.unpack_from("<I", data, 0)
    at = 4 + size
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    for _ in range(min(count, MAX_PIECES)):
        (size,) = struct.unpack_from("<I", data, at)
        if at + 4 + size > len(data):
            return
        name, _, text = data[at + 4 : at + 4 + size].decode("utf-8", "replace").partition("=")
        yield name, text
        at += 4 + size


def mp3(data: bytes) -> Texts:
    """The texts that somebody named."""
    version, end = data[3], 10 + _synchsafe(data[6:10])
    at = 10
    for _ in range(MAX_PIECES):
        if at + 10 > min(end, len(data)) or not data[at]:
            return
        kind, raw = data[at : at + 4], data[at + 4 : at + 8]
        size = _synchsafe(raw) if version == 4 else int.from_bytes(raw)
        if kind == b"TXXX":
            name, text = _described(data[at + 10 : at + 10 + size])
            yield name, text
        at += 10 + size


def _described(frame: bytes) -> tuple[str, str]:
    code = ("latin-1", "utf-16", "utf-16-be", "utf-8")[frame[0]]
    name, _, text = frame[1:].decode(code, "replace").partition("\0")
    return name, text.lstrip("\ufeff").rstrip("\0")


def _synchsafe(raw: bytes) -> int:
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(raw)))


def safetensors(data: bytes) -> Texts:
    """What is said of the tensors, in the head."""
    (size,) = struct.unpack_from("<Q", data, 0)
    if size > min(MAX_HEAD, len(data) - 8):
        return
    try:
        head = json.loads(data[8 : 8 + size])
    except RecursionError as error:
        raise ValueError("a head of heads") from error
    told = head.get("__metadata__") if isinstance(head, dict) else None
    for name, text in (told or {}).items() if isinstance(told, dict) else ():
        if isinstance(text, str):
            yield name, text
