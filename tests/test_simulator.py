"""The simulator: its ideal device against sums done by hand, its engine, the others' rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.job import GroupId, Job, JobId, Share, UserId
from generation.queue.fair_queue import Seat, SeatId
from generation.recipe import needed
from generation.simulator import figures, policies, scenarios, targets, traces
from generation.simulator.__main__ import main
from generation.simulator.engine import (
    PAUSE,
    Broken,
    Device,
    Log,
    SimulatedSeat,
    TurnPolicy,
    simulate,
)
from generation.simulator.fluid import Fluid
from generation.simulator.lags import lags
from generation.simulator.policies import FAIR, FIFO, OTHERS, ROUND, VTC, WARM, Contender
from generation.simulator.traces import DISK, MEDIA_DISK, Crowd, Script, Trace

A, B, C = UserId(1), UserId(2), UserId(3)
HERE, THERE = GroupId("here"), GroupId("there")


def deliver(fluid: Fluid, seconds: float) -> None:
    while seconds > 0.0:
        seconds -= fluid.deliver(seconds)


def small(*asked: tuple[str, float, str, int]) -> Trace:
    """Jobs as (who, when, model, steps), predicted rightly."""
    script = Script(1, DISK, sigma=0.0)
    for who, at, model, steps in asked:
        script.ask(who, at, kind=Crowd.LIGHT, model=model, steps=steps)
    return script.trace()


def played(trace: Trace, policy: TurnPolicy, *, chunk: float | None = None, seats: int = 1) -> Log:
    return simulate(trace, policy, Device(seats=seats, chunk=chunk), horizon=1000.0)


def order(trace: Trace, log: Log) -> str:
    """Whose jobs were begun, in order."""
    return "".join(trace[job].who for job in sorted(log.started, key=log.started.__getitem__))


def seat(*models: str) -> SimulatedSeat:
    """A seat with these models on it, and room for no more."""
    made = SimulatedSeat(0, max(len(models), 1), {m.key: m.swap for m in DISK.values()})
    for model in models:
        made.load(DISK[model].key)
    return made


# --- the ideal device -------------------------------------------------------------------------


def test_two_equals_share_until_one_has_enough() -> None:
    fluid = Fluid()
    fluid.ask(A, Share(group=HERE), 10.0)
    fluid.ask(B, Share(group=HERE), 4.0)
    deliver(fluid, 6.0)
    assert (fluid.served((HERE, A)), fluid.served((HERE, B))) == (3.0, 3.0)
    deliver(fluid, 4.0)
    assert (fluid.served((HERE, A)), fluid.served((HERE, B))) == (6.0, 4.0)
    assert (fluid.share((HERE, A)), fluid.share((HERE, B))) == (1.0, 0.0)


def test_weights_divide_a_group() -> None:
    fluid = Fluid()
    fluid.ask(A, Share(group=HERE, weight=3.0), 100.0)
    fluid.ask(B, Share(group=HERE, weight=1.0), 100.0)
    deliver(fluid, 8.0)
    assert (fluid.served((HERE, A)), fluid.served((HERE, B))) == (6.0, 2.0)


def test_groups_divide_the_device_however_many_are_in_them() -> None:
    fluid = Fluid()
    for owner in (A, B):
        fluid.ask(owner, Share(group=HERE), 100.0)
    fluid.ask(C, Share(group=THERE, group_weight=0.5), 100.0)
    deliver(fluid, 9.0)
    assert fluid.served((HERE, A)) == pytest.approx(3.0)
    assert fluid.served((THERE, C)) == pytest.approx(3.0)
    assert fluid.share((HERE, B)) == pytest.approx(1 / 3)


def test_who_comes_late_is_owed_nothing_for_the_past() -> None:
    fluid = Fluid()
    fluid.ask(A, Share(group=HERE), 100.0)
    deliver(fluid, 10.0)
    fluid.ask(B, Share(group=HERE), 100.0)
    deliver(fluid, 10.0)
    assert (fluid.served((HERE, A)), fluid.served((HERE, B))) == (15.0, 5.0)


PEOPLE: Sequence[tuple[UserId, Share]] = (
    (A, Share(group=HERE, weight=1.0)),
    (B, Share(group=HERE, weight=4.0)),
    (A, Share(group=THERE, group_weight=0.1, weight=2.0)),
    (C, Share(group=THERE, group_weight=0.1, weight=1.0)),
)
Deeds = list[tuple[int, float, float]]  # who asks for how much, and what is delivered then
deeds = st.lists(
    st.tuples(st.integers(0, len(PEOPLE) - 1), st.floats(0.1, 50.0), st.floats(0.0, 60.0)),
    max_size=25,
)


def filled(wanted: dict[int, float], seconds: float) -> dict[int, float]:
    """The ideal's division of so many seconds, the long way."""
    given = dict.fromkeys(wanted, 0.0)
    while seconds > 1e-9:
        busy = [i for i in wanted if wanted[i] - given[i] > 1e-9]
        if not busy:
            break
        groups = {PEOPLE[i][1].group: PEOPLE[i][1].group_weight for i in busy}
        rates = {}
        for i in busy:
            share = PEOPLE[i][1]
            inside = sum(PEOPLE[j][1].weight for j in busy if PEOPLE[j][1].group == share.group)
            rates[i] = share.group_weight / sum(groups.values()) * share.weight / inside
        step = min(seconds, *((wanted[i] - given[i]) / rates[i] for i in busy))
        for i in busy:
            given[i] += step * rates[i]
        seconds -= step
    return given


