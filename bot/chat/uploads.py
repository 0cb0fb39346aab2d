"""Finished works as files that the platform takes.

The file is posted as it is whenever it fits: it carries its recipe.  A larger one is shown as a
smaller file of its medium; the exact one stays here either way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from generation.errors import Unacceptable
from generation.media.medium import Medium

log = logging.getLogger(__name__)

Attached = tuple[tuple[str, bytes], ...]  # their names and bytes

USUAL_LIMIT = 10 * 2**20  # bytes of a file, where the server says nothing else
MAX_FILES = 10  # attachments of one message
MAX_MESSAGE_BYTES = 24 * 2**20  # Discord refuses requests of 25 MiB


def fitting(
    files: Sequence[bytes],
    names: Sequence[int],
    media: Sequence[Medium],
    limit_bytes: int,
    *,
    shrunk: int = 0,
) -> Attached:
    """(file name, bytes) of each work, none above the limit and all of them in one message.

    `shrunk` counts how often Discord has found them too large: each time they become much smaller.
    """
    files = files[:MAX_FILES]
    share = min(limit_bytes, MAX_MESSAGE_BYTES // max(1, len(files)))
    if shrunk:
        share = min(share, max(map(len, files), default=0)) // 4**shrunk
    fitted = (
        _fit(file, medium, share, small=shrunk > 0)
        for file, medium in zip(files, media, strict=False)
    )
    return tuple(
        (f"{name}{suffix}", data) for name, (suffix, data) in zip(names, fitted, strict=False)
    )


def beside(
    files: Sequence[bytes],
    names: Sequence[int],
    media: Sequence[Medium],
    limit_bytes: int,
    taken: Attached,
) -> Attached:
    """What is shown beside works that look like nothing: a waveform, a form that turns.

    As much as fits into the message whose files are `taken` already.
    """
    room = MAX_MESSAGE_BYTES - sum(len(data) for _, data in taken)
    found: list[tuple[str, bytes]] = []
    for file, name, medium in zip(files, names, media, strict=False):
        for suffix, look in _looks(file, medium):
            if len(look) <= min(limit_bytes, room) and len(taken) + len(found) < MAX_FILES:
                found.append((f"{name}{suffix}", look))
                room -= len(look)
    return tuple(found)


def _looks(file: bytes, medium: Medium) -> Iterator[tuple[str, bytes]]:
    """The medium's looks of a file; the work itself is worth showing without one."""
    try:
        yield from medium.beside(file)
    except Unacceptable as error:
        log.warning("a %s is shown without its look: %s", medium.name, error)


def _fit(file: bytes, medium: Medium, limit_bytes: int, *, small: bool) -> tuple[str, bytes]:
    exact = medium.suffix_for(file), file
    if len(file) <= limit_bytes:
        return exact
    best = min(medium.smaller(file, limit_bytes), key=_size, default=exact)
    if len(best[1]) >= len(file) and not small:
        return exact  # nothing is smaller than it
    return best


def _size(encoded: tuple[str, bytes]) -> int:
    return len(encoded[1])
