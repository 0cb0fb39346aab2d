"""The published formulas of the samplers, written a second time.

They share nothing with `generation.worker.sampling.integrators`; the tests hold the two together.
What counts on a law of noise is written for any, x = alpha * x0 + sigma * noise, in
lambda = log(alpha / sigma): with added noise alpha is 1, in a flow it is 1 - sigma.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from torch import Tensor

from tests.given.more_sampler_formulas import (
    by_polynomials,
    ref_2m_cfg_pp,
    ref_2s_cfg_pp,
    ref_dpm_fast,
    ref_er_sde,
    ref_euler_cfg_pp,
    ref_gradient,
    ref_heunpp2,
    ref_ipndm,
    ref_res,
    ref_sa,
    ref_seeds,
    vp_time,
)
from tests.given.sampler_laws import (
    Alpha,
    Guess,
    Noise,
    Sigmas,
    added,
    anc_of,
    in_a_flow,
    lam,
    level_of,
    steps,
)


def ref_euler(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    """DDIM with eta 0, in its own variables: y = sqrt(a) x0 + sqrt(1 - a) eps."""
    for _, a, b in steps(sigmas):
        kept, kept_next = 1 / (1 + a * a), 1 / (1 + b * b)
        y = x * kept**0.5
        x0 = guess(x, a)
        eps = (y - kept**0.5 * x0) / (1 - kept) ** 0.5
        x = (kept_next**0.5 * x0 + (1 - kept_next) ** 0.5 * eps) / kept_next**0.5
    return x


def ref_ddpm(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
    """Ho et al. 2020, equations 6 and 7: the posterior of the forward process."""
    for _, a, b in steps(sigmas):
        kept, kept_next = 1 / (1 + a * a), 1 / (1 + b * b)
        alpha = kept / kept_next
        x0, y = guess(x, a), x * kept**0.5
        y = (kept_next**0.5 * (1 - alpha) * x0 + alpha**0.5 * (1 - kept_next) * y) / (1 - kept)
        if b > 0:
            y = y + noise() * ((1 - kept_next) / (1 - kept) * (1 - alpha)) ** 0.5
        x = y / kept_next**0.5
    return x


def ref_heun(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    for _, a, b in steps(sigmas):
        d = (x - guess(x, a)) / a
        e = x + (b - a) * d
        x = e if b == 0 else x + (b - a) * (0.5 * d + 0.5 * (e - guess(e, b)) / b)
    return x


def ref_dpm_2(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    for _, a, b in steps(sigmas):
        x = x + dpm_2_slope(guess, x, a, b) * (b - a)
    return x


def dpm_2_slope(guess: Guess, x: Tensor, a: float, b: float) -> Tensor:
    d = (x - guess(x, a)) / a
    if b == 0:
        return d
    m = math.exp((math.log(a) + math.log(b)) / 2)
    z = x + d * (m - a)
    return (z - guess(z, m)) / m


def ref_dpm_2_ancestral(
    guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added
) -> Tensor:
    for _, a, b in steps(sigmas):
        down, keep, up = anc_of(a, b, alpha)
        x = x + dpm_2_slope(guess, x, a, down) * (down - a)
        x = keep * x + up * noise() if b > 0 else x
    return x


def ref_lms(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    from scipy.integrate import quad

    past: list[Tensor] = []
    for i, a, b in steps(sigmas):
        past = [(x - guess(x, a)) / a, *past][:4]
        nodes = [sigmas[i - k] for k in range(len(past))]
        for j, d in enumerate(past):
            others = [n for k, n in enumerate(nodes) if k != j]
            bound = [(n, nodes[j] - n) for n in others]
            x = x + d * quad(lambda s, c=bound: math.prod((s - n) / w for n, w in c), a, b)[0]
    return x


def ref_dpmpp_2m(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    old = None
    for i, a, b in steps(sigmas):
        d = guess(x, a)
        if b == 0:
            return d
        h = lam(b) - lam(a)
        slanted = d
        if old is not None:
            r = (lam(a) - lam(sigmas[i - 1])) / h
            slanted = (1 + 1 / (2 * r)) * d - 1 / (2 * r) * old
        x, old = b / a * x - math.expm1(-h) * slanted, d
    return x


def ref_2s_ancestral(
    guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added
) -> Tensor:
    for _, a, b in steps(sigmas):
        if b == 0:
            return guess(x, a)
        down, keep, up = anc_of(a, b, alpha)
        m = level_of((lam(a, alpha) + lam(down, alpha)) / 2, alpha)
        z = m / a * x + (1 - m / a) * guess(x, a)
        x = keep * (down / a * x + (1 - down / a) * guess(z, m)) + up * noise()
    return x


def ref_dpmpp_sde(
    guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added
) -> Tensor:
    for _, a, b in steps(sigmas):
        if b == 0:
            return guess(x, a)
        h = lam(b, alpha) - lam(a, alpha)
        m = level_of(lam(a, alpha) + h / 2, alpha)
        first, second = noise(), noise()  # increments of one Brownian path; its clock is the ratio
        clock = [level / alpha(level) for level in (min(a, 1 - 1e-4) if a == 1 else a, m, b)]
        path_m = first * math.sqrt(clock[0] - clock[1])
        path_b = path_m + second * math.sqrt(clock[1] - clock[2])
        z = sde_step(x, guess(x, a), (a, m), path_m / math.sqrt(clock[0] - clock[1]), alpha)
        x = sde_step(x, guess(z, m), (a, b), path_b / math.sqrt(clock[0] - clock[2]), alpha)
    return x


def sde_step(
    x: Tensor, d: Tensor, ends: tuple[float, float], drawn: Tensor, alpha: Alpha
) -> Tensor:
    """The SDE's exact step if the guess were constant: eta 1."""
    a, b = ends
    h = lam(b, alpha) - lam(a, alpha)
    a = min(a, 0.9999) if alpha is not added else a
    x = b / a * math.exp(-h) * x - alpha(b) * math.expm1(-2 * h) * d
    return x + b * math.sqrt(-math.expm1(-2 * h)) * drawn


