"""A database as the migrations make it, in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from storage.database import MIGRATIONS


@contextmanager
def a_fresh_schema() -> Iterator[sqlite3.Connection]:
    """All tables, and nothing in them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for script in sorted(MIGRATIONS.glob("[0-9]*.sql")):
            db.executescript(script.read_text(encoding="utf-8"))
        yield db
