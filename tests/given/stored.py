"""Small things to remember: builders for the tests of the queue and of the storage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from generation.job import GroupId, Job, JobId, Share, UserId
from generation.picture import Picture
from generation.recipe import Input, Recipe, Sha256, Weights
from generation.tasks import Task
from storage.database import Database
from storage.deletions import Deletions
from storage.pictures import PictureId, StoredPicture
from storage.requests import Origin
from storage.tickets import Asked, RequestId, Tickets
from tests.given import builders
from tests.given.builders import an_environment, changed

ANN, BEN, CLEO = UserId(1), UserId(2), UserId(3)

ENVIRONMENT = an_environment()

RECIPE = builders.a_recipe(
    checkpoint=Weights(name="starter", sha256=Sha256("c" * 64)), steps=2, sigmas=(14.6, 3.1, 0.0)
)


@asynccontextmanager
async def opened(path: Path, *, patience: float = 5.0) -> AsyncIterator[Database]:
    """A database that is closed even when the test fails: its threads would keep pytest alive."""
    database = await Database.open(path, patience=patience)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A new one."""
    async with opened(tmp_path / "atelier.db") as database:
        yield database


def a_recipe(seed: int = 1) -> Recipe:
    return replace(RECIPE, seed=seed)


def a_recipe_from(sha256: Sha256) -> Recipe:
    inputs = (Input(role="init", sha256=sha256, fit="cover"),)
    return changed(RECIPE, task=Task.IMAGE_TO_IMAGE, inputs=inputs, denoise=0.6)


def with_steps(steps: int) -> Recipe:
    return changed(RECIPE, steps=steps, sigmas=(*(float(n) for n in range(steps, 0, -1)), 0.0))


SHARE = Share(group=GroupId("a server"))


def a_job(number: int, owner: UserId = ANN, cost: float = 1.0, *, share: Share = SHARE) -> Job:
    return Job(id=JobId(number), owner=owner, recipe=RECIPE, cost=cost, share=share)


def a_digest(number: int) -> Sha256:
    return Sha256(f"{number:064x}")


def a_picture(recipe: Recipe = RECIPE, *, pixels: int = 1) -> Picture:
    return Picture(
        recipe=recipe,
        environment=ENVIRONMENT,
        file=b"not looked at",
        pixels_sha256=a_digest(pixels),
        latents_sha256=a_digest(pixels + 1000),
        seconds=1.5,
    )


def a_stored_picture(recipe: Recipe = RECIPE) -> StoredPicture:
    """A picture as it is remembered."""
    return StoredPicture(
        id=PictureId(1),
        recipe=recipe,
        environment=ENVIRONMENT,
        png_sha256=a_digest(1),
        pixels_sha256=a_digest(2),
        latents_sha256=a_digest(3),
        seconds=1.5,
        owner=ANN,
        guild=10,
        channel=20,
        message=30,
        ordinal=0,
        parent=None,
        reproduces=None,
        words=recipe.prompt,
        request=RequestId(1),
        drawn_at=1000.0,
        deleted=False,
    )


def asked(
    owner: UserId = ANN,
    *,
    words: str = "a red flower",
    parent: PictureId | None = None,
    share: Share = SHARE,
    created: float = 1000.0,
) -> Asked:
    origin = Origin(owner=owner, share=share, guild=10, channel=20, reply_to=None, locale="en-US")
    return Asked(origin=origin, words=words, created=created, parent=parent)


async def drawn(
    tickets: Tickets, job: JobId, picture: Picture, file: Sha256, *, at: float = 1.0
) -> PictureId:
    """Start a job and draw it, as a seat does."""
    lease = await tickets.started(job, "seat 0", at=at)
    return await tickets.drawn(job, lease.epoch, picture, png_sha256=file, drawn_at=at)


async def deleted(database: Database, request: RequestId) -> tuple[Sha256, ...]:
    """Delete a request's pictures, and let its minute pass; returns the files that may go."""
    deletions = Deletions(database)
    await deletions.delete(request, by=ANN, until=0.0, at=0.0)
    return await deletions.let_go(now=1.0)
