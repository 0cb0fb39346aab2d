"""What was drawn: recipe, environment, digests, where it was posted, and what it came from.

A picture's row is never removed.  Deleting (`storage.deletions`) marks it, and lets its file go
when nothing else needs the bytes; so does age, where the owner wishes it.  The recipe stays: what
was derived from the picture can still be explained, and the picture drawn again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import aiosqlite

from generation.job import JobId, UserId
from generation.media.table import medium_of
from generation.picture import Environment, Fingerprint, Picture, environment_in
from generation.recipe import Recipe, RecipeId, Sha256, dump, parse
from generation.spelling import plain
from storage.database import Database, Row, Value
from storage.errors import Missing
from storage.found import insert_found, place_found
from storage.ids import PictureId, RequestId
from storage.scores import BEST_FIRST, PictureScore, scorer_in, scorer_text

__all__ = ["PictureId", "Pictures", "StoredPicture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture as it is remembered; its bytes lie in `storage.files` under `png_sha256`."""

    id: PictureId
    recipe: Recipe
    environment: Environment
    png_sha256: Sha256
    pixels_sha256: Sha256
    latents_sha256: Sha256
    seconds: float
    owner: UserId
    guild: int | None
    channel: int
    message: int | None  # None: not posted yet
    ordinal: int  # from 0, within the message (within the request until it is posted)
    parent: PictureId | None  # the picture it was made of
    reproduces: PictureId | None  # the picture it was to be equal to
    words: str  # what the person typed
    request: RequestId  # that it was drawn for
    drawn_at: float
    deleted: bool
    score: PictureScore | None = None  # where the best of several was asked for
    withheld: bool = False  # judged to be not for everybody: its owner's alone
    medium: str = "image"  # a key of generation.media.table
    kept: bool = True  # False: its file was let go for its age, and can be drawn again

    @property
    def fingerprint(self) -> Fingerprint:
        """What it takes to compare it with another drawing of its recipe."""
        return Fingerprint(
            environment=self.environment,
            pixels_sha256=self.pixels_sha256,
            file_sha256=self.png_sha256,
        )


