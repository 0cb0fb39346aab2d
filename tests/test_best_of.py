"""The best of several pictures is told by a scorer, in the asker's turn, and once."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import App
from bot.cli.direct import CONSOLE
from bot.cli.scoring import score
from bot.pages import replies
from bot.pages.best_page import UNSCORED
from bot.pages.recipe_page import recipe_page
from bot.studio.best_of import wished
from generation.errors import NoScorer, OutOfRange, UnusableWeights
from generation.fleet.wire import Score, Scored
from generation.recipe import Weights
from prompting.assist import Assisted
from storage.pictures import StoredPicture
from storage.scores import PictureScore
from storage.words import Wording
from tests.given.apps import a_studio, a_wish, an_app, an_idle_app, drawn, finished, some_settings
from tests.given.audiences import Memo
from tests.given.builders import a_digest, a_model_folder, a_recipe, changed
from tests.given.fakes import FakeWorker
from tests.given.results import is_result
from tests.given.scorers import build_scorer
from tests.given.stored import a_stored_picture
from tests.given.waiting import eventually

SEEDS = (10, 11, 12, 13)


def models(folder: Path, *, eyes: bool = True) -> Path:
    """A model that no scorer of ours knows, and a scorer."""
    model = a_model_folder(folder / "models")
    (model / "atelier.toml").write_text('family = "sd15"\n')
    if eyes:
        build_scorer(folder / "models" / "eyes", "clip")
    return folder


def a_scoring_worker() -> FakeWorker:
    worker = FakeWorker()
    worker.scores = {10: 0.1, 11: -0.2, 12: 0.31, 13: 0.2}
    return worker


def an_assisted(wish: str) -> Assisted:
    texts = dict.fromkeys(("prompt", "negative", "raw", "writer", "digest", "template", "note"), "")
    return Assisted(**texts, wish=wish, slots=None, seed=1, seconds=0.0, dialect="")


def order_of(pictures: tuple[StoredPicture, ...]) -> list[int]:
    return [picture.recipe.seed for picture in pictures]


async def stored(app: App, request: int) -> tuple[StoredPicture, ...]:
    return await app.stores.pictures.of_request(request)  # type: ignore[arg-type]


async def test_the_best_of_four_is_shown_first_with_its_score(tmp_path: Path) -> None:
    worker = a_scoring_worker()
    async with an_app(models(tmp_path), worker) as app:
        outcome = await drawn(app, a_wish(best_of=4, seed=10))
        assert order_of(outcome.pictures) == [12, 13, 10, 11]
        best = outcome.pictures[0]
        assert best.score is not None
        assert best.score.value == 0.31
        assert best.score.scorer.name == "eyes"
        assert f"⭐ #{best.id} is the best of 4: 0.31" in replies.result(outcome)
        assert [order.texts for order in worker.scored] == [("a red flower",)] * 4
        assert all(order.job < 0 for order in worker.scored)
        page, _ = recipe_page(best)
        assert "0.3100 by eyes" in page


async def test_they_are_pictures_of_consecutive_seeds_as_any_others(tmp_path: Path) -> None:
    worker = a_scoring_worker()
    async with an_app(models(tmp_path), worker) as app:
        outcome = await drawn(app, a_wish(best_of=4, seed=10))
        assert sorted(order_of(outcome.pictures)) == list(SEEDS)
        tickets = [ticket.job.recipe.seed for ticket in outcome.tickets]
        assert tickets == list(SEEDS)  # its request is what it is without scores
        plain = await drawn(app, a_wish(count=4, seed=10))
        assert order_of(plain.pictures) == list(SEEDS)
        assert all(picture.score is None for picture in plain.pictures)
        assert len(worker.scored) == 4


async def test_without_a_scorer_nothing_is_begun(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with an_app(models(tmp_path, eyes=False), worker) as app:
        with pytest.raises(NoScorer):
            await app.studio.requests.submit(a_wish(best_of=2))
        with pytest.raises(OutOfRange, match="best_of"):
            await app.studio.requests.submit(a_wish(best_of=9))
        assert not worker.orders


async def test_a_scorer_that_fails_holds_no_picture_back(tmp_path: Path) -> None:
    worker = a_scoring_worker()
    worker.failures["eyes"] = UnusableWeights("eyes", "it is damaged")
    async with an_app(models(tmp_path), worker) as app:
        outcome = await drawn(app, a_wish(best_of=2, seed=12))
        assert order_of(outcome.pictures) == [12, 13]
        assert UNSCORED in replies.result(outcome)


async def test_what_may_have_been_shown_already_is_neither_scored_nor_moved(tmp_path: Path) -> None:
    worker, memo = a_scoring_worker(), Memo(broken=1)
    worker.failures["eyes"] = UnusableWeights("eyes", "it is damaged")
    async with an_idle_app(models(tmp_path), worker) as app:
        app.studio.delivery.retry_seconds = (0.0,)
        async with app.at_work(memo):
            request = await app.studio.requests.submit(a_wish(best_of=2, seed=12))
            await eventually(lambda: memo.perhaps)
            worker.failures.clear()
            await finished(app, request.id)
            assert memo.perhaps == [False, True]
            assert len(worker.scored) == 1
            assert order_of(memo.outcomes[0].pictures) == [12, 13]


class OnceScoring(FakeWorker):
    """It scores one picture, and then none before it ends."""

    async def score(self, order: Score) -> Scored:
        if self.scored:
            self.scored.append(order)
            await asyncio.Event().wait()
        return await super().score(order)


async def test_a_restart_scores_what_lacks_a_score_and_nothing_twice(tmp_path: Path) -> None:
    first, second = OnceScoring(), a_scoring_worker()
    first.scores = {10: 0.9}
    async with an_app(models(tmp_path), first) as app:
        request = await app.studio.requests.submit(a_wish(best_of=4, seed=10))
        await eventually(lambda: len(first.scored) == 2)
        before = await stored(app, request.id)
        assert [picture.score is not None for picture in before] == [True, False, False, False]
    memo = Memo()
    async with an_app(tmp_path, second, audience=memo) as app:
        await eventually(lambda: memo.outcomes)
        assert len(second.scored) == 3
        assert order_of(memo.outcomes[0].pictures) == [10, 12, 13, 11]
        assert not second.orders  # and nothing is drawn again


async def test_a_place_in_the_message_means_the_same_picture_afterwards(tmp_path: Path) -> None:
    memo = Memo()
    async with an_app(models(tmp_path), a_scoring_worker(), audience=memo) as app:
        request = await app.studio.requests.submit(a_wish(best_of=4, seed=10))
        await finished(app, request.id)
        shown = await app.stores.pictures.of_message(1000 + request.id)
        assert order_of(shown) == order_of(memo.outcomes[0].pictures) == [12, 13, 10, 11]


async def test_all_of_them_again_are_compared_again(tmp_path: Path) -> None:
    worker = a_scoring_worker()
    async with an_app(models(tmp_path), worker) as app:
        wish = a_wish(best_of=2, seed=10)
        outcome = await drawn(app, wish)
        again = await app.studio.requests.again(outcome.request.id, wish.origin)
        assert again.scorer == outcome.request.scorer
        one = await app.studio.requests.again(
            outcome.request.id, wish.origin, only=outcome.pictures[0].id
        )
        assert one.scorer is None
        await finished(app, again.id)
        assert len(worker.scored) == 4


async def test_who_says_both_is_told_that_one_did_nothing(tmp_path: Path) -> None:
    async with an_app(models(tmp_path), a_scoring_worker()) as app:
        outcome = await drawn(app, a_wish(best_of=2, count=3, seed=10))
        assert len(outcome.pictures) == 2
        assert any("count did nothing" in note for note in outcome.request.notes)


async def test_people_see_which_is_the_best_and_pick_among_all(tmp_path: Path) -> None:
    async with a_studio(models(tmp_path), a_scoring_worker()) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", best_of=4, seed="10")
        result = await ann.sees(is_result)
        assert "is the best of 4: 0.31" in result.content
        assert len(result.attachments) == 4


def test_the_wish_is_what_counts_and_not_the_scene_that_was_found_for_it() -> None:
    recipe = changed(a_recipe(), prompt="a red flower in a meadow at dawn, soft light")

    def words(wish: str) -> Wording:
        return Wording(assisted=an_assisted(wish), own_negative="")

    assert wished(recipe, None) == recipe.prompt
    assert wished(recipe, words("Red flower")) == "Red flower"
    assert wished(recipe, words("eine rote Blume")) == recipe.prompt  # it was translated
    assert wished(recipe, words("a {red|blue} flower")) == recipe.prompt


def test_a_picture_without_a_score_says_nothing_of_one() -> None:
    picture = a_stored_picture()
    assert "score" not in recipe_page(picture)[0]
    eyes = Weights(name="eyes", sha256=a_digest("e"))
    scored = replace(picture, score=PictureScore(value=-1.5, scorer=eyes))
    assert "-1.5000 by eyes" in recipe_page(scored)[0]


async def test_a_terminal_tells_which_words_fit_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = some_settings(models(tmp_path))
    worker = a_scoring_worker()
    async with an_app(tmp_path, worker) as app:
        outcome = await drawn(app, a_wish(seed=12, owner=CONSOLE))
    file = tmp_path / "flower.png"
    file.write_bytes(outcome.files[0])
    for picture in (str(file), str(outcome.pictures[0].id)):
        asked = Namespace(picture=picture, words=["a red flower", "a dog"], json=True)
        assert await score(settings, asked, [worker]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["scorer"] == "eyes"
        assert [each["words"] for each in said["scores"]] == ["a red flower", "a dog"]
        assert said["scores"][0]["score"] == 0.31