@given(deeds)
def test_the_ideal_device_divides_as_the_definition_says(deeds: Deeds) -> None:
    fluid, expected = Fluid(), dict.fromkeys(range(len(PEOPLE)), 0.0)
    wanted: dict[int, float] = {}
    for who, seconds, delivered in deeds:
        fluid.ask(*PEOPLE[who], seconds)
        wanted[who] = wanted.get(who, 0.0) + seconds
        deliver(fluid, delivered)
        for i, part in filled({i: wanted[i] - expected[i] for i in wanted}, delivered).items():
            expected[i] += part
    for i, (owner, share) in enumerate(PEOPLE):
        assert fluid.served((share.group, owner)) == pytest.approx(expected[i], abs=1e-6)


@given(deeds)
def test_all_that_is_delivered_is_served_to_somebody(deeds: Deeds) -> None:
    fluid, asked, served = Fluid(), 0.0, 0.0
    for who, seconds, delivered in deeds:
        fluid.ask(*PEOPLE[who], seconds)
        asked += seconds
        deliver(fluid, delivered)
        served = min(asked, served + delivered)
        assert sum(map(fluid.served, fluid.people())) == pytest.approx(served, abs=1e-6)


# --- lag --------------------------------------------------------------------------------------


def test_lag_is_what_the_ideal_had_given_more() -> None:
    # Two pictures of 5 x 0.12 + 0.6 = 1.2 s, one after the other, after a swap of 6 s.
    trace = small(("A", 0.0, "sdxl", 5), ("B", 0.0, "sdxl", 5))
    log = played(trace, policies.Fifo())
    first, second = lags(trace, log).values()
    # Until 7.2 s A is served alone.  Ideally B was done at 2.4 s, A being given as much.
    assert (first.behind, first.ahead) == pytest.approx((0.0, 1.2))
    assert (second.behind, second.ahead) == pytest.approx((1.2, 0.0))
    assert first.share == pytest.approx(0.5)


def test_lag_is_looked_at_where_it_is_asked_for() -> None:
    trace = small(("A", 0.0, "sdxl", 5), ("B", 0.0, "sdxl", 5))
    log = played(trace, policies.Fifo())
    first, second = lags(trace, log, at=(1.0, 7.2, 8.4)).values()
    assert first.series == pytest.approx([-0.5, -1.2, 0.0])
    assert first.served_series == pytest.approx([1.0, 7.2, 7.2])
    assert second.series == pytest.approx([0.5, 1.2, 0.0])


def test_lags_end_where_everybody_has_everything() -> None:
    trace = traces.mixed(11, DISK, jobs=5, light=6, horizon=600.0)
    trace = [asked for asked in trace if asked.checkpoint.name != "video"]
    trace = small(
        *((a.who, a.at, a.checkpoint.name, needed(a.job.recipe.sampling).steps) for a in trace)
    )
    for contender in (*OTHERS, FAIR):
        log = played(trace, contender.make(1), chunk=contender.chunk)
        assert len(log.finished) == len(trace)
        for lag in lags(trace, log, at=(log.horizon,)).values():
            assert lag.series == pytest.approx([0.0], abs=1e-6)


