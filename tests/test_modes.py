"""Models and LoRAs that were taught to draw in few steps are drawn with so, unless somebody says.

From the card, the base model or the header to the recipe, in every order of who says what.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.studio import notes
from generation.draft import complete
from generation.families.family import FAMILIES
from generation.modes import MODES, of_base, of_header
from generation.recipe import Recipe, needed
from generation.samplers import SAMPLERS, SCHEDULERS
from storage.people import Preferences
from storage.tickets import Request
from tests.given.apps import a_wish, an_app, drawn
from tests.given.builders import a_draft, a_lora, a_model_folder
from tests.given.checkpoints import only, reason, scanned
from tests.given.fakes import FakeWorker
from tests.given.thinmodels import SD15, SDXL, VAE, write_file

USUAL = FAMILIES["starter"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model, and LoRAs of which some want few steps."""
    models = tmp_path / "models"
    a_model_folder(models)
    for letter, (name, card) in enumerate(
        {
            "ink": "",
            "quick": 'mode = "lcm"\n',
            "bolt": 'base = "SDXL Lightning"\nsteps = 8\n',
            "six": "steps = 6\nstrength = 0.5\n",
        }.items()
    ):
        path = a_lora(models, name, card=card)
        path.write_bytes(path.read_bytes()[:-1] + bytes([letter]))
    return tmp_path


async def asked(
    folder: Path, prompt: str, mine: Preferences | None = None, **more: Any
) -> tuple[Recipe, Request]:
    async with an_app(folder, FakeWorker()) as app:
        wish = a_wish(prompt, **more)
        if mine is not None:
            await app.studio.defaults.keep(wish.origin.owner, mine)
        outcome = await drawn(app, wish)
        return outcome.pictures[0].recipe, outcome.request


def sampled(recipe: Recipe) -> tuple[int, float, str, str]:
    said = needed(recipe.sampling)
    return said.steps, said.cfg, said.sampler, said.scheduler


OFF = (USUAL.steps, USUAL.cfg, USUAL.sampler, USUAL.scheduler)
LCM = (4, 1.0, "lcm", "sgm_uniform")


@pytest.mark.parametrize(
    ("prompt", "drawn_so", "strength"),
    [
        ("a cat", OFF, None),
        ("a cat <lora:ink>", OFF, 1.0),
        ("a cat <lora:quick>", LCM, 1.0),
        ("a cat <lora:quick:0>", OFF, None),
        ("a cat <lora:bolt:0.7>", (8, 1.0, "euler", "sgm_uniform"), 0.7),
        ("a cat <lora:six>", (6, *OFF[1:]), 0.5),
        ("a cat <lora:ink><lora:quick>", LCM, 1.0),
    ],
)
async def test_a_lora_that_is_on_switches_how_it_is_sampled(
    folder: Path, prompt: str, drawn_so: tuple[int, float, str, str], strength: float | None
) -> None:
    recipe, request = await asked(folder, prompt)
    assert sampled(recipe) == drawn_so
    assert [a.strength for a in recipe.adapters][-1:] == ([strength] if strength else [])
    told = [note for note in request.notes if "was taught" in note]
    assert len(told) == (drawn_so != OFF)
    assert all(f"{drawn_so[0]} steps" in note for note in told)


async def test_what_somebody_says_stays_and_the_note_tells_the_rest_alone(folder: Path) -> None:
    recipe, request = await asked(folder, "a cat <lora:quick>", draft={"steps": 7})
    assert sampled(recipe) == (7, *LCM[1:])
    (told,) = [note for note in request.notes if "was taught" in note]
    assert "steps, " not in told
    recipe, _ = await asked(folder, "a cat <lora:quick>", Preferences(steps=9, sampler="euler"))
    assert sampled(recipe) == (9, 1.0, "euler", "sgm_uniform")


async def test_of_two_modes_the_first_counts_and_the_other_is_named(folder: Path) -> None:
    recipe, request = await asked(folder, "a cat <lora:bolt><lora:quick>")
    assert sampled(recipe) == (8, 1.0, "euler", "sgm_uniform")
    assert notes.two_modes("quick", "bolt") in request.notes


async def test_a_picture_that_is_changed_keeps_its_steps_until_such_a_lora_comes_or_goes(
    folder: Path,
) -> None:
    plain, _ = await asked(folder, "a cat", draft={"steps": 30, "cfg": 5.0})
    fast, _ = await asked(folder, "a dog <lora:quick>", after=plain)
    assert sampled(fast) == LCM
    again, _ = await asked(folder, "a horse", after=fast)  # it is handed on
    assert (sampled(again), again.adapters) == (LCM, fast.adapters)
    mine, _ = await asked(folder, "a horse", after=fast, draft={"steps": 6})
    assert sampled((await asked(folder, "a fox", after=mine))[0]) == (6, *LCM[1:])
    slow, _ = await asked(folder, "a horse <lora:quick:0>", after=fast)
    assert sampled(slow) == OFF


