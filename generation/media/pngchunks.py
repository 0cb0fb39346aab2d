"""The pieces that a PNG is made of: which decide its pixels, and the texts in it.

    signature · IHDR · (PLTE tRNS) · (gAMA iCCP tEXt zTXt eXIf ...) · IDAT ... · IEND

A PNG may come from a stranger, made to blow up whoever reads it.  The invariant: nothing is
unpacked but the texts that were asked for, and those within a limit; so a file costs a walk along
its pieces, however many unpack to however much.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from generation.errors import BadPicture

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 100_000  # a picture of 32 MiB in pieces of 512 bytes has 65,536
MAX_TEXT_BYTES = 2**20  # of one text that we are willing to read, packed or not
MAX_KEY_BYTES = 79  # of a text, as the standard says
MAX_ASIDE_BYTES = 2**20  # of everything together that says how to turn a picture,
MAX_TURNS = 8  # and so many texts are unpacked to look for it

_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_BESIDE = (b"tRNS", b"eXIf", b"acTL", b"fcTL")
# Where Pillow looks for the note on how to turn a photo, besides eXIf.
_TURNS = frozenset({b"exif", b"xmp", b"XML:com.adobe.xmp", b"Raw profile type exif"})


class DamagedText(ValueError):
    """The text is damaged, or larger than the limit."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece; `start` and `end` are those of all of it in the file."""

    kind: bytes
    start: int
    end: int

    @property
    def critical(self) -> bool:
        """Whether no reader may pass over it."""
        return not self.kind[0] & 0x20

    def data(self, png: bytes) -> bytes:
        """What it holds."""
        return png[self.start + 8 : self.end - 4]

    def sound(self, png: bytes) -> bool:
        """Whether its check sum is right."""
        found = zlib.crc32(memoryview(png)[self.start + 4 : self.end - 4])
        return found == int.from_bytes(png[self.end - 4 : self.end])


def chunks(png: bytes) -> Iterator[Chunk]:
    """The whole pieces of a PNG up to its end; none of another file.  Raises BadPicture."""
    if not png.startswith(SIGNATURE):
        return
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(png):
            return
        length, kind = struct.unpack_from(">I4s", png, at)
        if at + 12 + length > len(png):
            return
        yield Chunk(kind, at, at + 12 + length)
        at += 12 + length
        if kind == b"IEND":
            return
    raise BadPicture("it is made of too many small pieces")


def bare(png: bytes) -> bytes:
    """The PNG with nothing but what decides the pixels of its first frame.

    Colour profiles, texts and the like go, sound or not; a damaged piece that readers may pass
    over goes, too.  A file that is cut short stays so.  Raises BadPicture.
    """
    kept: list[memoryview] = []
    view, end = memoryview(png), len(SIGNATURE)
    room, turns, seen = MAX_ASIDE_BYTES, MAX_TURNS, set[bytes]()
    for chunk in chunks(png):
        end = chunk.end
        if not chunk.critical:
            size = 0
            if chunk.kind in _BESIDE and _fits(chunk, png, seen):
                size = chunk.end - chunk.start
            elif turns and _turns(chunk, png):
                turns -= 1
                size = _size(chunk, png)
            if not 0 < size <= room or not chunk.sound(png):
                continue
            room -= size
        seen.add(chunk.kind)
        kept.append(view[chunk.start : chunk.end])
    whole = bool(kept) and bytes(kept[-1][4:8]) == b"IEND"
    return b"".join((SIGNATURE, *kept, *(() if whole else (view[end:],))))


def fault(png: bytes) -> str | None:
    """Why it is no whole PNG and nothing else, as a clause; None when it is one."""
    if not png.startswith(SIGNATURE):
        return "it is no PNG"
    try:
        found = list(chunks(png))
    except BadPicture as error:
        return error.reason
    if not all(chunk.sound(png) for chunk in found):
        return "it is a damaged PNG"
    if not found or found[-1].kind != b"IEND":
        return "it is a PNG that is cut short"
    if found[-1].end != len(png):
        return "it is a PNG with something behind it"
    if found[0].kind != b"IHDR" or len(found[0].data(png)) != 13:
        return "it does not begin as a PNG"
    return None if any(chunk.kind == b"IDAT" for chunk in found) else "it is a PNG without pixels"


