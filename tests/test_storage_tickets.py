"""Claims about jobs in waiting and the outbox."""

from __future__ import annotations

import pytest

from generation.job import GroupId, JobId, Share
from generation.reasons import Reason
from storage.database import Database
from storage.errors import Ended, Fenced, Missing, StorageError
from storage.ids import RequestId
from storage.pictures import PictureId, Pictures
from storage.tickets import Lease, Request, State, Ticket, Tickets
from tests.given.stored import ANN, a_digest, a_picture, a_recipe, asked, drawn

NO_MEMORY = Reason(kind="OutOfMemory", facts=(2**33, None))
GIVEN_UP = Reason(kind="Quarantined", facts=("it was killed", 3))


@pytest.fixture
def tickets(database: Database) -> Tickets:
    return Tickets(database)


async def a_request(tickets: Tickets, count: int = 1) -> tuple[Request, list[JobId]]:
    recipes = [a_recipe(seed) for seed in range(count)]
    request, made = await tickets.add(asked(), recipes, [1.0] * count)
    return request, [ticket.job.id for ticket in made]


async def draw(tickets: Tickets, job: JobId, pixels: int = 1) -> PictureId:
    return await drawn(tickets, job, a_picture(pixels=pixels), a_digest(pixels), at=5.0)


async def start(tickets: Tickets, job: JobId) -> Lease:
    return await tickets.started(job, "seat 0", at=1.0)


async def states(tickets: Tickets, request: Request) -> list[State]:
    return [ticket.state for ticket in await tickets.of_request(request.id)]


async def test_what_was_asked_for_is_read_back_as_it_was(tickets: Tickets) -> None:
    request, made = await tickets.add(asked(), [a_recipe(1), a_recipe(2)], [1.5, 2.5])
    assert await tickets.request(request.id) == request
    assert await tickets.of_request(request.id) == made
    assert [(t.job.recipe.seed, t.job.cost, t.ordinal) for t in made] == [(1, 1.5, 0), (2, 2.5, 1)]
    assert all(t.state is State.WAITING and t.job.owner == ANN for t in made)


async def test_all_that_is_open_is_replayed_in_the_order_of_asking(tickets: Tickets) -> None:
    first, [one, two] = await a_request(tickets, 2)
    second, [three] = await a_request(tickets)
    done, [four] = await a_request(tickets)
    await draw(tickets, four)
    await draw(tickets, one)
    assert [ticket.job.id for ticket in await tickets.waiting()] == [two, three]
    replayed = await tickets.replay()
    assert [(r, [(t.job.id, t.state) for t in all_of_it]) for r, all_of_it in replayed] == [
        (first, [(one, State.DRAWN), (two, State.WAITING)]),
        (second, [(three, State.WAITING)]),
    ]
    assert done not in [request for request, _ in replayed]


async def test_what_was_being_drawn_when_the_bot_died_waits_again_without_blame(
    tickets: Tickets,
) -> None:
    request, [job] = await a_request(tickets)
    lost = await tickets.started(job, "seat 0", at=1.0)
    [(_, [ticket])] = await tickets.replay()
    assert (ticket.state, ticket.tries) == (State.WAITING, 0)
    with pytest.raises(Fenced):
        await tickets.ended(job, State.FAILED, NO_MEMORY, epoch=lost.epoch)
    assert await tickets.cancel(request.id) == ((job,), ())


async def test_the_same_recipe_twice_is_two_tickets_of_one_recipe(
    tickets: Tickets, database: Database
) -> None:
    await tickets.add(asked(), [a_recipe(1), a_recipe(1)], [1.0, 1.0])
    assert len(await tickets.waiting()) == 2
    assert len(await database.rows("SELECT * FROM recipes")) == 1


async def test_a_request_without_recipes_is_refused(tickets: Tickets) -> None:
    with pytest.raises(ValueError, match="recipe"):
        await tickets.add(asked(), [], [])
    with pytest.raises(ValueError, match="argument"):
        await tickets.add(asked(), [a_recipe()], [1.0, 2.0])
    assert await tickets.waiting() == ()


@pytest.mark.parametrize(
    "words", ["", "x" * 10_000, "Ünïcödé 🌸 \0 \u202e", "'; DROP TABLE tickets; --"]
)
async def test_any_words_are_kept(tickets: Tickets, words: str) -> None:
    request, _ = await tickets.add(asked(words=words), [a_recipe()], [1.0])
    assert (await tickets.request(request.id)).words == words


async def test_half_a_surrogate_pair_does_not_cost_the_request(tickets: Tickets) -> None:
    request, _ = await tickets.add(asked(words="a \ud83c flower"), [a_recipe()], [1.0])
    assert request.words == "a ? flower"
    assert await tickets.request(request.id) == request


