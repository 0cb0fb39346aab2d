"""What was priced and waits for a yes: recipes that nobody has asked for yet.

A page says what they cost; whether its button is pressed in a second or after a restart, exactly
these are drawn.  Invariant: what is confirmed twice is drawn once, since both have one `source`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from generation.job import UserId
from generation.recipe import Recipe, Weights, dump, parse
from storage.database import Database
from storage.errors import Missing
from storage.ids import PictureId
from storage.scores import scorer_in, scorer_text
from storage.sheets import Sheet

KEPT_SECONDS = 86_400.0  # as long as a picture that was sent for it is kept unasked


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """What would be asked for."""

    owner: UserId
    source: int | None  # the message or interaction that asks
    words: str
    recipes: tuple[Recipe, ...]
    parent: PictureId | None = None
    notes: tuple[str, ...] = ()
    scorer: Weights | None = None
    sheet: Sheet | None = None


class Unconfirmeds:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, wanted: Unconfirmed, *, at: float) -> int:
        """Remember it; returns its number.  What is older than a day is forgotten."""
        async with self._database.transaction("unconfirmed") as db:
            await db.execute("DELETE FROM unconfirmed WHERE since < ?", (at - KEPT_SECONDS,))
            cursor = await db.execute(
                # By the clock, so that no number comes again: a page's button may be pressed late.
                "INSERT INTO unconfirmed (id, owner, since, text) "
                "SELECT max(coalesce(max(id), 0) + 1, ?), ?, ?, ? FROM unconfirmed",
                (int(at * 1000), wanted.owner, at, _text(wanted)),
            )
        return cursor.lastrowid or 0

    async def get(self, number: int, owner: UserId) -> Unconfirmed:
        """What that person was asked about.  Raises Missing."""
        row = await self._database.row(
            "SELECT text FROM unconfirmed WHERE id = ? AND owner = ?", (number, owner)
        )
        if row is None:
            raise Missing("question", number)
        return _read(str(row["text"]), owner)

    async def forget(self, number: int, owner: UserId) -> None:
        """The person has answered it."""
        async with self._database.transaction("confirmed") as db:
            await db.execute("DELETE FROM unconfirmed WHERE id = ? AND owner = ?", (number, owner))


def _text(wanted: Unconfirmed) -> str:
    facts = {
        "source": wanted.source,
        "words": wanted.words,
        "recipes": [dump(recipe) for recipe in wanted.recipes],
        "parent": wanted.parent,
        "notes": wanted.notes,
        "scorer": scorer_text(wanted.scorer),
        "sheet": wanted.sheet.to_json() if wanted.sheet is not None else None,
    }
    # SQLite refuses half a surrogate pair, which a client can send; ASCII holds it.
    return json.dumps(facts)


def _read(text: str, owner: UserId) -> Unconfirmed:
    facts = json.loads(text)
    parent = facts.pop("parent")
    return Unconfirmed(
        owner=owner,
        source=facts["source"],
        words=facts["words"],
        recipes=tuple(parse(recipe, kept=True) for recipe in facts["recipes"]),
        parent=PictureId(parent) if parent is not None else None,
        notes=tuple(facts["notes"]),
        scorer=scorer_in(facts["scorer"]),
        sheet=Sheet.from_json(facts["sheet"]),
    )
