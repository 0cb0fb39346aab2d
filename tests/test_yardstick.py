"""Claims about promises in seconds: they are held against what this machine can do."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from bot.trials.bench.figure import Figure
from generation import yardstick
from generation.simulator.targets import TARGETS

LATE = Figure(name="late", what="late", value=60.0, target=50.0, unit="ms", how="measured")


def test_a_slow_machine_is_allowed_as_much_more_time_as_it_needs() -> None:
    assert not LATE.passed
    assert not LATE.at_pace(1.1).passed
    assert LATE.at_pace(1.3).passed
    assert "1.30 x the time" in LATE.at_pace(1.3).how


def test_a_fast_machine_is_allowed_no_less() -> None:
    assert LATE.at_pace(0.5) == LATE


@pytest.mark.parametrize("unit", ["x", "%", "px", ""])
def test_shares_and_counts_are_the_same_on_every_machine(unit: str) -> None:
    share = replace(LATE, unit=unit)
    assert share.at_pace(9.0) == share


def test_the_yardstick_does_the_same_work_each_time() -> None:
    ticks = itertools.count()  # a clock that counts how often it was asked
    took = yardstick.rounds(lambda: next(ticks))
    assert took == [1] * yardstick.ROUNDS


def test_no_machine_is_told_to_be_faster_than_the_reference() -> None:
    assert yardstick.processor_slowness() >= 1.0
    assert yardstick.machine_slowness() >= 1.0


def test_every_target_of_the_simulator_is_a_count_a_share_or_at_the_reference_s_pace() -> None:
    crowd = [target for target in TARGETS if target.number in ("12a", "12b")]
    assert len(crowd) == 2
    assert all("reference" in target.claim for target in crowd)
