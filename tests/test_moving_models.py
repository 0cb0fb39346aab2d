"""Claims about models that draw pictures, and clips where a motion module lies beside them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.studio.drafting import Drafting
from bot.studio.layers import NOBODY
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftWords
from generation.errors import NoMaker
from generation.recipe import Adapter, Recipe
from generation.tasks import VIDEO, Task
from tests.given.drafting import a_drafting, weights
from tests.given.stored import asked as asked_of

MODULE = Adapter(kind="motion", weights=weights("mm"), strength=1.0, control=None)
OTHER = Adapter(kind="motion", weights=weights("lightning"), strength=0.8, control=None)
HERE: list[dict[str, Any]] = [
    {"name": "plain", "family": "sdxl"},
    {"name": "dreams", "family": "sd15", "beside": (MODULE,)},
    {"name": "painter", "family": "sd15", "channels": 9},
    {"name": "mm", "family": "animatediff", "kind": "motion"},
    {"name": "lightning", "family": "animatediff", "kind": "motion"},
]
DRAFTING = a_drafting(HERE, default="plain")


def drafted(task: Task | None, by: Drafting = DRAFTING, **said: Any) -> Recipe:
    adapters = said.pop("adapters", ())
    draft = Draft(task=task, words=DraftWords(prompt="a red cat"), adapters=adapters)
    wish = Wish(origin=asked_of().origin, draft=draft, **said)
    found = asyncio.run(by.draft(wish, NOBODY, device="cpu"))
    return found.recipes[0]


@pytest.mark.parametrize("model", [None, "dreams"])
def test_a_clip_is_drawn_by_the_checkpoint_that_moves(model: str | None) -> None:
    recipe = drafted(Task.TEXT_TO_VIDEO, model=model)
    assert (recipe.family, recipe.checkpoint.name) == ("animatediff", "dreams")
    assert recipe.adapters == (MODULE,)
    assert recipe.motion is not None
    assert (recipe.motion.frames, recipe.motion.fps) == (16, 8.0)


def test_its_pictures_stay_pictures() -> None:
    recipe = drafted(None, model="dreams")
    assert (recipe.family, recipe.adapters, recipe.motion) == ("sd15", (), None)


def test_the_module_that_is_named_is_the_one_that_moves_it() -> None:
    assert drafted(Task.TEXT_TO_VIDEO, adapters=(OTHER,)).adapters == (OTHER,)


def test_without_a_module_nothing_here_draws_a_clip() -> None:
    alone = a_drafting([*HERE[:1], {"name": "dreams", "family": "sd15"}], default="plain")
    with pytest.raises(NoMaker):
        drafted(Task.TEXT_TO_VIDEO, alone)


def test_those_that_make_clips_are_offered_with_them() -> None:
    offers = DRAFTING.offers
    assert [entry.name for entry in offers.checkpoints("video")] == ["dreams"]
    assert [entry.name for entry in offers.makers(Task.TEXT_TO_VIDEO)] == ["dreams"]
    assert offers.tasks_of("dreams", VIDEO) > {Task.TEXT_TO_VIDEO, Task.TEXT_TO_IMAGE}
    assert Task.TEXT_TO_VIDEO not in offers.tasks_of("plain", VIDEO)
