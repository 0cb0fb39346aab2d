"""Where a request's words came from: the wish, the model's answer, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import aiosqlite

from prompting.assist import Assisted
from prompting.slots import Slots
from storage.database import Database, Row
from storage.ids import PictureId, RequestId

__all__ = ["Wording", "Wordings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What the assistant made of a wish, and the negative prompt that the person typed."""

    assisted: Assisted
    own_negative: str


class Wordings:
    """The wordings of requests; `Tickets.add` stores them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, request: RequestId) -> Wording | None:
        """None: the person's own words went into the recipe unchanged."""
        row = await self._database.row("SELECT * FROM wordings WHERE request = ?", (request,))
        return _wording(row)

    async def of_picture(self, picture: PictureId) -> Wording | None:
        """That of the request which a picture was drawn for."""
        row = await self._database.row(
            "SELECT w.* FROM wordings w JOIN tickets t ON t.request = w.request "
            "JOIN pictures p ON p.ticket = t.id WHERE p.id = ?",
            (picture,),
        )
        return _wording(row)


def _wording(row: Row | None) -> Wording | None:
    if row is None:
        return None
    facts = dict(row)
    del facts["request"]
    own_negative = str(facts.pop("own_negative"))
    if facts["slots"] is not None:
        facts["slots"] = Slots.from_json(str(facts["slots"]))
    return Wording(assisted=Assisted(**facts), own_negative=own_negative)


async def insert_wording(db: aiosqlite.Connection, request: RequestId, wording: Wording) -> None:
    """Store it in the transaction that stores the request."""
    facts = asdict(wording.assisted)
    slots = wording.assisted.slots
    facts["slots"] = slots.to_json() if slots is not None else None
    facts |= {"request": request, "own_negative": wording.own_negative}
    names = ", ".join(facts)
    places = ", ".join("?" for _ in facts)
    await db.execute(f"INSERT INTO wordings ({names}) VALUES ({places})", tuple(facts.values()))
