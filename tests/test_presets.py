"""Presets: saved from a picture or from options, used once or for good, shared, and never lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.studio.presetting import MOST, Whereabouts, asked_to_save, checked_name
from bot.studio.rights import Asker
from bot.studio.saved_drafts import SavedDraft
from generation.draft import DraftSampling, DraftWords
from generation.errors import NoSuchName, OutOfRange
from generation.recipe import Adapter, Weights, needed
from storage.errors import Missing
from storage.people import AssistMode, Level
from tests.given.admins import make_admin
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import ANN, BEN, a_digest, a_lora, a_model_folder
from tests.given.discord_world import buttons
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, recipe_of

ANNS = Whereabouts(person=ANN, channels=(0,), server=None)
STEPS = SavedDraft(sampling=DraftSampling(steps=5))

EVERYTHING = SavedDraft(
    words=DraftWords(negative_prompt="x" * 3000, clip_skip=2),
    sampling=DraftSampling(steps=5, cfg=7.0, sampler="euler"),
    adapters=(
        Adapter(
            kind="lora",
            weights=Weights(name="ink", sha256=a_digest("a")),
            strength=0.5,
            control=None,
        ),
    ),
    model=Weights(name="tiny", sha256=a_digest("b")),
    vae="own",
    count=2,
    best_of=3,
    style="ink-wash",
    assist=AssistMode.OFF,
    suffix="on paper",
)


@pytest.mark.parametrize("saved", [EVERYTHING, STEPS, SavedDraft()])
def test_what_is_saved_is_read_back(saved: SavedDraft) -> None:
    assert SavedDraft.load(saved.dump()) == saved


def test_a_preset_of_this_release_is_read_for_ever() -> None:
    text = (
        '{"words": {"clip_skip": 2}, "canvas": {}, "sampling": {"steps": 5, "cfg": 7.0}, '
        '"model": {"name": "tiny", "sha256": "' + "b" * 64 + '"}, "suffix": "on paper"}'
    )
    found = SavedDraft.load(text)
    assert (found.sampling.steps, found.suffix, needed(found.model).name) == (5, "on paper", "tiny")
    assert json.loads(found.dump()) == json.loads(text)


@pytest.mark.parametrize("name", ["ink", "夜景", "My best-one 2", "a" * 32, "Ｎｉｇｈｔ"])
def test_a_name_is_letters_digits_and_blanks(name: str) -> None:
    assert checked_name(f"  {name} ")


@pytest.mark.parametrize("name", ["", " ", "a" * 33, "channel:ink", "a\nb`c", "none", "OFF", "--"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(OutOfRange):
        checked_name(name)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("save as preset ink", "ink"),
        ("Save this as a preset: night ink", "night ink"),
        ("保存为预设 夜景", "夜景"),
        ("make it night", None),
        ("save the cat", None),
    ],
)
def test_a_reply_asks_for_it_in_words(words: str, name: str | None) -> None:
    assert asked_to_save(words) == name


async def test_a_picture_is_saved_used_once_and_used_for_good(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a cat", steps=5, cfg=3.5, negative="dog", size="64x96")
        first = await ann.sees(is_result)
        await ann.command("preset save", name="Ink", picture="1", suffix="on paper")
        await ann.sees("💾 Saved `Ink` (yours)")
        assert await ann.complete("imagine", "preset", "in") == ["Ink"]
        await ann.command("imagine", prompt="a boat", preset="ink", seed="3")
        second = await ann.sees(is_result, after=first)
        recipe = await recipe_of(second)
        assert (recipe.prompt, recipe.seed) == ("a boat, on paper", 3)
        assert needed(recipe.words).negative_prompt == "dog"
        assert (needed(recipe.sampling).steps, needed(recipe.sampling).cfg) == (5, 3.5)
        assert needed(recipe.canvas).height == 96
        await ann.command("imagine", prompt="a boat")
        third = await ann.sees(is_result, after=second)
        assert (await recipe_of(third)).prompt == "a boat"
        await ann.command("imagine", prompt="a tree --preset ink --steps 4")
        fourth = await ann.sees(is_result, after=third)
        recipe = await recipe_of(fourth)
        assert (recipe.prompt, needed(recipe.sampling).steps) == ("a tree, on paper", 4)
        await ann.command("preset use", name="ink")
        await ann.sees("You draw with `Ink` here")
        await ann.command("imagine", prompt="a house")
        fifth = await ann.sees(is_result, after=fourth)
        assert (await recipe_of(fifth)).prompt == "a house, on paper"
        assert "Drawn with the preset “Ink”, which you use here" in fifth.content
        await ann.command("settings")
        page = await ann.sees("**preset** Ink")
        assert "**steps** 5 · preset Ink" in page.content
        await ann.command("preset use")
        await ann.sees("You draw with no preset")
        await ann.command("imagine", prompt="a sun")
        assert (await recipe_of(await ann.sees(is_result, after=fifth))).prompt == "a sun"


async def test_the_button_and_a_reply_save_a_picture(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await ann.command("imagine", prompt="a cat", steps=5)
        message = await ann.sees(is_result)
        assert len(buttons(message)) <= 25
        shown = await ben.press(message, "💾")
        await ben.submit(shown, "mine", "by night")
        await ben.sees("💾 Saved `mine` (yours)")
        await ann.say("save as preset other", reply_to=message)
        await ann.sees("💾 Saved `other` (yours)")
        await ben.command("preset list")
        page = await ben.sees("`mine`")
        assert "`other`" not in page.content
        assert "suffix by night" in page.content
        await ben.command("imagine", prompt="a", preset="other")
        await ben.sees("I know no preset called `other`")


async def test_a_preset_of_options_is_checked_and_shown(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("preset save", name="fine", steps=9, sampler="DPM++ 2M Karras", lora="no")
        await ann.sees("I know no LoRA called `no`")
        await ann.command("preset save", name="fine", steps=9, sampler="DPM++ 2M Karras")
        await ann.sees("💾 Saved `fine`")
        await ann.command("preset save", name="fine", style="ink-wash")
        await ann.sees("in place of the one before")
        await ann.command("preset show", name="FINE")
        page = await ann.sees("Preset `fine` · yours")
        assert "**style** ink-wash" in page.content
        assert "steps" not in page.content
        await ann.command("preset save", name="empty")
        await ann.sees("I was given `nothing to keep`")
        await ann.command("preset delete", name="fine")
        await ann.sees("The preset `fine` (yours) is gone.")
        await ann.command("preset list")
        await ann.sees("There are no presets here yet")


async def test_a_shared_preset_is_for_all_and_only_who_decides_shares(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await ben.command("preset save", name="ink", steps=5)
        await ben.sees("💾 Saved")
        await ben.command("preset share", name="ink", scope="channel")
        await ben.sees("those who moderate this channel")
        await ann.command("preset save", name="ink", steps=6)
        await ann.sees("💾 Saved")
        await ann.command("preset share", name="ink", scope="channel")
        await ann.sees("`ink` is for all who draw in this channel now")
        await ann.command("preset share", name="ink", scope="server")
        await ann.sees("this server's admins")
        make_admin(studio.world, ann)
        await ann.command("preset share", name="ink", scope="server")
        await ann.sees("`ink` is for all of this server now")
        assert await ben.complete("imagine", "preset", "") == ["ink", "channel:ink", "server:ink"]
        await ben.command("imagine", prompt="a", preset="channel:ink")
        first = await ben.sees(is_result)
        assert needed((await recipe_of(first)).sampling).steps == 6
        await ben.command("preset delete", name="channel:ink")
        await ben.sees("those who moderate this channel")
        await ben.command("preset delete", name="ink")
        await ben.sees("is gone")
        await ben.command("imagine", prompt="a", preset="ink")
        second = await ben.sees(is_result, after=first)
        assert needed((await recipe_of(second)).sampling).steps == 6, "the channel's is next"


async def test_it_is_there_after_a_restart_and_says_what_vanished(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    a_lora(tmp_path / "models", "ink")
    async with an_app(tmp_path, FakeWorker()) as app:
        gone = Weights(name="gone", sha256=a_digest("f"))
        adapter = app.studio.offers.lora("ink:0.5")
        saved = replace(STEPS, model=gone, adapters=(adapter,), style="nonsense")
        await app.studio.presets.save(ANNS, "old", saved)
        await app.studio.presets.use(ANNS, "old")
    (tmp_path / "models" / "ink.safetensors").unlink()
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish("a cat"))
        recipe, notes = outcome.pictures[0].recipe, "\n".join(outcome.request.notes)
        assert needed(recipe.sampling).steps == 5
        assert (recipe.checkpoint.name, recipe.adapters) == ("tiny", ())
        for said in ("model “gone” is not here", "LoRA “ink” is not here", "style “nonsense”"):
            assert said in notes
        again = await app.studio.presets.visible(ANNS)
        assert [preset.name for preset in again] == ["old"]


async def test_a_renamed_model_is_found_by_its_digest(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    async with an_app(tmp_path, FakeWorker()) as app:
        here = app.studio.offers.catalog.find("tiny").weights
        saved = replace(STEPS, model=Weights(name="its old name", sha256=here.sha256))
        await app.studio.presets.save(ANNS, "old", saved)
        outcome = await drawn(app, a_wish("a cat", preset="old"))
        assert outcome.pictures[0].recipe.checkpoint == here
        assert not any("not here" in note for note in outcome.request.notes)


async def test_what_is_changed_stays_as_it_was_whatever_preset_is_used(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        first = (await drawn(app, a_wish("a cat"))).pictures[0]
        await app.studio.presets.save(ANNS, "ink", replace(STEPS, suffix="on paper"))
        await app.studio.presets.use(ANNS, "ink")
        changed = (await drawn(app, a_wish("a dog", parent=first))).pictures[0]
        assert changed.recipe.prompt == "a dog"
        assert needed(changed.recipe.sampling).steps == needed(first.recipe.sampling).steps


async def test_nobody_saves_a_picture_that_is_not_for_them(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        picture = (await drawn(app, a_wish("a cat"))).pictures[0]
        presets = app.studio.presets
        assert await presets.of_picture(Asker(id=ANN, guild=None), picture.id)
        with pytest.raises(Missing):
            await presets.of_picture(Asker(id=BEN, guild=None), picture.id)


async def test_there_are_so_many_of_a_person_and_no_more(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        presets = app.studio.presets
        for number in range(MOST[Level.PERSON]):
            await presets.save(ANNS, f"preset {number}", STEPS)
        with pytest.raises(OutOfRange):
            await presets.save(ANNS, "one more", STEPS)
        assert await presets.save(ANNS, "PRESET 3", STEPS), "one that is there makes room"
        bens = replace(ANNS, person=BEN)
        assert not await presets.save(bens, "one more", STEPS)
        with pytest.raises(NoSuchName) as refused:
            await presets.find(ANNS, "preset 5O")
        assert "preset 5" in refused.value.nearest