async def test_a_job_s_id_never_comes_back(tickets: Tickets, database: Database) -> None:
    _, [job] = await a_request(tickets)
    async with database.transaction("test") as db:
        await db.execute("DELETE FROM tickets")
    _, [later] = await a_request(tickets)
    assert later > job


async def test_tries_are_counted_across_put_backs(tickets: Tickets) -> None:
    request, [job] = await a_request(tickets)
    first = await start(tickets, job)
    assert first.tries == 1
    await tickets.put_back(job, first.epoch)
    assert await states(tickets, request) == [State.WAITING]
    second = await start(tickets, job)
    assert second.tries == 2
    await tickets.put_back(job, second.epoch, blamed=False)
    third = await start(tickets, job)
    assert third.tries == 2
    assert first.epoch < second.epoch < third.epoch


async def test_a_seat_that_lost_its_lease_changes_nothing(
    tickets: Tickets, database: Database
) -> None:
    request, [job] = await a_request(tickets)
    lost = await start(tickets, job)
    await tickets.put_back(job, lost.epoch)
    for _ in range(2):  # while it waits, and while somebody else draws it
        before = await database.rows("SELECT * FROM tickets")
        with pytest.raises(Fenced):
            await tickets.drawn(job, lost.epoch, a_picture(), png_sha256=a_digest(1), drawn_at=9.0)
        with pytest.raises(Fenced):
            await tickets.ended(job, State.FAILED, NO_MEMORY, epoch=lost.epoch)
        with pytest.raises(Fenced) as fenced:
            await tickets.put_back(job, lost.epoch)
        assert await database.rows("SELECT * FROM tickets") == before
        assert await database.rows("SELECT * FROM pictures") == []
        held = await start(tickets, job)
    assert (fenced.value.epoch, fenced.value.now) == (lost.epoch, held.epoch - 1)
    picture = await tickets.drawn(
        job, held.epoch, a_picture(), png_sha256=a_digest(1), drawn_at=9.0
    )
    with pytest.raises(Fenced):  # also once it is drawn
        await tickets.drawn(job, lost.epoch, a_picture(), png_sha256=a_digest(2), drawn_at=9.0)
    [ticket] = await tickets.of_request(request.id)
    assert (ticket.state, ticket.picture) == (State.DRAWN, picture)


async def test_the_first_start_is_remembered_however_often_a_job_is_tried(
    tickets: Tickets, database: Database
) -> None:
    _, [job] = await a_request(tickets)
    lease = await tickets.started(job, "seat 0", at=50.0)
    await tickets.put_back(job, lease.epoch)
    await tickets.started(job, "seat 1", at=90.0)
    row = await database.row("SELECT seat, started_at FROM tickets")
    assert row is not None
    assert tuple(row) == ("seat 1", 50.0)


async def test_a_job_s_share_comes_back_with_it(tickets: Tickets) -> None:
    share = Share(group=GroupId("guild 7"), group_weight=2.0, weight=1 / 3)
    request, made = await tickets.add(asked(share=share), [a_recipe()], [1.0])
    assert request.origin.share == share
    assert await tickets.request(request.id) == request
    assert made == await tickets.waiting()
    assert made[0].job.share == share


async def test_what_was_cancelled_does_not_start(tickets: Tickets) -> None:
    request, [job] = await a_request(tickets)
    await tickets.cancel(request.id)
    with pytest.raises(Ended) as ended:
        await start(tickets, job)
    assert ended.value.state == "cancelled"
    with pytest.raises(Ended):
        await tickets.drawn(job, 0, a_picture(), png_sha256=a_digest(1), drawn_at=1.0)
    await tickets.put_back(job, 0)
    assert await states(tickets, request) == [State.CANCELLED]


async def test_cancelling_tells_what_waited_from_what_runs(tickets: Tickets) -> None:
    request, [one, two, three] = await a_request(tickets, 3)
    await draw(tickets, one)
    await start(tickets, two)
    assert await tickets.cancel(request.id) == ((three,), (two,))
    assert await states(tickets, request) == [State.DRAWN, State.RUNNING, State.CANCELLED]
    assert await tickets.cancel(request.id) == ((), (two,))


async def test_a_second_report_of_a_job_changes_nothing(
    tickets: Tickets, database: Database
) -> None:
    request, [job] = await a_request(tickets)
    first = await draw(tickets, job, pixels=1)
    again = await tickets.drawn(job, 1, a_picture(pixels=2), png_sha256=a_digest(2), drawn_at=9.0)
    assert again == first
    assert (await Pictures(database).get(first)).drawn_at == 5.0
    await tickets.ended(job, State.FAILED, NO_MEMORY, epoch=1)
    [ticket] = await tickets.of_request(request.id)
    assert (ticket.state, ticket.reason, ticket.picture) == (State.DRAWN, None, first)
    assert len(await tickets.undelivered()) == 1


