"""Forms: filled in with what was said, and heard whenever they come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simcord.actors import _dispatch_actor_interaction
from simcord.enums import InteractionType

from bot.chat.seen import SeenUploads
from bot.studio.rewriting import written_of
from generation.difference import difference
from generation.errors import OutOfRange
from generation.recipe import Recipe, needed
from generation.tasks import Task
from storage.pictures import PictureId
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_blue_png, changed
from tests.given.results import is_result, recipe_of
from tests.given.stored import a_stored_picture
from tests.given.waiting import eventually

FIELDS = ("prompt", "negative", "seed", "size", "strength")


def shown_in(result: Any) -> dict[str, str]:
    """What stands in the fields of a form that was opened."""
    fields = [row["component"] for row in result.modal["components"]]
    return {field["custom_id"]: field.get("value") or "" for field in fields}


async def fill_in(studio: Studio, message: Any, **changes: str) -> dict[str, str]:
    """Open the form of a picture and send it back with these changes."""
    opened = await studio.world.ann.press(message, "✏️")
    before = shown_in(opened)
    await studio.world.ann.submit(opened, *({**before, **changes}[name] for name in FIELDS))
    return before


def names(before: Recipe, after: Recipe) -> set[str]:
    return {change.name for change in difference(before, after)}


@pytest.mark.usefixtures("contract")
async def test_a_form_shows_what_was_said_and_changes_that_alone(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("settings", style="watercolor", count=3, negative="people")
        await ann.command(
            "imagine", prompt="a red flower", negative="text", seed="7", size="128x96", count=1
        )
        first = await ann.sees(is_result)
        was = await recipe_of(first)
        before = await fill_in(studio, first, prompt="a blue flower")
        assert before == {
            "prompt": was.prompt,
            "negative": needed(was.words).negative_prompt,
            "seed": "7",
            "size": "128x96",
            "strength": "1",
        }
        second = await ann.sees(is_result, after=first)
        assert names(was, await recipe_of(second)) == {"words.prompt"}
        assert "#1" in second.content
        assert "does nothing" not in second.content


async def test_less_than_all_of_it_begins_with_the_picture(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", seed="7")
        first = await ann.sees(is_result)
        await fill_in(studio, first, strength="0,4")
        second = await ann.sees(is_result, after=first)
        was, is_now = await recipe_of(first), await recipe_of(second)
        assert is_now.task is Task.IMAGE_TO_IMAGE
        assert needed(is_now.sampling).denoise == 0.4
        assert names(was, is_now) == {"task", "inputs", "sampling.sigmas", "sampling.denoise"}
        # What was drawn over something is drawn over the same again: not a copy of a copy.
        await fill_in(studio, second, prompt="a boat")
        third = await ann.sees(is_result, after=second)
        assert names(is_now, await recipe_of(third)) == {"words.prompt"}


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seed": "99999999999999999999"}, "The seed must be"),
        ({"seed": "a nice one"}, "The seed must be"),
        ({"size": "huge"}, "The size must be"),
        ({"strength": "7"}, "must be 0.01 to 1"),
        ({}, "Nothing in the form was changed"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_what_cannot_be_drawn_is_said_and_what_was_written_is_given_back(
    tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        words = "a red flower in a very long garden behind the house"
        await ann.command("imagine", prompt=words, seed="7")
        first = await ann.sees(is_result)
        await fill_in(studio, first, **changes)
        answer = await ann.sees(told)
        assert answer.id not in [m.id for m in studio.world.ben.messages()]
        assert words in answer.content
        assert len(studio.worker.orders) == 1


@pytest.mark.usefixtures("contract")
@pytest.mark.parametrize("words", ["🌸🌙", "word " * 799 + "ends"], ids=["emoji", "4000 letters"])
async def test_any_words_that_fit_into_a_form_are_drawn_whole(tmp_path: Path, words: str) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", seed="7")
        first = await ann.sees(is_result)
        await fill_in(studio, first, prompt=words)
        second = await ann.sees(is_result, after=first)
        assert (await recipe_of(second)).prompt == words


async def test_words_that_no_form_holds_are_not_cut() -> None:
    recipe = changed(a_stored_picture().recipe, prompt="a" * 4001)
    with pytest.raises(OutOfRange, match="4000"):
        written_of(recipe)


@pytest.mark.usefixtures("contract")
async def test_a_form_that_comes_back_after_a_restart_is_heard(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("imagine", prompt="a red flower", seed="5")
        opened = await studio.world.ann.press(await studio.world.ann.sees(is_result), "✏️")
        assert not studio.client._connection._view_store._modals, "nothing is kept in memory"
        written = {**shown_in(opened), "prompt": "a blue boat on a quiet sea"}
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await come_in(here, opened.modal["custom_id"], written)
        assert (
            await recipe_of(await here.ann.sees(is_result))
        ).prompt == "a blue boat on a quiet sea"
        # One that no release of ours has sent, and one of a picture that never was.
        for custom_id in ("atelier:form:nonsense:1", "atelier:form:edit:999", "atelier:form"):
            newest = here.ann.messages()[-1]
            await come_in(here, custom_id, written)
            answer = await here.ann.sees("I do not remember that one", after=newest)
            assert "a blue boat on a quiet sea" in answer.content


async def come_in(here: Any, custom_id: str, written: dict[str, str]) -> None:
    """A form comes back that this simulated Discord has not seen."""
    rows = [
        {"type": 18, "component": {"type": 4, "custom_id": name, "value": text}}
        for name, text in written.items()
    ]
    data = {"custom_id": custom_id, "components": rows}
    await _dispatch_actor_interaction(
        here.ann.actor, InteractionType.MODAL_SUBMIT, here.env.studio, data
    )


@pytest.mark.usefixtures("contract")
async def test_the_menu_s_form_asks_which_of_several_and_works_after_a_restart(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", seed="5", count=3)
        first = await ann.sees(is_result)
        opened = await ann.menu("Start from this picture", first)
        [*_, which] = opened.modal["components"]
        values = [option["value"] for option in which["component"]["options"]]
        assert len(values) == 3
        await ann.submit(opened, "make it night", "0.4", values[2])
        third = await studio.app.stores.pictures.get(PictureId(int(values[2])))
        await ann.sees(lambda m: is_result(m) and f"[#{third.id}]" in m.content, after=first)
        assert studio.worker.orders[-1].recipe.inputs[0].sha256 == third.png_sha256
    async with a_studio(tmp_path) as studio:
        here = studio.world
        # The simulated Discord has forgotten the message; the database has not.
        custom_id = f"atelier:form:start:{here.env.studio.id}:{first.id}"
        written = {"words": "in the rain", "denoise": "0.4"}
        await come_in(here, custom_id, written)
        await here.ann.sees(lambda m: is_result(m) and "rain" in m.content)


async def test_an_upload_s_form_looks_for_it_after_a_restart_or_gives_the_words_back(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        upload = await here.ann.say("look", files=[("sky.png", a_blue_png())])
        opened, late = [await here.ben.menu("Start from this picture", upload) for _ in range(2)]
        studio.client.seen = SeenUploads()  # as after a restart
        await here.ben.submit(opened, "a quiet sea in the evening", "0.6")
        await here.ben.sees(lambda m: is_result(m) and "made from an upload" in m.content)
        here.env.backend.delete_message(here.env.studio.id, upload.id)
        await here.ben.submit(late, "a quiet sea in the morning", "0.6")
        told = await here.ben.sees("that message is gone")
        assert "a quiet sea in the morning" in told.content


@pytest.mark.usefixtures("contract")
async def test_the_menu_edits_the_picture_that_is_picked(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", seed="5", count=2)
        first = await ann.sees(is_result)
        second = first.components[0].children[0].options[1].value  # type: ignore[union-attr]
        await ann.choose(first, second)
        first = await ann.sees(lambda m: m.id == first.id)
        opened = await ann.menu("Edit words", first)
        assert opened.modal["custom_id"] == f"atelier:form:edit:{second}"


async def test_somebody_elses_picture_has_no_form(tmp_path: Path) -> None:
    """A picture that one may not see is one that never was, also for a form."""
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a secret", seed="5")
        message = await here.ann.sees(is_result)
        opened = await here.ben.press(message, "✏️")
        await studio.client.on_raw_message_delete(_Gone(message.id))  # type: ignore[arg-type]
        await here.ben.submit(opened, *({**shown_in(opened), "seed": "6"}.values()))
        await here.ben.sees("I do not remember that one")
        assert len(studio.worker.orders) == 1


class _Gone:
    def __init__(self, message: int) -> None:
        self.message_id = message


async def test_an_upload_can_be_edited_as_well(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a boat", image=("a.png", a_blue_png()), denoise=0.5)
        first = await ann.sees(is_result)
        before = await fill_in(studio, first, prompt="a ship")
        assert before["strength"] == "0.5"
        second = await ann.sees(is_result, after=first)
        assert names(await recipe_of(first), await recipe_of(second)) == {"words.prompt"}
        await eventually(lambda: "#1" in second.content)
