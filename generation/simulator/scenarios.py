"""The days on which policies are compared.

U1  36 light and 4 heavy users in one server, four models loaded from disk
R1  the same with models kept in the machine's memory
S1  the same with one model, no videos
G5  U1 in five servers
N4  four devices, 120 light and 8 heavy users, eight servers
D   a burst of 400 jobs after an idle hour
E   sixteen accounts of one person in one of two servers; E-newcomers: in the newcomers' group
F   U1 with predictions that are right (F-0), half wrong (F-0.5), worthless (F-1)
G   endless newcomers; one of them waits for another model, another comes a second time
V   films as they were measured: V-U1, V-N4, V-F0, V-F1 are the twins of those, V-R1 has all media
W   weights 1:2:4; W-4: four devices, weight 10 against three of weight 1, one seat per person
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from generation.queue.fair_queue import Rules
from generation.simulator import figures, traces
from generation.simulator.engine import Device, Log, simulate
from generation.simulator.figures import Figures
from generation.simulator.policies import (
    FAIR,
    FAIR_2,
    FAIR_8,
    FIFO,
    OTHERS,
    ROUND,
    VTC,
    Contender,
    fair,
)
from generation.simulator.traces import (
    DISK,
    HOUR,
    MANY,
    MEASURED_VIDEOS,
    MEDIA_DISK,
    MEDIA_MEMORY,
    MEMORY,
    TWELVE,
    Trace,
)

SEEDS = tuple(range(traces.FIRST_SEED, traces.FIRST_SEED + 5))

Measure = Callable[[Trace, Log, Rules | None], Figures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of day, who competes on it, and what of it is worth printing."""

    key: str
    title: str
    trace: Callable[[int], Trace]  # from a seed
    measure: Measure
    columns: Sequence[str]
    contenders: Sequence[Contender]
    horizon: float = 2 * HOUR
    seats: int = 1

    def play(self, contender: Contender, seed: int) -> tuple[Trace, Log]:
        trace = self.trace(seed)
        device = Device(seats=self.seats, chunk=contender.chunk)
        if contender.rules is not None:
            device = replace(device, max_parked=contender.rules.max_parked)
        return trace, simulate(trace, contender.make(self.seats), device, horizon=self.horizon)

    def figures(self, contender: Contender, seed: int) -> Figures:
        trace, log = self.play(contender, seed)
        return self.measure(trace, log, contender.rules)


_EVERYBODY = (*OTHERS, FAIR_2, FAIR, FAIR_8)
_MIXED = (
    "wait50",
    "wait95",
    "longest",
    "ready95",
    "lag",
    "ahead",
    "jain",
    "useful",
    "swaps",
    "pauses",
    "idle",
)
ONE_SEAT = fair("fair, one seat each", Rules(max_running=1))

_U1 = Scenario(
    key="U1",
    title="one server, 36 light and 4 heavy users, models from disk: swaps of 6 to 25 s",
    trace=partial(traces.mixed, models=DISK),
    measure=figures.of_mixed,
    columns=_MIXED,
    contenders=_EVERYBODY,
)

_WITH_FILMS = partial(traces.mixed, models=MEDIA_DISK, videos=MEASURED_VIDEOS)
_V = replace(
    _U1,
    key="V-U1",
    title="U1, whose videos take what was measured: 536 and 97 s in steps of 24 and 12 s",
    trace=_WITH_FILMS,
    columns=(*_MIXED, "held"),
)
_OF_ALL_MEDIA = (
    replace(
        _V,
        key="V-R1",
        title="R1 with films, sounds and forms beside pictures, as they were measured",
        trace=partial(traces.of_all_media, models=MEDIA_MEMORY),
    ),
    _V,
    replace(
        _V,
        key="V-N4",
        title="N4, whose videos take what was measured",
        trace=partial(_WITH_FILMS, light=120, heavy=8, groups=8, jobs=1200),
        contenders=(VTC, FAIR),
        seats=4,
    ),
    *(
        replace(
            _V,
            key=f"V-F{sigma}",
            title=f"V-U1, logarithm of the predictions' errors has a deviation of {sigma}",
            trace=partial(_WITH_FILMS, sigma=sigma),
            contenders=(FAIR,),
        )
        for sigma in (0, 1)
    ),
)