def test_a_checkpoint_is_drawn_as_its_mode_says_and_its_card_says_more(tmp_path: Path) -> None:
    write_file(tmp_path / "m" / "x.safetensors", SDXL)
    card = tmp_path / "m" / "x.safetensors.atelier.toml"
    card.write_text('base = "SDXL Lightning"\nsteps = 8\n')
    entry = only(tmp_path / "m")
    draft = a_draft(prompt="a cat", width=512, height=512)
    recipe = complete(draft, entry.model, seed=1, device="cpu")
    assert sampled(recipe) == (8, 1.0, "euler", "sgm_uniform")
    assert entry.note == "Lightning: 8 steps, cfg 1, Euler, SGM Uniform"
    card.write_text('base = "Pony"\n')  # of which there is nothing to say
    assert sampled(complete(draft, only(tmp_path / "m").model, seed=1, device="cpu"))[0] == 28


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ({"modelspec.title": "SDXL Lightning"}, ("lightning", None)),
        ({"modelspec.description": "Hyper-SD LoRA for 8-step sampling"}, ("hyper", 8)),
        ({"modelspec.tags": "lcm, 4 steps"}, ("lcm", 4)),
        ({"ss_training_comment": "dmd2_4step distilled"}, ("dmd2", 4)),
        ({"modelspec.title": "Qwen-Image-Lightning-8steps-V1.0"}, ("lightning", 8)),
        ({"modelspec.title": "Lightning over the sea"}, None),
        ({"modelspec.title": "Turbo engines, 3000 steps of training"}, None),
        ({"modelspec.description": "trained for 12 steps a picture"}, None),
        ({}, None),
    ],
)
def test_a_header_tells_a_mode_where_it_names_its_steps_too(
    header: dict[str, str], found: tuple[str, int | None] | None
) -> None:
    said = of_header(header)
    assert (None if said is None else (said.mode.name, said.steps)) == found


def test_a_lora_that_says_so_itself_needs_no_card(tmp_path: Path) -> None:
    a_lora(tmp_path, "x", "sdxl", metadata={"modelspec.title": "Hyper-SDXL-8steps"})
    entry = only(tmp_path)
    assert (entry.mode, entry.usual.sampling.steps) == ("Hyper", 8)


def test_what_a_mode_says_of_flows_is_another_than_of_added_noise() -> None:
    hyper = needed(of_header({"modelspec.title": "Hyper FLUX 8 steps"}))
    assert (hyper.strength(flows=True), hyper.strength(flows=False)) == (0.125, 1.0)
    lightning = needed(of_base("SDXL Lightning"))
    assert lightning.usual(flows=True).sampling.shift == 3.0
    assert lightning.usual(flows=False).sampling.shift is None


def test_the_table_of_modes_in_the_docs_is_that_of_the_rows() -> None:
    text = (Path(__file__).parent.parent / "docs" / "models.md").read_text(encoding="utf-8")
    for mode in MODES.values():
        (line,) = [each for each in text.splitlines() if each.startswith(f"| `{mode.name}` |")]
        for said, cell in zip((mode.usual, mode.flow), line.split("|")[2:4], strict=True):
            for part in (said.steps, said.cfg, said.sampler, said.scheduler):
                assert (f"{part:g}" if isinstance(part, float) else str(part)) in cell
            assert (f"shift {said.shift or 0:g}" in cell) == (said.shift is not None)


def test_every_mode_can_be_drawn_with_every_kind_of_family() -> None:
    for mode in MODES.values():
        for said in (mode.usual, mode.flow):
            assert said.sampler in SAMPLERS
            assert said.scheduler in SCHEDULERS
            assert 1 <= needed(said.steps) <= 8


@pytest.mark.parametrize(
    ("shapes", "card", "refused"),
    [
        (SD15, 'mode = "sluggish"', "none of lcm"),
        (SD15, "strength = 0.5", "no LoRA"),
        (VAE, 'mode = "lcm"', "no checkpoint or LoRA"),
    ],
)
def test_a_card_that_says_what_cannot_be_is_refused(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], card: str, refused: str
) -> None:
    write_file(tmp_path / "m" / "x.safetensors", shapes)
    (tmp_path / "m" / "x.safetensors.atelier.toml").write_text(card)
    assert refused in reason(tmp_path / "m")


@pytest.mark.parametrize(
    ("card", "refused"),
    [
        ("width = 512", "more than how to sample"),
        ("strength = 99", "strength is no number"),
        ("cfg = 9000.0", "settings are refused"),
    ],
)
def test_a_loras_card_says_how_to_sample_and_nothing_else(
    tmp_path: Path, card: str, refused: str
) -> None:
    a_lora(tmp_path, "x", card=card)
    (why,) = scanned(tmp_path).refused()
    assert refused in why.reason
