"""Schedulers' formulas: the noise levels that a sampler walks down.

A schedule is a list of sigmas, descending and ending in 0, in the scaling of k-diffusion
(x = x0 + sigma * noise).  The names and their meaning are ComfyUI's.  Invariant of `expand`: the
list strictly descends to exactly 0.0 and has at least one step.

Everything is computed in float64 and rounded to 7 significant digits, so that two libms which
differ in the last bit write the same recipe.  No torch: a recipe is made in the bot's process.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache, partial
from itertools import accumulate
from operator import mul

from generation.errors import NoSuchName, OutOfRange
from generation.samplers import SAMPLERS, SCHEDULERS
from generation.schedule_rules import schedule_rule

# How a model was trained to see noise; see `levels`.
NOISES: tuple[str, ...] = ("scaled-linear", "scaled-linear-zsnr", "linear", "flow")
EXPONENTIAL = "exp"  # of each of 1024 steps the same share of the signal stays
FALLS, FALLING_STEPS = 12.0, 1024  # by so much does its logarithm fall in all
SD_BETAS = (0.00085, 0.012)
ZERO_SNR = "-zsnr"  # ends a name whose noise leaves no signal at last
MAX_SHIFT = 100.0  # of a flow's levels; models have 1 to 12

_NUMBER = r"(\d(?:\.\d{1,20})?(?:e-\d{1,2})?)"
_BETAS = re.compile(
    rf"(linear|scaled-linear)(?::{_NUMBER}:{_NUMBER})?(?:\*(\d\.\d{{1,9}}))?(-zsnr)?"
)
_SHIFT = r"(\d{1,3}(?:\.\d{1,20})?)"
_TERMINAL = r"(?:@(0\.\d{1,9}))?"
_FLOW = re.compile(rf"flow(?::{_SHIFT}(?::(1000|10000))?)?{_TERMINAL}")
_FLOW_BY_SIZE = re.compile(rf"flow-mu:{_SHIFT}:{_SHIFT}:(\d{{1,6}}):(\d{{1,6}}){_TERMINAL}")
_LOG_SNR = re.compile(r"log-snr:(-?\d{1,2}(?:\.\d{1,9})?):(-?\d{1,2}(?:\.\d{1,9})?)")
_LEVEL = r"(\d{1,4}(?:\.\d{1,20})?(?:e-\d{1,2})?)"
PRECONDITIONED = re.compile(rf"(cosine|edm):{_LEVEL}:{_LEVEL}:{_LEVEL}")
EMPIRICAL = "flow-empirical"  # FLUX.2's
TOKEN = 256  # pixels that are one token of a transformer
_FINE = 10_000  # levels in the tables of models whose shift depends on the size

_DIGITS = 7
# Two levels this close are one: a multistep sampler divides by the width of its last step.
_SAME = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Levels:
    """The noise levels a model was trained with, ascending, and how to read between them."""

    table: tuple[float, ...]
    shift: float | None = None  # of a flow: between two entries is its curve, else a geometric mean
    # Of a flow whose levels lie evenly by the logarithm of signal to noise: those of its ends.
    log_snr: tuple[float, float] | None = None
    # Of a flow: the last level before 0, to which a walk is stretched; None: wherever it ends.
    terminal: float | None = None

    @property
    def lowest(self) -> float:
        return self.table[0]

    @property
    def highest(self) -> float:
        return self.table[-1]

    @property
    def bottom(self) -> float:
        """The index at which an even walk ends.

        A flow's lowest level is taken for a timestep and shifted once more, as in ComfyUI and
        in diffusers: such a walk ends above it.
        """
        return 0.0 if self.shift is None else self.lowest * len(self.table) - 1

    def at(self, position: float) -> float:
        """The level at a fractional index."""
        if self.log_snr is not None:
            return _by_log_snr((position + 1) / len(self.table), *self.log_snr)
        if self.shift is not None:
            return _shifted((position + 1) / len(self.table), self.shift)
        low = min(int(position), len(self.table) - 2)
        share = position - low
        below, above = self.table[low], self.table[low + 1]
        return math.exp((1 - share) * math.log(below) + share * math.log(above))


def _by_log_snr(time: float, least: float, most: float) -> float:
    """A flow's level, as the logarithm of signal to noise falls evenly; the first is all noise."""
    if time >= 1.0:
        return 1.0
    return 1 / (1 + math.exp(most - time * (most - least)))


def _shifted(time: float, shift: float) -> float:
    """Esser et al. 2024, equation 23: more of the way at high noise, for larger pictures."""
    return shift * time / (1 + (shift - 1) * time)