# --- the device -------------------------------------------------------------------------------


@pytest.mark.parametrize("contender", [*OTHERS, FAIR], ids=lambda contender: contender.name)
@pytest.mark.parametrize("seats", [1, 3])
def test_every_job_gets_exactly_what_it_takes(contender: Contender, seats: int) -> None:
    trace = traces.mixed(11, DISK, jobs=20, light=10, horizon=900.0)
    log = simulate(
        trace, contender.make(seats), Device(seats=seats, chunk=contender.chunk), horizon=1e6
    )
    drawn = dict.fromkeys((asked.job.id for asked in trace), 0.0)
    for served in log.served:
        drawn[served.job] += served.end - served.start - served.overhead
    for asked in trace:
        assert drawn[asked.job.id] == pytest.approx(asked.seconds)
        assert log.finished[asked.job.id] >= log.started[asked.job.id] >= asked.at
    assert log.idle == 0.0


@pytest.mark.parametrize("seats", [1, 3])
def test_a_seat_does_one_thing_at_a_time(seats: int) -> None:
    trace = traces.mixed(11, DISK, jobs=20, light=10, horizon=900.0)
    log = simulate(trace, FAIR.make(seats), Device(seats=seats), horizon=1e6)
    changes = sorted(
        change for served in log.served for change in ((served.start, 1), (served.end, -1))
    )
    assert max(itertools.accumulate(step for _, step in changes)) <= seats


def test_a_chunk_is_whole_steps() -> None:
    trace = small(("A", 0.0, "sdxl", 40))
    log = played(trace, FAIR.make(1), chunk=2.0)
    ends = [served.end for served in log.served]
    # 16 steps of 0.12 s fit into 2 s; decoding goes with the last eight.
    assert ends == pytest.approx([6 + 1.92, 6 + 3.84, 6 + 5.4])


def test_a_long_step_is_left_between_its_blocks_and_a_film_between_the_pieces_behind_them() -> None:
    script = Script(1, MEDIA_DISK, sigma=0.0)
    script.ask("A", 0.0, kind=Crowd.HEAVY, model="film in 4", steps=1)
    log = played(script.trace(), FAIR.make(1), chunk=2.0)
    block, piece = 12.2 / 40, 48.2 / 21
    took = [served.end - served.start for served in log.served]
    # Six blocks fit into 2 s, and four are left; a piece does not, and is waited for.
    assert took == pytest.approx([25 + 6 * block, *[6 * block] * 5, 4 * block, *[piece] * 21])
    assert sum(took) == pytest.approx(25 + 12.2 + 48.2)


def test_whatever_videos_there_are_the_day_is_the_same() -> None:
    usual, measured = (
        traces.mixed(11, MEDIA_DISK, videos=videos)
        for videos in (("video",), traces.MEASURED_VIDEOS)
    )
    seen = [[(a.who, a.at) for a in trace] for trace in (usual, measured)]
    assert seen[0] == seen[1]
    assert {round(a.seconds) for a in measured if a.checkpoint.name == "film"} == {97, 536}


def test_a_swap_is_paid_once_while_the_model_stays() -> None:
    trace = small(*(("A", 0.0, model, 5) for model in ("sdxl", "sdxl", "flux", "sdxl")))
    one = simulate(trace, policies.Fifo(), Device(chunk=None), horizon=1000.0)
    two = simulate(trace, policies.Fifo(), Device(chunk=None, slots=2), horizon=1000.0)
    assert (one.swaps, two.swaps) == (3, 2)


class Scripted:
    """A policy that takes these jobs, come what may."""

    def __init__(self, *jobs: int | None) -> None:
        self._jobs = list(jobs)
        self._known: dict[JobId, Job] = {}

    def put(self, job: Job, _now: float) -> None:
        self._known[job.id] = job

    def take(self, seat: Seat, _now: float) -> Job | None:
        if seat.id != SeatId("seat 0") or not self._jobs:
            return None
        job = self._jobs.pop(0)
        return None if job is None else self._known[JobId(job)]

    def settle(self, job_id: JobId, seconds: float, now: float, *, left: float | None) -> None:
        pass


