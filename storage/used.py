"""Which pictures were drawn with certain weights: asked of the database beside a bot that runs.

Invariant: it is opened to be read only, and no lock of the folder is taken.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from generation.recipe import Sha256
from storage.errors import StorageError

_DRAWN = """
SELECT p.id FROM pictures p JOIN recipes r ON r.id = p.recipe
WHERE p.deleted = 0 AND instr(r.text, ?) ORDER BY p.id DESC
"""


def pictures_with(database: Path, weights: Sha256) -> tuple[int, ...]:
    """The ids of those whose recipe names the weights, the newest first; none without a database.

    Raises StorageError when it cannot be read.
    """
    if not database.is_file():
        return ()
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as here:
            return tuple(int(row[0]) for row in here.execute(_DRAWN, (f'"{weights}"',)))
    except sqlite3.Error as error:
        raise StorageError(f"the database could not be read: {error}") from error
