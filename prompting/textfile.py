"""Text files as people's editors write them.

Windows' editors begin UTF-8 with a mark, older ones and PowerShell write UTF-16.  A file in an
older encoding is refused and named: guessing would quietly turn one language's letters into
another's.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from prompting.errors import Unreadable

MAX_BYTES = 16 * 2**20

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decoded(data: bytes) -> str:
    """UTF-8 with or without a mark, or UTF-16 with one.  Raises UnicodeDecodeError."""
    return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")


def read_text(path: Path, what: str) -> str:
    """The text of an owner's file.  Raises Unreadable, which names it and says what to do."""
    try:
        if not path.is_file():  # a pipe would never end
            raise Unreadable(what, "it is no file", path.name)
        if path.stat().st_size > MAX_BYTES:
            raise Unreadable(what, f"it is larger than {MAX_BYTES // 2**20} MiB", path.name)
        return decoded(path.read_bytes())
    except UnicodeDecodeError as error:
        reason = f"it is not in UTF-8 (byte {error.start + 1}): save it again as UTF-8"
        raise Unreadable(what, reason, path.name) from error
    except OSError as error:
        raise Unreadable(
            what, f"it cannot be read: {error.strerror or error}", path.name
        ) from error