def test_putting_aside_costs_a_pause() -> None:
    trace = small(("A", 0.0, "sdxl", 40), ("B", 0.0, "sdxl", 5))
    log = played(trace, Scripted(0, 1, 0, 0), chunk=2.0)
    assert log.pauses == 1
    assert [served.overhead for served in log.served] == pytest.approx([6.0, PAUSE, 0.0, 0.0])


def test_a_policy_that_takes_what_is_not_there_is_broken() -> None:
    trace = small(("A", 0.0, "sdxl", 5), ("B", 0.0, "sdxl", 5))
    with pytest.raises(Broken, match="job 0 neither waits"):
        played(trace, Scripted(0, 0), chunk=2.0)


def test_a_policy_that_forgets_what_it_parked_is_broken() -> None:
    trace = small(("A", 0.0, "sdxl", 40))
    with pytest.raises(Broken, match="idles with 1 jobs parked"):
        played(trace, Scripted(0, None), chunk=2.0)


def test_a_policy_that_parks_too_much_is_broken() -> None:
    trace = small(*(("A", 0.0, "sdxl", 40) for _ in range(6)))
    with pytest.raises(Broken, match="5 jobs are parked"):
        played(trace, Scripted(0, 1, 2, 3, 4, 5), chunk=2.0)


# --- what others do ---------------------------------------------------------------------------


def test_fifo_does_not_look() -> None:
    trace = small(("A", 0.0, "sdxl", 5), ("B", 1.0, "flux", 5), ("C", 2.0, "sdxl", 5))
    assert order(trace, played(trace, policies.Fifo())) == "ABC"


def test_warm_first_takes_the_oldest_that_needs_no_swap() -> None:
    trace = small(("A", 0.0, "sdxl", 5), ("B", 1.0, "flux", 5), ("C", 2.0, "sdxl", 5))
    assert order(trace, played(trace, policies.WarmFirst())) == "ACB"


def test_round_robin_serves_newcomers_first_and_then_in_turns() -> None:
    trace = small(
        *(("A", 0.0, "sdxl", 5) for _ in range(3)), ("B", 1.0, "sdxl", 5), ("B", 2.0, "sdxl", 5)
    )
    assert order(trace, played(trace, policies.RoundRobin())) == "ABABA"


def test_round_robin_prefers_ones_own_warm_job() -> None:
    trace = small(("A", 0.0, "flux", 5), ("A", 0.0, "sdxl", 5))
    policy = policies.RoundRobin()
    for asked in trace:
        policy.put(asked.job, 0.0)
    taken = policy.take(seat("sdxl"), 0.0)
    assert taken is not None
    assert taken.id == 1


def test_the_token_counter_balances_seconds_not_jobs() -> None:
    policy = policies.TokenCounter()
    # A's pictures take 2.28 s, B's 0.72 s.
    trace = small(
        *(("A", 0.0, "sdxl", 14) for _ in range(3)), *(("B", 0.0, "sdxl", 1) for _ in range(12))
    )
    for asked in trace:
        policy.put(asked.job, 0.0)
    turns = [job.id for _ in range(7) if (job := policy.take(seat("sdxl"), 0.0))]
    assert "".join(trace[job].who for job in turns) == "ABBBBAB"


def test_the_token_counter_lifts_who_returns() -> None:
    policy = policies.TokenCounter()
    trace = small(*(("A", 0.0, "sdxl", 5) for _ in range(9)), ("B", 0.0, "sdxl", 5))
    for asked in trace[:9]:
        policy.put(asked.job, 0.0)
    for _ in range(4):
        taken = policy.take(seat("sdxl"), 0.0)
        assert taken is not None
        policy.settle(taken.id, 5.0, 0.0, left=None)
    policy.put(trace[9].job, 0.0)
    turns = [job.owner for _ in range(4) if (job := policy.take(seat("sdxl"), 0.0))]
    # No four turns for the time before B came: both have the same, and A came first.
    assert [trace[0].job.owner == owner for owner in turns] == [True, False, True, True]


