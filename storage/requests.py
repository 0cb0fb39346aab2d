"""What a person asked for once, as a value and as a row."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import aiosqlite

from generation.job import GroupId, Share, UserId
from generation.recipe import Sha256, Weights
from storage.database import Row
from storage.ids import PictureId, RequestId
from storage.revisions import Revision
from storage.scores import scorer_in, scorer_text
from storage.sheets import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What Discord said of a person and a place as they asked.  It is not stored."""

    roles: frozenset[int] = frozenset()
    within: tuple[int, ...] = ()  # the channel, what it is a thread of, and its category
    marked: bool = False  # Discord shows the place to adults only


UNKNOWN = Circumstances()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asks, and where the answer belongs."""

    owner: UserId
    share: Share  # out of whose part of the device it is paid
    guild: int | None
    channel: int
    reply_to: int | None  # the message to answer
    locale: str
    source: int | None = None  # the message or interaction that asks; it asks once
    private: bool = False  # the answer is for its owner alone
    seen: Circumstances = field(default=UNKNOWN, compare=False)

    @property
    def seen_by(self) -> Origin:
        """Where it is shown, as rights go: a private answer is like one in direct messages."""
        return replace(self, guild=None) if self.private else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asked for, before it is stored."""

    origin: Origin
    words: str  # what the person typed
    created: float  # Unix time
    parent: PictureId | None = None  # the picture it is made of
    reproduces: PictureId | None = None  # the picture it is to be equal to
    expects: Sha256 | None = None  # the pixels it is to have, when only a file of it is known
    expects_file: Sha256 | None = None  # the same of a file, where that tells no pixels
    notes: tuple[str, ...] = ()  # sentences that are said beside its pictures
    revision: Revision | None = None  # what a reply made of the parent
    scorer: Weights | None = None  # by what the best of its pictures is to be told
    sheet: Sheet | None = None  # on which its pictures are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Asked):
    """What a person asked for, as it is stored."""

    id: RequestId
    progress_message: int | None


async def insert_request(db: aiosqlite.Connection, asked: Asked) -> Request:
    """Store it within the caller's transaction."""
    # SQLite refuses half a surrogate pair, which a client can send.
    asked = replace(asked, words=_whole(asked.words), notes=tuple(map(_whole, asked.notes)))
    kept = {"revision": asked.revision, "scorer": asked.scorer, "sheet": asked.sheet}
    facts: dict[str, Any] = asdict(asked) | kept
    origin = facts.pop("origin")
    share = origin.pop("share")
    del origin["seen"]
    columns = {
        **origin,
        **facts,
        "notes": json.dumps(asked.notes, ensure_ascii=False),
        "revision": _whole(asked.revision.to_json()) if asked.revision else None,
        "scorer": scorer_text(asked.scorer),
        "sheet": _whole(asked.sheet.to_json()) if asked.sheet else None,
        "share_group": share.pop("group"),
        **share,
    }
    cursor = await db.execute(
        f"INSERT INTO requests ({', '.join(columns)}) VALUES ({', '.join('?' for _ in columns)})",
        tuple(columns.values()),
    )
    return Request(
        **{**facts, "origin": asked.origin},
        id=RequestId(cursor.lastrowid or 0),
        progress_message=None,
    )


def share_of(row: Row) -> Share:
    """The three columns of a request's row that say who pays."""
    return Share(
        group=GroupId(row["share_group"]), group_weight=row["group_weight"], weight=row["weight"]
    )


def request_of(row: Row) -> Request:
    """A whole row of the table."""
    facts = dict(row)
    for column in ("share_group", "group_weight", "weight"):
        del facts[column]
    facts["private"] = bool(facts["private"])
    facts["notes"] = tuple(json.loads(facts["notes"]))
    facts["revision"] = Revision.from_json(facts["revision"])
    facts["scorer"] = scorer_in(facts["scorer"])
    asking = [one.name for one in fields(Origin) if one.name not in ("share", "seen")]
    facts["sheet"] = Sheet.from_json(facts["sheet"])
    origin = Origin(**{name: facts.pop(name) for name in asking}, share=share_of(row))
    return Request(**facts, origin=origin)


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
