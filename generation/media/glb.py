"""GLB, the container of a form's file: one chunk of JSON, then one of numbers.

Invariant: reading takes at most as much memory as the file has bytes, believes no length that the
file's own does not bear out, and reads no number of the second chunk.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from generation.errors import BadPicture

_HEAD, _CHUNK = struct.Struct("<4sII"), struct.Struct("<I4s")
_JSON, _BIN = b"JSON", b"BIN\0"
MAX_JSON = 8 * 2**20  # bytes: a recipe is no longer, whatever its words

Scene = dict[str, Any]  # the JSON


def is_glb(file: bytes) -> bool:
    """Whether it begins like one."""
    return file[:4] == b"glTF"


def packed(scene: Scene, numbers: bytes) -> bytes:
    """The file of a scene whose only buffer is `numbers`, which are a multiple of four bytes."""
    text = json.dumps(scene, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = [(text, _JSON), (numbers, _BIN)]
    body = b"".join(_CHUNK.pack(len(data), kind) + data for data, kind in chunks)
    return _HEAD.pack(b"glTF", 2, _HEAD.size + len(body)) + body


def unpacked(file: bytes) -> tuple[Scene, memoryview]:
    """The scene and its numbers.  Raises BadPicture."""
    if len(file) < _HEAD.size or not is_glb(file):
        raise BadPicture("it is no GLB")
    _, version, length = _HEAD.unpack_from(file)
    if version != 2 or length != len(file):
        raise BadPicture("it is cut short, or no GLB of version 2")
    text, after = _chunk(file, _HEAD.size, _JSON)
    if len(text) > MAX_JSON:
        raise BadPicture("its description is longer than any of this program")
    try:
        scene = json.loads(bytes(text))
    except (ValueError, RecursionError) as error:
        raise BadPicture("its description is no JSON") from error
    if not isinstance(scene, dict):
        raise BadPicture("its description is no scene")
    numbers, _ = _chunk(file, after, _BIN)
    return scene, numbers


def _chunk(file: bytes, at: int, kind: bytes) -> tuple[memoryview, int]:
    """The chunk that begins there, and where the next does.  Raises BadPicture."""
    begin = at + _CHUNK.size
    if begin > len(file):
        raise BadPicture("it is cut short")
    length, found = _CHUNK.unpack_from(file, at)
    if found != kind or begin + length > len(file):
        raise BadPicture("it is cut short")
    return memoryview(file)[begin : begin + length], begin + length
