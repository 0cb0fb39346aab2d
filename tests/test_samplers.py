"""The integrators against formulas written a second time, against diffusers, and against the truth.

The toy model is the exact posterior mean of a mixture of two Gaussians, so the true end of the
path is known.  Run with -s, the comparison tests print the errors they measured.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from generation.errors import NoSuchName, RenderFailed
from generation.samplers import SAMPLERS, SCHEDULERS
from generation.sigmas import expand
from generation.worker.sampling.denoiser import alphas_of
from generation.worker.sampling.integrators import INTEGRATORS
from generation.worker.sampling.samplers import (
    Denoiser,
    sample,
)
from tests.given.plain_diffusers import forced, scheduler_for
from tests.given.sampler_formulas import REFERENCES, ref_3m_sde
from tests.given.toy_models import SHAPE, Curve, Mixture, Swayed, draw, error, normals, silence

torch.set_num_threads(1)

# numpy 2 warns of how diffusers turns torch's tables into arrays; the values are right.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STOCHASTIC = [name for name, sampler in SAMPLERS.items() if sampler.stochastic]
PLUS = [name for name, sampler in SAMPLERS.items() if sampler.apart]


def sd(sampler: str, scheduler: str = "karras", steps: int = 20) -> tuple[float, ...]:
    return expand(sampler, scheduler, steps=steps, denoise=1.0, noise="scaled-linear")


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("scheduler", ["karras", "normal", "beta", "simple"])
def test_a_sampler_is_its_published_formula(name: str, scheduler: str) -> None:
    sigmas = sd(name, scheduler)
    noise = normals()
    right = REFERENCES[name](Swayed(), noise() * math.sqrt(1 + sigmas[0] ** 2), sigmas, noise)
    double = error(draw(name, sigmas, model=Swayed()), right)
    noise = normals()
    halved = draw(name, sigmas, model=Swayed(), noise=lambda: noise().float()).double()
    single = error(halved, right)
    print(f"{name} {scheduler}: float64 {double:.1e}, float32 {single:.1e}")
    assert double < 1e-11
    assert single < 2e-4


def test_every_sampler_has_a_reference_and_every_name_an_integrator() -> None:
    assert INTEGRATORS.keys() ^ SAMPLERS.keys() == set()
    assert (REFERENCES.keys() | {"uni_pc", "uni_pc_bh2"}) ^ SAMPLERS.keys() == set()


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_asks_the_model_as_often_as_its_row_says(name: str) -> None:
    model = Mixture()
    sigmas = sd(name)
    draw(name, sigmas, model=model)
    once_in_the_last = SAMPLERS[name].calls - 1
    nothing_ahead = name == "heunpp2"  # of the two levels that it looks at, before the last step
    fewer = once_in_the_last + nothing_ahead
    assert model.calls == SAMPLERS[name].calls * (len(sigmas) - 1) - fewer


# Against diffusers.


@pytest.fixture(scope="module")
def unet() -> Callable[[Tensor, Tensor], Tensor]:
    """A tiny random UNet of the Stable Diffusion shape, as `predict`."""
    from diffusers import UNet2DConditionModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = UNet2DConditionModel(
            block_out_channels=(16, 32),
            layers_per_block=1,
            sample_size=8,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=2,
            norm_num_groups=8,
        ).eval()
        words = torch.randn(1, 7, 16)

    @torch.no_grad()
    def predict(y: Tensor, t: Tensor) -> Tensor:
        found: Tensor = network(y, t, encoder_hidden_states=words).sample
        return found

    return predict


def by_diffusers(
    name: str,
    predict: Callable[[Tensor, Tensor], Tensor],
    sigmas: Sequence[float],
    prediction: str,
    init: Tensor | None = None,
) -> Tensor:
    """What a stock pipeline's loop does."""
    scheduler = forced(scheduler_for(name), sigmas)
    scheduler.register_to_config(prediction_type=prediction)
    scheduler.set_timesteps(len(sigmas) - 1)
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(SHAPE, generator=generator)
    if init is None:
        x = x * scheduler.init_noise_sigma
    else:
        scheduler.set_begin_index(0)
        x = scheduler.add_noise(init, x, scheduler.timesteps[:1])
    takes = inspect.signature(scheduler.step).parameters
    more = {"generator": generator} if "generator" in takes else {}
    for t in scheduler.timesteps:
        output = predict(scheduler.scale_model_input(x, t), t)
        x = scheduler.step(output, t, x, return_dict=False, **more)[0]
    assert isinstance(x, Tensor)
    return x


