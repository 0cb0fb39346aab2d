"""Traces: whether anything of a person is left in a folder, looked for byte by byte.

What is looked for: their id in digits, and as an integer of eight bytes in either order; their
names and the texts that they wrote, in UTF-8, UTF-16 and as JSON escapes them.  Where: every file,
and what the text chunks of PNGs hold when they are unpacked.  Texts of fewer than eight bytes are
only looked for in files of text and in such chunks: elsewhere they come about by chance.

Invariant: it only reads; what it did not read is not counted.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from storage.bare import PNG, chunks

CHUNK = 16 * 2**20  # bytes read at a time
PREFIX = 8  # bytes of a trace that are looked for at once
TEXTS = frozenset({".log", ".txt", ".toml", ".json", ".csv", ".md"})
MOST_UNPACKED = 64 * 2**20  # bytes of a chunk of text


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a search came to."""

    files: int
    bytes: int
    found: tuple[Path, ...]  # in which files a trace is


@dataclass(slots=True)
class TraceSearch:
    """Looks for an id and texts."""

    person: int
    texts: Collection[str]
    _long: dict[bytes, list[bytes]] = field(init=False)
    _short: re.Pattern[bytes] | None = field(init=False)

    def __post_init__(self) -> None:
        self._long = {}
        short: list[bytes] = []
        for needle in {*_numbers(self.person), *_spelt(self.texts)}:
            if len(needle) >= PREFIX:
                self._long.setdefault(needle[:PREFIX], []).append(needle)
            elif len(needle) > 2:
                short.append(re.escape(needle))
        words = b"|".join(sorted(short, reverse=True))  # a longer one before its beginning
        bounded = rb"(?<![0-9A-Za-z_\x80-\xff])(?:%s)(?![0-9A-Za-z_\x80-\xff])" % words
        self._short = re.compile(bounded) if short else None

    def within(self, folder: Path, *, without: Collection[str] = ()) -> Looked:
        """Look through a folder, but for those of its folders and files."""
        files = read = 0
        found = []
        for path in sorted(folder.rglob("*")):
            if path.relative_to(folder).parts[0] in without or not path.is_file():
                continue
            files += 1
            read += path.stat().st_size
            if self._is_in(path):
                found.append(path)
        return Looked(files=files, bytes=read, found=tuple(found))

    def is_in_text(self, text: bytes) -> bool:
        """Whether there is a trace in something that people or programs wrote."""
        return any(self.hits(text)) or (self._short is not None and bool(self._short.search(text)))

    def hits(self, data: bytes) -> Iterator[bytes]:
        """Each long trace that is in there."""
        for at in _candidates(data, self._long):
            for needle in self._long.get(data[at : at + PREFIX], ()):
                if data.startswith(needle, at):
                    yield needle

    def _is_in(self, path: Path) -> bool:
        longest = max((len(n) for needles in self._long.values() for n in needles), default=PREFIX)
        if path.suffix in TEXTS or ".log" in path.suffixes:
            return self.is_in_text(path.read_bytes())
        with path.open("rb") as file:
            before = b""
            first = file.read(len(PNG))
            file.seek(0)
            while piece := file.read(CHUNK):
                if any(self.hits(before + piece)):
                    return True
                before = piece[-longest:]
        return first == PNG and any(self.is_in_text(text) for text in _unpacked(path.read_bytes()))


def _candidates(data: bytes, prefixes: Collection[bytes]) -> Iterator[int]:
    """Where one of the prefixes may begin."""
    if not prefixes or len(data) < PREFIX:
        return
    wanted = np.sort(np.frombuffer(b"".join(prefixes), dtype="<u8"))
    begins = np.zeros(2**16, dtype=bool)
    begins[(wanted & 0xFFFF).astype(np.int64)] = True
    for shift in range(PREFIX):
        count = (len(data) - shift) // PREFIX
        if count < 1:
            continue
        view = np.frombuffer(data, dtype="<u8", count=count, offset=shift)
        maybe = np.flatnonzero(begins[(view & 0xFFFF).astype(np.int64)])
        at = np.searchsorted(wanted, view[maybe])
        same = wanted[np.minimum(at, len(wanted) - 1)] == view[maybe]
        for index in maybe[same]:
            yield shift + PREFIX * int(index)


def _numbers(person: int) -> Iterator[bytes]:
    digits = str(person)
    yield from (digits.encode(), digits.encode("utf-16-le"), digits.encode("utf-16-be"))
    if person > 0xFFFF_FFFF:  # a smaller one comes about by chance
        yield struct.pack("<q", person)
        yield struct.pack(">q", person)


def _spelt(texts: Collection[str]) -> Iterator[bytes]:
    for text in texts:
        if not (text := text.strip()):
            continue
        yield from (text.encode(way, "replace") for way in ("utf-8", "utf-16-le", "utf-16-be"))
        yield json.dumps(text)[1:-1].encode()
        yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "replace")


def _unpacked(png: bytes) -> Iterator[bytes]:
    """What the text chunks of a PNG hold."""
    for kind, chunk in chunks(png):
        body = chunk[8:-4]
        if kind in (b"tEXt", b"eXIf"):
            yield body
        elif kind in (b"zTXt", b"iTXt"):
            # Behind keyword, flags and languages; wherever the packed part begins, unpack it.
            yield body
            begins = [i for i in range(min(len(body), 400)) if body[i] == 0x78]
            for at in begins:
                try:
                    yield zlib.decompressobj().decompress(body[at:], MOST_UNPACKED)
                except zlib.error:
                    continue
