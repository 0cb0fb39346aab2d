"""The texts that a file carries by name, wherever its kind of file keeps them.

PNG and APNG        tEXt, zTXt, iTXt, comf          "parameters", "prompt", "workflow", ...
JPEG, WebP, AVIF    EXIF                            "UserComment", "Make", ...; ComfyUI's own keys
GIF, JPEG           the comment                     "comment"
MP4, WebM, FLAC,    the tags of the container       "prompt", "workflow", "comment", ...
Ogg, MP3
safetensors         __metadata__
JSON and text       all of it                       WHOLE

No pixel is decoded.  Files come from strangers, made to blow up whoever reads them.  The invariant:
nothing is raised, whatever the bytes are, and no more than MAX_BYTES of text is ever taken out of
a file; a text that is damaged or larger is as if it were not there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from generation.errors import BadPicture
from generation.media import exif, media_tags, pngchunks

WHOLE = ""  # the key of a file that is nothing but a text
MAX_BYTES = 32 * 2**20  # of texts in a file; of ComfyUI's workflows few are longer than one MiB
MAX_TEXTS = 256
MAX_KEY = 200  # letters
MAX_SEGMENTS = 10_000

_FRAME, _EXTENSION, _COMMENT = 0x2C, 0x21, 0xFE  # of a GIF

Texts = Iterator[tuple[str, str]]

# Which ComfyUI and its custom nodes write in any case.
_KEYS = ("prompt", "workflow", "comment", "parameters")


def texts_of(data: bytes) -> Mapping[str, str]:
    """Every text in the file by its name; the first of a name counts."""
    found: dict[str, str] = {}
    room = MAX_BYTES
    for begins, read in _READERS:
        if not begins(data):
            continue
        for name, text in _safely(read(data)):
            key = name.lower() if name.lower() in _KEYS else name[:MAX_KEY]
            if len(found) == MAX_TEXTS or key in found or not text or len(text) > room:
                continue
            found[key] = text
            room -= len(text)
        break
    return found


def _safely(texts: Texts) -> Texts:
    """The texts up to the first place where the file makes no sense."""
    try:
        yield from texts
    except (BadPicture, ValueError, LookupError, OverflowError, struct.error):
        return


def _png(data: bytes) -> Texts:
    noted = b""
    yield from pngchunks.texts(data, MAX_BYTES)
    for chunk in pngchunks.chunks(data):
        if chunk.kind == b"eXIf":
            noted = chunk.data(data)
    yield from exif.texts(noted)


def _jpeg(data: bytes) -> Texts:
    """The segments in front of the pixels: EXIF, comments."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        mark, kind, size = struct.unpack_from(">BBH", data, at)
        if mark != 0xFF or kind in (0xD9, 0xDA):  # the end, the pixels
            return
        if kind == 0xFF:  # any number of them may stand in front
            at += 1
            continue
        piece = data[at + 4 : at + 2 + size]
        if kind == 0xE1 and piece.startswith(b"Exif\0\0"):
            yield from exif.texts(piece)
        elif kind == 0xFE:
            yield "comment", exif.letters(piece)
        at += 2 + size


def _webp(data: bytes) -> Texts:
    at = 12
    for _ in range(MAX_SEGMENTS):
        if at + 8 > len(data):
            return
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            yield from exif.texts(data[at + 8 : at + 8 + size])
        at += 8 + size + size % 2


def _avif(data: bytes) -> Texts:
    """The EXIF lies anywhere, behind its mark: where is said in a box of boxes of boxes."""
    for mark in (b"Exif\0\0II*\0", b"Exif\0\0MM\0*"):
        if (at := data.find(mark)) >= 0:
            yield from exif.texts(data[at : at + MAX_BYTES])


def _gif(data: bytes) -> Texts:
    """The comments, in front of the frames or behind."""
    for kind, start, end in _gif_blocks(data):
        if kind == _COMMENT and (comment := b"".join(_gif_pieces(data, start, end))):
            yield "comment", exif.letters(comment)


def gif_frames(data: bytes, *, most: int) -> int:
    """How many frames a GIF has, counted up to so many; nothing is unpacked."""
    frames = (1 for kind, _, _ in _gif_blocks(data) if kind == _FRAME)
    return sum(islice(frames, most))


def _gif_blocks(data: bytes) -> Iterator[tuple[int, int, int]]:
    """What each block is (of an extension, its label), and where its pieces begin and end."""
    if len(data) < 13:
        return
    at = 13 + _colours(data[10])
    for _ in range(MAX_SEGMENTS):
        if at + 10 > len(data) or data[at] not in (_EXTENSION, _FRAME):
            return
        kind = data[at] if data[at] == _FRAME else data[at + 1]
        at += 11 + _colours(data[at + 9]) if kind == _FRAME else 2
        start = at
        while at < len(data) and data[at]:
            at += 1 + data[at]
        yield kind, start, at
        at += 1


def _gif_pieces(data: bytes, at: int, end: int) -> Iterator[bytes]:
    while at < end:
        yield data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]


def _colours(packed: int) -> int:
    """How many bytes of colours follow a description."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _whole(data: bytes) -> Texts:
    """A file that is a text, of any of Unicode's spellings."""
    if len(data) > MAX_BYTES:
        return
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield WHOLE, data.decode("utf-16")
    elif b"\0" not in data[:1024]:
        yield WHOLE, data.decode("utf-8-sig")


def _brand(data: bytes) -> bytes:
    return data[8:12] if data[4:8] == b"ftyp" else b""


# By their first bytes; the first row that knows them reads.
_READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Texts]], ...] = (
    (lambda d: d.startswith(pngchunks.SIGNATURE), _png),
    (lambda d: d.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda d: d[:4] == b"RIFF" and d[8:12] == b"WEBP", _webp),
    (lambda d: d.startswith((b"GIF87a", b"GIF89a")), _gif),
    (lambda d: _brand(d) in (b"avif", b"avis", b"heic", b"mif1"), _avif),
    (lambda d: bool(_brand(d)), media_tags.mp4),
    (lambda d: d.startswith(b"\x1aE\xdf\xa3"), media_tags.matroska),
    (lambda d: d.startswith(b"fLaC"), media_tags.flac),
    (lambda d: d.startswith(b"OggS"), media_tags.ogg),
    (lambda d: d.startswith(b"ID3"), media_tags.mp3),
    (lambda d: d[8:10] == b'{"' and d[4:8] == bytes(4), media_tags.safetensors),
    (lambda _: True, _whole),
)
