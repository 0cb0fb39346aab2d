"""Claims about what hangs and what is only slow.  Nobody waits here: time is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from generation.fleet import vigil
from generation.fleet.vigil import Vigil
from generation.fleet.wire import (
    Cancel,
    Drawn,
    Failed,
    Heard,
    Loading,
    Pause,
    Render,
    Resume,
    Stepped,
)
from generation.job import JobId
from tests.given.builders import a_recipe

JOB, OTHER = JobId(1), JobId(2)
SILENCE, STALL, LOOK = 600.0, 120.0, 10.0


def a_vigil(*, expected: float = 1.0, stage: str = "") -> Vigil:
    """Of a worker that is ready and has a job."""
    found = Vigil(silence=SILENCE, stall=STALL)
    found.ready()
    found.told(Render(job=JOB, recipe=a_recipe(), inputs=(), preview_every=0, expected=expected))
    found.heard(Heard(stage=stage, beats=1))
    return found


def until_killed(watched: Vigil, meanwhile: Callable[[], object] = lambda: None) -> float:
    """Seconds after which it is taken for dead; `meanwhile` happens before each look."""
    for look in range(1, 10_000):
        meanwhile()
        if watched.passed(LOOK):
            return look * LOOK
    return float("inf")


@pytest.mark.parametrize("stage", ["words", "picture", "steps", "decode"])
def test_a_stage_in_which_no_block_is_done_is_ended_soon(stage: str) -> None:
    assert until_killed(a_vigil(stage=stage)) == STALL + LOOK


@pytest.mark.parametrize("stage", ["", "loading"])
def test_weights_are_given_more_time(stage: str) -> None:
    assert until_killed(a_vigil(stage=stage)) == SILENCE + LOOK


@pytest.mark.parametrize("stage", ["loading", "words", "steps", "decode"])
def test_a_multiple_of_the_prediction_is_always_given(stage: str) -> None:
    assert until_killed(a_vigil(stage=stage, expected=1_000.0)) == 4_000.0 + LOOK


@pytest.mark.parametrize("stage", ["loading", "words", "steps", "decode"])
def test_who_is_slow_goes_on_for_an_hour_and_for_twenty_times_the_prediction(stage: str) -> None:
    for expected, limit in ((1.0, 3_600.0), (1_000.0, 20_000.0)):
        watched = a_vigil(stage=stage, expected=expected)
        beats: Iterator[int] = iter(range(2, 10**6))

        def beat(watched: Vigil = watched, beats: Iterator[int] = beats) -> None:
            watched.heard(Heard(stage=stage, beats=next(beats)))

        assert until_killed(watched, beat) == limit + LOOK


def test_each_report_begins_the_time_anew() -> None:
    watched = a_vigil(stage="steps")
    steps = iter(range(1, 10**6))

    def step() -> None:
        watched.heard(Stepped(job=JOB, done=next(steps), total=10**6, preview=b"", seconds=1.0))

    assert until_killed(watched, step) == float("inf")
    watched.heard(Loading(job=JOB, name="x"))
    assert until_killed(watched) == STALL + LOOK


def test_who_has_nothing_to_do_or_only_paused_jobs_may_be_silent() -> None:
    watched = a_vigil(stage="steps")
    watched.told(Pause(job=JOB))
    assert until_killed(watched) == float("inf")
    watched.told(Resume(job=JOB))
    assert until_killed(watched) == STALL + LOOK
    watched.heard(Failed(job=JOB, kind="Cancelled", facts=()))
    assert until_killed(watched) == float("inf")


def test_a_cancelled_job_that_does_not_end_frees_the_device_with_the_process() -> None:
    for stage, limit in (("decode", 60.0), ("steps", 60.0), ("loading", 300.0)):
        watched = a_vigil(stage=stage, expected=1_000.0)
        beats: Iterator[int] = iter(range(2, 10**6))

        def cancelled_again(
            watched: Vigil = watched, stage: str = stage, beats: Iterator[int] = beats
        ) -> None:
            watched.told(Cancel(job=JOB))  # somebody presses the button again and again
            watched.heard(Heard(stage=stage, beats=next(beats)))

        assert until_killed(watched, cancelled_again) == limit + LOOK


def test_a_drawn_job_whose_file_never_comes_is_noticed_although_others_are_drawn() -> None:
    watched = a_vigil(stage="steps")
    watched.heard(Drawn(job=JOB, seconds=1.0, loading_seconds=0.0))
    watched.told(Render(job=OTHER, recipe=a_recipe(), inputs=(), preview_every=0))
    steps = iter(range(1, 10**6))

    def step() -> None:
        watched.heard(Stepped(job=OTHER, done=next(steps), total=10**6, preview=b"", seconds=1.0))

    assert until_killed(watched, step) == 300.0 + LOOK


def test_a_start_is_as_slow_as_its_disk_while_there_is_a_sign_of_it() -> None:
    silent = Vigil(silence=SILENCE, stall=STALL)
    assert until_killed(silent) == vigil.START_SILENCE + LOOK
    slow = Vigil(silence=SILENCE, stall=STALL)
    modules = iter(range(10**6))
    reads = lambda: slow.heard(Heard(stage="starting", beats=next(modules)))  # noqa: E731
    assert until_killed(slow, reads) == vigil.LONGEST_START + LOOK


def test_a_frame_that_has_begun_must_end() -> None:
    watched = a_vigil()
    watched.heard(Failed(job=JOB, kind="Cancelled", facts=()))
    watched.begun()
    assert until_killed(watched) == vigil.FRAME + LOOK
    unready = Vigil(silence=SILENCE, stall=STALL)
    unready.begun()
    assert until_killed(unready) == vigil.FRAME + LOOK