class Pictures:
    """Finds what was drawn.  Deleted pictures are found too, except among the `newest`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, picture: PictureId) -> StoredPicture:
        """Raises Missing."""
        found = await self.find(picture)
        if found is None:
            raise Missing("picture", picture)
        return found

    async def find(self, picture: PictureId) -> StoredPicture | None:
        found = await self._where("p.id = ?", (picture,))
        return found[0] if found else None

    async def of_message(self, message: int) -> tuple[StoredPicture, ...]:
        """The pictures of one Discord message, in their order; also one that it shows again."""
        again = "p.id IN (SELECT picture FROM reposts WHERE message = ?2)"
        condition = f"p.message = ?1 OR {again} ORDER BY p.ordinal"
        return await self._where(condition, (message, message))

    async def reposted(self, picture: PictureId, message: int, channel: int) -> None:
        """Note that a message shows a picture once more."""
        async with self._database.transaction("reposted") as db:
            await db.execute(
                "INSERT OR REPLACE INTO reposts VALUES (?, ?, ?)", (message, picture, channel)
            )

    async def reposts(self, request: RequestId) -> tuple[tuple[int, int], ...]:
        """(channel, message) of every message that shows a picture of a request once more."""
        rows = await self._database.rows(
            "SELECT s.channel, s.message FROM reposts s JOIN pictures p ON p.id = s.picture "
            "JOIN tickets t ON t.id = p.ticket WHERE t.request = ?",
            (request,),
        )
        return tuple((row["channel"], row["message"]) for row in rows)

    async def of_request(self, request: RequestId) -> tuple[StoredPicture, ...]:
        """What has been drawn of a request so far: the best first, or in the recipes' order."""
        return await self._where(f"t.request = ? ORDER BY {BEST_FIRST}", (request,))

    async def note_score(self, picture: PictureId, score: PictureScore) -> None:
        """Remember how well the words fit; the first score stays."""
        async with self._database.transaction("score") as db:
            await db.execute(
                "UPDATE pictures SET score = ?, scorer = ? WHERE id = ? AND score IS NULL",
                (score.value, scorer_text(score.scorer), picture),
            )

    async def withhold(self, picture: PictureId) -> None:
        """Let nobody but its owner see it."""
        async with self._database.transaction("withheld") as db:
            await db.execute("UPDATE pictures SET withheld = 1 WHERE id = ?", (picture,))
            rows = await db.execute_fetchall(
                "SELECT request FROM tickets t JOIN pictures p ON p.ticket = t.id WHERE p.id = ?",
                (picture,),
            )
            for row in rows:
                await place_found(db, RequestId(row["request"]))

    async def newest(self, owner: UserId, limit: int) -> tuple[StoredPicture, ...]:
        """One person's latest pictures, the latest first."""
        return await self._where(
            "p.owner = ? AND p.deleted = 0 ORDER BY p.id DESC LIMIT ?", (owner, limit)
        )

    async def many(self, pictures: Collection[PictureId]) -> tuple[StoredPicture, ...]:
        """Those of these numbers, the newest first."""
        there = "p.id IN (SELECT value FROM json_each(?)) ORDER BY p.id DESC"
        return await self._where(there, (json.dumps(list(pictures)),))

    async def made_of(self, picture: PictureId, limit: int) -> tuple[StoredPicture, ...]:
        """What was made of a picture, the newest first."""
        return await self._where("r.parent = ? ORDER BY p.id DESC LIMIT ?", (picture, limit))

    async def find_by_pixels(self, pixels: Sha256) -> tuple[StoredPicture, ...]:
        """Every picture with exactly these pixels, the first drawn first."""
        return await self._where("p.pixels_sha256 = ? ORDER BY p.id", (pixels,))

    async def find_by_recipe(self, recipe: RecipeId) -> tuple[StoredPicture, ...]:
        """Every drawing of this recipe, the first drawn first."""
        return await self._where("p.recipe = ? ORDER BY p.id", (recipe,))

    async def find_by_file(self, file: Sha256) -> tuple[StoredPicture, ...]:
        """Every picture whose PNG has exactly these bytes, the first drawn first."""
        return await self._where("p.png_sha256 = ? ORDER BY p.id", (file,))

    async def let_go(
        self, *, drawn_before: float, posted_before: float, limit: int
    ) -> tuple[bool, tuple[Sha256, ...]]:
        """Mark old pictures as no longer kept: whether there are more, and the files to drop.

        Only of results that were delivered, and never the inputs of a recipe.
        """
        values = {"drawn": drawn_before, "posted": posted_before, "limit": limit}
        async with self._database.transaction("let_go") as db:
            rows = list(await db.execute_fetchall(_LET_GO, values))
            digests = {str(row["png_sha256"]) for row in rows}
            unused = digests - await _needed(db, digests)
        return len(rows) == limit, tuple(Sha256(digest) for digest in sorted(unused))

    async def unneeded(self, files: Collection[Sha256]) -> tuple[Sha256, ...]:
        """Those of these files that no picture and no recipe needs."""
        rows = await self._database.rows(_NEEDED, (json.dumps(list(files)),))
        return tuple(sorted(set(files) - {Sha256(row["value"]) for row in rows}))

    async def _where(self, condition: str, values: Sequence[Value]) -> tuple[StoredPicture, ...]:
        rows = await self._database.rows(f"{_SELECT} WHERE {condition}", values)
        return tuple(_picture(row) for row in rows)


async def insert_picture(
    db: aiosqlite.Connection,
    job: JobId,
    picture: Picture,
    *,
    png_sha256: Sha256,
    drawn_at: float,
) -> PictureId:
    """Write a picture and its environment, within the caller's transaction."""
    await db.execute(
        "INSERT INTO environments VALUES (?, ?) ON CONFLICT DO NOTHING",
        (picture.environment.id, json.dumps(plain(picture.environment), sort_keys=True)),
    )
    await insert_recipes(db, [picture.recipe])
    cursor = await db.execute(
        """
        INSERT INTO pictures (
            ticket, owner, ordinal, recipe, environment,
            png_sha256, pixels_sha256, latents_sha256, seconds, drawn_at, medium
        )
        SELECT t.id, r.owner, t.ordinal, ?, ?, ?, ?, ?, ?, ?, ?
        FROM tickets t JOIN requests r ON r.id = t.request WHERE t.id = ?
        """,
        (
            *(picture.recipe.id, picture.environment.id),
            *(png_sha256, picture.pixels_sha256, picture.latents_sha256),
            *(picture.seconds, drawn_at, medium_of(picture.recipe).name, job),
        ),
    )
    if cursor.lastrowid is None or cursor.rowcount != 1:
        raise Missing("ticket", job)
    # Drawn again to the last byte, a file that was let go is back.
    await db.execute(
        "UPDATE pictures SET kept = 1 WHERE png_sha256 = ? AND kept = 0", (png_sha256,)
    )
    stored = PictureId(cursor.lastrowid)
    await insert_found(db, stored)
    return stored


