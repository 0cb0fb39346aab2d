"""What is not for everybody is shown in age-restricted channels only, where something can tell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bot.studio.safety import UNSAFE
from generation.fleet.wire import Score, Scored
from generation.media import image
from storage.pictures import PictureId
from tests.given.admins import make_admin
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_model_folder
from tests.given.discord_world import pictures
from tests.given.fakes import FakeWorker
from tests.given.results import answers, is_result
from tests.given.scorers import build_scorer

BAD = 7  # the seed of what is not for everybody


class Judging(FakeWorker):
    """Finds that what was drawn with one seed is not for everybody."""

    async def score(self, order: Score) -> Scored:
        """Either the first words fit, or the others."""
        scored = await super().score(order)
        recipe = image.recipe_in(order.picture)
        bad = recipe is not None and recipe.seed == BAD
        return Scored(
            job=scored.job,
            scores=tuple(float((text in UNSAFE) is bad) for text in order.texts),
            seconds=scored.seconds,
            loading_seconds=scored.loading_seconds,
        )


def with_a_scorer(folder: Path) -> None:
    a_model_folder(folder / "models")
    build_scorer(folder / "models" / "judge", "clip")


async def told(studio: Studio, name: str, **options: Any) -> str:
    """What Ann, who is an admin, is answered."""
    return (await answers(await studio.world.ann.command(name, **options)))[0]


async def test_without_a_classifier_the_rule_is_not_taken(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        make_admin(studio.world, studio.world.ann)
        said = await told(studio, "server policy", age_restricted_only=True)
        assert "Nothing here tells whether a picture is for everybody" in said
        assert "nothing looks for it" in await told(studio, "server policy")


async def test_what_is_not_for_everybody_is_its_owners_alone(tmp_path: Path) -> None:
    with_a_scorer(tmp_path)
    async with a_studio(tmp_path, Judging(), safety_scorer="judge") as studio:
        here = studio.world
        make_admin(here, here.ann)
        assert "as `judge` judges it" in await told(
            studio, "server policy", age_restricted_only=True
        )
        await here.ben.command("imagine", prompt="a cat", seed=str(BAD - 1), count=2)
        result = await here.ann.sees(is_result)
        assert len(await pictures(result)) == 1
        assert "1 picture is not shown here" in result.content
        [number] = re.findall(r"`/show (\d+)`", result.content)
        assert "I do not remember that one" in await told(studio, "show", picture=number)
        shown = await here.ben.command("show", picture=number)
        assert shown.response.flags.ephemeral
        hidden = await studio.app.stores.pictures.get(PictureId(int(number)))
        assert (hidden.recipe.seed, hidden.guild) == (BAD, None)


async def test_in_an_age_restricted_channel_it_is_shown_and_nothing_is_judged(
    tmp_path: Path,
) -> None:
    with_a_scorer(tmp_path)
    worker = Judging()
    async with a_studio(tmp_path, worker, safety_scorer="judge") as studio:
        here = studio.world
        make_admin(here, here.ann)
        await told(studio, "server policy", age_restricted_only=True)
        studio.app.studio.safety.is_marked = lambda channel: channel == here.env.studio.id
        await here.ben.command("imagine", prompt="a cat", seed=str(BAD))
        result = await here.ann.sees(is_result)
        assert len(await pictures(result)) == 1
        assert worker.scored == []


async def test_what_cannot_be_judged_is_withheld(tmp_path: Path) -> None:
    with_a_scorer(tmp_path)
    async with a_studio(tmp_path, Judging(), safety_scorer="judge") as studio:
        here = studio.world
        make_admin(here, here.ann)
        await told(studio, "server policy", age_restricted_only=True)
        studio.app.studio.safety.patience = 0.0
        await here.ben.command("imagine", prompt="a cat")
        said = await here.ann.sees("not shown here")
        assert not said.attachments
