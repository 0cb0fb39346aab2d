"""Claims about what was drawn, found again by all that people have in their hands."""

from __future__ import annotations

import pytest

from generation.job import UserId
from generation.picture import Fingerprint
from generation.recipe import Recipe
from storage.database import Database
from storage.deletions import Deletions
from storage.errors import Missing
from storage.pictures import PictureId, Pictures, StoredPicture
from storage.tickets import RequestId, Tickets
from tests.given.stored import (
    ANN,
    BEN,
    ENVIRONMENT,
    a_digest,
    a_picture,
    a_recipe,
    a_recipe_from,
    asked,
    deleted,
    drawn,
)


@pytest.fixture
def pictures(database: Database) -> Pictures:
    return Pictures(database)


async def draw(
    database: Database,
    *recipes: Recipe,
    owner: UserId = ANN,
    file: int = 1,
    parent: PictureId | None = None,
) -> tuple[RequestId, list[PictureId]]:
    tickets = Tickets(database)
    request, made = await tickets.add(asked(owner, parent=parent), recipes, [1.0] * len(recipes))
    ids = [
        await drawn(
            tickets,
            ticket.job.id,
            a_picture(ticket.job.recipe, pixels=ticket.job.recipe.seed),
            a_digest(file + ticket.ordinal),
            at=7.0,
        )
        for ticket in made
    ]
    return request.id, ids


async def test_a_picture_is_read_back_with_everything_that_made_it(
    database: Database, pictures: Pictures
) -> None:
    _, [parent] = await draw(database, a_recipe(1))
    request, [child] = await draw(
        database, a_recipe_from(a_digest(1)), owner=BEN, parent=parent, file=9
    )
    assert await pictures.get(child) == StoredPicture(
        id=child,
        recipe=a_recipe_from(a_digest(1)),
        environment=ENVIRONMENT,
        png_sha256=a_digest(9),
        pixels_sha256=a_digest(1),
        latents_sha256=a_digest(1001),
        seconds=1.5,
        owner=BEN,
        guild=10,
        channel=20,
        message=None,
        ordinal=0,
        parent=parent,
        reproduces=None,
        words="a red flower",
        request=request,
        drawn_at=7.0,
        deleted=False,
    )
    assert (await pictures.get(child)).fingerprint == Fingerprint(
        environment=ENVIRONMENT, pixels_sha256=a_digest(1), file_sha256=a_digest(9)
    )


async def test_a_picture_is_found_by_what_people_have(
    database: Database, pictures: Pictures
) -> None:
    request, [one, two] = await draw(database, a_recipe(1), a_recipe(2))
    _, [again] = await draw(database, a_recipe(1))
    await Tickets(database).delivered(request, 500)

    def found(pictures: tuple[StoredPicture, ...]) -> list[PictureId]:
        return [picture.id for picture in pictures]

    assert found(await pictures.of_message(500)) == [one, two]
    assert found(await pictures.of_message(501)) == []
    assert found(await pictures.of_request(request)) == [one, two]
    assert found(await pictures.find_by_pixels(a_digest(1))) == [one, again]
    assert found(await pictures.find_by_recipe(a_recipe(2).id)) == [two]
    assert found(await pictures.newest(ANN, 2)) == [again, two]
    assert found(await pictures.newest(BEN, 2)) == []
    assert await pictures.find(PictureId(99)) is None
    with pytest.raises(Missing):
        await pictures.get(PictureId(99))


async def test_a_deleted_picture_is_marked_and_its_recipe_stays(
    database: Database, pictures: Pictures
) -> None:
    request, [one] = await draw(database, a_recipe(1))
    await Tickets(database).delivered(request, 500)
    assert await deleted(database, request) == (a_digest(1),)
    gone = await pictures.get(one)
    assert gone.deleted
    assert gone.recipe == a_recipe(1)
    assert await pictures.of_message(500) == (gone,)  # a reply to it can be told what happened
    assert await pictures.newest(ANN, 5) == ()
    assert await deleted(database, request) == ()


async def test_a_file_is_let_go_only_when_no_picture_needs_it(database: Database) -> None:
    first, _ = await draw(database, a_recipe(1), file=5)
    second, _ = await draw(database, a_recipe(1), file=5)
    assert await deleted(database, first) == ()
    assert await deleted(database, second) == (a_digest(5),)


async def test_a_file_is_not_let_go_while_a_recipe_needs_it(database: Database) -> None:
    request, [parent] = await draw(database, a_recipe(1), file=5)
    await draw(database, a_recipe_from(a_digest(5)), parent=parent, file=6)
    assert await deleted(database, request) == ()


async def test_a_file_is_not_let_go_while_its_picture_can_be_brought_back(
    database: Database, pictures: Pictures
) -> None:
    first, [one] = await draw(database, a_recipe(1), file=5)
    second, _ = await draw(database, a_recipe(1), file=5)
    deletions = Deletions(database)
    await deletions.delete(first, by=ANN, until=60.0, at=0.0)
    assert await deleted(database, second) == ()
    assert await pictures.unneeded([a_digest(5)]) == ()
    assert await deletions.next_over() == 60.0
    with pytest.raises(Missing):  # somebody else cannot
        await deletions.restore(first, by=BEN, now=59.0)
    with pytest.raises(Missing):  # too late
        await deletions.restore(first, by=ANN, now=60.0)
    await deletions.restore(first, by=ANN, now=59.0)
    assert not (await pictures.get(one)).deleted
    # What is closed late was there before it was brought back.
    await Tickets(database).delivered(first, None, returned=0)
    assert first in await Tickets(database).undelivered()
    assert await deletions.returned(first) == 1
    assert await deletions.let_go(now=99.0) == ()


async def test_one_environment_is_stored_once(database: Database) -> None:
    await draw(database, a_recipe(1), a_recipe(2), a_recipe(3))
    assert len(await database.rows("SELECT * FROM environments")) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM pictures WHERE message = 1 ORDER BY ordinal",
        "SELECT * FROM pictures WHERE owner = 1 AND deleted = 0 ORDER BY id DESC LIMIT 3",
        "SELECT * FROM pictures WHERE pixels_sha256 = 'a' ORDER BY id",
        "SELECT * FROM pictures WHERE recipe = 'a' ORDER BY id",
        "SELECT * FROM tickets WHERE state IN ('waiting', 'running') ORDER BY id",
        "SELECT * FROM outbox WHERE open = 1",
    ],
)
async def test_no_frequent_question_reads_a_whole_table(database: Database, sql: str) -> None:
    plan = " ".join(row["detail"] for row in await database.rows(f"EXPLAIN QUERY PLAN {sql}"))
    assert "USING INDEX" in plan or "USING COVERING INDEX" in plan
    assert "TEMP B-TREE" not in plan
