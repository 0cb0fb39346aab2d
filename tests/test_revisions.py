"""Claims about what a reply made of a picture, and about messages that show one once more."""

from __future__ import annotations

from dataclasses import replace

from prompting.changing.intents import Action, Aspect, ContentChange, IntentKind
from storage.database import Database
from storage.pictures import PictureId, Pictures
from storage.revisions import Revision
from storage.tickets import Tickets
from tests.given.stored import a_digest, a_picture, a_recipe, asked, drawn

NIGHT = Revision(
    typed="mach es Nacht, \N{NIGHT WITH STARS} \ud83c",
    kind=IntentKind.EDIT,
    said="day → night; seed, size, model stay",
    base="a red flower",
    changes=(ContentChange(action=Action.SET, aspect=Aspect.LIGHT, into="at night"),),
)


async def a_drawn_picture(database: Database, seed: int = 1) -> PictureId:
    tickets = Tickets(database)
    _, [ticket] = await tickets.add(asked(), [a_recipe(seed)], [1.0])
    picture = a_picture(ticket.job.recipe)
    return await drawn(tickets, ticket.job.id, picture, a_digest(seed), at=1.0)


async def test_a_revision_is_read_back_with_the_request_that_draws_it(database: Database) -> None:
    tickets = Tickets(database)
    added, _ = await tickets.add(replace(asked(), revision=NIGHT), [a_recipe(1)], [1.0])
    kept = (await tickets.request(added.id)).revision
    assert kept is not None
    assert kept.typed.startswith("mach es Nacht")
    assert replace(kept, typed=NIGHT.typed) == NIGHT
    plain, _ = await tickets.add(asked(), [a_recipe(2)], [1.0])
    assert (await tickets.request(plain.id)).revision is None


async def test_a_message_that_shows_a_picture_once_more_is_found_by_it(database: Database) -> None:
    pictures, tickets = Pictures(database), Tickets(database)
    first, second = await a_drawn_picture(database, 1), await a_drawn_picture(database, 2)
    await pictures.reposted(first, 77, 20)
    assert [p.id for p in await pictures.of_message(77)] == [first]
    request, other = [(await pictures.get(number)).request for number in (first, second)]
    assert await pictures.reposts(request) == ((20, 77),)
    assert await pictures.reposts(other) == ()
    assert await tickets.is_shown_by(request, 77), "its buttons are believed"
    assert not await tickets.is_shown_by(other, 77)