_Schedule = Callable[[_Levels, int], list[float]]


def expand(
    sampler: str, scheduler: str, *, steps: int, denoise: float, noise: str
) -> tuple[float, ...]:
    """The sigmas of one drawing: usually steps + 1 of them, the last is 0.0.

    `denoise` below 1 lays out int(steps / denoise) steps and keeps the last `steps`.  `noise` is
    a name as `levels` reads it, a scheduler may be a rule of `generation.schedule_rules`.  Some
    schedules have fewer or more levels than asked for; len(result) - 1 is the number of steps that
    are run.  Raises NoSuchName and OutOfRange.
    """
    skipping = SAMPLERS[_known("sampler", sampler, SAMPLERS)].skips
    trained = levels(noise)
    rule = schedule_rule(scheduler)
    if rule is not None and rule.levels:
        return _by_hand(rule.levels, trained)
    schedule: _Schedule
    if rule is not None and rule.beta is not None:
        schedule = partial(_beta, shape=rule.beta)
    else:
        schedule = FORMULAS[_known("scheduler", scheduler, SCHEDULERS)]
    if steps < 1:
        raise OutOfRange("steps", steps, "1 or more")
    if not 0 < denoise <= 1:  # also refuses NaN
        raise OutOfRange("denoise", denoise, "more than 0, up to 1")
    partly = denoise <= 0.9999
    whole = int(steps / denoise) if partly else steps
    sigmas = schedule(trained, whole + skipping)
    if skipping and len(sigmas) > 1:
        del sigmas[-1]
    if trained.terminal is not None:
        sigmas = _stretched(sigmas, trained.terminal)
    if partly:
        sigmas = sigmas[-steps:]
    return (*_distinct(sigmas), 0.0)


def _by_hand(said: Sequence[float], trained: _Levels) -> tuple[float, ...]:
    """The levels that somebody wrote down: as many steps, whatever else is said of them."""
    if said[0] > trained.highest * (1 + 1e-4):
        raise OutOfRange("noise levels", said[0], f"at most {trained.highest:.4f} for this model")
    return (*_distinct(said), 0.0)


def _stretched(sigmas: Sequence[float], terminal: float) -> list[float]:
    """With the last level there, and the way from 1 in the same proportions."""
    last = sigmas[-1]
    if last >= 1.0:
        return list(sigmas)
    return [1 - (1 - sigma) * (1 - terminal) / (1 - last) for sigma in sigmas]


