"""Laws of noise, in which the formulas of samplers are written: lambda = log(alpha / sigma).

x = alpha * x0 + sigma * noise: with added noise alpha is 1, in a flow it is 1 - sigma.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

Guess = Callable[[Tensor, float], Tensor]
Noise = Callable[[], Tensor]
Sigmas = Sequence[float]


def added(_sigma: float) -> float:
    return 1.0


def in_a_flow(sigma: float) -> float:
    """ComfyUI begins flows a little below all noise where it divides by the signal."""
    return 1 - min(sigma, 0.9999)


Alpha = Callable[[float], float]


def lam(sigma: float, alpha: Alpha = added) -> float:
    return math.log(alpha(sigma) / (sigma if alpha is added else min(sigma, 0.9999)))


def level_of(lam_: float, alpha: Alpha) -> float:
    """The sigma of a lambda."""
    return math.exp(-lam_) if alpha is added else 1 / (1 + math.exp(lam_))


def anc(a: float, b: float) -> tuple[float, float]:
    up = (b**2 * (a**2 - b**2) / a**2) ** 0.5
    return (b**2 - up**2) ** 0.5, up


def anc_of(a: float, b: float, alpha: Alpha) -> tuple[float, float, float]:
    """Where to go down to, what is kept of it, how much noise is added: eta 1.

    In a flow as ComfyUI's ancestral samplers do it: down to sigma * (1 + (b / a - 1)).
    """
    if alpha is added:
        down, up = anc(a, b)
        return down, 1.0, up
    down = b * (1 + (b / a - 1))
    keep = (1 - b) / (1 - down)
    return down, keep, math.sqrt(b**2 - down**2 * keep**2)


def steps(sigmas: Sigmas) -> Iterator[tuple[int, float, float]]:
    return ((i, sigmas[i], sigmas[i + 1]) for i in range(len(sigmas) - 1))
