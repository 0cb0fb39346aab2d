"""From a picture and a factor to the recipe that makes it larger: nothing else differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.cli.direct import console
from bot.studio.changes import planned
from bot.studio.drafting import Drafting
from bot.studio.enlarging import LANCZOS, Larger, larger
from bot.studio.layers import NOBODY
from bot.studio.recalling import Recalled, answered_of
from bot.studio.revisor import able_of, revised
from bot.studio.wishes import Wish
from generation import enlarging, limits
from generation.difference import difference
from generation.draft import Draft
from generation.enlarging import enlarged_size, redrawn_share
from generation.errors import NoSuchName, NotPresent, OutOfRange
from generation.interchange.infotext import infotext
from generation.media.photos import InputFacts
from generation.model_key import model_key, weights_of
from generation.queue.costs import CostModel
from generation.recipe import Input, Recipe, needed
from generation.tasks import Task
from prompting.changing.intents import Intent, IntentKind
from storage.people import Preferences
from tests.given.builders import a_digest, a_recipe, an_enlarged
from tests.given.drafting import a_drafting, a_parent, liking, weights

START = Input(role="init", sha256=a_digest("c"), fit="cover")
MODELS: list[Mapping[str, Any]] = [
    {"name": "mine", "family": "starter"},
    {"name": "twice", "family": "", "kind": "upscaler", "factor": 2},
    {"name": "same", "family": "", "kind": "upscaler", "factor": 1},
]
PARENT = a_recipe(
    checkpoint=weights("mine"), negative_prompt="dog", seed=9, syntax="a1111-2", steps=7
)


def facts(width: int = 128, height: int = 96) -> InputFacts:
    return InputFacts(width=width, height=height, format="PNG", animated=False)


@pytest.fixture
def drafting() -> Drafting:
    return a_drafting(MODELS, default="mine")


async def drafted(
    drafting: Drafting, asked: Larger, parent: Recipe | None = PARENT, **mine: object
) -> Recipe:
    picture = a_parent(parent) if parent is not None else None
    wish = Wish(origin=console(), draft=Draft(), parent=picture)
    wish = larger(wish, START, facts(), asked, drafting.offers)
    found = await drafting.draft(wish, liking(Preferences(**mine)), device="cpu")  # type: ignore[arg-type]
    (recipe,) = found.recipes
    return recipe


async def test_the_very_same_pixels_ask_no_model_no_words_and_no_seed(drafting: Drafting) -> None:
    recipe = await drafted(drafting, Larger(factor=3.0, upscaler=LANCZOS), style="ink", denoise=0.9)
    assert (recipe.task, recipe.inputs, recipe.weights) == (Task.UPSCALE, (START,), ())
    assert (needed(recipe.canvas).width, needed(recipe.canvas).height) == (384, 288)
    assert (recipe.words, recipe.sampling, recipe.seed) == (None, None, 0)
    assert recipe.described == PARENT.prompt
    assert recipe == await drafted(drafting, Larger(factor=3.0, upscaler=LANCZOS))


async def test_drawn_over_it_differs_in_its_size_and_in_what_is_redrawn_alone(
    drafting: Drafting,
) -> None:
    recipe = await drafted(drafting, Larger(factor=2.0, redraw=0.25), style="ink", cfg=9.0, steps=3)
    changed = {one.name.partition(".")[0] for one in difference(PARENT, recipe)}
    inside = {one.name for one in difference(PARENT, recipe) if "." in one.name}
    assert changed == {"task", "inputs", "canvas", "sampling", "enlarging"}
    assert {name for name in inside if name.startswith("sampling")} == {
        "sampling.denoise",
        "sampling.sigmas",
    }
    how = needed(recipe.enlarging)
    assert (how.redrawn_tile, how.redrawn_overlap) == (128, 32)
    assert recipe.prompt == PARENT.prompt


async def test_the_upscaler_is_the_one_that_is_named_or_the_one_that_is_here(
    drafting: Drafting,
) -> None:
    usual = needed((await drafted(drafting, Larger(factor=2.0))).enlarging)
    assert (usual.method, usual.corrections) == ("model", enlarging.CORRECTIONS)
    assert usual.upscaler == weights("twice")
    named = needed((await drafted(drafting, Larger(factor=2.0, upscaler="SAME"))).enlarging)
    assert (named.upscaler, named.corrections) == (weights("same"), None)
    with pytest.raises(NoSuchName):
        await drafted(drafting, Larger(factor=2.0, upscaler="gone"))
    bare = a_drafting(MODELS[:1], default="mine")
    assert needed((await drafted(bare, Larger(factor=2.0))).enlarging).method == "lanczos"


async def test_an_uploaded_picture_is_enlarged_and_one_that_was_enlarged_is_again(
    drafting: Drafting,
) -> None:
    assert (await drafted(drafting, Larger(factor=2.0), parent=None)).described == ""
    again = await drafted(drafting, Larger(factor=2.0), parent=an_enlarged())
    assert again.described == "a red flower"
    over = await drafted(drafting, Larger(factor=2.0, redraw=0.25), parent=an_enlarged())
    assert (over.checkpoint, over.prompt) == (weights("mine"), "a red flower")


@pytest.mark.parametrize(
    ("size", "factor", "says"),
    [
        ((512, 512), 0.5, "1 to 8"),
        ((512, 512), 9.0, "1 to 8"),
        ((512, 512), float("nan"), "1 to 8"),
        ((2048, 1024), 4.0, "at most 2.8 for 2048x1024 pixels, which is 4096x4096 pixels in all"),
        ((8000, 5000), 2.0, "at most 4096x4096 pixels in all"),
    ],
)
def test_what_is_too_large_is_refused_with_what_fits(
    size: tuple[int, int], factor: float, says: str
) -> None:
    with pytest.raises(OutOfRange, match=says):
        enlarged_size(*size, factor)
    assert enlarged_size(100, 75, 1.5) == (150, 112)


async def test_a_reply_that_asks_for_more_pixels_gets_them_also_of_what_was_enlarged_before(
    drafting: Drafting,
) -> None:
    for recipe, drawn_by in ((PARENT, PARENT), (an_enlarged(), PARENT), (an_enlarged(), None)):
        answered = answered_of(recipe, prompt=recipe.described, negative=None, style=None)
        recalled = Recalled(recipe=recipe, file=a_digest("d"), answered=answered, drawn_by=drawn_by)
        able = able_of(recalled, drafting.offers)
        intent = Intent(kind=IntentKind.UPSCALE, factor=4.0)
        plan = planned([intent], answered, able, drafting.offers.styles)
        found = await revised(drafting, plan, recalled, console(), NOBODY, device="cpu")
        [made] = found.recipes
        assert (made.task, made.words) == (Task.UPSCALE, None)
        assert made.inputs[0].sha256 == a_digest("d")
        assert needed(made.canvas).width == 4 * needed(recipe.canvas).width
        assert made.described == "a red flower"


def test_a_strangers_recipe_is_drawn_with_our_files_and_within_our_limits() -> None:
    entry = limits.Present(kind="upscaler", weights=weights("twice"), family="")
    here = {weights("twice").sha256: entry}
    how = enlarging.plain(replace(weights("twice"), name="theirs"), 2)
    recipe = an_enlarged(enlarging=how, seed=5)
    ours = limits.for_somebody(recipe, here)
    assert needed(needed(ours.enlarging).upscaler).name == "twice"
    assert (ours.seed, ours.id) == (0, an_enlarged(enlarging=how).id)
    with pytest.raises(NotPresent):
        limits.for_somebody(recipe, {})
    for wrong in (
        {"enlarging": replace(how, tile=4096, overlap=32)},
        {"canvas": replace(needed(recipe.canvas), width=16384, height=8192)},
        {"inputs": (START, START)},
    ):
        with pytest.raises(OutOfRange):
            limits.for_somebody(replace(recipe, **wrong), here)


def test_a_job_costs_its_tiles_and_the_queue_tells_ways_and_weights_apart() -> None:
    costs, lanczos = CostModel(), an_enlarged()
    network = an_enlarged(enlarging=enlarging.plain(weights("twice"), 2))
    over = a_recipe(
        task=Task.UPSCALE,
        inputs=(START,),
        enlarging=replace(enlarging.plain(), redrawn_tile=128, redrawn_overlap=32),
        width=256,
        height=256,
    )
    assert redrawn_share(over) == 9 * 128 * 128 / 256**2
    assert costs.predict(lanczos) < costs.predict(network) < costs.predict(over)
    costs.learn(network, 3.0)
    assert costs.predict(replace(network, seed=4)) == pytest.approx(3.0, rel=0.1)
    assert len({model_key(one) for one in (lanczos, network, over)}) == 3
    assert weights_of(model_key(network))[-1] == weights("twice").sha256
    assert network.leading == weights("twice")
    assert lanczos.leading.name == "lanczos"
    assert "Model: lanczos" in infotext(lanczos)
