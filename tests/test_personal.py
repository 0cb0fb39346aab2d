"""The register of what is a person's names every column, and its statements fit the tables."""

from __future__ import annotations

import re

from storage.personal import ERASE, FILES, OTHERS_TEXTS, REGISTER, WRITTEN
from tests.given.migrated import a_fresh_schema

# What holds an erasure itself, and goes with it.
GOES_AT_THE_END = {"erasures"}


def test_every_column_of_the_database_stands_in_the_register_once() -> None:
    """A new table, or a column of an old one: say in storage/personal.py what it holds of whom."""
    with a_fresh_schema() as db:
        names = [
            str(name)
            for name, text in db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
            if not name.startswith("sqlite_") and not re.match("found_(?!down)", name)
        ]
        assert sorted(names) == sorted(REGISTER)
        for name in names:
            there = [str(row[1]) for row in db.execute(f"PRAGMA table_info('{name}')")]
            table = REGISTER[name]
            assert sorted(there) == sorted((*table.persons, *table.words, *table.others)), name


def test_what_names_somebody_is_exported_and_erased() -> None:
    for name, table in REGISTER.items():
        if (table.persons or table.words) and name not in GOES_AT_THE_END:
            assert table.theirs is not None, name
            touched = [s for s in ERASE if re.match(rf"(DELETE FROM|UPDATE) {name}\b", s)]
            assert touched, name


def test_every_statement_is_understood_by_the_database() -> None:
    with a_fresh_schema() as db:
        named = {"person": 5}
        for statement in (*ERASE, WRITTEN, OTHERS_TEXTS, FILES):
            db.execute(statement, named if ":person" in statement else {})
        for name, table in REGISTER.items():
            if table.theirs is not None:
                db.execute(f"SELECT * FROM {name} WHERE {table.theirs}", named)
