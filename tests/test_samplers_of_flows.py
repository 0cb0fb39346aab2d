"""Every sampler draws flows: by its formula there, to the truth, and with the right noise.

Those that follow the slope take the level as it is; those that are derived for added noise see the
flow stretched.  Run with -s, the comparison prints the errors that it measured.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from generation.samplers import SAMPLERS
from generation.sigmas import expand
from generation.worker.sampling.samplers import Denoiser
from tests.given.sampler_formulas import FLOW_REFERENCES
from tests.given.toy_models import SHAPE, Flow, Plain, draw, error, normals

torch.set_num_threads(1)


def levels(name: str, steps: int = 20, shift: float = 3.0) -> tuple[float, ...]:
    return expand(name, "simple", steps=steps, denoise=1.0, noise=f"flow:{shift}")


@pytest.mark.parametrize("name", FLOW_REFERENCES)
def test_a_sampler_of_a_flow_is_its_published_formula(name: str) -> None:
    # From below all noise, where nothing that divides by the signal has to begin elsewhere.
    sigmas = levels(name)[1:]
    noise = normals()
    right = FLOW_REFERENCES[name](Flow(), noise() * sigmas[0], sigmas, noise)
    double = error(draw(name, sigmas, model=Flow()), right)
    noise = normals()
    single = draw(name, sigmas, model=Flow(), noise=lambda: noise().float()).double()
    print(f"{name}: float64 {double:.1e}, float32 {error(single, right):.1e}")
    assert double < 1e-11
    assert error(single, right) < 2e-4


@pytest.mark.parametrize("name", [n for n in SAMPLERS if n != "lcm"])
def test_drawings_of_a_flow_fall_on_the_data(name: str) -> None:
    # From all noise, to N(+-1, 0.1); noise of the wrong strength would miss the spread.
    sigmas = expand(name, "karras", steps=40, denoise=1.0, noise="flow:1.0")
    drawn = torch.cat(
        [draw(name, sigmas, model=Plain(spread=0.1), noise=normals(i)).flatten() for i in range(20)]
    )
    assert float(drawn.mean()) == pytest.approx(0, abs=0.06)
    assert float(drawn.abs().mean()) == pytest.approx(1, abs=0.02)
    assert float(drawn.abs().std()) == pytest.approx(0.1, rel=0.15)


DETERMINISTIC = [n for n, sampler in SAMPLERS.items() if not sampler.stochastic]


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_many_steps_of_a_flow_reach_where_its_path_ends(name: str) -> None:
    # A Gaussian, whose path is known: x shrinks as sqrt((left * spread)^2 + sigma^2).
    spread, high, low = 0.8, 0.9, 0.3

    def width(sigma: float) -> float:
        return math.sqrt(((1 - sigma) * spread) ** 2 + sigma**2)

    sigmas = [high * (low / high) ** (i / 400) for i in range(401)]
    noise = normals()
    right = noise() * high * width(low) / width(high)
    if name == "dpm_fast":  # ends with a jump to the guess
        sigmas, right = [*sigmas, 0.0], Plain(mean=0.0, spread=spread)(right, low)
    drawn = draw(name, sigmas, model=Plain(mean=0.0, spread=spread))
    if sigmas[-1] > 0 and stretches(name):
        drawn = drawn * (1 - low)  # the last level is no 0 here: it is stretched still
    assert error(drawn, right) < 0.01


def stretches(name: str) -> bool:
    return name.endswith("_cfg_pp") or name.startswith("exp_heun")


@pytest.mark.parametrize("name", SAMPLERS)
def test_flow_reaches_the_picture(name: str) -> None:
    x0 = torch.full(SHAPE, 0.7, dtype=torch.float64)
    start = normals()()

    class Straight(Plain):
        def __call__(self, _x: Tensor, _sigma: Tensor | float) -> Tensor:
            return x0

        def slope(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
            return x0, (x - x0) / sigma

    for count in (1, 2, 5):
        assert torch.allclose(draw(name, levels(name, count), model=Straight()), x0)
    assert torch.allclose(draw(name, (0.5, 0.2, 0.0), model=Straight(), init=start), x0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_little_denoise_of_a_flow_stays_near_the_picture(name: str) -> None:
    init = draw("euler", levels("euler"), model=Plain(), noise=normals(3))
    sigmas = expand(name, "simple", steps=10, denoise=0.15, noise="flow:1.0")
    drawn = draw(name, sigmas, model=Plain(), init=init)
    assert float((drawn.sign() == init.sign()).double().mean()) > 0.95


def by_diffusers(kind: str) -> tuple[Tensor, tuple[float, ...]]:
    """What a stock scheduler of flows does with a network that bends."""
    import diffusers

    sigmas = expand("euler", "sgm_uniform", steps=8, denoise=1.0, noise="flow:3.0")
    generator = torch.Generator().manual_seed(7)  # that of `normals`
    x = torch.randn(SHAPE, generator=generator)
    scheduler = getattr(diffusers, kind)(shift=1.0)
    scheduler.set_timesteps(sigmas=list(sigmas[:-1]))
    for t in scheduler.timesteps:
        more = {"generator": generator} if kind == "FlowMatchLCMScheduler" else {}
        x = scheduler.step(network(x, t), t, x, **more).prev_sample
    assert isinstance(x, Tensor)
    return x, sigmas


def network(y: Tensor, t: Tensor) -> Tensor:
    return torch.sin(3 * y) + t / 1000


def test_flow_by_euler_has_the_bits_of_diffusers() -> None:
    right, sigmas = by_diffusers("FlowMatchEulerDiscreteScheduler")
    model = Denoiser(network, prediction="flow")
    assert torch.equal(
        draw("euler", sigmas, model=model, noise=normals(dtype=torch.float32)), right
    )


def test_flow_by_lcm_has_the_bits_of_diffusers() -> None:
    right, sigmas = by_diffusers("FlowMatchLCMScheduler")
    model = Denoiser(network, prediction="flow")
    assert torch.equal(draw("lcm", sigmas, model=model, noise=normals(dtype=torch.float32)), right)
