"""What autocomplete offers can be chosen, and an exact number means what it says."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from generation.recipe import needed
from generation.samplers import SAMPLERS
from prompting.speaking.styles import Style, Styles
from tests.given import tinymodels
from tests.given.apps import a_studio
from tests.given.builders import a_lora, a_model_folder
from tests.given.discord_world import pictures
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, recipe_of
from tests.given.town import a_scene
from tests.given.waiting import eventually

LONG = "x" * 105


def a_long_model(models: Path, number: int) -> str:
    """A model of its own whose name differs from others' behind its hundredth letter."""
    name = f"{LONG}-{number:03d}"
    weights = a_model_folder(models, name) / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + struct.pack("<f", number + 0.5))
    return name


def a_long_lora(models: Path, name: str) -> str:
    file = a_lora(models, name)
    data = bytearray(file.read_bytes())
    data[-8:] = name[-8:].encode().rjust(8)
    file.write_bytes(data)
    return name


async def test_a_model_with_a_long_name_is_offered_so_that_it_can_be_chosen(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    names = [a_long_model(tmp_path / "models", number) for number in range(30)]
    async with a_studio(tmp_path) as studio:
        here, ann = studio.world, studio.world.ann
        offered = await ann.actor.autocomplete(here.env.studio, "imagine", "model", "x")
        assert len(offered) == 25
        assert all(1 <= len(c["name"]) <= 100 and 1 <= len(c["value"]) <= 100 for c in offered)
        assert len({c["name"] for c in offered}) == len({c["value"] for c in offered}) == 25
        for chosen in (offered[3], offered[20]):
            newest = ann.messages()[-1] if ann.messages() else None
            await ann.command("imagine", prompt="a cat", model=chosen["value"])
            recipe = await recipe_of(await ann.sees(is_result, after=newest))
            assert recipe.checkpoint.name in names
            assert recipe.checkpoint.name[-3:] in chosen["name"]
        # The sizes that are offered are those of the chosen model; settings keep it, too.
        assert await ann.complete("imagine", "size", "", prompt="a", model=offered[3]["value"])
        await ann.command("settings", model=offered[3]["value"])
        await ann.sees("seed mode")


async def test_the_best_known_samplers_are_offered_and_the_others_by_a_part_of_their_name(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        offered = await ann.complete("imagine", "sampler", "", prompt="a")
        assert offered == list(SAMPLERS)[:25]
        assert {"euler", "dpmpp_2m", "lcm", "res_multistep"} <= set(offered)
        found = await ann.complete("imagine", "sampler", "pece", prompt="a")
        assert found == ["sa_solver_pece"]


async def test_settings_of_before_do_not_stand_in_the_way_of_a_model_of_another_kind(
    tmp_path: Path,
) -> None:
    a_model_folder(tmp_path / "models")
    (tmp_path / "models" / "flows").symlink_to(tinymodels.of("sd3"))
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("settings", sampler="dpmpp_2m", size="128x128")
        await ann.command("settings", model="flows")
        await ann.sees("**model** flows")
        await ann.command("imagine", prompt="a cat")
        recipe = await recipe_of(await ann.sees(is_result))
        assert recipe.family == "sd3"
        assert needed(recipe.sampling).sampler == "dpmpp_2m"  # which draws flows as well


async def test_loras_with_long_names_or_commas_are_offered_so_that_they_can_be_chosen(
    tmp_path: Path,
) -> None:
    a_model_folder(tmp_path / "models")
    names = [a_long_lora(tmp_path / "models", f"{LONG}-{n}") for n in range(2)]
    names.append(a_long_lora(tmp_path / "models", "ink, wet"))
    async with a_studio(tmp_path) as studio:
        ann, chosen = studio.world.ann, ""
        for wanted in ("-1", "-0", "ink"):
            found = [
                value
                for value in await ann.complete("imagine", "lora", f"{chosen}{wanted}", prompt="a")
                if wanted != "ink" or "ink" in value
            ]
            assert all(len(value) <= 100 for value in found)
            chosen = f"{found[0]}:0.5, "
        offers = studio.app.studio.offers
        adapters = [offers.lora(one) for one in chosen.split(",") if one.strip()]
        assert {adapter.weights.name for adapter in adapters} == set(names)
        assert {adapter.strength for adapter in adapters} == {0.5}


def test_a_style_with_a_long_name_has_a_key_that_means_it() -> None:
    long = [
        Style(name=f"{LONG}{n}", en=f"e{n}", zh="", tags="{prompt}", prose="{prompt}")
        for n in range(2)
    ]
    styles = Styles(long)
    for style in long:
        assert 1 <= len(style.key) <= 100
        assert styles.find(style.key) is style


async def test_an_exact_number_comes_first_and_enter_takes_it(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        for prompt in ("1 flower", "a boat with 11 sails"):
            newest = ann.messages()[-1] if ann.messages() else None
            await ann.command("imagine", prompt=prompt, count=6)
            await ann.sees(is_result, after=newest)
        for typed in ("1", "#1", " #1 "):
            offered = await ann.complete("reproduce", "picture", typed)
            assert offered[:4] == ["1", "12", "11", "10"]
        shown = await ann.actor.autocomplete(studio.world.env.studio, "reproduce", "picture", "7")
        assert "a boat" in shown[0]["name"]
        # Somebody else's is named where it may be seen, and other numbers are none of theirs.
        theirs = await ben.actor.autocomplete(studio.world.env.studio, "reproduce", "picture", "1")
        assert [c["value"] for c in theirs] == ["1"]
        assert "flower" in theirs[0]["name"]
        never = await ben.actor.autocomplete(studio.world.env.studio, "reproduce", "picture", "99")
        assert [(c["name"], c["value"]) for c in never] == [("#99", "99")]
        await ann.command("reproduce", picture=offered[0])
        repeated = await ann.sees("IDENTICAL")
        assert "#1:" in repeated.content


async def test_a_number_of_what_may_not_be_seen_is_offered_like_one_that_never_was(
    tmp_path: Path,
) -> None:
    async with a_scene(tmp_path) as scene:
        env = scene.env
        olga, ben = scene.visitor(env.olga, env.hidden), scene.visitor(env.ben, env.studio)
        await olga.command("imagine", prompt="a secret")
        assert await pictures(await olga.sees(is_result))
        for number in ("1", "2"):
            offered = await ben.offered("reproduce", "picture", number)
            assert [(c["name"], c["value"]) for c in offered] == [(f"#{number}", number)]
        assert "secret" in (await olga.offered("reproduce", "picture", "#1"))[0]["name"]


@pytest.mark.parametrize("typed", ["", "²", "9" * 30, "-1", "#", "((", "\ud83d"])
async def test_odd_things_are_typed_without_harm(tmp_path: Path, typed: str) -> None:
    async with a_studio(tmp_path) as studio:
        for command, option in (("reproduce", "picture"), ("cancel", "request")):
            assert await studio.world.ann.complete(command, option, typed) == []


async def test_the_request_of_that_number_comes_first_when_it_is_to_be_ended(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        ann, open_requests = studio.world.ann, studio.app.studio.open_requests
        for prompt in ("2 boats", "a cat"):
            await ann.command("imagine", prompt=prompt)
        await eventually(lambda: len(open_requests.requests()) == 2)
        for typed in ("2", "#2"):
            assert (await ann.complete("cancel", "request", typed))[0] == "2"
        assert await ann.complete("cancel", "request", "boats") == ["1"]
        worker.gate.set()
