"""What is promised in numbers, and whether it is kept.

Invariant: a target is judged only by figures that were measured in this run; one whose scenarios or
contenders were left out is not judged, and said to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from generation.simulator.figures import Figures
from generation.simulator.policies import FAIR, FIFO, ROUND, VTC, WARM, Contender
from generation.simulator.scenarios import ONE_SEAT


@dataclass(slots=True)
class Results:
    """Figures of every run, seed by seed."""

    of: dict[tuple[str, str], list[Figures]] = field(default_factory=dict)

    def add(self, scenario: str, contender: str, figures: Figures) -> None:
        self.of.setdefault((scenario, contender), []).append(figures)

    def mean(self, scenario: str, contender: Contender, figure: str) -> float:
        """Over the seeds.  Raises KeyError when it was not run."""
        values = [figures[figure] for figures in self.of[scenario, contender.name]]
        return sum(values) / len(values)

    def worst(self, scenario: str, contender: Contender, figure: str) -> float:
        """The largest over the seeds.  Raises KeyError when it was not run."""
        return max(figures[figure] for figures in self.of[scenario, contender.name])

    def least(self, scenario: str, contender: Contender, figure: str) -> float:
        """The smallest over the seeds.  Raises KeyError when it was not run."""
        return min(figures[figure] for figures in self.of[scenario, contender.name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure, and the limit it must keep."""

    number: str  # in the list of the design; letters where one was split
    claim: str
    value: Callable[[Results], float]
    at_most: float | None = None
    at_least: float | None = None

    @property
    def limit(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return f">= {self.at_least:g}"

    def kept(self, value: float) -> bool:
        if self.at_most is not None:
            return value <= self.at_most
        return self.at_least is not None and value >= self.at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetVerdict:
    """A target, and what was measured; None: not in this run."""

    target: Target
    value: float | None

    @property
    def missed(self) -> bool:
        return self.value is not None and not self.target.kept(self.value)


def judge(results: Results) -> Sequence[TargetVerdict]:
    """Every target, in order."""
    verdicts = []
    for target in TARGETS:
        try:
            value: float | None = target.value(results)
        except KeyError:
            value = None
        verdicts.append(TargetVerdict(target=target, value=value))
    return verdicts


def _mean(scenario: str, figure: str, contender: Contender = FAIR) -> Callable[[Results], float]:
    return lambda results: results.mean(scenario, contender, figure)


def _worst(scenario: str, figure: str) -> Callable[[Results], float]:
    return lambda results: results.worst(scenario, FAIR, figure)


def _part(scenario: str, figure: str, other: Contender) -> Callable[[Results], float]:
    """Ours as a part of the other's."""
    return lambda results: (
        results.mean(scenario, FAIR, figure) / results.mean(scenario, other, figure)
    )


def _change(figure: str, right: str = "F-0", worthless: str = "F-1") -> Callable[[Results], float]:
    """From right predictions to worthless ones, as a part of the former."""
    return lambda results: abs(
        results.mean(worthless, FAIR, figure) / results.mean(right, FAIR, figure) - 1
    )


def _lost(scenario: str) -> Callable[[Results], float]:
    """Useful time, against what swaps as rarely as can be."""
    return lambda results: 1 - _part(scenario, "useful", WARM)(results)


def _of_all(figure: str) -> Callable[[Results], float]:
    """The worst over every mixed day that was run."""

    def worst(results: Results) -> float:
        keys = [key for key in MIXED_DAYS if (key, FAIR.name) in results.of]
        if not keys:
            raise KeyError(figure)
        return max(results.worst(key, FAIR, figure) for key in keys)

    return worst


OF_ALL_MEDIA = ("V-R1", "V-U1", "V-N4", "V-F0", "V-F1")
MIXED_DAYS = ("U1", "R1", "S1", "M", "L", "G5", "N4", *OF_ALL_MEDIA)

_OF_PICTURES: Sequence[Target] = (
    Target(
        number="1",
        claim="Jain's index of equal heavy users, 10 minutes (R1)",
        value=_mean("R1", "jain"),
        at_least=0.98,
    ),
    Target(
        number="2a",
        claim="worst lag behind the ideal, seconds of the device (R1)",
        value=_mean("R1", "lag"),
        at_most=30.0,
    ),
    Target(
        number="2b",
        claim="the same with swaps from disk (U1)",
        value=_mean("U1", "lag"),
        at_most=45.0,
    ),
    Target(
        number="3a",
        claim="furthest ahead of the ideal, seconds of the device (R1)",
        value=_mean("R1", "ahead"),
        at_most=40.0,
    ),
    Target(
        number="3b",
        claim="furthest ahead as a part of bound B1, any day and seed",
        value=_of_all("of B1"),
        at_most=1.0,
    ),
    Target(
        number="4a",
        claim="light users' p95 wait as a part of VTC's (R1)",
        value=_part("R1", "wait95", VTC),
        at_most=0.5,
    ),
    Target(
        number="4b",
        claim="the same with one model (S1)",
        value=_part("S1", "wait95", VTC),
        at_most=1.0,
    ),
    Target(
        number="4c",
        claim="light users' p95 wait as a part of round robin's (R1)",
        value=_part("R1", "wait95", ROUND),
        at_most=0.1,
    ),
    Target(
        number="5",
        claim="light users' median wait, warm model, busy device, s (S1)",
        value=_mean("S1", "wait50"),
        at_most=3.0,
    ),
    Target(
        number="6a",
        claim="useful time lost against warm first (R1)",
        value=_lost("R1"),
        at_most=0.12,
    ),
    Target(
        number="6b",
        claim="the same with swaps from disk (U1)",
        value=_lost("U1"),
        at_most=0.22,
    ),
    Target(
        number="7a",
        claim="swaps as a part of VTC's (R1)",
        value=_part("R1", "swaps", VTC),
        at_most=0.5,
    ),
    Target(
        number="7b",
        claim="swaps as a part of FIFO's (R1)",
        value=_part("R1", "swaps", FIFO),
        at_most=1.0,
    ),
    Target(
        number="8a",
        claim="wait for another model among endless newcomers, s, worst seed (G)",
        value=_worst("G", "victim"),
        at_most=150.0,
    ),
    Target(
        number="8b",
        claim="the same as a part of bound B4 (G)",
        value=_worst("G", "of B4"),
        at_most=1.0,
    ),
    Target(
        number="8c",
        claim="wait for a second picture among endless newcomers, s, worst seed (G)",
        value=_worst("G", "again"),
        at_most=150.0,
    ),
    Target(
        number="9",
        claim="part left to the other server under 16 alts, worst seed (E)",
        value=lambda results: results.least("E", FAIR, "other"),
        at_least=0.48,
    ),
    Target(
        number="10",
        claim="first minute of a burst after idling, in fair shares, worst seed (D)",
        value=_worst("D", "burst"),
        at_most=1.3,
    ),
    Target(
        number="11a",
        claim="change of light p95 when predictions become worthless (F)",
        value=_change("wait95"),
        at_most=0.2,
    ),
    Target(
        number="11b",
        claim="change of the worst lag when predictions become worthless (F)",
        value=_change("lag"),
        at_most=0.2,
    ),
    Target(
        number="12a",
        claim="decisions per reference second, 10,000 people x 100,000 jobs (crowd)",
        value=lambda results: results.least("crowd", FAIR, "decisions/s"),
        at_least=50_000.0,
    ),
    Target(
        number="12b",
        claim="a decision's p99, reference ms (crowd)",
        value=_worst("crowd", "p99 ms"),
        at_most=1.0,
    ),
    Target(
        number="12c",
        claim="cost of a decision, by its cost with a tenth of the people (crowd)",
        value=_worst("crowd", "x10"),
        at_most=1.3,
    ),
    Target(
        number="13",
        claim="largest error of a part against its weight, half an hour (W)",
        value=_mean("W", "error"),
        at_most=0.01,
    ),
    Target(
        number="15a",
        claim="part of light users' pictures that were ready by p90 (R1, P)",
        value=_mean("P", "covered"),
        at_least=0.85,
    ),
    Target(
        number="15b",
        claim="the same: a p90 that is always kept says nothing",
        value=_mean("P", "covered"),
        at_most=0.95,
    ),
    Target(
        number="15c",
        claim="median error of p50, as a part of what it took (R1, P)",
        value=_mean("P", "error"),
        at_most=0.25,
    ),
    Target(
        number="16",
        claim="time lost to pauses, any day and seed",
        value=_of_all("paused"),
        at_most=0.01,
    ),
    Target(
        number="N4a",
        claim="light users' p95 wait as a part of VTC's on four devices (N4)",
        value=_part("N4", "wait95", VTC),
        at_most=1.0,
    ),
    Target(
        number="N4b",
        claim="useful time as a part of VTC's on four devices (N4)",
        value=_part("N4", "useful", VTC),
        at_least=1.0,
    ),
    Target(
        number="W4",
        claim="least part of the four against a weight that one device cannot serve (W-4)",
        value=lambda results: results.least("W-4", ONE_SEAT, "least"),
        at_least=0.24,
    ),
)

# The same where films, sounds and forms are drawn beside the pictures, as they were measured.
_TWINS: Mapping[str, tuple[str, Callable[[Results], float]]] = {
    "1": ("V-R1", _mean("V-R1", "jain")),
    "2a": ("V-R1", _mean("V-R1", "lag")),
    "2b": ("V-U1", _mean("V-U1", "lag")),
    "3a": ("V-R1", _mean("V-R1", "ahead")),
    "4a": ("V-R1", _part("V-R1", "wait95", VTC)),
    "4c": ("V-R1", _part("V-R1", "wait95", ROUND)),
    "6a": ("V-R1", _lost("V-R1")),
    "6b": ("V-U1", _lost("V-U1")),
    "7a": ("V-R1", _part("V-R1", "swaps", VTC)),
    "7b": ("V-R1", _part("V-R1", "swaps", FIFO)),
    "11a": ("V-F", _change("wait95", "V-F0", "V-F1")),
    "11b": ("V-F", _change("lag", "V-F0", "V-F1")),
    "15a": ("V-P", _mean("V-P", "covered")),
    "15b": ("V-P", _mean("V-P", "covered")),
    "15c": ("V-P", _mean("V-P", "error")),
    "N4a": ("V-N4", _part("V-N4", "wait95", VTC)),
    "N4b": ("V-N4", _part("V-N4", "useful", VTC)),
}

TARGETS: Sequence[Target] = (
    *_OF_PICTURES,
    *(
        replace(
            target,
            number=f"V-{target.number}",
            claim=f"target {target.number} with films, sounds and forms ({day})",
            value=value,
        )
        for target in _OF_PICTURES
        for day, value in filter(None, (_TWINS.get(target.number),))
    ),
    Target(
        number="V-17",
        claim="longest time in which a work of any medium cannot be put aside, s (V-R1)",
        value=_worst("V-R1", "held"),
        at_most=4.0,
    ),
)

# What switched-off parts of the algorithm must cost: the target that tells.
MUTANT_FAILS: Mapping[str, str] = {
    "no-ghosts": "4b",
    "no-express": "5",
    "unbounded-express": "8a",
    "no-affinity": "7a",
}