def ref_2m_sde(heun: bool) -> Any:
    def run(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added) -> Tensor:
        old: Tensor | None = None
        last = 0.0
        for _, a, b in steps(sigmas):
            d = guess(x, a)
            if b == 0:
                return d
            h = lam(b, alpha) - lam(a, alpha)
            gone = 1 - math.exp(-2 * h)
            x = sde_step(x, d, (a, b), noise(), alpha)
            if old is not None:
                factor = (1 - gone / (2 * h)) if heun else 0.5 * gone
                x = x + alpha(b) * factor * (h / last) * (d - old)
            old, last = d, h
        return x

    return run


def ref_3m_sde(
    guess: Guess,
    x: Tensor,
    sigmas: Sigmas,
    noise: Noise,
    alpha: Alpha = added,
    half: float = 0.5,
) -> Tensor:
    """`half` = -0.5 is the wrong sign of diffusers 0.42.1."""
    ds: list[Tensor] = []
    hs: list[float] = []
    for _, a, b in steps(sigmas):
        d = guess(x, a)
        if b == 0:
            return d
        h = lam(b, alpha) - lam(a, alpha)
        e = math.exp(-2 * h)
        x = sde_step(x, d, (a, b), noise(), alpha)
        phi = 1 - (1 - e) / (2 * h)
        if len(ds) == 1:
            x = x + alpha(b) * phi * (d - ds[0]) * h / hs[0]
        if len(ds) == 2:
            r0, r1 = hs[0] / h, hs[1] / h
            s0, s1 = (d - ds[0]) / r0, (ds[0] - ds[1]) / r1
            d1 = s0 + r0 / (r0 + r1) * (s0 - s1)
            d2 = (s0 - s1) / (r0 + r1)
            bend = (1 - e - 2 * h) / (2 * h) ** 2 + half
            x = x + alpha(b) * (phi * d1 + bend * d2)
        ds, hs = [d, *ds][:2], [h, *hs][:2]
    return x