def size(png: bytes) -> tuple[int, int]:
    """Width and height of what has no fault."""
    width, height = struct.unpack_from(">II", png, len(SIGNATURE) + 8)
    return width, height


def text(png: bytes, key: bytes) -> str | None:
    """The first text under that key; None when there is none.  Raises DamagedText."""
    wanted = key + b"\0"
    for chunk in chunks(png):
        if chunk.kind in _TEXTS and png.startswith(wanted, chunk.start + 8, chunk.end - 4):
            if chunk.end - chunk.start > MAX_TEXT_BYTES or not chunk.sound(png):
                raise DamagedText("a damaged text, or one beyond the limit")
            return _text(chunk.kind, chunk.data(png)[len(wanted) :])
    return None


def texts(png: bytes, most: int) -> Iterator[tuple[str, str]]:
    """Every sound text with its key, until `most` bytes of them are unpacked.  Raises BadPicture.

    ComfyUI's animations keep theirs in pieces of the kind "comf".
    """
    for chunk in chunks(png):
        if most <= 0:
            return
        if chunk.kind not in (*_TEXTS, b"comf") or chunk.end - chunk.start > most:
            continue
        key, _, rest = chunk.data(png).partition(b"\0")
        if not rest or len(key) > MAX_KEY_BYTES or not chunk.sound(png):
            continue
        kind = b"tEXt" if chunk.kind == b"comf" else chunk.kind
        limit = max(len(rest), most // 4)
        try:
            told = _text(kind, rest, limit)
        except DamagedText:
            most -= limit
            continue
        most -= len(told)
        yield key.decode("latin-1"), told


def _fits(chunk: Chunk, png: bytes, seen: set[bytes]) -> bool:
    """Whether a piece that decides something is the one that a sound file has of it."""
    if chunk.kind in seen or b"IDAT" in seen:
        return False
    if chunk.kind == b"acTL":  # number of frames, of plays
        return chunk.end - chunk.start == 12 + 8 and any(chunk.data(png)[:4])
    if chunk.kind == b"fcTL":  # number, width, height, left, top, ...: all of the picture
        whole = bytes(4) + png[len(SIGNATURE) + 8 : len(SIGNATURE) + 16] + bytes(8)
        return (
            b"acTL" in seen and chunk.end - chunk.start == 12 + 26 and whole == chunk.data(png)[:20]
        )
    return True


def _turns(chunk: Chunk, png: bytes) -> bool:
    """Whether it is a text that may say how to turn a photo."""
    if chunk.kind not in _TEXTS or chunk.end - chunk.start > MAX_ASIDE_BYTES:
        return False
    key, _, _ = png[chunk.start + 8 : min(chunk.end - 4, chunk.start + 8 + 80)].partition(b"\0")
    return key in _TURNS


def _size(chunk: Chunk, png: bytes) -> int:
    """How many letters a text unpacks to; 0 when it cannot be read."""
    try:
        return len(_text(chunk.kind, chunk.data(png).partition(b"\0")[2]))
    except DamagedText:
        return 0


def _text(kind: bytes, rest: bytes, most: int = MAX_TEXT_BYTES) -> str:
    """The text of a piece whose key is cut off."""
    try:
        if kind == b"tEXt":
            return rest.decode("latin-1")
        if kind == b"zTXt":
            return _inflated(rest[1:], most).decode("latin-1")
        packed = rest[0] == 1
        _language, _translated, told = rest[2:].split(b"\0", 2)
        return (_inflated(told, most) if packed else told).decode()
    except (ValueError, IndexError, zlib.error) as error:
        raise DamagedText("a text chunk that is none") from error


def _inflated(data: bytes, most: int) -> bytes:
    inflater = zlib.decompressobj()
    told = inflater.decompress(data, most)
    if inflater.unconsumed_tail:
        raise DamagedText("a text chunk that inflates beyond the limit")
    return told
