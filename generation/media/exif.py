"""The texts of a block of EXIF: those of its first directory, and of the camera's own notes.

ComfyUI writes "workflow:{...}" into fields that were meant for the camera's maker and model; such
a text goes by the name in front of it, any other by the field's.  A block may point to the same
bytes as often as it has entries: the invariant is that no more than MAX_BYTES are read of one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from PIL import ExifTags

MAX_ENTRIES = 512  # of a directory
MAX_BYTES = 32 * 2**20

_HEAD = b"Exif\0\0"  # which some writers put in front, and some twice
_NOTES = 0x8769  # the entry that says where the second directory is
_ASCII, _BYTE, _UNDEFINED = 2, 1, 7
_LONG = 4
_ENCODED = 8  # bytes in front of a comment that say its letters
_NAMED = re.compile(r"([A-Za-z][\w .-]{0,60}):\s*(?=[\[{\"])")


def texts(block: bytes) -> Iterator[tuple[str, str]]:
    """The texts by their names.  Raises struct.error where the block makes no sense."""
    while block.startswith(_HEAD):
        block = block[len(_HEAD) :]
    order = {b"II": "<", b"MM": ">"}.get(block[:2], "")
    if not order:
        return
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    room, places = MAX_BYTES, [first]
    while places:
        for tag, kind, value in _entries(block, places.pop(), order):
            if tag == _NOTES and kind == _LONG and len(places) == 0 and value and first:
                places.append(int.from_bytes(value[:4], "little" if order == "<" else "big"))
                first = 0  # only once
            if kind not in (_ASCII, _BYTE, _UNDEFINED) or len(value) > room:
                continue
            room -= len(value)
            yield from _read(ExifTags.TAGS.get(tag, f"0x{tag:04X}"), value, order)


def letters(value: bytes) -> str:
    """Text of which nobody says what its letters are."""
    value = value.rstrip(b"\0")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _entries(block: bytes, at: int, order: str) -> Iterator[tuple[int, int, bytes]]:
    (count,) = struct.unpack_from(f"{order}H", block, at)
    for number in range(min(count, MAX_ENTRIES)):
        entry = at + 2 + 12 * number
        tag, kind, size = struct.unpack_from(f"{order}HHI", block, entry)
        size *= 4 if kind == _LONG else 1
        start = entry + 8
        if size > 4:
            (start,) = struct.unpack_from(f"{order}I", block, start)
        if start + size <= len(block):
            yield tag, kind, block[start : start + size]


def _read(field: str, value: bytes, order: str) -> Iterator[tuple[str, str]]:
    if field == "UserComment":
        text = _comment(value, order)
    elif field.startswith("XP"):
        text = value.decode("utf-16-le", "replace").rstrip("\0")
    else:
        text = letters(value)
    named = _NAMED.match(text)
    yield (named[1], text[named.end() :]) if named else (field, text)


def _comment(value: bytes, order: str) -> str:
    """A comment whose first bytes say what its letters are; programs disagree on their order."""
    code, text = value[:_ENCODED], value[_ENCODED:]
    if code == b"UNICODE\0":
        if text.startswith((b"\xff\xfe", b"\xfe\xff")):
            return text.decode("utf-16", "replace")
        # What programs write is full of ASCII, which in the wrong order is none.
        orders = ("utf-16-le", "utf-16-be") if order == "<" else ("utf-16-be", "utf-16-le")
        tried = [text.decode(one, "replace") for one in orders]
        return max(tried, key=lambda read: sum(map(str.isascii, read))).rstrip("\0")
    return letters(text if code in (b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(_ENCODED)) else value)
