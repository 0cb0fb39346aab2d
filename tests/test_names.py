"""What other programs call samplers and schedulers is understood; what is not here is said so."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.pages.apologies import apology_for
from generation import names
from generation.draft import DraftSampling, complete, named
from generation.errors import NoSuchName, NotHere, Unacceptable
from generation.recipe import needed
from generation.samplers import SAMPLERS, SCHEDULERS
from storage.people import Preferences
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import a_draft, a_model
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, recipe_of

SAID = {
    "DPM++ 2M Karras": ("dpmpp_2m", "karras"),
    "dpm++ 2m": ("dpmpp_2m", None),
    "DPM++ 2M SDE Heun Exponential": ("dpmpp_2m_sde_heun", "exponential"),
    "DPM++ 2S a Karras": ("dpmpp_2s_ancestral", "karras"),
    "DPM++ SDE": ("dpmpp_sde", None),
    "DPM2 a": ("dpm_2_ancestral", None),
    "EULER A": ("euler_ancestral", None),
    "eulera": ("euler_ancestral", None),
    "k_euler_a": ("euler_ancestral", None),
    "k_dpmpp_2m_ka": ("dpmpp_2m", "karras"),
    "dpmpp_2m_k": ("dpmpp_2m", "karras"),
    "sample_dpmpp_3m_sde_gpu": ("dpmpp_3m_sde", None),
    "ｄｐｍ＋＋　２ｍ": ("dpmpp_2m", None),  # a Chinese keyboard
    "DDIM": ("ddim", None),
    "UniPC": ("uni_pc", None),
    "LCM": ("lcm", None),
    "EulerAncestralDiscreteScheduler": ("euler_ancestral", None),
    "DPMSolverMultistepScheduler": ("dpmpp_2m", None),
}


@pytest.mark.parametrize(("said", "meant"), SAID.items())
def test_other_programs_names_mean_what_they_mean_there(
    said: str, meant: tuple[str, str | None]
) -> None:
    found = names.sampler(said)
    assert (found.name, found.scheduler) == meant


def test_schedulers_are_understood_and_automatic_is_the_usual_one() -> None:
    for said, meant in (
        ("Karras", "karras"),
        ("SGM Uniform", "sgm_uniform"),
        ("exponential", "exponential"),
        ("DDIM", "ddim_uniform"),
        ("Uniform", "normal"),
        ("Automatic", None),
    ):
        assert names.scheduler(said) == meant


def test_what_is_written_into_a_picture_is_read_back_as_the_same() -> None:
    for name in SAMPLERS:
        assert names.sampler(name) == names.sampler(names.sampler_title(name))
        assert names.sampler(name).name == name
        for scheduler in SCHEDULERS:
            both = f"{names.sampler_title(name)} {names.scheduler_title(scheduler)}"
            assert names.sampler(both) == names.Meant(name=name, scheduler=scheduler)
    for scheduler in SCHEDULERS:
        assert names.scheduler(scheduler) == scheduler
        assert names.scheduler(names.scheduler_title(scheduler)) == scheduler


# KSampler's menu in ComfyUI 0.8.0, and a name of a later commit.
COMFYUI = (
    *("euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2"),
    *("exp_heun_2_x0", "exp_heun_2_x0_sde", "dpm_2", "dpm_2_ancestral", "lms", "dpm_fast"),
    *("dpm_adaptive", "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp", "dpmpp_sde"),
    *("dpmpp_sde_gpu", "dpmpp_2m", "dpmpp_2m_cfg_pp", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"),
    *("dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm"),
    *("lcm", "ipndm", "ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp"),
    *("res_multistep_ancestral", "res_multistep_ancestral_cfg_pp", "gradient_estimation"),
    *("gradient_estimation_cfg_pp", "er_sde", "seeds_2", "seeds_3", "sa_solver"),
    *("sa_solver_pece", "ddim", "uni_pc", "uni_pc_bh2", "cfgpp_ud10_ab"),
)


def test_every_name_of_comfyui_draws_or_has_a_reason_and_the_gpus_twins_are_the_same() -> None:
    assert len(COMFYUI) == 44 + 1
    assert set(SAMPLERS) <= set(COMFYUI)
    for name in set(COMFYUI) - {"dpm_adaptive", "cfgpp_ud10_ab"}:
        assert names.sampler(name).name == name.removesuffix("_gpu")
    for name in ("dpm_adaptive", "cfgpp_ud10_ab"):
        with pytest.raises(NotHere) as refused:
            names.sampler(name)
        assert refused.value.reason
        assert refused.value.reason in apology_for(refused.value)


@pytest.mark.parametrize("said", ["Restart", "restart karras", "TCD", "dpm_adaptive", "PLMS"])
def test_a_sampler_that_is_not_here_suggests_no_other_one(said: str) -> None:
    with pytest.raises(NotHere) as refused:
        names.sampler(said)
    assert refused.value.nearest == ()
    assert "another program's" in apology_for(refused.value)


def test_a_slip_of_the_keyboard_is_guessed() -> None:
    with pytest.raises(NoSuchName) as refused:
        names.sampler("DPM++ 2M Karas")
    assert refused.value.nearest[0] == "dpmpp_2m"


@given(st.text(max_size=200))
def test_any_text_is_a_name_or_a_sentence(text: str) -> None:
    for read in (names.sampler, names.scheduler):
        with contextlib.suppress(Unacceptable):
            read(text)


def test_a_scheduler_named_apart_counts_more_than_one_in_the_samplers_name() -> None:
    both = named(DraftSampling(sampler="DPM++ 2M Karras", scheduler="SGM Uniform"))
    assert (both.sampler, both.scheduler) == ("dpmpp_2m", "sgm_uniform")
    recipe = complete(
        a_draft(prompt="a", sampler="DPM++ 2M SDE Karras"), a_model(), seed=1, device="cpu"
    )
    assert (needed(recipe.sampling).sampler, needed(recipe.sampling).scheduler) == (
        "dpmpp_2m_sde",
        "karras",
    )


async def test_options_and_settings_take_them(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("settings", sampler="Euler a", scheduler="Simple")
        assert "euler_ancestral" in (await ann.sees("What you draw with here")).content
        await ann.command("imagine", prompt="one", sampler="DPM++ 2M Karras")
        first = await ann.sees(is_result)
        recipe = await recipe_of(first)
        assert (needed(recipe.sampling).sampler, needed(recipe.sampling).scheduler) == (
            "dpmpp_2m",
            "karras",
        )
        await ann.command("imagine", prompt="two")
        second = await recipe_of(await ann.sees(is_result, after=first))
        assert (needed(second.sampling).sampler, needed(second.sampling).scheduler) == (
            "euler_ancestral",
            "simple",
        )


async def test_automatic_is_the_models_usual_scheduler_whatever_the_settings_say(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        wish = a_wish(draft={"scheduler": "Automatic"})
        await app.studio.defaults.keep(wish.origin.owner, Preferences(scheduler="beta"))
        outcome = await drawn(app, a_wish(owner=wish.origin.owner))
        assert needed(outcome.pictures[0].recipe.sampling).scheduler == "beta"
        outcome = await drawn(app, wish)
        assert needed(outcome.pictures[0].recipe.sampling).scheduler == "karras"
        mine = await app.studio.defaults.keep(wish.origin.owner, Preferences(scheduler="automatic"))
        assert mine.scheduler is None
