"""The pictures of docs/fairness.md: who was given what, how far from ideal, who waited how long.

Invariant: they show the runs that the table counts, on the scenarios' own traces and seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from generation.simulator.figures import waits_of
from generation.simulator.fluid import Person
from generation.simulator.lags import Lag, lags
from generation.simulator.policies import FAIR, FIFO, ROUND, VTC, Contender
from generation.simulator.scenarios import SCENARIOS, SEEDS, Scenario
from generation.simulator.traces import Crowd, Trace

CONTENDERS = (FIFO, ROUND, VTC, FAIR)
# Told apart by people who do not see all colours (Okabe and Ito, 2008).
COLOURS = ("#999999", "#E69F00", "#0072B2", "#009E73")
PEOPLE = ("#D55E00", "#0072B2", "#009E73", "#CC79A7")
GREY = "#BBBBBB"
EVERY = 30.0  # seconds between two points of a line
DAY = "R1"


def draw(folder: Path) -> None:
    """Write the three pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context():
        mpl.rc("font", size=9)
        mpl.rc("axes", grid=True)
        mpl.rc("axes.spines", top=False, right=False)
        mpl.rc("grid", alpha=0.25)
        mpl.rc("legend", frameon=False)
        runs = [(contender, *_followed(_scenario(DAY), contender)) for contender in CONTENDERS]
        _save(_service(runs), folder / "fairness-service.png")
        _save(_lag(runs), folder / "fairness-lag.png")
        _save(_waits(), folder / "fairness-waits.png")


_Run = tuple[Contender, Trace, Sequence[float], dict[Person, Lag]]


def _followed(
    scenario: Scenario, contender: Contender
) -> tuple[Trace, Sequence[float], dict[Person, Lag]]:
    trace, log = scenario.play(contender, SEEDS[0])
    instants = [EVERY * number for number in range(1, int(scenario.horizon / EVERY) + 1)]
    return trace, instants, lags(trace, log, at=instants)


def _service(runs: Sequence[_Run]) -> Figure:
    """Seconds given to each heavy user, and to all light ones together."""
    figure = Figure(figsize=(9, 2.7), layout="constrained")
    panels = figure.subplots(1, len(runs), sharey=True)
    for axes, (contender, trace, instants, everybody) in zip(panels, runs, strict=True):
        hours = [instant / 3600 for instant in instants]
        heavy = _people(trace, Crowd.HEAVY)
        light = [_padded(everybody[p], len(hours)) for p in _people(trace, Crowd.LIGHT).values()]
        together = [sum(values) for values in zip(*light, strict=True)]
        axes.plot(hours, together, color=GREY, linewidth=1.5, label="36 light users together")
        for colour, (who, person) in zip(PEOPLE, heavy.items(), strict=True):
            label = "makes videos" if who == "H3" else f"heavy user {who[1:]}"
            served = _padded(everybody[person], len(hours))
            axes.plot(hours, served, color=colour, linewidth=1.5, label=label)
        axes.set_title(contender.name)
        axes.set_xlabel("hours")
    panels[0].set_ylabel("seconds of the device")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _lag(runs: Sequence[_Run]) -> Figure:
    """How far everybody is from what the ideal device would have given them."""
    figure = Figure(figsize=(9, 2.7), layout="constrained")
    panels = figure.subplots(1, len(runs), sharey=True)
    for axes, (contender, trace, instants, everybody) in zip(panels, runs, strict=True):
        hours = [instant / 3600 for instant in instants]
        for person in _people(trace, Crowd.LIGHT).values():
            _line(axes, hours, everybody[person].series, GREY, 0.6)
        heavy = _people(trace, Crowd.HEAVY).values()
        for colour, person in zip(PEOPLE, heavy, strict=True):
            _line(axes, hours, everybody[person].series, colour, 1.2)
        axes.set_yscale("symlog", linthresh=40, linscale=1.5)
        ticks = (-1000, -100, -40, 0, 40, 100, 1000)
        axes.set_yticks(ticks, labels=[f"{tick}" for tick in ticks])
        axes.axhspan(-40, 30, color=COLOURS[-1], alpha=0.1, linewidth=0)
        axes.set_title(contender.name)
        axes.set_xlabel("hours")
    panels[0].set_ylabel("ahead          behind\n(seconds of the device)")
    return figure


def _waits() -> Figure:
    """The part of light users' wishes that was begun within so many seconds."""
    keys = ("R1", "S1", "N4")
    figure = Figure(figsize=(9, 2.7), layout="constrained")
    panels = figure.subplots(1, len(keys), sharey=True)
    for axes, key in zip(panels, keys, strict=True):
        scenario = _scenario(key)
        for colour, contender in zip(COLOURS, CONTENDERS, strict=True):
            waits: list[float] = []
            for seed in SEEDS:
                trace, log = scenario.play(contender, seed)
                waits += waits_of(trace, log, Crowd.LIGHT)
            waits.sort()
            parts = [100 * (number + 1) / len(waits) for number in range(len(waits))]
            axes.plot(waits, parts, color=colour, linewidth=1.5, label=contender.name)
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(0, scenario.horizon)
        axes.set_xticks([0, 1, 10, 100, 1000], labels=["0", "1", "10", "100", "1000"])
        axes.axhline(95, color="black", linewidth=0.6, linestyle=":")
        axes.set_title(key)
        axes.set_xlabel("seconds until begun")
    panels[0].set_ylabel("% of light users' pictures")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _line(
    axes: Axes, hours: Sequence[float], values: Sequence[float], colour: str, width: float
) -> None:
    """From when the person first came."""
    axes.plot(hours[len(hours) - len(values) :], values, color=colour, linewidth=width)


def _padded(lag: Lag, points: int) -> list[float]:
    return [0.0] * (points - len(lag.served_series)) + lag.served_series


def _people(trace: Trace, kind: Crowd) -> dict[str, Person]:
    return {
        asked.who: (asked.job.share.group, asked.job.owner)
        for asked in sorted(trace, key=lambda asked: asked.who)
        if asked.kind is kind
    }


def _scenario(key: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.key == key)


def _save(figure: Figure, path: Path) -> None:
    # Without metadata the same figures are the same bytes.
    figure.savefig(path, dpi=110, metadata={"Software": None})
