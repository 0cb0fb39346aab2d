"""What the admins of each server decided, and the log of what they and the moderators did.

A rule has a subject and a value: ("limit", a role) -> numbers, ("blocked", a person) -> true.  What
is not here is as usual.  Invariant: a rule changes in the transaction that writes its line of the
log, so there is no change without its line, and no line without its change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import aiosqlite

from storage.database import Database

RuleValue = bool | float | str | Mapping[str, float]  # what a rule says; None: as usual

__all__ = [
    "AuditLine",
    "ModeratorAct",
    "RuleValue",
    "Ruling",
    "Rulings",
    "ServerRule",
    "write_act",
]


class ServerRule(StrEnum):
    """What can be decided; the subject is in brackets."""

    CHANNEL = "channel"  # [channel, thread, forum or category] may be drawn in
    SPOILER = "spoiler"  # [the same] hides pictures until they are clicked
    BLOCKED = "blocked"  # [person]
    WORD = "word"  # [word or phrase] is not drawn
    PRIVATE = "private"  # False: no answers with pictures that one person alone sees
    MARKED = "marked"  # what is not for everybody is shown in age-restricted channels only
    STYLE = "style"  # [style] is not offered
    MODEL = "model"  # [sha256] is not offered; the value is its name
    REST = "rest"  # nothing is drawn; the value is the reason
    ROLE_WEIGHT = "role weight"  # [role]
    PERSON_WEIGHT = "person weight"  # [person]
    WEEKLY = "weekly"  # the best of each week is posted; the value: channel, weekday, hour
    LIMIT = "limit"  # [role]; a number for each kind of limit


class ModeratorAct(StrEnum):
    """What is written down besides changes of rules."""

    DELETED = "deleted"  # [request] of somebody else
    RESTORED = "restored"  # [request], by whoever had deleted it
    CANCELLED = "cancelled"  # [request] of somebody else


OF_PEOPLE = frozenset(
    {ServerRule.BLOCKED, ServerRule.PERSON_WEIGHT}
)  # those whose subject is a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A rule as it stands in a server."""

    guild: int
    rule: ServerRule
    subject: str
    value: RuleValue


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """Who did what, when: `before` and `after` say what a rule was and is, None as usual."""

    id: int
    guild: int
    at: float  # Unix time
    by: int | None  # None: somebody whose data was erased
    act: ServerRule | ModeratorAct
    subject: str
    person: int | None  # whom it concerns
    before: RuleValue | None
    after: RuleValue | None


class Rulings:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rulings(self) -> tuple[Ruling, ...]:
        """Everything that is decided anywhere."""
        rows = await self._database.rows("SELECT * FROM server_rules")
        return tuple(
            Ruling(
                guild=row["guild"],
                rule=ServerRule(row["rule"]),
                subject=row["subject"],
                value=json.loads(row["value"]),
            )
            for row in rows
        )

    async def decide(
        self,
        guild: int,
        rule: ServerRule,
        subject: str,
        value: RuleValue | None,
        *,
        by: int,
        at: float,
    ) -> bool:
        """Let a rule say this from now on; None: as usual.  False: it said so already."""
        key = (guild, rule, subject)
        async with self._database.transaction("decided") as db:
            rows = list(await db.execute_fetchall(_VALUE, key))
            before: RuleValue | None = json.loads(rows[0]["value"]) if rows else None
            if before == value:
                return False
            if value is None:
                await db.execute(_USUAL, key)
            else:
                await db.execute(
                    "INSERT OR REPLACE INTO server_rules VALUES (?, ?, ?, ?)", (*key, _json(value))
                )
            person = int(subject) if rule in OF_PEOPLE and subject.isdecimal() else None
            line = AuditLine(
                id=0,
                guild=guild,
                at=at,
                by=by,
                act=rule,
                subject=subject,
                person=person,
                before=before,
                after=value,
            )
            await _write_line(db, line)
        return True

    async def lines(self, guild: int, *, skip: int, limit: int) -> tuple[AuditLine, ...]:
        """A page of a server's log, the newest first."""
        rows = await self._database.rows(
            "SELECT * FROM audit WHERE guild = ? ORDER BY id DESC LIMIT ? OFFSET ?",
            (guild, limit, skip),
        )
        return tuple(
            AuditLine(
                **{
                    **dict(row),
                    "act": _act(row["act"]),
                    "before": _setting(row["before"]),
                    "after": _setting(row["after"]),
                }
            )
            for row in rows
        )

    async def count_lines(self, guild: int) -> int:
        """How long a server's log is."""
        row = await self._database.row(
            "SELECT count(*) AS number FROM audit WHERE guild = ?", (guild,)
        )
        return 0 if row is None else int(row["number"])


async def _write_line(db: aiosqlite.Connection, line: AuditLine) -> None:
    """Add a line to the log, within the caller's transaction; its id is given here."""
    await db.execute(
        "INSERT INTO audit (guild, at, by, act, subject, person, before, after) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(line.guild, line.at, line.by, line.act, line.subject, line.person),
            *(None if value is None else _json(value) for value in (line.before, line.after)),
        ),
    )


async def write_act(
    db: aiosqlite.Connection, act: ModeratorAct, request: int, *, by: int, at: float
) -> None:
    """Write down what somebody does to a request, unless it is their own, in that transaction."""
    await db.execute(_ACT, {"act": act, "request": request, "by": by, "at": at})


_ACT = """
INSERT INTO audit (guild, at, by, act, subject, person)
SELECT guild, :at, :by, :act, id, owner FROM requests
WHERE id = :request AND owner != :by AND guild IS NOT NULL
"""

_VALUE = "SELECT value FROM server_rules WHERE guild = ? AND rule = ? AND subject = ?"
_USUAL = "DELETE FROM server_rules WHERE guild = ? AND rule = ? AND subject = ?"


def _json(value: RuleValue) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _setting(text: str | None) -> RuleValue | None:
    if text is None:
        return None
    value: RuleValue = json.loads(text)
    return value


def _act(text: str) -> ServerRule | ModeratorAct:
    return ServerRule(text) if text in set(ServerRule) else ModeratorAct(text)