SCENARIOS: Sequence[Scenario] = (
    _U1,
    replace(
        _U1,
        key="R1",
        title="the same, models in memory: swaps of 1.5 to 8 s",
        trace=partial(traces.mixed, models=MEMORY),
    ),
    replace(
        _U1,
        key="S1",
        title="the same, one model and no videos",
        trace=partial(traces.mixed, models=DISK, only="sdxl", jobs=1500),
    ),
    replace(
        _U1,
        key="M",
        title="the same, twelve models in memory, and videos",
        trace=partial(traces.mixed, models=MANY, tastes=TWELVE),
        contenders=(*OTHERS, FAIR),
    ),
    replace(
        _U1,
        key="L",
        title="500 light users who want a picture an hour, and the heavy ones; models in memory",
        trace=partial(traces.mixed, models=MEMORY, light=500, every=3600.0),
        contenders=(*OTHERS, FAIR),
    ),
    replace(
        _U1,
        key="G5",
        title="U1 in five servers",
        trace=partial(traces.mixed, models=DISK, groups=5),
    ),
    replace(
        _U1,
        key="N4",
        title="four devices, 120 light and 8 heavy users, eight servers",
        trace=partial(traces.mixed, models=DISK, light=120, heavy=8, groups=8, jobs=1200),
        seats=4,
    ),
    Scenario(
        key="D",
        title="400 jobs at once after an idle hour; six people use the device to 80 %",
        trace=traces.burst,
        measure=figures.of_burst,
        columns=("burst", "wait95", "lag"),
        contenders=(FIFO, ROUND, VTC, FAIR),
    ),
    Scenario(
        key="E",
        title="16 accounts of one person in server A, which is owed half",
        trace=traces.alts,
        measure=figures.of_alts,
        columns=("other", "same", "alts"),
        contenders=(FIFO, ROUND, VTC, FAIR),
        horizon=HOUR / 2,
    ),
    Scenario(
        key="E-newcomers",
        title="the same 16 accounts, unverified: in the group of newcomers, which is owed a third",
        trace=partial(traces.alts, group="newcomers"),
        measure=figures.of_alts,
        columns=("other", "same", "alts"),
        contenders=(FAIR,),
        horizon=HOUR / 2,
    ),
    *(
        replace(
            _U1,
            key=f"F-{sigma}",
            title=f"U1, logarithm of the predictions' errors has a deviation of {sigma}",
            trace=partial(traces.mixed, models=DISK, sigma=sigma),
            columns=("wait50", "wait95", "lag", "ahead", "jain", "useful", "swaps"),
            contenders=(VTC, FAIR),
        )
        for sigma in (0, 0.5, 1)
    ),
    Scenario(
        key="G",
        title="a new account every 3 s wants 4 s; one waits for another model, one comes again",
        trace=traces.newcomers,
        measure=figures.of_newcomers,
        columns=("victim", "again", "wait95", "useful"),
        contenders=(*OTHERS, FAIR),
        horizon=HOUR / 2,
    ),
    *_OF_ALL_MEDIA,
    Scenario(
        key="W",
        title="weights 1:2:4",
        trace=partial(traces.weighted, weights=(1.0, 2.0, 4.0)),
        measure=figures.of_weights,
        columns=("error", "W0", "W1", "W2"),
        contenders=(VTC, FAIR),
        horizon=HOUR / 2,
    ),
    Scenario(
        key="W-4",
        title="four devices; weight 10 against three of weight 1, nobody on two devices at once",
        trace=partial(traces.weighted, weights=(1.0, 1.0, 1.0, 10.0)),
        measure=figures.of_weights,
        columns=("least", "W0", "W1", "W2", "W3"),
        contenders=(ONE_SEAT,),
        horizon=HOUR / 2,
        seats=4,
    ),
)