def ours(
    name: str,
    predict: Callable[[Tensor, Tensor], Tensor],
    sigmas: Sequence[float],
    prediction: str,
    init: Tensor | None = None,
) -> Tensor:
    model = Denoiser(predict, prediction=prediction)
    return draw(name, sigmas, model=model, noise=normals(dtype=torch.float32), init=init)


@pytest.mark.parametrize("name", ["euler", "euler_ancestral", "heun", "dpmpp_2m"])
@pytest.mark.parametrize("scheduler", ["karras", "normal"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_diffusers_gives_the_same_bits(
    name: str, scheduler: str, prediction: str, unet: Callable[[Tensor, Tensor], Tensor]
) -> None:
    sigmas = sd(name, scheduler, 8)
    theirs = by_diffusers(name, unet, sigmas, prediction)
    assert torch.equal(ours(name, unet, sigmas, prediction), theirs)


@pytest.mark.parametrize("name", ["euler", "dpmpp_2m"])
def test_diffusers_gives_the_same_bits_from_a_picture(
    name: str, unet: Callable[[Tensor, Tensor], Tensor]
) -> None:
    sigmas = expand(name, "karras", steps=6, denoise=0.6, noise="scaled-linear")
    init = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    theirs = by_diffusers(name, unet, sigmas, "epsilon", init)
    assert torch.equal(ours(name, unet, sigmas, "epsilon", init), theirs)


@pytest.mark.parametrize("name", ["lms", "dpmpp_2m_sde", "dpmpp_2m_sde_heun", "uni_pc_bh2"])
@pytest.mark.parametrize("scheduler", ["karras", "normal"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_diffusers_agrees(
    name: str, scheduler: str, prediction: str, unet: Callable[[Tensor, Tensor], Tensor]
) -> None:
    sigmas = sd(name, scheduler, 8)
    found = error(
        ours(name, unet, sigmas, prediction), by_diffusers(name, unet, sigmas, prediction)
    )
    print(f"{name} {scheduler} {prediction}: {found:.1e}")
    assert found < 1e-5


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_four_steps_of_lcm_are_those_of_diffusers(
    prediction: str, unet: Callable[[Tensor, Tensor], Tensor]
) -> None:
    """At the timesteps that DMD2 names, and the model's own: all of them whole.

    Its scheduler mixes in x where little noise is left, a share of 4e-8 there.
    """
    from diffusers import LCMScheduler

    kept = alphas_of("scaled-linear").double()
    table = ((1 - kept) / kept).sqrt()
    times = [999, 749, 499, 249]
    scheduler = LCMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type=prediction,
        original_inference_steps=1000,
    )
    scheduler.set_timesteps(timesteps=times)
    generator = torch.Generator().manual_seed(7)  # that of `normals`
    x = torch.randn(SHAPE, generator=generator)
    for t in scheduler.timesteps:
        x = scheduler.step(unet(x, t), t, x, generator=generator).prev_sample
    sigmas = [*table[times].tolist(), 0.0]
    found = error(ours("lcm", unet, sigmas, prediction), x)
    print(f"lcm {prediction}: {found:.1e}")
    assert found < 1e-5


def test_diffusers_agrees_on_uni_pc_until_its_last_step(
    unet: Callable[[Tensor, Tensor], Tensor],
) -> None:
    # Its bh1 is NaN at sigma 0, so the comparison ends above it.
    sigmas = (*sd("uni_pc", "karras", 8)[:-1], 0.02)
    theirs = by_diffusers("uni_pc", unet, sigmas, "epsilon") * math.sqrt(1 + 0.02**2)
    found = error(ours("uni_pc", unet, sigmas, "epsilon"), theirs)
    print(f"uni_pc: {found:.1e}")
    assert found < 1e-5


def test_3m_sde_has_the_right_sign_and_diffusers_has_not(
    unet: Callable[[Tensor, Tensor], Tensor],
) -> None:
    sigmas = sd("dpmpp_3m_sde", "karras", 8)
    mine = ours("dpmpp_3m_sde", unet, sigmas, "epsilon")
    # When this fails, diffusers is repaired, and the comparison can join the others.
    assert error(by_diffusers("dpmpp_3m_sde", unet, sigmas, "epsilon"), mine) > 0.05


def test_the_wrong_sign_of_3m_sde_would_be_seen() -> None:
    sigmas = [math.exp(-0.2 * i) for i in range(12)]
    right = math.exp(-2 * 2.2) + integral_of_curve(2.2)  # from x = 1, without noise

    def off(x: Tensor) -> float:
        return abs(float(x.flatten()[0]) - right)

    model, start = Curve(), torch.ones(SHAPE, dtype=torch.float64)
    mine = draw("dpmpp_3m_sde", sigmas, model=model, noise=silence, init=start)
    second = draw("dpmpp_2m_sde", sigmas, model=model, noise=silence, init=start)
    assert off(mine) == pytest.approx(off(ref_3m_sde(model, start, sigmas, silence)), abs=1e-12)
    assert off(mine) < off(second)
    assert off(ref_3m_sde(model, start, sigmas, silence, half=-0.5)) > 10 * off(mine)


def integral_of_curve(end: float) -> float:
    """Of 2 exp(-2 (end - t)) x0(t) dt, for the Curve, from 0 to `end`."""
    from scipy.integrate import quad

    def weighted(t: float) -> float:
        return 2 * math.exp(-2 * (end - t)) * (0.3 + 0.5 * t + 0.2 * t**2)

    return float(quad(weighted, 0, end)[0])


# Against the truth.


@pytest.mark.parametrize(
    ("name", "order"),
    [
        *(("euler", 1), ("ddim", 1), ("heun", 2), ("dpm_2", 2), ("lms", 2)),
        *(("dpmpp_2m", 2), ("uni_pc", 2), ("uni_pc_bh2", 2), ("res_multistep", 1.9)),
        *(("exp_heun_2_x0", 2), ("ipndm_v", 2.4), ("deis", 2.4), ("ipndm", 1.9), ("dpm_fast", 2)),
        *(("gradient_estimation", 1), ("heunpp2", 1), ("euler_cfg_pp", 1), ("dpmpp_2m_cfg_pp", 2)),
        *(("res_multistep_cfg_pp", 1.9), ("gradient_estimation_cfg_pp", 1)),
    ],
)
def test_the_error_falls_with_the_order(name: str, order: float) -> None:
    # A Gaussian, whose path is known: x shrinks as sqrt(spread^2 + sigma^2).
    high, low, spread = 10.0, 0.5, 0.8
    shrunk = math.sqrt((spread**2 + low**2) / (spread**2 + high**2))

    def off(count: int) -> float:
        sigmas = [high * (low / high) ** (i / count) for i in range(count + 1)]
        model = Mixture(mean=0.0, spread=spread)
        noise = normals()
        right = noise() * math.sqrt(1 + high**2) * shrunk
        if name == "dpm_fast":  # ends with a jump to the guess
            sigmas, right = [*sigmas, 0.0], model(right, low)
        return error(draw(name, sigmas, model=model), right)

    slope = math.log(off(60) / off(240)) / math.log(4)
    print(f"{name}: order {slope:.2f}")
    assert slope > order - 0.15
    assert off(240) < (0.02 if order == 1 else 5e-4)


@pytest.mark.parametrize("name", [n for n in SAMPLERS if n != "lcm"])
def test_drawings_fall_on_the_data(name: str) -> None:
    # The data are N(+-1, 0.1); noise of the wrong strength would miss their spread.
    drawn = torch.cat(
        [
            draw(
                name, sd(name, "karras", 40), model=Mixture(spread=0.1), noise=normals(i)
            ).flatten()
            for i in range(40)
        ]
    )
    assert float(drawn.mean()) == pytest.approx(0, abs=0.05)
    assert float(drawn.abs().mean()) == pytest.approx(1, abs=0.02)
    assert float(drawn.abs().std()) == pytest.approx(0.1, rel=0.15)


# Manners.


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_pair_of_names_draws(name: str, scheduler: str) -> None:
    for count, denoise in ((1, 1.0), (2, 1.0), (9, 1.0), (5, 0.3)):
        sigmas = expand(name, scheduler, steps=count, denoise=denoise, noise="scaled-linear")
        init = None if denoise == 1 else torch.ones(SHAPE)
        drawn = draw(name, sigmas, noise=normals(dtype=torch.float32), init=init)
        assert drawn.dtype == torch.float32
        assert bool(drawn.isfinite().all())
        if count > 5 and scheduler != "ddim_uniform":
            assert float(drawn.abs().max()) < 15  # of about 60 at the start


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_noise_draws_the_same_picture(name: str) -> None:
    sigmas = sd(name)
    assert torch.equal(draw(name, sigmas), draw(name, sigmas))
    assert not torch.equal(draw(name, sigmas), draw(name, sigmas, noise=normals(8)))


@pytest.mark.parametrize("name", SAMPLERS)
def test_noise_is_drawn_as_often_as_documented(name: str) -> None:
    drawn = 0
    source = normals()

    def counted() -> Tensor:
        nonlocal drawn
        drawn += 1
        return source()

    sigmas = sd(name, "karras", 10)
    draw(name, sigmas, noise=counted)
    assert drawn == 1 + SAMPLERS[name].draws * 9  # the start, and every step but the last


@pytest.mark.parametrize("name", SAMPLERS)
def test_steps_are_told_in_order_and_the_last_guess_is_the_picture(name: str) -> None:
    told: list[tuple[int, Tensor]] = []
    sigmas = sd(name, "karras", 6)
    drawn = sample(
        name,
        Mixture(),
        sigmas,
        noise=normals(),
        on_step=lambda step, x0: told.append((step, x0)),
    )
    assert [step for step, _ in told] == [1, 2, 3, 4, 5, 6]
    if name != "lms":  # its last step still remembers earlier slopes, as in k-diffusion
        assert torch.allclose(told[-1][1], drawn, atol=1e-12)


@pytest.mark.parametrize("name", SAMPLERS)
def test_what_on_step_raises_ends_the_drawing(name: str) -> None:
    class Stop(Exception):
        pass

    model = Mixture()

    def on_step(step: int, _x0: Tensor) -> None:
        if step == 2:
            raise Stop

    with pytest.raises(Stop):
        sample(name, model, sd(name), noise=normals(), on_step=on_step)
    assert model.calls <= 6


@pytest.mark.parametrize("name", SAMPLERS)
def test_nothing_touches_the_global_generator(name: str) -> None:
    before = torch.get_rng_state()
    draw(name, sd(name))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", SAMPLERS)
def test_little_denoise_stays_near_the_picture(name: str) -> None:
    init = draw("dpmpp_2m", sd("dpmpp_2m"), noise=normals(3))
    sigmas = expand(name, "karras", steps=10, denoise=0.1, noise="scaled-linear")
    drawn = draw(name, sigmas, init=init)
    assert float((drawn.sign() == init.sign()).double().mean()) > 0.95


def test_an_unknown_sampler_is_refused() -> None:
    with pytest.raises(NoSuchName):
        draw("dpm_adaptive", (1.0, 0.0))


@pytest.mark.parametrize("name", PLUS)
def test_cfg_plus_plus_is_another_picture_than_the_sampler_without_it(name: str) -> None:
    sigmas, plain = sd(name), name.removesuffix("_cfg_pp")
    assert error(draw(name, sigmas), draw(plain, sigmas)) < 1e-11  # where guidance changes nothing
    assert error(draw(name, sigmas, model=Swayed()), draw(plain, sigmas, model=Swayed())) > 1e-3


def test_cfg_plus_plus_refuses_a_model_that_knows_no_unguided_guess() -> None:
    with pytest.raises(RenderFailed):
        draw("euler_cfg_pp", (1.0, 0.0), model=Denoiser(lambda y, _: y))


# The model's side.


def test_timesteps_are_the_nearest_whole_ones() -> None:
    timestep = Denoiser(lambda y, _: y).timestep
    kept = alphas_of("scaled-linear").double()
    table = ((1 - kept) / kept).sqrt().tolist()
    assert [timestep(table[t]) for t in (0, 1, 500, 998, 999)] == [0, 1, 500, 998, 999]
    assert timestep(math.sqrt(table[500] * table[501]) * 1.0001) == 501
    assert timestep(math.sqrt(table[500] * table[501]) * 0.9999) == 500
    assert (timestep(20.0), timestep(1e-6)) == (999, 0)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_perfect_network_is_understood(prediction: str) -> None:
    x0 = torch.full(SHAPE, 0.7, dtype=torch.float64)
    eps = torch.full(SHAPE, -1.3, dtype=torch.float64)

    for sigma in (0.03, 1.0, 14.6):
        alpha = 1 / math.sqrt(1 + sigma**2)
        right = eps if prediction == "epsilon" else alpha * eps - sigma * alpha * x0
        eaten: list[tuple[Tensor, Tensor]] = []

        def predict(y: Tensor, t: Tensor, right: Tensor = right, eaten: Any = eaten) -> Tensor:
            eaten.append((y, t))
            return right

        model = Denoiser(predict, prediction=prediction)
        at, x = torch.tensor(sigma, dtype=torch.float64), x0 + sigma * eps
        assert torch.allclose(model(x, at), x0)
        assert torch.allclose(model.scaled(x * alpha, at), x0)
        for y, t in eaten:
            assert torch.allclose(y, x * alpha)
            assert (t.dtype, t.ndim) == (torch.int64, 0)


def test_an_unknown_prediction_type_is_refused() -> None:
    with pytest.raises(NoSuchName):
        Denoiser(lambda y, _: y, prediction="flux")


# The library whose names these are, where it is installed.


def test_k_diffusion_agrees() -> None:
    their = k_diffusion_sampling()
    worst: dict[str, float] = {}
    for name in REFERENCES:
        function: Any = getattr(their, f"sample_{name.removesuffix('_heun')}", None)
        for scheduler in SCHEDULERS if function else ():
            sigmas = sd("euler", scheduler)
            noise = normals()
            start = noise() * math.sqrt(1 + sigmas[0] ** 2)
            more = keywords(name, noise)
            x = function(
                lambda x, sigma: Mixture()(x, sigma[0]),
                start,
                torch.tensor(sigmas, dtype=torch.float64),
                disable=True,
                **more,
            )
            worst[name] = max(worst.get(name, 0.0), error(draw(name, sigmas), x))
    print({name: f"{found:.0e}" for name, found in worst.items()})
    assert len(worst) == 12
    assert max(worst.values()) < 1e-11


def k_diffusion_sampling() -> Any:
    """k_diffusion.sampling alone: the package's own start imports a training set-up."""
    import importlib.util
    import sys

    try:
        spec = importlib.util.find_spec("k_diffusion")
        assert spec is not None
    except (AssertionError, ValueError):
        pytest.skip("pip install --no-deps k-diffusion torchsde torchdiffeq trampoline")
    package: Any = importlib.util.module_from_spec(spec)
    package.utils = SimpleNamespace(append_dims=lambda x, n: x[(...,) + (None,) * (n - x.ndim)])
    sys.modules["k_diffusion"] = package
    sys.modules["k_diffusion.utils"] = package.utils
    return importlib.import_module("k_diffusion.sampling")


def keywords(name: str, noise: Callable[[], Tensor]) -> dict[str, Any]:
    if name not in STOCHASTIC:
        return {}
    halves: dict[float, tuple[Tensor, float]] = {}

    def noise_sampler(a: Tensor | float, b: Tensor | float) -> Tensor:
        start, end = float(a), float(b)
        if name != "dpmpp_sde":
            return noise()
        if start not in halves:
            halves[start] = noise(), end
            return halves[start][0]
        early, middle = halves[start]
        share = (start - middle) / (start - end)
        return early * math.sqrt(share) + noise() * math.sqrt(1 - share)

    solver = {"dpmpp_2m_sde": "midpoint", "dpmpp_2m_sde_heun": "heun"}.get(name)
    return {"noise_sampler": noise_sampler} | ({"solver_type": solver} if solver else {})
