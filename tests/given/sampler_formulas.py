"""The published formulas of the samplers in t = -log(sigma), written a second time.

They share nothing with `generation.worker.sampling.integrators`; the tests hold the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor

Guess = Callable[[Tensor, float], Tensor]
Noise = Callable[[], Tensor]
Sigmas = Sequence[float]


def lam(sigma: float) -> float:
    return -math.log(sigma)


def anc(a: float, b: float) -> tuple[float, float]:
    up = (b**2 * (a**2 - b**2) / a**2) ** 0.5
    return (b**2 - up**2) ** 0.5, up


def steps(sigmas: Sigmas) -> Iterator[tuple[int, float, float]]:
    return ((i, sigmas[i], sigmas[i + 1]) for i in range(len(sigmas) - 1))


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


def ref_dpm_2_ancestral(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
    for _, a, b in steps(sigmas):
        down, up = anc(a, b)
        x = x + dpm_2_slope(guess, x, a, down) * (down - a)
        x = x + up * noise() if b > 0 else x
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


def ref_2s_ancestral(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
    for _, a, b in steps(sigmas):
        if b == 0:
            return guess(x, a)
        down, up = anc(a, b)
        h = lam(down) - lam(a)
        m = math.exp(-(lam(a) + h / 2))
        z = m / a * x - math.expm1(-h / 2) * guess(x, a)
        x = down / a * x - math.expm1(-h) * guess(z, m) + up * noise()
    return x


def ref_dpmpp_sde(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
    for _, a, b in steps(sigmas):
        if b == 0:
            return guess(x, a)
        m = math.exp(-(lam(a) + lam(b)) / 2)
        first, second = noise(), noise()  # increments of one Brownian path with the clock sigma
        path_m = first * math.sqrt(a - m)
        path_b = path_m + second * math.sqrt(m - b)
        down, up = anc(a, m)
        z = down / a * x - math.expm1(lam(a) - lam(down)) * guess(x, a)
        z = z + path_m / math.sqrt(a - m) * up
        down, up = anc(a, b)
        x = down / a * x - math.expm1(lam(a) - lam(down)) * guess(z, m)
        x = x + path_b / math.sqrt(a - b) * up
    return x


def ref_2m_sde(heun: bool) -> Any:
    def run(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
        old: Tensor | None = None
        last = 0.0
        for _, a, b in steps(sigmas):
            d = guess(x, a)
            if b == 0:
                return d
            h = lam(b) - lam(a)
            gone = 1 - math.exp(-2 * h)
            x = b / a * math.exp(-h) * x + gone * d
            if old is not None:
                factor = (1 - gone / (2 * h)) if heun else 0.5 * gone
                x = x + factor * (h / last) * (d - old)
            x = x + b * math.sqrt(gone) * noise()
            old, last = d, h
        return x

    return run


def ref_3m_sde(
    guess: Guess,
    x: Tensor,
    sigmas: Sigmas,
    noise: Noise,
    half: float = 0.5,
) -> Tensor:
    """`half` = -0.5 is the wrong sign of diffusers 0.42.1."""
    ds: list[Tensor] = []
    hs: list[float] = []
    for _, a, b in steps(sigmas):
        d = guess(x, a)
        if b == 0:
            return d
        h = lam(b) - lam(a)
        e = math.exp(-2 * h)
        x, spread = e * x + (1 - e) * d, b * math.sqrt(1 - e)
        phi = 1 - (1 - e) / (2 * h)
        if len(ds) == 1:
            x = x + phi * (d - ds[0]) * h / hs[0]
        if len(ds) == 2:
            r0, r1 = hs[0] / h, hs[1] / h
            s0, s1 = (d - ds[0]) / r0, (ds[0] - ds[1]) / r1
            d1 = s0 + r0 / (r0 + r1) * (s0 - s1)
            d2 = (s0 - s1) / (r0 + r1)
            x = x + phi * d1 + ((1 - e - 2 * h) / (2 * h) ** 2 + half) * d2
        x = x + spread * noise()
        ds, hs = [d, *ds][:2], [h, *hs][:2]
    return x


def ref_lcm(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
    for _, a, b in steps(sigmas):
        x = guess(x, a)
        x = x + b * noise() if b > 0 else x
    return x


REFERENCES: dict[str, Any] = {
    "euler": ref_euler,
    "ddim": ref_euler,
    "euler_ancestral": ref_ddpm,
    "ddpm": ref_ddpm,
    "heun": ref_heun,
    "dpm_2": ref_dpm_2,
    "dpm_2_ancestral": ref_dpm_2_ancestral,
    "lms": ref_lms,
    "dpmpp_2s_ancestral": ref_2s_ancestral,
    "dpmpp_sde": ref_dpmpp_sde,
    "dpmpp_2m": ref_dpmpp_2m,
    "dpmpp_2m_sde": ref_2m_sde(heun=False),
    "dpmpp_2m_sde_heun": ref_2m_sde(heun=True),
    "dpmpp_3m_sde": ref_3m_sde,
    "lcm": ref_lcm,
}
