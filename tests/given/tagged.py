"""Clips and sounds of no content, with tags where their containers keep them."""

from __future__ import annotations

import struct
from collections.abc import Mapping


def _box(kind: bytes, held: bytes) -> bytes:
    return struct.pack(">I", 8 + len(held)) + kind + held


def mp4(tags: Mapping[str, str]) -> bytes:
    """As ffmpeg writes it with "use_metadata_tags"."""
    keys = b"".join(_box(b"mdta", name.encode()) for name in tags)
    items = b"".join(
        _box(struct.pack(">I", number), _box(b"data", struct.pack(">II", 1, 0) + text.encode()))
        for number, text in enumerate(tags.values(), 1)
    )
    meta = (
        _box(b"hdlr", bytes(25))
        + _box(b"keys", struct.pack(">II", 0, len(tags)) + keys)
        + _box(b"ilst", items)
    )
    moov = _box(b"moov", _box(b"mvhd", bytes(100)) + _box(b"udta", _box(b"meta", bytes(4) + meta)))
    return _box(b"ftyp", b"isom\0\0\2\0isom") + _box(b"mdat", bytes(500)) + moov


def _element(kind: int, held: bytes) -> bytes:
    number = kind.to_bytes((kind.bit_length() + 7) // 8)
    return number + struct.pack(">Q", 1 << 56 | len(held)) + held


def matroska(tags: Mapping[str, str], *, live: bool = False) -> bytes:
    """A WebM; a live one does not say how long its segment and its cluster are."""
    simple = b"".join(
        _element(0x67C8, _element(0x45A3, name.encode()) + _element(0x4487, text.encode()))
        for name, text in tags.items()
    )
    told = _element(0x1254C367, _element(0x7373, _element(0x63C0, b"") + simple))
    unmeasured = b"\x01" + b"\xff" * 7
    if live:
        frames = 0x1F43B675.to_bytes(4) + unmeasured + bytes(300)
        return _element(0x1A45DFA3, b"") + 0x18538067.to_bytes(4) + unmeasured + frames + told
    segment = _element(0x1F43B675, bytes(300)) + told
    return _element(0x1A45DFA3, b"") + _element(0x18538067, segment)


def vorbis_comment(tags: Mapping[str, str]) -> bytes:
    """The block of comments of FLAC, Vorbis and Opus."""
    lines = [f"{name}={text}".encode() for name, text in tags.items()]
    told = b"".join(struct.pack("<I", len(line)) + line for line in lines)
    return struct.pack("<I", 5) + b"maker" + struct.pack("<I", len(lines)) + told


def ogg(tags: Mapping[str, str]) -> bytes:
    """Opus, whose comments go over several pages."""
    packets = [b"OpusHead" + bytes(11), b"OpusTags" + vorbis_comment(tags) + bytes(70_000)]
    file = b""
    for packet in packets:
        sizes = [255] * (len(packet) // 255) + [len(packet) % 255]
        for first in range(0, len(sizes), 255):
            some = sizes[first : first + 255]
            start = first * 255
            head = b"OggS" + bytes(22) + bytes([len(some)]) + bytes(some)
            file += head + packet[start : start + sum(some)]
    return file


def mp3(tags: Mapping[str, str]) -> bytes:
    """ID3v2.4 with texts that somebody named."""
    frames = b""
    for name, text in tags.items():
        held = b"\3" + name.encode() + b"\0" + text.encode()
        frames += b"TXXX" + _synchsafe(len(held)) + bytes(2) + held
    return b"ID3\4\0\0" + _synchsafe(len(frames)) + frames + bytes(400)


def _synchsafe(size: int) -> bytes:
    return bytes(size >> 7 * place & 0x7F for place in (3, 2, 1, 0))
