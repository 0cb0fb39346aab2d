"""Claims about what queue, seats and workers call a model: what is really loaded for a recipe."""

from __future__ import annotations

import re
from dataclasses import replace

from bot.dispatch.seats import WorkerSeat
from generation.fleet.wire import Render
from generation.job import GroupId, Job, JobId, Share, UserId
from generation.model_key import FORM, model_key, weights_of
from generation.queue.costs import CostModel
from generation.queue.fair_queue import SeatId
from generation.recipe import Precision, Recipe, Weights
from tests.given.builders import a_digest, a_recipe
from tests.given.fakes import FakeWorker

VAE = Weights(name="fine", sha256=a_digest("c"))


def a_job(recipe: Recipe) -> Job:
    share = Share(group=GroupId("here"))
    return Job(id=JobId(1), owner=UserId(1), recipe=recipe, cost=1.0, share=share)


def test_recipes_share_a_model_when_their_weights_and_precision_are_the_same() -> None:
    recipe = a_recipe()
    assert model_key(replace(recipe, seed=7)) == model_key(recipe)
    others = [
        replace(recipe, vae=VAE),
        replace(recipe, precision=Precision.FP16),
        replace(recipe, components=(VAE,)),
        replace(recipe, checkpoint=VAE),
    ]
    keys = {model_key(each) for each in (recipe, *others)}
    assert len(keys) == 5
    assert all(re.fullmatch(FORM, key) for key in keys)


def test_a_key_names_its_weights_the_checkpoint_first() -> None:
    recipe = a_recipe(vae=VAE)
    assert weights_of(model_key(recipe)) == (recipe.checkpoint.sha256, VAE.sha256)
    assert a_job(recipe).needs == model_key(recipe)


async def test_a_seat_is_warm_for_what_is_loaded_and_not_for_another_vae_or_precision() -> None:
    recipe, worker = a_recipe(), FakeWorker()
    seat = WorkerSeat(
        id=SeatId("a"),
        worker=worker,
        costs=CostModel(),
        size_of=lambda key: 10**9 * len(weights_of(key)),
    )
    await worker.start()
    order = Render(job=JobId(1), recipe=recipe, inputs=(), preview_every=0)
    async for _ in worker.render(order):
        pass
    assert seat.is_warm(model_key(recipe))
    assert seat.swap_seconds(model_key(recipe)) == 0.0
    for other in (replace(recipe, vae=VAE), replace(recipe, precision=Precision.FP16)):
        assert not seat.is_warm(model_key(other))
        assert seat.swap_seconds(model_key(other)) > 0.0
    with_vae, without = (model_key(each) for each in (replace(recipe, vae=VAE), recipe))
    assert seat.reading_seconds(with_vae) == 2 * seat.reading_seconds(without)
