"""Adams methods: a polynomial through what was seen at earlier levels, integrated over the step.

The weight of what was seen at a level is the integral of its Lagrange polynomial, whatever the
axis is and whatever stands before the polynomial (`kernel`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from numpy.polynomial.legendre import leggauss
from torch import Tensor

from generation.worker.sampling.sampler_run import SamplerRun

Kernel = Callable[[float], float]

_POINTS = 32  # of Gauss: exact to the last digits for the widest step


def lms(run: SamplerRun) -> Tensor:
    """Adams-Bashforth on uneven steps, up to order 4."""
    return _bashforth(run, jump=False)


def ipndm_v(run: SamplerRun) -> Tensor:
    """The same (Zhang and Chen 2022, "rhoAB"), but that its last step jumps to the guess."""
    return _bashforth(run, jump=True)


def _bashforth(run: SamplerRun, *, jump: bool) -> Tensor:
    x = run.start()
    levels = run.levels()
    slopes: list[Tensor] = []
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        slopes = [(x - x0) / here, *slopes[:3]]
        nodes = [levels[step - 1 - k] for k in range(len(slopes))]
        for slope, weight in zip(slopes, _adams_weights(nodes, here, then), strict=True):
            x = x + slope * weight
        x = x0 if jump and then == 0 else x
        run.on_step(step, x0)
    return x


def _adams_weights(nodes: Sequence[float], start: float, end: float) -> list[float]:
    """The integrals from start to end of the Lagrange polynomials on up to 4 nodes."""
    middle, half = (start + end) / 2, (end - start) / 2
    # Two Gauss points integrate a cubic exactly.
    points = (middle - half / math.sqrt(3), middle + half / math.sqrt(3))
    return [half * sum(_lagrange(nodes, j, p) for p in points) for j in range(len(nodes))]


def _lagrange(nodes: Sequence[float], j: int, at: float) -> float:
    """Of the nodes' polynomials the one that is 1 at the j-th."""
    return math.prod((at - m) / (nodes[j] - m) for k, m in enumerate(nodes) if k != j)


def weights(nodes: Sequence[float], start: float, end: float, kernel: Kernel) -> list[float]:
    """The integrals from start to end of the kernel times each Lagrange polynomial."""
    points, shares = _gauss()
    middle, half = (start + end) / 2, (end - start) / 2
    at = [middle + half * point for point in points]
    strength = [half * share * kernel(p) for p, share in zip(at, shares, strict=True)]
    return [
        sum(s * _lagrange(nodes, j, p) for p, s in zip(at, strength, strict=True))
        for j in range(len(nodes))
    ]


@lru_cache(1)
def _gauss() -> tuple[list[float], list[float]]:
    points, shares = leggauss(_POINTS)
    return points.tolist(), shares.tolist()


# Of slopes on even steps, the newest first: Adams and Bashforth, 1883.
_EVEN = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)


def ipndm(run: SamplerRun) -> Tensor:
    """Zhang and Chen 2022, iPNDM: Adams-Bashforth with the weights of even steps, up to order 4."""
    x = run.start()
    slopes: list[Tensor] = []
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        slopes = [(x - x0) / here, *slopes[:3]]
        for slope, weight in zip(slopes, _EVEN[len(slopes) - 1], strict=True):
            x = x + slope * (weight * (then - here))
        x = x0 if then == 0 else x
        run.on_step(step, x0)
    return x


# The time of Song et al.'s variance-preserving process, whose noise reaches these levels at 0.001
# and at 1.
_LOW, _HIGH, _EARLY = math.log(0.002**2 + 1), math.log(80.0**2 + 1), 0.001
_GROWS = 2 * (_LOW / _EARLY - _HIGH) / (_EARLY - 1)
_FIRST = _HIGH - _GROWS / 2


def deis(run: SamplerRun) -> Tensor:
    """Zhang and Chen 2022, tAB-DEIS, up to order 3: the polynomial is one of time."""
    x = run.start()
    times = [_time(level) for level in run.levels()]
    slopes: list[Tensor] = []
    for step, here, then in run.numbers():
        x0 = run.guess(x, here)
        slopes = [(x - x0) / here, *slopes[:2]]
        if then == 0:
            x = x0
        else:
            nodes = [times[step - 1 - k] for k in range(len(slopes))]
            each = weights(nodes, times[step - 1], times[step], _speed)
            for slope, weight in zip(slopes, each, strict=True):
                x = x + slope * weight
        run.on_step(step, x0)
    return x


def _time(sigma: float) -> float:
    """When the noise reaches that level."""
    return (math.sqrt(_FIRST**2 + 2 * _GROWS * math.log(sigma**2 + 1)) - _FIRST) / _GROWS


def _speed(time: float) -> float:
    """How fast the level grows then."""
    sigma = math.sqrt(math.expm1(_GROWS * time**2 / 2 + _FIRST * time))
    return 0.5 * (_FIRST + _GROWS * time) * (sigma + 1 / sigma)


# Where an SDE is followed, in the time that the network is told: elsewhere the ODE is.
_NOISY = (0.2, 0.8)


def sa_solver(run: SamplerRun, *, again: bool = False) -> Tensor:
    """Xue et al. 2023, SA-Solver: a predictor of order 3 and a corrector of order 4, for x0.

    `again`: the corrected x is looked at once more.
    """
    x = run.start()
    logs = [-math.log(level) for level in run.levels()[:-1]]
    count = len(logs)
    step_before: _Adams | None = None
    guesses: list[Tensor] = []
    there = x
    for step, here, then in run.numbers():
        x0 = run.guess(there, here)
        guesses = [x0, *guesses[:3]]
        corrected = min(4, len(guesses), count - step + 1)
        if step_before is None or (then == 0 and not again):
            x = there
        else:
            x = step_before.taken(logs[step - corrected : step][::-1], guesses[:corrected])
            if again:
                x0 = run.guess(x, here)
                guesses = [x0, *guesses[1:]]
        if then == 0:
            there = x0
        else:
            low, high = _NOISY
            tau = float(low <= run.denoise.time(then) <= high)
            step_before = _Adams(x=x, here=here, then=then, tau=tau, fresh=run.noise())
            order = min(3, len(guesses), count - step)
            there = step_before.taken(logs[step - order : step][::-1], guesses[:order])
        run.on_step(step, x0)
    return there


def sa_solver_pece(run: SamplerRun) -> Tensor:
    return sa_solver(run, again=True)


class _Adams:
    """One step of SA-Solver, which is taken twice: when it is predicted and when it is corrected.

    Both times with the same noise.
    """

    def __init__(self, *, x: Tensor, here: float, then: float, tau: float, fresh: Tensor) -> None:
        h, squared = math.log(here / then), tau**2
        self._kept = x * (then / here * math.exp(-squared * h))
        if tau:
            self._kept = self._kept + fresh * (then * math.sqrt(-math.expm1(-2 * squared * h)))
        self._ends = -math.log(here), -math.log(then)
        self._rate = 1 + squared

    def taken(self, nodes: Sequence[float], guesses: Sequence[Tensor]) -> Tensor:
        """x at its end, of guesses at the nodes, the newest first."""
        start, end = self._ends

        def kernel(log: float) -> float:
            return self._rate * math.exp(-self._rate * (end - log))

        x = self._kept
        for guess, weight in zip(guesses, weights(nodes, start, end, kernel), strict=True):
            x = x + guess * weight
        return x
