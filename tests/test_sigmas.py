"""What the schedulers' names mean, held against formulas written a second time, with numpy."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from generation.errors import NoSuchName, OutOfRange
from generation.families.family import FAMILIES
from generation.samplers import SAMPLERS, SCHEDULERS, TOKENS
from generation.sigmas import FORMULAS, expand
from tests.given.builders import levels_of

Floats = NDArray[np.float64]

SIGMA_MAX, SIGMA_MIN = 14.614642, 0.029167
SKIPPING = [name for name, sampler in SAMPLERS.items() if sampler.skips]


def sd_table() -> Floats:
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    kept = np.cumprod(1 - betas)
    return np.asarray(np.sqrt((1 - kept) / kept))


def reference(scheduler: str, n: int) -> list[float]:
    """The formulas of the research notes; n > 1 where they divide by n - 1."""
    table = sd_table()
    low, high = table[0], table[-1]

    def at(timesteps: Floats) -> Floats:
        return np.exp(np.interp(timesteps, np.arange(1000), np.log(table)))

    match scheduler:
        case "normal":
            out = at(np.linspace(999, 0, n))
        case "sgm_uniform":
            out = at(np.linspace(999, 0, n + 1)[:-1])
        case "simple":
            out = np.array([table[-1 - int(i * (1000 / n))] for i in range(n)])
        case "even":
            out = at(np.maximum(np.linspace(1000, 0, n, endpoint=False) - 1, 0))
        case "ddim_uniform":
            out = table[np.arange(1, 1000, max(1000 // n, 1))][::-1]
        case "karras":
            out = (high ** (1 / 7) + np.linspace(0, 1, n) * (low ** (1 / 7) - high ** (1 / 7))) ** 7
        case "exponential":
            out = np.geomspace(high, low, n)
        case "beta":
            from scipy.stats import beta

            places = np.rint(beta(0.6, 0.6).ppf(1 - np.linspace(0, 1, n, endpoint=False)) * 999)
            out = table[np.array(list(dict.fromkeys(places)), dtype=int)]
        case "kl_optimal":
            out = np.tan(np.linspace(np.arctan(high), np.arctan(low), n))
        case "linear_quadratic":
            half, rest = n // 2, n - n // 2
            difference = half - 0.025 * n
            square = difference / (half * rest**2)
            line = 0.025 / half - 2 * difference / rest**2
            i = np.arange(half, n)
            gone = [0.025 * k / half for k in range(half)]
            out = (1 - np.array([*gone, *(square * i**2 + line * i + square * half**2)])) * high
        case _:
            raise AssertionError(f"its formula belongs here a second time: {scheduler}")
    return [*(float(x) for x in out), 0.0]


def sd(sampler: str, scheduler: str, steps: int, denoise: float = 1.0) -> tuple[float, ...]:
    return expand(sampler, scheduler, steps=steps, denoise=denoise, noise="scaled-linear")


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("steps", [2, 3, 7, 20, 30, 150])
def test_every_schedule_is_its_formula(scheduler: str, steps: int) -> None:
    assert sd("euler", scheduler, steps) == pytest.approx(reference(scheduler, steps), rel=1e-6)


def test_the_table_is_that_of_stable_diffusion() -> None:
    sigmas = sd("euler", "normal", 2)
    assert sigmas == pytest.approx((SIGMA_MAX, SIGMA_MIN, 0.0), rel=1e-4)


@pytest.mark.parametrize(
    "scheduler", ["normal", "karras", "exponential", "simple", "sgm_uniform", "kl_optimal"]
)
def test_schedules_start_at_the_true_maximum_not_at_that_of_leading_spacing(scheduler: str) -> None:
    # diffusers' default for Stable Diffusion, "leading" spacing, would begin karras at 11.0.
    for steps in (1, 5, 20):
        assert sd("euler", scheduler, steps)[0] == pytest.approx(SIGMA_MAX, rel=1e-6)


def test_ddim_uniform_has_the_steps_its_whole_stride_gives() -> None:
    assert len(sd("euler", "ddim_uniform", 20)) - 1 == 20
    assert len(sd("euler", "ddim_uniform", 30)) - 1 == 31  # stride 33: 1, 34, ... 991
    assert len(sd("euler", "ddim_uniform", 7)) - 1 == 8


def test_beta_drops_levels_that_coincide() -> None:
    assert len(sd("euler", "beta", 150)) - 1 < 150


def test_every_scheduler_has_a_row_and_a_formula() -> None:
    assert FORMULAS.keys() ^ SCHEDULERS.keys() == set()


def test_those_with_a_second_stage_at_the_end_or_a_corrector_skip_as_in_comfyui() -> None:
    assert SKIPPING == ["dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"]


@pytest.mark.parametrize("sampler", SKIPPING)
def test_some_samplers_skip_the_last_level_but_one(sampler: str) -> None:
    longer = sd("euler", "karras", 11)
    assert sd(sampler, "karras", 10) == (*longer[:-2], 0.0)


@pytest.mark.parametrize("scheduler", ["normal", "karras", "simple", "exponential"])
@pytest.mark.parametrize(("steps", "denoise"), [(20, 0.6), (10, 0.5), (7, 0.35), (3, 0.9)])
def test_denoise_keeps_the_end_of_a_longer_schedule(
    scheduler: str, steps: int, denoise: float
) -> None:
    whole = sd("euler", scheduler, int(steps / denoise))
    assert sd("euler", scheduler, steps, denoise) == whole[-(steps + 1) :]


def test_denoise_never_runs_more_steps_than_asked_for() -> None:
    # int(6 / 0.95) is 6, for which ddim_uniform has 7 levels.
    assert len(sd("euler", "ddim_uniform", 6, 0.95)) - 1 == 6


def test_a_slight_denoise_starts_from_little_noise_and_has_no_step_of_no_length() -> None:
    sigmas = sd("euler", "simple", 20, 0.01)  # 2000 steps on 1000 levels
    assert len(sigmas) - 1 == 10
    assert sigmas[0] < 0.2
    assert strictly_descending(sigmas)


def test_levels_have_seven_digits() -> None:
    for scheduler in SCHEDULERS:
        for sigma in sd("euler", scheduler, 13, 0.7):
            assert sigma == float(f"{sigma:.7g}")
            assert json.loads(json.dumps(sigma)) == sigma


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_flow_runs_from_one_to_zero(scheduler: str) -> None:
    sigmas = expand("euler", scheduler, steps=12, denoise=1.0, noise="flow")
    assert strictly_descending(sigmas)
    assert sigmas[0] <= 1.0
    if scheduler in ("normal", "simple", "sgm_uniform", "beta", "even"):
        assert sigmas[0] == 1.0


def test_simple_flow_is_evenly_spaced() -> None:
    sigmas = expand("euler", "simple", steps=4, denoise=1.0, noise="flow")
    assert sigmas == (1.0, 0.75, 0.5, 0.25, 0.0)


@pytest.mark.parametrize("steps", [2, 4, 28])
@pytest.mark.parametrize("shift", [1.0, 3.0, 6.5])
def test_normal_levels_of_a_flow_are_those_of_stock_diffusers(steps: int, shift: float) -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    stock = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=shift)
    stock.set_timesteps(steps)
    sigmas = expand("euler", "normal", steps=steps, denoise=1.0, noise=f"flow:{shift}")
    assert sigmas == pytest.approx(stock.sigmas.tolist(), rel=1e-5)


@pytest.mark.parametrize("steps", [2, 7, 28])
def test_a_shifted_flow_has_the_levels_of_its_formulas(steps: int) -> None:
    def shifted(time: Floats) -> Floats:
        return np.asarray(3 * time / (1 + 2 * time))

    def flow(scheduler: str) -> tuple[float, ...]:
        return expand("euler", scheduler, steps=steps, denoise=1.0, noise="flow:3.0")[:-1]

    table = shifted(np.arange(1, 1001) / 1000)
    assert flow("simple") == pytest.approx(
        [table[-1 - int(i * 1000 / steps)] for i in range(steps)], rel=1e-6
    )
    assert flow("even") == pytest.approx(shifted(np.linspace(1, 1 / steps, steps)), rel=1e-6)
    walk = np.linspace(1, table[0], steps + 1)[:-1]
    assert flow("sgm_uniform") == pytest.approx(shifted(walk), rel=1e-6)
    roots = np.linspace(1, table[0] ** (1 / 7), steps)
    assert flow("karras") == pytest.approx(roots**7, rel=1e-6)


@pytest.mark.parametrize("noise", ["flow:0", "flow:101", "flow:x", "flow:", "flow:-1", "flow:3.0s"])
def test_a_shift_that_no_model_has_is_refused(noise: str) -> None:
    with pytest.raises(NoSuchName):
        expand("euler", "simple", steps=4, denoise=1.0, noise=noise)


@settings(deadline=None, max_examples=300)
@given(
    sampler=st.sampled_from(list(SAMPLERS)),
    scheduler=st.sampled_from(list(SCHEDULERS)),
    steps=st.integers(1, 150),
    denoise=st.one_of(st.just(1.0), st.floats(0.01, 1.0)),
    noise=st.sampled_from(["scaled-linear", "flow", "flow:3.0"]),
)
def test_sigmas_always_descend_to_zero(
    sampler: str, scheduler: str, steps: int, denoise: float, noise: str
) -> None:
    sigmas = expand(sampler, scheduler, steps=steps, denoise=denoise, noise=noise)
    assert strictly_descending(sigmas)
    assert sigmas[-1] == 0.0
    assert len(sigmas) >= 2
    assert all(math.isfinite(sigma) for sigma in sigmas)
    if denoise < 0.9999:
        assert len(sigmas) - 1 <= steps
    if scheduler in ("karras", "exponential", "normal", "kl_optimal", "sgm_uniform"):
        assert len(sigmas) - 1 == steps


def strictly_descending(sigmas: tuple[float, ...]) -> bool:
    return all(a > b for a, b in itertools.pairwise(sigmas))


# Two do not lay out their levels along one curve: ddim_uniform's stride is whole, and
# linear_quadratic bends anew for every number of steps.
ALONG_ONE_CURVE = [s for s in SCHEDULERS if s not in ("ddim_uniform", "linear_quadratic")]


@settings(deadline=None, max_examples=100)
@given(
    scheduler=st.sampled_from(ALONG_ONE_CURVE),
    steps=st.integers(2, 60),
    less=st.floats(0.05, 0.5),
    more=st.floats(0.55, 1.0),
)
def test_less_denoise_starts_from_less_noise(
    scheduler: str, steps: int, less: float, more: float
) -> None:
    assert sd("euler", scheduler, steps, less)[0] < sd("euler", scheduler, steps, more)[0]


@pytest.mark.parametrize("steps", range(1, 61))
def test_linear_quadratic_starts_from_hardly_more_noise_at_less_denoise(steps: int) -> None:
    starts = [sd("euler", "linear_quadratic", steps, way / 100)[0] for way in range(1, 101)]
    most = itertools.accumulate(starts, max)
    assert all(before <= start * 1.01 for before, start in zip(most, starts, strict=True))
    assert starts[0] < starts[49] < starts[-1] or steps < 4


def test_linear_quadratic_may_start_alike_from_two_denoises() -> None:
    # Both begin where the straight part of their line ends.
    first, second = (sd("euler", "linear_quadratic", 2, denoise) for denoise in (0.41, 0.55))
    assert first[0] == second[0]


@pytest.mark.parametrize("denoise", [0.0, -0.1, 1.01, math.nan, math.inf])
def test_an_impossible_denoise_is_refused(denoise: float) -> None:
    with pytest.raises(OutOfRange):
        sd("euler", "normal", 20, denoise)


@pytest.mark.parametrize("steps", [0, -3])
def test_no_steps_are_refused(steps: int) -> None:
    with pytest.raises(OutOfRange):
        sd("euler", "normal", steps)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(NoSuchName) as unknown:
        sd("euler", "karas", 20)
    assert (unknown.value.kind, unknown.value.nearest) == ("scheduler", ("karras",))
    with pytest.raises(NoSuchName) as unknown:
        sd("dpmpp2m", "karras", 20)
    assert "dpmpp_2m" in unknown.value.nearest
    with pytest.raises(NoSuchName):
        expand("euler", "karras", steps=20, denoise=1.0, noise="pink")


def test_every_family_uses_known_names() -> None:
    for family in FAMILIES.values():
        sampler, scheduler = family.sampler, family.scheduler
        if family.dice is not None:  # it walks down no noise
            assert (sampler, scheduler) == (TOKENS, TOKENS)
            continue
        noise = levels_of(family.name, family.width * family.height, family.steps)
        assert expand(sampler, scheduler, steps=family.steps, denoise=1.0, noise=noise)


def test_names_load_neither_torch_nor_scipy() -> None:
    code = (
        "import sys; from generation.sigmas import expand;"
        "expand('euler', 'karras', steps=20, denoise=1.0, noise='scaled-linear');"
        "sys.exit(any(m in sys.modules for m in ('torch', 'scipy', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