def ref_lcm(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added) -> Tensor:
    for _, a, b in steps(sigmas):
        x = guess(x, a)
        x = alpha(b) * x + b * noise() if b > 0 else x
    return x


def ref_ancestral_flow(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
    for _, a, b in steps(sigmas):
        down, keep, up = anc_of(a, b, in_a_flow)
        x = x + (x - guess(x, a)) / a * (down - a)
        x = keep * x + up * noise() if b > 0 else x
    return x


def ref_ddpm_flow(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
    """The SDE's step as above is DDPM's posterior."""
    for _, a, b in steps(sigmas):
        d = guess(x, a)
        x = sde_step(x, d, (a, b), noise(), in_a_flow) if b > 0 else d
    return x


REFERENCES: dict[str, Any] = {
    "euler": ref_euler,
    "ddim": ref_euler,
    "euler_ancestral": ref_ddpm,
    "ddpm": ref_ddpm,
    "heun": ref_heun,
    "heunpp2": ref_heunpp2,
    "dpm_2": ref_dpm_2,
    "dpm_2_ancestral": ref_dpm_2_ancestral,
    "lms": ref_lms,
    "ipndm": ref_ipndm,
    "ipndm_v": by_polynomials(lambda sigma: sigma, 4),
    "deis": by_polynomials(vp_time, 3),
    "dpm_fast": ref_dpm_fast,
    "dpmpp_2s_ancestral": ref_2s_ancestral,
    "dpmpp_sde": ref_dpmpp_sde,
    "dpmpp_2m": ref_dpmpp_2m,
    "dpmpp_2m_sde": ref_2m_sde(heun=False),
    "dpmpp_2m_sde_heun": ref_2m_sde(heun=True),
    "dpmpp_3m_sde": ref_3m_sde,
    "lcm": ref_lcm,
    "er_sde": ref_er_sde,
    "res_multistep": ref_res(),
    "res_multistep_ancestral": ref_res(fresh=True),
    "gradient_estimation": ref_gradient(),
    "seeds_2": ref_seeds((0.5,), 1.0, slanted=False),
    "seeds_3": ref_seeds((1 / 3, 2 / 3), 1.0, slanted=True),
    "exp_heun_2_x0": ref_seeds((1.0,), 0.0, slanted=True),
    "exp_heun_2_x0_sde": ref_seeds((1.0,), 1.0, slanted=True),
    "sa_solver": ref_sa(again=False),
    "sa_solver_pece": ref_sa(again=True),
    "euler_cfg_pp": ref_euler_cfg_pp(fresh=False),
    "euler_ancestral_cfg_pp": ref_euler_cfg_pp(fresh=True),
    "dpmpp_2s_ancestral_cfg_pp": ref_2s_cfg_pp,
    "dpmpp_2m_cfg_pp": ref_2m_cfg_pp,
    "res_multistep_cfg_pp": ref_res(apart=True),
    "res_multistep_ancestral_cfg_pp": ref_res(fresh=True, apart=True),
    "gradient_estimation_cfg_pp": ref_gradient(apart=True),
}

# Those of a flow: the level as it is, or the signal's share written out.
_AS_IT_IS = (
    *("euler", "heun", "heunpp2", "dpm_2", "lms", "ipndm", "ipndm_v", "deis", "dpm_fast"),
    *("dpmpp_2m", "res_multistep", "gradient_estimation"),
)
_BY_THE_SIGNAL = (
    *("dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun"),
    *("dpmpp_3m_sde", "lcm", "er_sde", "res_multistep_ancestral", "seeds_2", "seeds_3"),
    *("exp_heun_2_x0", "exp_heun_2_x0_sde", "sa_solver", "sa_solver_pece", "euler_cfg_pp"),
    "euler_ancestral_cfg_pp",
)
FLOW_REFERENCES: dict[str, Any] = {
    **{name: REFERENCES[name] for name in _AS_IT_IS},
    **{name: partial(REFERENCES[name], alpha=in_a_flow) for name in _BY_THE_SIGNAL},
    "euler_ancestral": ref_ancestral_flow,
    "ddpm": ref_ddpm_flow,
}