async def test_how_a_job_ended_is_kept_with_its_reason(tickets: Tickets) -> None:
    request, [job] = await a_request(tickets)
    lease = await start(tickets, job)
    await tickets.ended(job, State.QUARANTINED, GIVEN_UP, epoch=lease.epoch)
    await tickets.ended(job, State.FAILED, NO_MEMORY, epoch=lease.epoch)
    [ticket] = await tickets.of_request(request.id)
    assert (ticket.state, ticket.reason) == (State.QUARANTINED, GIVEN_UP)


@pytest.mark.parametrize("state", [State.WAITING, State.RUNNING, State.DRAWN])
async def test_only_an_end_without_a_picture_is_an_end(tickets: Tickets, state: State) -> None:
    _, [job] = await a_request(tickets)
    with pytest.raises(ValueError, match="no way to end"):
        await tickets.ended(job, state, epoch=None)


async def test_the_last_open_ticket_brings_the_request_to_the_outbox(tickets: Tickets) -> None:
    request, [one, two, three] = await a_request(tickets, 3)
    await draw(tickets, one)
    assert await tickets.undelivered() == ()
    await tickets.ended(two, State.FAILED, NO_MEMORY, epoch=None)
    assert await tickets.undelivered() == ()
    await tickets.cancel(request.id)
    assert await tickets.undelivered() == (request.id,)
    assert (await tickets.of_request(request.id))[2].job.id == three


async def test_cancelling_the_rest_waits_for_what_runs(tickets: Tickets) -> None:
    request, [one, _] = await a_request(tickets, 2)
    lease = await start(tickets, one)
    await tickets.cancel(request.id)
    assert await tickets.undelivered() == ()
    await tickets.ended(one, State.CANCELLED, epoch=lease.epoch)
    assert await tickets.undelivered() == (request.id,)


async def test_a_delivery_that_may_have_happened_is_known_as_such(tickets: Tickets) -> None:
    request, [job] = await a_request(tickets)
    with pytest.raises(Missing):
        await tickets.delivering(request.id)
    await draw(tickets, job)
    assert await tickets.delivering(request.id) is False
    assert await tickets.delivering(request.id) is True  # the bot died while it posted
    await tickets.delivered(request.id, 500)
    assert await tickets.undelivered() == ()
    with pytest.raises(Missing):
        await tickets.delivering(request.id)


async def test_delivered_pictures_know_their_place_in_the_message(
    tickets: Tickets, database: Database
) -> None:
    request, [one, two, three] = await a_request(tickets, 3)
    last = await draw(tickets, three, 3)
    first = await draw(tickets, one, 1)
    await tickets.ended(two, State.FAILED, NO_MEMORY, epoch=None)
    await tickets.delivering(request.id)
    await tickets.delivered(request.id, 500)
    found = await Pictures(database).of_message(500)
    assert [(picture.id, picture.ordinal) for picture in found] == [(first, 0), (last, 1)]


async def test_a_request_without_a_picture_is_delivered_without_a_message(
    tickets: Tickets,
) -> None:
    request, [job] = await a_request(tickets)
    await tickets.ended(job, State.FAILED, NO_MEMORY, epoch=None)
    await tickets.delivered(request.id, None)
    assert await tickets.undelivered() == ()


async def test_the_progress_message_is_remembered(tickets: Tickets) -> None:
    request, _ = await a_request(tickets)
    await tickets.say_progress_is(request.id, 2**62)
    assert (await tickets.request(request.id)).progress_message == 2**62


async def test_what_is_not_there_is_missing(tickets: Tickets) -> None:
    with pytest.raises(Missing):
        await tickets.request(RequestId(9))
    with pytest.raises(Missing):
        await start(tickets, JobId(9))
    with pytest.raises(Missing):
        await tickets.put_back(JobId(9), 1)
    with pytest.raises(Missing):
        await tickets.ended(JobId(9), State.FAILED, epoch=None)
    with pytest.raises(Missing):
        await tickets.drawn(JobId(9), 1, a_picture(), png_sha256=a_digest(1), drawn_at=1.0)
    assert await tickets.of_request(RequestId(9)) == ()
    assert await tickets.cancel(RequestId(9)) == ((), ())


async def test_a_parent_that_does_not_exist_is_refused_whole(tickets: Tickets) -> None:
    with pytest.raises(StorageError, match="FOREIGN KEY"):
        await tickets.add(asked(parent=PictureId(99)), [a_recipe()], [1.0])
    assert await tickets.waiting() == ()


async def test_a_ticket_is_a_plain_value(tickets: Tickets) -> None:
    _, [made] = await tickets.add(asked(), [a_recipe()], [1.0])
    assert isinstance(made, Ticket)
    assert made == (await tickets.waiting())[0]