async def insert_recipes(db: aiosqlite.Connection, recipes: Sequence[Recipe]) -> None:
    """Write recipes, some of which may be there already, within the caller's transaction."""
    await db.executemany(
        "INSERT INTO recipes VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(recipe.id, dump(recipe)) for recipe in recipes],
    )
    await db.executemany(
        "INSERT INTO recipe_inputs VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(item.sha256, recipe.id) for recipe in recipes for item in recipe.inputs],
    )


_SELECT = """
SELECT p.*, t.request, r.parent, r.reproduces, r.words,
       -- Where it is shown: its owner's direct messages, or nowhere, where no channel took it or
       -- its message was deleted.
       coalesce(o.shown_in, r.channel) AS channel,
       CASE WHEN r.private = 0 AND p.withheld = 0
            AND coalesce(o.shown_in, r.channel) = r.channel
            THEN r.guild END AS guild,
       recipes.text AS recipe_text, environments.text AS environment_text
FROM pictures p
JOIN tickets t ON t.id = p.ticket
JOIN requests r ON r.id = t.request
JOIN recipes ON recipes.id = p.recipe
JOIN environments ON environments.id = p.environment
LEFT JOIN outbox o ON o.request = t.request
"""

# Discord's ids begin with the milliseconds since 2015.
_LET_GO = """
UPDATE pictures SET kept = 0 WHERE id IN (
    SELECT p.id FROM pictures p
    JOIN tickets t ON t.id = p.ticket
    JOIN outbox o ON o.request = t.request AND o.open = 0
    WHERE p.kept = 1 AND p.deleted = 0 AND p.drawn_at < :drawn
    AND (p.message IS NULL OR (p.message >> 22) / 1000.0 + 1420070400 < :posted)
    AND NOT EXISTS (SELECT 1 FROM recipe_inputs i WHERE i.sha256 = p.png_sha256)
    LIMIT :limit
)
RETURNING png_sha256
"""

_NEEDED = """
SELECT value FROM json_each(?)
WHERE EXISTS (SELECT 1 FROM pictures WHERE png_sha256 = value AND deleted = 0 AND kept = 1)
OR EXISTS (SELECT 1 FROM recipe_inputs WHERE sha256 = value)
OR EXISTS (
    SELECT 1 FROM pictures p JOIN tickets t ON t.id = p.ticket
    JOIN deletions d ON d.request = t.request WHERE p.png_sha256 = value
)
"""


async def unneeded_files(db: aiosqlite.Connection, files: Collection[Sha256]) -> tuple[Sha256, ...]:
    """Those of these files that nothing needs, within the caller's transaction."""
    return tuple(sorted(set(files) - {Sha256(file) for file in await _needed(db, files)}))


async def _needed(db: aiosqlite.Connection, files: Collection[str]) -> set[str]:
    rows = await db.execute_fetchall(_NEEDED, (json.dumps(list(files)),))
    return {str(row["value"]) for row in rows}


def _picture(row: Row) -> StoredPicture:
    scorer = scorer_in(row["scorer"])
    return StoredPicture(
        id=PictureId(row["id"]),
        recipe=parse(row["recipe_text"], kept=True),
        environment=environment_in(row["environment_text"]),
        png_sha256=Sha256(row["png_sha256"]),
        pixels_sha256=Sha256(row["pixels_sha256"]),
        latents_sha256=Sha256(row["latents_sha256"]),
        seconds=row["seconds"],
        owner=UserId(row["owner"]),
        guild=row["guild"],
        channel=row["channel"],
        message=row["message"],
        ordinal=row["ordinal"],
        parent=row["parent"],
        reproduces=row["reproduces"],
        words=row["words"],
        request=RequestId(row["request"]),
        drawn_at=row["drawn_at"],
        deleted=bool(row["deleted"]),
        score=PictureScore(value=row["score"], scorer=scorer) if scorer is not None else None,
        withheld=bool(row["withheld"]),
        kept=bool(row["kept"]),
        medium=row["medium"],
    )
