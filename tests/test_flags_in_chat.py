"""Parameters in the words do what the options of a command do, wherever words are said."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given

from bot.studio.flagging import said_in_reply, unflagged
from generation.errors import OutOfRange, Unacceptable
from generation.parameters import (
    IMAGE,
    PARAMETERS,
    PROMPT,
    AmountParameter,
    Parameter,
    WholeParameter,
)
from generation.recipe import needed
from generation.tasks import AUDIO, MESH, SECTIONS, VIDEO, may_have
from generation.tasks import IMAGE as IMAGE_MEDIUM
from prompting.changes import understand
from prompting.changing.intents import ShownPicture
from prompting.errors import PromptingError
from storage.tickets import RequestId
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import a_lora, a_model_folder
from tests.given.drafting import a_drafting
from tests.given.fakes import FakeWorker
from tests.given.flagged import PIECES
from tests.given.results import is_result, recipe_of


async def test_all_of_them_reach_the_recipe_and_none_stays_in_the_words(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        typed = "a red cat --ar 3:2 --seed 5 --no hat, scarf --steps 7 --cfg 5.5 --sampler euler"
        await ann.command("imagine", prompt=f"{typed} --model tiny --count 2")
        message = await ann.sees(is_result)
        recipe = await recipe_of(message)
        assert (recipe.prompt, needed(recipe.words).negative_prompt) == ("a red cat", "hat, scarf")
        assert recipe.seed == 5
        sampling, canvas = needed(recipe.sampling), needed(recipe.canvas)
        assert (sampling.steps, sampling.cfg, sampling.sampler) == (7, 5.5, "euler")
        assert canvas.width > canvas.height
        assert len(message.attachments) == 2
        assert "--" not in message.content
        assert (await studio.app.stores.tickets.request(RequestId(1))).words == "a red cat"


async def test_an_option_counts_more_than_the_words_and_it_is_said(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a cat --steps 7 --seed 9", steps=4)
        message = await ann.sees(is_result)
        recipe = await recipe_of(message)
        assert (needed(recipe.sampling).steps, recipe.seed) == (4, 9)
        assert "--steps 7 did nothing: the option of the command counts more." in message.content


async def test_what_means_nothing_here_is_said_kindly_and_drawn_all_the_same(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a cat --v 6 --s 250 --tile --style raw")
        message = await ann.sees(is_result)
        assert (await recipe_of(message)).prompt == "a cat"
        assert "--v 6, --s 250, --tile, --style raw: that is Midjourney's" in message.content
        assert "What comes nearest: --model, --style, --assist" in message.content


async def test_a_slip_suggests_what_is_meant(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a cat --sed 5")
        message = await ann.sees(is_result)
        assert "did you mean --seed?" in message.content
        assert (await recipe_of(message)).prompt == "a cat"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("a cat --steps 900", "1 to 150"),
        ("a cat --cfg -3", "0 to 100"),
        ("a cat --count 99", "1 to 8"),
        ("a cat --seed lots", "whole number"),
        ("a cat --ar banana", "such as"),
        ("a cat --steps", "I was given nothing"),
        ("a cat --model nowhere", "I know no model"),
        ("a cat --style nonsense", "I know no style"),
    ],
)
async def test_a_value_out_of_bounds_says_the_bounds(tmp_path: Path, typed: str, said: str) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        answer = await ann.command("imagine", prompt=typed)
        assert answer.ephemeral
        await ann.sees(said.replace("nothing", "`nothing`"))
        assert not studio.worker.orders


async def test_a_mention_and_a_reply_hold_them_too(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.say(f"<@{studio.client.user.id}> a red flower —ar 2：3 --seed 5")  # type: ignore[union-attr]
        first = await here.ann.sees(is_result)
        recipe = await recipe_of(first)
        assert (recipe.prompt, recipe.seed) == ("a red flower", 5)
        assert needed(recipe.canvas).width < needed(recipe.canvas).height
        await here.ann.say("make it night —seed 77 --s 50", reply_to=first)
        second = await here.ann.sees(is_result, after=first)
        changed = await recipe_of(second)
        assert changed.seed == 77
        assert "night" in changed.described
        assert "--" not in changed.described
        assert "--s 50: that is Midjourney's" in second.content
        await here.ann.say("--steps 999", reply_to=second)
        await here.ann.sees("1 to 150")


async def test_choices_of_several_pictures_each_have_their_own(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a cat --ar {3:2, 2:3} --seed 5")
        page = await ann.sees("2 pictures")
        await ann.press(page, "🖌️")
        await ann.sees(is_result)
        shapes = [needed(order.recipe.canvas) for order in studio.worker.orders]
        assert [one.width > one.height for one in shapes] == [True, False]
        assert {order.recipe.prompt for order in studio.worker.orders} == {"a cat"}


async def test_loras_and_parts_of_a_multi_prompt_are_read(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    a_lora(tmp_path / "models", "ink")
    async with an_app(tmp_path, FakeWorker()) as app:
        found = app.studio.requests.read(a_wish("space::2 ship fog --lora ink:0.5 --assist off"))
        [adapter] = found.draft.adapters
        assert (adapter.weights.name, adapter.strength) == ("ink", 0.5)
        assert found.draft.words.prompt == "(space:1.33), (ship fog:0.667)"
        again = app.studio.requests.read(found)
        assert again == found, "what was read is read no further"


async def test_a_reply_says_what_belongs_to_new_pictures_alone(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        said = said_in_reply("make it blue --best_of 4 --no hat", app.studio.offers)
        assert said.words == "make it blue --no hat"
        assert "--best_of 4 does nothing in a reply" in said.notes[0]
        with pytest.raises(OutOfRange):
            said_in_reply("--denoise 7", app.studio.offers)


VALUES = {"size": "3:2", "lora": "ink:0.5", "assist": "off", "seed": "7", "cfg": "3.5"}
SAID = [row for row in PARAMETERS.values() if row not in (PROMPT, IMAGE)]


@pytest.mark.parametrize("row", SAID, ids=lambda row: row.name)
def test_a_parameter_in_a_reply_is_understood_or_said_to_do_nothing(row: Parameter) -> None:
    whole = isinstance(row, WholeParameter | AmountParameter)
    value = VALUES.get(row.name, f"{row.low:g}" if whole else "ink")  # type: ignore[attr-defined]
    value = "64" if row.section == "canvas" else value
    said = said_in_reply(f"--{row.name} {value}", OFFERS)
    intents = understand(said.words, ShownPicture(prompt="a cat")).intents
    asked = any(intent.settings or intent.changes or intent.style for intent in intents)
    assert asked != bool(said.notes), (said, intents)


ASTRAY = "a cat --length 3 --key C major --lyrics la, la la --resolution 64 --temperature 1"


async def test_what_is_said_of_another_medium_is_left_out_and_said(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt=f"{ASTRAY} --steps 4")
        message = await ann.sees(is_result)
        recipe = await recipe_of(message)
        assert recipe.prompt == "a cat"
        assert (recipe.task.needs.medium, needed(recipe.sampling).steps) == (IMAGE_MEDIUM, 4)
        assert "--length 3 did nothing: it is said of clips, which /video makes." in message.content
        assert "--key C major, --lyrics la, la la, --temperature 1 did nothing" in message.content
        assert "it is said of sounds, which /sound makes." in message.content
        assert "--resolution 64 did nothing: it is said of forms" in message.content


@pytest.mark.parametrize("medium", [IMAGE_MEDIUM, VIDEO, AUDIO, MESH])
@pytest.mark.parametrize("row", SAID, ids=lambda row: row.name)
def test_a_wish_takes_the_parameters_of_its_medium_alone(row: Parameter, medium: str) -> None:
    if row.section not in SECTIONS:
        return  # what is of every wish
    whole = isinstance(row, WholeParameter | AmountParameter)
    value = VALUES.get(row.name, f"{row.low:g}" if whole else "ink")  # type: ignore[attr-defined]
    read = unflagged(a_wish(f"a cat --{row.name} {value}"), OFFERS, medium)
    said = getattr(getattr(read.draft, row.section), row.field)
    assert (said is not None) == may_have(medium, row.section)
    assert bool(read.notes) != may_have(medium, row.section)
    assert read.draft.words.prompt == "a cat"
    assert bool(read.flags) == may_have(medium, row.section)


async def test_an_enhanced_wish_keeps_its_parameters(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("enhance", wish="a red cat --ar 3:2 --seed 5")
        shown = await ann.sees("**1.**")
        assert "--" not in shown.content
        await ann.press(shown, "🖌️ Draw 1")
        recipe = await recipe_of(await ann.sees(is_result))
        assert recipe.seed == 5
        assert needed(recipe.canvas).width > needed(recipe.canvas).height


async def test_the_command_line_reads_them(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish("a red flower --seed 3 --steps 4"))
    recipe = outcome.pictures[0].recipe
    assert (recipe.prompt, recipe.seed) == ("a red flower", 3)
    assert outcome.request.words == "a red flower"
    assert needed(recipe.sampling).steps == 4


async def test_the_form_of_a_picture_reads_them_too(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a cat", seed="5", size="64x96")
        first = await ann.sees(is_result)
        form = await ann.press(first, "✏️")
        await ann.submit(form, "a dog --ar 3:2 --steps 4", "", "7", "64x96", "1")
        recipe = await recipe_of(await ann.sees(is_result, after=first))
        assert (recipe.prompt, recipe.seed, needed(recipe.sampling).steps) == ("a dog", 7, 4)
        assert needed(recipe.canvas).width > needed(recipe.canvas).height


OFFERS = a_drafting([{"name": "photo", "family": "sd15"}], default="photo").offers


@given(PIECES)
@example('--assist "x"')
@example("--seed " + "9" * 30)
def test_any_words_are_read_or_refused(words: str) -> None:
    with suppress(Unacceptable, PromptingError):
        unflagged(a_wish(words), OFFERS)
    with suppress(Unacceptable, PromptingError):
        said_in_reply(words, OFFERS)