def resolved(noise: str, *, pixels: int, steps: int) -> str:
    """The name of the levels that a rule means for a picture of that size and that many steps.

    "flow-mu:0.5:1.15:256:4096": mu, the logarithm of the shift, is 0.5 at 256 tokens, 1.15 at 4096,
    and on that line else (FLUX.1, Qwen-Image); "flow-empirical": FLUX.2's, which depends on the
    steps as well.  Whatever is no rule is given back.  Raises NoSuchName.
    """
    if noise == EMPIRICAL:
        return _of_mu(_empirical(pixels // TOKEN, steps), "")
    rule = _FLOW_BY_SIZE.fullmatch(noise)
    if rule is None:
        return noise
    low, high, first, last = (float(rule[n]) for n in range(1, 5))
    if first >= last:
        raise NoSuchName("noise", noise, NOISES)
    mu = low + (high - low) * (pixels // TOKEN - first) / (last - first)
    return _of_mu(mu, f"@{rule[5]}" if rule[5] else "")


def _of_mu(mu: float, terminal: str) -> str:
    shift = min(MAX_SHIFT, max(0.001, math.exp(mu)))
    return f"flow:{shift:.7f}:{_FINE}{terminal}"


def _empirical(tokens: int, steps: int) -> float:
    """FLUX.2's mu: two lines through what Black Forest Labs measured, at 10 and at 200 steps."""
    many = 1.6927e-4 * tokens + 0.45666666
    if tokens > 4300:
        return many
    few = 8.73809524e-5 * tokens + 1.89833333
    return few + (many - few) / 190 * (steps - 10)


def shifted(noise: str, shift: float) -> str:
    """The levels of a flow under another shift.  Raises NoSuchName for what is no flow."""
    flow = _FLOW.fullmatch(noise)
    if flow is None:
        raise NoSuchName("noise", noise, NOISES)
    return f"flow:{shift:.7f}:{flow[2] or 1000}"


def strongest(noise: str) -> float:
    """The highest level a model was trained with.  Raises NoSuchName."""
    return levels(resolved(noise, pixels=TOKEN, steps=1)).highest


def _distinct(sigmas: Sequence[float]) -> list[float]:
    kept: list[float] = []
    for sigma in sigmas:
        rounded = float(f"{sigma:.{_DIGITS}g}")
        if rounded > 0 and (not kept or rounded < kept[-1] * (1 - _SAME)):
            kept.append(rounded)
    return kept


def _known(kind: str, name: str, names: Collection[str]) -> str:
    if name not in names:
        raise NoSuchName(kind, name, tuple(get_close_matches(name, names, n=3)))
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Betas:
    """How much noise each of 1000 steps of training adds."""

    linear: bool  # else their roots are
    first: float
    last: float
    less_signal: float  # by so much is the ratio of signal to noise divided
    zero_snr: bool  # rescaled to end without any signal


def betas(noise: str) -> Betas:
    """What a name of `levels` says, of all but flows.  Raises NoSuchName."""
    match = _BETAS.fullmatch(noise)
    if match is None:
        raise NoSuchName("noise", noise, tuple(get_close_matches(noise, NOISES, n=3)))
    first, last = (float(match[2]), float(match[3])) if match[2] else SD_BETAS
    less = float(match[4] or 1.0)
    if not 0 < first < last < 1 or less <= 0:
        raise NoSuchName("noise", noise, NOISES)
    return Betas(
        linear=match[1] == "linear",
        first=first,
        last=last,
        less_signal=less,
        zero_snr=bool(match[5]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preconditioned:
    """Noise of any level between two, of data with a deviation (Karras et al. 2022)."""

    low: float
    high: float
    data: float
    angle: bool  # whether a network is told a level's angle, else a quarter of its logarithm


def preconditioned(noise: str) -> Preconditioned | None:
    """What a name of `levels` says of such noise; None: it is another."""
    match = PRECONDITIONED.fullmatch(noise)
    if match is None:
        return None
    low, high, data = (float(match[n]) for n in (2, 3, 4))
    if not (0 < low < high and data > 0):
        raise NoSuchName("noise", noise, NOISES)
    return Preconditioned(low=low, high=high, data=data, angle=match[1] == "cosine")


@lru_cache(16)
def levels(noise: str) -> _Levels:
    """The noise levels of that name.  Raises NoSuchName.

    "scaled-linear" (the betas of Stable Diffusion 1, 2 and XL, 0.0292 to 14.6146) or "linear", the
    betas' ends behind it where they are others ("linear:0.0001:0.02"); with less signal, by a
    divisor of its ratio to the noise ("scaled-linear*3.0"); with "-zsnr" they are rescaled to end
    without any signal, at 4096.  "flow": evenly from 0.001 to 1; with a shift
    behind it ("flow:3.0"), those bent upwards; with another number, so many levels
    ("flow:3.0:10000"); with a last one, walks end there before 0 ("flow:3.0@0.02").
    "exp": those of Shap-E, 0.108 to 403.4.
    "log-snr:-6.2:2.0": of a flow, evenly by the logarithm of signal to noise between these.
    "cosine:0.3:500.0:1.0", "edm:...": evenly in the logarithm between two, of data so far spread.
    """
    if (ends := _LOG_SNR.fullmatch(noise)) is not None:
        least, most = float(ends[1]), float(ends[2])
        if not least < most:
            raise NoSuchName("noise", noise, NOISES)
        table = tuple(_by_log_snr(i / 1000, least, most) for i in range(1, 1001))
        return _Levels(table=table, log_snr=(least, most))
    if (said := preconditioned(noise)) is not None:
        between = math.log(said.high / said.low) / 999
        return _Levels(table=tuple(said.low * math.exp(between * i) for i in range(1000)))
    if (flow := _FLOW.fullmatch(noise)) is not None:
        shift = float(flow[1] or 1.0)
        if not 0 < shift <= MAX_SHIFT:
            raise NoSuchName("noise", noise, NOISES)
        count = int(flow[2] or 1000)
        table = tuple(_shifted(i / count, shift) for i in range(1, count + 1))
        return _Levels(table=table, shift=shift, terminal=float(flow[3]) if flow[3] else None)
    if noise == EXPONENTIAL:
        falls = ((i + 1) * FALLS / FALLING_STEPS for i in range(FALLING_STEPS))
        return _Levels(table=tuple(math.sqrt(math.expm1(fall)) for fall in falls))
    trained = betas(noise)
    first, last = trained.first, trained.last
    if trained.linear:
        each = [first + (last - first) * i / 999 for i in range(1000)]
    else:
        low, high = math.sqrt(first), math.sqrt(last)
        each = [(low + (high - low) * i / 999) ** 2 for i in range(1000)]
    kept = list(accumulate((1 - beta for beta in each), mul))  # "alphas_cumprod"
    if (less := trained.less_signal) != 1.0:
        kept = [a / (less + (1 - less) * a) for a in kept]
    if not (kept[0] < 1 and kept[-1] > 0):  # nothing is noisy, or nothing else is
        raise NoSuchName("noise", noise, NOISES)
    if trained.zero_snr:
        kept = _without_terminal_signal(kept)
    return _Levels(table=tuple(math.sqrt((1 - a) / a) for a in kept))


def _without_terminal_signal(kept: Sequence[float]) -> list[float]:
    """Lin et al. 2023, algorithm 1; the last is 2^-24 instead of 0, as in diffusers."""
    roots = [math.sqrt(a) for a in kept]
    width = roots[0] / (roots[0] - roots[-1])
    return [((root - roots[-1]) * width) ** 2 for root in roots[:-1]] + [2.0**-24]


# The schedules.  Each returns the levels without the final 0.


def _line(first: float, last: float, n: int) -> list[float]:
    """n numbers evenly from first to last; only `first` when n is 1."""
    return [first + (last - first) * i / max(n - 1, 1) for i in range(n)]


def _normal(levels: _Levels, n: int) -> list[float]:
    return [levels.at(t) for t in _line(len(levels.table) - 1, levels.bottom, n)]


def _sgm_uniform(levels: _Levels, n: int) -> list[float]:
    return [levels.at(t) for t in _line(len(levels.table) - 1, levels.bottom, n + 1)[:-1]]


def _simple(levels: _Levels, n: int) -> list[float]:
    width = len(levels.table) / n
    return [levels.table[-(1 + int(i * width))] for i in range(n)]


def _even(levels: _Levels, n: int) -> list[float]:
    """At even times, where `simple` takes the next entry of the table."""
    count = len(levels.table)
    return [levels.at(max(0.0, (1 - i / n) * count - 1)) for i in range(n)]


def _ddim_uniform(levels: _Levels, n: int) -> list[float]:
    # The stride is whole, so 1000 / n that is not leaves a level more than asked for.
    return list(reversed(levels.table[1 :: max(len(levels.table) // n, 1)]))


def _karras(levels: _Levels, n: int) -> list[float]:
    """Karras et al. 2022, equation 5, rho = 7, over the whole range the model was trained with."""
    rho = 7.0
    return [r**rho for r in _line(levels.highest ** (1 / rho), levels.lowest ** (1 / rho), n)]


def _exponential(levels: _Levels, n: int) -> list[float]:
    return [math.exp(r) for r in _line(math.log(levels.highest), math.log(levels.lowest), n)]


def _beta(levels: _Levels, n: int, *, shape: tuple[float, float] = (0.6, 0.6)) -> list[float]:
    """Lee et al. 2024, "Beta Sampling is All You Need": quantiles on the axis of the timesteps."""
    from scipy.stats import beta  # takes a second to load

    last = len(levels.table) - 1
    quantiles = beta.ppf([1 - i / n for i in range(n)], *shape)
    return [levels.table[round(float(q) * last)] for q in quantiles]


def _kl_optimal(levels: _Levels, n: int) -> list[float]:
    """Sabour et al. 2024, "Align Your Steps", equation 11."""
    return [math.tan(a) for a in _line(math.atan(levels.highest), math.atan(levels.lowest), n)]


def _linear_quadratic(levels: _Levels, n: int) -> list[float]:
    """Movie Gen, 2024: half of the steps in the first 2.5 % of the way, the rest on a parabola."""
    if n == 1:
        return [levels.highest]
    threshold, straight = 0.025, n // 2
    curved = n - straight
    slope = threshold / straight
    # The parabola continues the straight line in value and slope, and reaches 1 at n.
    bend = (1 - threshold - slope * curved) / curved**2
    gone = [slope * i for i in range(straight)]
    gone += [threshold + slope * i + bend * i * i for i in range(curved)]
    return [(1 - way) * levels.highest for way in gone]


FORMULAS: dict[str, _Schedule] = {
    "normal": _normal,
    "karras": _karras,
    "exponential": _exponential,
    "sgm_uniform": _sgm_uniform,
    "simple": _simple,
    "ddim_uniform": _ddim_uniform,
    "beta": _beta,
    "kl_optimal": _kl_optimal,
    "linear_quadratic": _linear_quadratic,
    "even": _even,
}
