"""The published formulas of the samplers that ComfyUI has beside k-diffusion's, a second time.

As in `tests.given.sampler_formulas`, in whose terms they are written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from tests.given.sampler_laws import (
    Alpha,
    Guess,
    Noise,
    Sigmas,
    added,
    anc,
    anc_of,
    lam,
    level_of,
    steps,
)


class Swaying(Protocol):
    """A guess that also knows what it would be without guidance, and the time of training."""

    def __call__(self, x: Tensor, sigma: float) -> Tensor: ...

    def apart(self, x: Tensor, sigma: float) -> tuple[Tensor, Tensor]: ...

    def time(self, sigma: float) -> float: ...


def ref_heunpp2(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    for i, a, b in steps(sigmas):
        d = (x - guess(x, a)) / a
        c = sigmas[i + 2] if i + 2 < len(sigmas) else 0
        if b == 0:
            return x + (b - a) * d
        y = x + (b - a) * d
        e = (y - guess(y, b)) / b
        if c == 0:
            share = b / (2 * sigmas[0])
            x = x + (b - a) * ((1 - share) * d + share * e)
            continue
        z = y + (c - b) * e
        f = (z - guess(z, c)) / c
        near, far = b / (3 * sigmas[0]), c / (3 * sigmas[0])
        x = x + (b - a) * ((1 - near - far) * d + near * e + far * f)
    return x


def ref_ipndm(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    old: list[Tensor] = []
    for _, a, b in steps(sigmas):
        d0 = guess(x, a)
        d = (x - d0) / a
        if b == 0:
            return d0
        match old:
            case []:
                whole = d
            case [one]:
                whole = (3 * d - one) / 2
            case [two, one]:
                whole = (23 * d - 16 * one + 5 * two) / 12
            case [three, two, one]:
                whole = (55 * d - 59 * one + 37 * two - 9 * three) / 24
        x = x + (b - a) * whole
        old = [*old, d][-3:]
    return x


def by_polynomials(axis: Callable[[float], float], order: int) -> Any:
    """Slopes on a polynomial of that axis, integrated in sigma; the last step jumps."""

    def run(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
        from scipy.integrate import quad

        past: list[Tensor] = []
        for i, a, b in steps(sigmas):
            d0 = guess(x, a)
            if b == 0:
                return d0
            past = [(x - d0) / a, *past][:order]
            nodes = [axis(sigmas[i - k]) for k in range(len(past))]
            for j, d in enumerate(past):
                others = [n for k, n in enumerate(nodes) if k != j]
                bound = [(n, nodes[j] - n) for n in others]

                def through(s: float, c: Any = bound) -> float:
                    return float(math.prod((axis(s) - n) / w for n, w in c))

                x = x + d * quad(through, a, b, epsabs=1e-13, epsrel=1e-13)[0]
        return x

    return run


def vp_time(sigma: float) -> float:
    """Of the variance-preserving SDE between 0.002 at 0.001 and 80 at 1 (Karras et al. 2022)."""
    low, high, early = math.log(1 + 0.002**2), math.log(1 + 80**2), 1e-3
    slope = 2 * (low / early - high) / (early - 1)
    first = high - slope / 2
    return float(((first**2 + 2 * slope * math.log(1 + sigma**2)) ** 0.5 - first) / slope)


def ref_er_sde(
    guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added
) -> Tensor:
    """Cui et al. 2023, algorithm 3 of order 3, in l = sigma / alpha."""
    ratios = [math.exp(-lam(s, alpha)) for s in sigmas[:-1]]

    def scale(v: float) -> float:
        return float(v * (math.exp(v**0.3) + 10))

    d1: Tensor | None = None
    d2: Tensor | None = None
    for i, a, b in steps(sigmas):
        d = guess(x, a)
        if b == 0:
            return d
        s, t = ratios[i], ratios[i + 1]
        r = scale(t) / scale(s)
        y = x / (alpha(a) if a < 1 else alpha(0.9999))
        y = r * y + (1 - r) * d
        points = [t + k / 200 * (s - t) for k in range(200)]
        if d1 is not None:
            slope = (d - d1) / (s - ratios[i - 1])
            area = sum(1 / scale(p) for p in points) * (s - t) / 200
            y = y + (t - s + area * scale(t)) * slope
            if d2 is not None:
                bend = (slope - d2) * 2 / (s - ratios[i - 2])
                area = sum((p - s) / scale(p) for p in points) * (s - t) / 200
                y = y + ((t - s) ** 2 / 2 + area * scale(t)) * bend
            d2 = slope
        d1 = d
        x = alpha(b) * (y + math.sqrt(t**2 - (s * r) ** 2) * noise())
    return x


def ref_res(fresh: bool = False, apart: bool = False) -> Any:
    """Zhang et al. 2023, equation for c2 = (t_before - t) / h, in t = -log sigma."""

    def run(
        guess: Swaying, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added
    ) -> Tensor:
        old: Tensor | None = None
        end = 0.0
        for i, a, b in steps(sigmas):
            d, u = guess.apart(x, a) if apart else (guess(x, a),) * 2
            down, keep, up = anc_of(a, b, alpha) if fresh else (b, 1.0, 0.0)
            if down == 0:
                return d
            h = -math.log(down) + math.log(a)
            if old is None:
                x = d + (x - u) / a * down
            else:
                c2 = (-math.log(sigmas[i - 1]) + math.log(end)) / h
                phi1 = (math.exp(-h) - 1) / -h
                phi2 = (phi1 - 1) / -h
                x = math.exp(-h) * (x + d - u) + h * ((phi1 - phi2 / c2) * u + phi2 / c2 * old)
            x = keep * x + up * noise() if fresh else x
            old, end = u, down
        return x

    return run


def ref_gradient(apart: bool = False) -> Any:
    """Permenter and Yuan 2023, gamma 2."""

    def run(guess: Swaying, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
        old: Tensor | None = None
        for _, a, b in steps(sigmas):
            d, u = guess.apart(x, a) if apart else (guess(x, a),) * 2
            if b == 0:
                return d
            e = (x - u) / a
            x = d + b * e
            if old is not None:
                x = x + (2.0 - 1.0) * (e - old) * (b - a)
            old = e
        return x

    return run


def phi_2(h: float) -> float:
    """(exp(-h) - 1 + h) / h^2, in its series where it would lose digits."""
    if h > 0.1:
        return (math.exp(-h) - 1 + h) / h**2
    return sum((-h) ** k / math.factorial(k + 2) for k in range(12))


def ref_seeds(nodes: tuple[float, ...], eta: float, slanted: bool) -> Any:
    """Gonzalez et al. 2023: a stage at each node and one at the end; `slanted`: on a line."""

    def run(guess: Guess, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added) -> Tensor:
        for _, a, b in steps(sigmas):
            d = guess(x, a)
            if b == 0:
                return d
            start, h = lam(a, alpha), lam(b, alpha) - lam(a, alpha)
            scale = b / alpha(b) * math.exp(h)  # sigma / alpha at the start
            later, seen_at, path, behind = d, 0.0, torch.zeros_like(x), 0.0
            for r in (*nodes, 1.0):
                w = r * h * (1 + eta)
                if seen_at == 0.0 or not slanted:
                    drift = -math.expm1(-w) * later
                else:
                    drift = -math.expm1(-w) * d + w * phi_2(w) * r / seen_at * (later - d)
                if eta and r > behind:  # increments of a Brownian path in exp(2 eta lambda)
                    gap = math.exp(2 * r * h) - math.exp(2 * behind * h)
                    path, behind = path + math.sqrt(gap) * noise(), r
                level = level_of(start + r * h, alpha)
                grown = path * math.exp(-r * h)
                y = x / (alpha(a) if a < 1 else alpha(0.9999))
                y = math.exp(-w) * y + drift + scale * math.exp(-r * h) * grown
                z = alpha(level) * y
                if r == 1.0 and seen_at == (nodes or (0.0,))[-1]:
                    x = z
                    break
                later, seen_at = guess(z, level), r
        return x

    return run


def ref_sa(again: bool) -> Any:
    """Xue et al. 2023, algorithm 1, in y = x / alpha: predicted by 3, corrected by 4."""

    def run(
        guess: Swaying, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added
    ) -> Tensor:
        from scipy.integrate import quad

        ls = [lam(s, alpha) for s in sigmas[:-1]]
        n = len(ls)
        seen: list[Tensor] = []

        def step(y: Tensor, i: int, count: int, tau: float, drawn: Tensor) -> Tensor:
            """From level i to i + 1 by the guesses at the last `count` levels that were seen."""
            first = len(seen) - count
            c, end, h = 1 + tau**2, ls[i + 1], ls[i + 1] - ls[i]
            y = y * math.exp(-c * h)
            for j in range(first, len(seen)):
                rest = [k for k in range(first, len(seen)) if k != j]

                def part(v: float, j: int = j, rest: list[int] = rest) -> float:
                    through = math.prod((v - ls[k]) / (ls[j] - ls[k]) for k in rest)
                    return c * math.exp(-c * (end - v)) * through

                y = y + quad(part, ls[i], end, epsabs=1e-13, epsrel=1e-13)[0] * seen[j]
            strength = math.exp(-end) * math.sqrt(-math.expm1(-2 * tau**2 * h))
            return y + strength * drawn

        y = z = x / (alpha(sigmas[0]) if sigmas[0] < 1 else alpha(0.9999))
        tau, drawn = 0.0, torch.zeros_like(x)
        for i in range(n):
            at = sigmas[i] if alpha is added else min(sigmas[i], 0.9999)
            last = i == n - 1
            seen.append(guess(alpha(at) * z, at))
            if i > 0 and (again or not last):
                y = step(y, i - 1, min(4, len(seen), n - i), tau, drawn)
                if again:
                    seen[-1] = guess(alpha(at) * y, at)
            else:
                y = z
            if last:
                return seen[-1]
            tau = 1.0 if 0.2 <= guess.time(sigmas[i + 1]) <= 0.8 else 0.0
            drawn = noise()
            z = step(y, i, min(3, len(seen), n - 1 - i), tau, drawn)
        return y

    return run


def ref_dpm_fast(guess: Guess, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    """Lu et al. 2022, appendix D.1: in t = -log sigma, noise predicted, then one jump."""
    left = len(sigmas) - 2
    t, end = lam(sigmas[0]), lam(sigmas[-2])
    orders = []
    if left:
        k = left // 3 + 1
        orders = [3] * (k - 2) + [2, 1] if left % 3 == 0 else [3] * (k - 1) + [left % 3]
    h = (end - t) / max(len(orders), 1)
    for order in orders:
        s = math.exp(-t)

        def eps(z: Tensor, r: float, t: float = t) -> Tensor:
            return (z - guess(z, math.exp(-t - r * h))) / math.exp(-t - r * h)

        def at(r: float, t: float = t) -> float:
            return math.exp(-t - r * h) * math.expm1(r * h)

        e = eps(x, 0)
        if order == 1:
            x = x - at(1) * e
        elif order == 2:
            half = eps(x - at(0.5) * e, 0.5)
            x = x - at(1) * e - at(1) / (2 * 0.5) * (half - e)
        else:
            one = eps(x - at(1 / 3) * e, 1 / 3)
            bend = s * math.exp(-2 / 3 * h) * 2 * (math.expm1(2 / 3 * h) / (2 / 3 * h) - 1)
            two = eps(x - at(2 / 3) * e - bend * (one - e), 2 / 3)
            x = x - at(1) * e - s * math.exp(-h) * 1.5 * (math.expm1(h) / h - 1) * (two - e)
        t += h
    return guess(x, sigmas[-2])


def ref_euler_cfg_pp(fresh: bool) -> Any:
    """Chung et al. 2024, algorithm 2: x = alpha * guided + sigma * the unguided noise."""

    def run(
        guess: Swaying, x: Tensor, sigmas: Sigmas, noise: Noise, alpha: Alpha = added
    ) -> Tensor:
        for _, a, b in steps(sigmas):
            d, u = guess.apart(x, a)
            if b == 0:
                return d
            signal = alpha(a) if a < 1 else alpha(0.9999)
            eps = (x - signal * u) / a
            down, up = anc(a / signal, b / alpha(b)) if fresh else (b / alpha(b), 0.0)
            x = alpha(b) * (d + down * eps)
            x = x + alpha(b) * up * noise() if fresh else x
        return x

    return run


def ref_2s_cfg_pp(guess: Swaying, x: Tensor, sigmas: Sigmas, noise: Noise) -> Tensor:
    for _, a, b in steps(sigmas):
        d, u = guess.apart(x, a)
        if b == 0:
            return d
        down, up = anc(a, b)
        h = lam(down) - lam(a)
        m = math.exp(-(lam(a) + h / 2))
        z = m / a * (x + d - u) - math.expm1(-h / 2) * d
        x = down / a * (x + d - u) - math.expm1(-h) * guess(z, m) + up * noise()
    return x


def ref_2m_cfg_pp(guess: Swaying, x: Tensor, sigmas: Sigmas, _noise: Noise) -> Tensor:
    old = None
    for i, a, b in steps(sigmas):
        d, u = guess.apart(x, a)
        if b == 0:
            return d
        h = lam(b) - lam(a)
        mix = -math.exp(-h) * u
        if old is not None:
            r = (lam(a) - lam(sigmas[i - 1])) / h
            mix = mix - math.expm1(-h) / (2 * r) * (d - old)
        x, old = d + mix + math.exp(-h) * x, u
    return x