@pytest.mark.parametrize(
    ("contender", "published"),
    [
        (FIFO, (3600, 6808, 343, 2331, 202)),
        (WARM, (3033, 6622, 1234, 1688, 2)),
        (ROUND, (344, 1715, 794, 2467, 222)),
        (VTC, (32, 274, 72, 187, 359)),
    ],
    ids=lambda value: value.name if isinstance(value, Contender) else "",
)
def test_an_independent_simulator_has_found_the_same(
    contender: Contender, published: tuple[float, ...]
) -> None:
    """On U1: one that steps its ideal device second by second, and scans every line."""
    results = targets.Results()
    for number in scenarios.SEEDS:
        results.add("U1", contender.name, day("U1").figures(contender, number))
    measured = [
        results.mean("U1", contender, figure)
        for figure in ("wait50", "wait95", "lag", "ahead", "swaps")
    ]
    assert measured == pytest.approx(published, rel=0.01, abs=1.0)


def day(key: str) -> scenarios.Scenario:
    return next(scenario for scenario in scenarios.SCENARIOS if scenario.key == key)


# --- traces and figures -----------------------------------------------------------------------


def test_how_wrong_predictions_are_changes_nothing_else() -> None:
    right, wrong = (traces.mixed(11, DISK, sigma=sigma) for sigma in (0.0, 1.0))
    seen = [[(a.who, a.at, a.job.recipe) for a in trace] for trace in (right, wrong)]
    assert seen[0] == seen[1]
    assert all(asked.job.cost == asked.seconds for asked in right)
    assert any(asked.job.cost > 2 * asked.seconds for asked in wrong)


def test_jobs_are_numbered_in_the_order_of_their_arrival() -> None:
    for trace in (traces.mixed(11, DISK), traces.burst(11), traces.newcomers(12)):
        assert [asked.job.id for asked in trace] == list(range(len(trace)))
        assert [asked.at for asked in trace] == sorted(asked.at for asked in trace)


def test_jains_index_is_one_for_equals_and_a_part_for_a_tyrant() -> None:
    assert figures.jain([3.0, 3.0, 3.0]) == pytest.approx(1.0)
    assert figures.jain([9.0, 0.0, 0.0]) == pytest.approx(1 / 3)


def test_a_percentile_is_a_value_that_occurred() -> None:
    assert figures.percentile([4.0, 1.0, 3.0, 2.0], 50) == 2.0
    assert figures.percentile([4.0, 1.0, 3.0, 2.0], 95) == 4.0
    assert figures.percentile([7.0], 0) == 7.0


# --- targets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("mutant", "target"), targets.MUTANT_FAILS.items())
def test_a_part_switched_off_is_noticed(
    mutant: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = {"4b": "S1", "5": "S1", "7a": "R1", "8a": "G"}[target]
    assert main([scenario, "--mutant", mutant, "--seeds", "2", "--policies", "fair", "VTC"]) == 1
    printed = capsys.readouterr().out
    assert f"\n  {target} " in printed
    missed = printed.rsplit("Missed: ", 1)[1].rstrip(".\n").split(", ")
    assert target in missed


def test_a_target_without_its_figures_is_not_judged() -> None:
    verdicts = targets.judge(targets.Results())
    assert all(verdict.value is None and not verdict.missed for verdict in verdicts)


def test_targets_are_numbered_once() -> None:
    numbers = [target.number for target in targets.TARGETS]
    assert len(numbers) == len(set(numbers))
    assert set(targets.MUTANT_FAILS.values()) <= set(numbers)


def test_the_document_lists_every_target_and_every_day() -> None:
    document = (Path(__file__).parent.parent / "docs" / "fairness.md").read_text(encoding="utf-8")
    for target in targets.TARGETS:
        assert f"| {target.number} | {target.claim} | {target.limit} |" in document
    for scenario in scenarios.SCENARIOS:
        assert f"**{scenario.key}**: {scenario.title}" in document


def test_a_scenario_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["U9"])
    assert "there is no scenario U9" in capsys.readouterr().err


@pytest.mark.slow
def test_every_target_is_kept() -> None:
    """But for the crowd's, which are seconds of this machine: `make simulate` judges them."""
    assert main([scenario.key for scenario in scenarios.SCENARIOS]) == 0


@pytest.mark.slow
def test_the_plots_can_be_drawn(tmp_path: Path) -> None:
    assert main(["--plots", str(tmp_path)]) == 0
    drawn = sorted(tmp_path.iterdir())
    assert [path.name for path in drawn] == [
        "fairness-lag.png",
        "fairness-service.png",
        "fairness-waits.png",
    ]
    assert all(path.stat().st_size < 150_000 for path in drawn)
