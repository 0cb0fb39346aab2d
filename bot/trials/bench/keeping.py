"""What the database costs: a ticket's commit, a lookup in a full memory."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.trials.bench.figure import Figure, Ground, nearly_all
from generation.draft import Checkpoint, Draft, DraftWords, complete
from generation.families.family import family
from generation.job import GroupId, Share, UserId
from generation.picture import UNKNOWN, Picture
from generation.recipe import Sha256, Weights
from storage.database import Database
from storage.pictures import Pictures
from storage.requests import Origin
from storage.tickets import Asked, Tickets
from storage.trials.crowd import PICTURES_PER_MESSAGE, crowd, message

COMMITS = 400
PICTURES = 1_000_000
LOOKUPS = 2000
STRIDE = 104_729  # a prime: visits messages all over the table

_ANY = Sha256("a" * 64)

_WORDS = "a red flower in a glass vase on a wooden table, soft light"
RECIPE = complete(
    Draft(words=DraftWords(prompt=_WORDS)),
    Checkpoint(weights=Weights(name="starter", sha256=_ANY), family=family("starter")),
    seed=0,
    device="cpu",
)


async def commits(ground: Ground) -> tuple[Figure, ...]:
    """Store requests of one picture each, one after the other, on the data folder's own disk."""
    seconds = []
    async with opened(ground) as database:
        tickets = Tickets(database)
        for number in range(COMMITS):
            began = time.perf_counter()
            await tickets.add(asked(), [replace(RECIPE, seed=number)], [1.0])
            seconds.append(time.perf_counter() - began)
    return (
        nearly_all(
            "a ticket committed",
            seconds,
            95,
            20.0,
            name="ticket_committed",
            how=f"{COMMITS} commits, synchronous=FULL",
        ),
    )


async def lookups(ground: Ground) -> tuple[Figure, ...]:
    """Find the pictures of messages among a million."""
    seconds = []
    async with opened(ground) as database:
        pictures = Pictures(database)
        began = time.perf_counter()
        await crowded(database, PICTURES)
        filled = time.perf_counter() - began
        for number in range(LOOKUPS):
            wanted = message(number * STRIDE % (PICTURES // PICTURES_PER_MESSAGE))
            began = time.perf_counter()
            found = await pictures.of_message(wanted)
            seconds.append(time.perf_counter() - began)
            if len(found) != PICTURES_PER_MESSAGE:
                raise AssertionError(f"{len(found)} pictures in message {wanted}")
    return (
        nearly_all(
            "lookup by message among a million pictures",
            seconds,
            95,
            2.0,
            name="lookup_by_message",
            how=f"{LOOKUPS} messages of {PICTURES_PER_MESSAGE}, filled in {filled:.0f} s",
        ),
    )


async def crowded(database: Database, pictures: int) -> None:
    """Have many pictures behind it, all of them delivered long ago."""
    tickets = Tickets(database)
    request, (ticket,) = await tickets.add(asked(), [RECIPE], [1.0])
    picture = Picture(
        recipe=RECIPE,
        environment=UNKNOWN,
        file=b"",
        pixels_sha256=_ANY,
        latents_sha256=_ANY,
        seconds=1.0,
    )
    lease = await tickets.started(ticket.job.id, "bench", at=0.0)
    like = await tickets.drawn(ticket.job.id, lease.epoch, picture, png_sha256=_ANY, drawn_at=0.0)
    await tickets.delivered(request.id, None)
    await crowd(database, like, pictures)


@asynccontextmanager
async def opened(ground: Ground) -> AsyncIterator[Database]:
    """A database of its own, for one measurement."""
    database = await Database.open(ground.folder / "atelier.sqlite3")
    try:
        yield database
    finally:
        await database.close()


def somebody(user: int = 1, guild: int = 10, channel: int = 20) -> Origin:
    """A person in a channel of a server."""
    return Origin(
        owner=UserId(user),
        share=Share(group=GroupId(f"guild {guild}")),
        guild=guild,
        channel=channel,
        reply_to=None,
        locale="en-US",
    )


def asked() -> Asked:
    """A request of somebody."""
    return Asked(origin=somebody(), words=RECIPE.prompt, created=0.0)
