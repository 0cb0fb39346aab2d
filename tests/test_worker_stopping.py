"""Claims about ending a job in the middle of a stage, counted in blocks and never in seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from torch import nn

from generation.catalog.digests import Digests
from generation.errors import Cancelled, OutOfRange
from generation.fleet.wire import (
    Cancel,
    Drawn,
    Finished,
    Heard,
    Loading,
    Pause,
    Ping,
    Render,
    Report,
    Resume,
)
from generation.job import JobId
from generation.model_key import model_key
from generation.recipe import Recipe
from generation.worker import pulse, render
from generation.worker.baton import Baton
from generation.worker.memory import memory
from generation.worker.model import Model
from generation.worker.text import clip
from generation.worker.text.remembered import RememberedWords
from tests.given.loaded import clips
from tests.given.pausing import House, Table, a_table, house
from tests.given.worker_process import a_photo, redrawing

__all__ = ["house"]  # a fixture

CHUNKS = 10
LONG = "a cat, " * (CHUNKS * clip.CHUNK // 3)


@pytest.fixture(scope="module")
def table(house: House) -> Table:
    found = a_table(house, None)
    found.cache.words = RememberedWords(most=0)  # each picture encodes its own
    found.draw(house.recipe(steps=1))  # its model is there
    found.draw(house.recipe("large", steps=1))
    return found


def the_model(table: Table, recipe: Recipe) -> Model:
    return table.cache._models[model_key(recipe)]


def blocks(*modules: nn.Module) -> list[nn.Module]:
    """What `pulse.follow` follows."""
    return [
        block
        for module in modules
        for each in module.modules()
        if isinstance(each, nn.ModuleList)
        for block in each
        if next(block.children(), None) is not None
    ]


@contextmanager
def counted(found: list[nn.Module], at: int, then: Callable[[], None]) -> Iterator[list[int]]:
    """Count how many blocks are entered; `then` happens when it is the one with that number."""
    count = [0]

    def hook(_block: nn.Module, _inputs: object) -> None:
        count[0] += 1
        if count[0] == at:
            then()

    # Before the pulse's own: it must notice at this block, and not at the next one.
    hooks = [block.register_forward_pre_hook(hook, prepend=True) for block in found]
    try:
        yield count
    finally:
        for each in hooks:
            each.remove()


def cancelled_in(
    table: Table, recipe: Recipe, found: list[nn.Module], at: int, *inputs: bytes
) -> int:
    """Cancel when that block is entered; how many were entered in all."""
    job = JobId(next(table._numbers))
    cancel = lambda: table.jobs.take(Cancel(job=job))  # noqa: E731
    with counted(found, at, cancel) as count:
        table.jobs.take(Render(job=job, recipe=recipe, inputs=inputs, preview_every=0))
        with pytest.raises(Cancelled):
            table.outcome(job)
    return count[0]


@pytest.mark.parametrize("name", ["mine", "large"])
@pytest.mark.parametrize("stage", ["words", "steps", "decode", "picture"])
def test_a_cancel_ends_every_stage_before_its_next_block(
    house: House, table: Table, name: str, stage: str
) -> None:
    recipe, inputs = house.recipe(name, prompt=LONG, steps=3), ()
    model = the_model(table, recipe)
    expected = table.draw(recipe)
    victim = recipe
    if stage == "picture":
        victim, inputs = redrawing(recipe, a_photo()), (a_photo(),)  # type: ignore[assignment]
    found = {
        "words": blocks(*(clip.encoder for clip in clips(model))),
        "steps": blocks(model.parts["unet"]),
        "decode": blocks(model.parts["vae"].decoder),
        "picture": blocks(model.parts["vae"].encoder),
    }[stage]
    assert cancelled_in(table, victim, found, 2, *inputs) == 2
    # And the next person has the device, with the bits that it always gave.
    assert table.draw(recipe) == expected


def test_a_cancel_in_the_middle_of_many_chunks_reads_no_further_one(
    house: House, table: Table
) -> None:
    recipe = house.recipe(prompt=LONG)
    layers = blocks(clips(the_model(table, recipe))[0].encoder)
    with counted(layers, -1, lambda: None) as whole:
        table.draw(recipe)
    assert whole[0] >= 2 * CHUNKS * len(layers)  # both prompts are as long as the longer one
    assert cancelled_in(table, recipe, layers, whole[0] // 2) == whole[0] // 2


def test_a_pause_in_the_middle_of_many_chunks_lets_another_be_drawn(
    house: House, table: Table
) -> None:
    recipe, other = house.recipe(prompt=LONG), house.recipe(seed=99, prompt="a dog")
    expected = table.draw(recipe), table.draw(other)
    layers = blocks(clips(the_model(table, recipe))[0].encoder)
    job = JobId(next(table._numbers))
    paused = threading.Event()

    def pause() -> None:
        table.jobs.take(Pause(job=job))
        paused.set()

    with counted(layers, len(layers) + 1, pause):  # as the second chunk begins
        table.jobs.take(Render(job=job, recipe=recipe, inputs=(), preview_every=0))
        assert paused.wait(60)
        inner = table.draw(other)
    table.heard.clear()
    table.jobs.take(Resume(job=job))
    assert (table.outcome(job), inner) == expected


def test_a_cancel_while_weights_are_read_ends_the_reading(house: House) -> None:
    table = a_table(house, None)
    expected = a_table(house, None).draw(house.recipe())
    job = JobId(4711)

    def say(report: Report) -> None:
        if isinstance(report, Loading) and report.job == job:
            table.jobs.take(Cancel(job=job))
        table._say(report)

    table.jobs._say = say
    table.jobs.take(Render(job=job, recipe=house.recipe(), inputs=(), preview_every=0))
    with pytest.raises(Cancelled):
        table.outcome(job)
    assert not table.cache.holding.on_device
    assert table.draw(house.recipe()) == expected


def test_a_cancel_while_the_file_is_written_is_a_cancel(house: House, table: Table) -> None:
    job = JobId(4712)

    def say(report: Report) -> None:
        if isinstance(report, Drawn) and report.job == job:
            table.jobs.take(Cancel(job=job))
        table._say(report)

    before, table.jobs._say = table.jobs._say, say
    try:
        table.jobs.take(Render(job=job, recipe=house.recipe(), inputs=(), preview_every=0))
        with pytest.raises(Cancelled):
            table.outcome(job)
    finally:
        table.jobs._say = before
    assert not [r for r in table.heard if isinstance(r, Finished) and r.job == job]


def test_a_cancel_ends_the_hashing_of_a_large_file_and_the_next_one_reads_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "large"
    file.write_bytes(bytes(20 * 2**20))
    pieces: list[int] = []

    def stop() -> None:
        pieces.append(1)
        if len(pieces) == 2:
            raise Cancelled

    digests = Digests(tmp_path / "digests.json", stop)
    with pytest.raises(Cancelled):
        digests.of(file, "large")
    assert len(pieces) == 2
    assert digests.of(file, "large") == Digests(tmp_path / "other.json").of(file, "large")


def test_reading_ahead_stops_when_nobody_wants_it(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"")
    asked: list[int] = []

    def may_go_on() -> bool:
        asked.append(1)
        return False

    memory.read_ahead([file], may_go_on)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "a cat " * 150_000},
        {"negative_prompt": "a cat " * 150_000},
        {"prompt": "a, BREAK " * 6_000},
        {"prompt": "猫" * 59_000},
        {"prompt": " " * 900_000},
    ],
    ids=["prompt", "negative", "BREAK", "signs", "blanks"],
)
def test_a_prompt_that_would_be_read_for_minutes_is_refused(
    house: House, table: Table, changes: dict[str, str]
) -> None:
    recipe = house.recipe(**changes)
    layers = blocks(clips(the_model(table, recipe))[0].encoder)
    with counted(layers, -1, lambda: None) as count, pytest.raises(OutOfRange) as refusal:
        table.draw(recipe)
    assert refusal.value.what == "prompt"
    assert count[0] == 0
    assert len(str(refusal.value)) < 200


def test_what_imagine_takes_is_not_refused() -> None:
    most = 6_000 * 4 // clip.CHUNK  # letters are four bytes at most, and each byte one token
    assert most <= clip.MAX_CHUNKS
    assert render.MAX_LETTERS >= 6_000


def test_a_thread_that_draws_nothing_has_no_pulse() -> None:
    baton = Baton()
    pulse.beat()
    pulse.rest()
    assert pulse.goes_on()
    place = baton.place()
    with pulse.of(place):
        pulse.beat()
        assert pulse.goes_on()
        place.cancel()
        assert not pulse.goes_on()
        with pytest.raises(Cancelled):
            pulse.beat()
    pulse.beat()
    assert baton.beats == 4


def test_a_gap_in_a_list_of_blocks_is_passed_over() -> None:
    gap: nn.Module = None  # type: ignore[assignment]  # as diffusers has it without attention
    pulse.follow(nn.ModuleList([gap, nn.Sequential(nn.Identity())]))


@pytest.mark.parametrize("stage", ["words", "steps", "decode"])
def test_a_ping_in_the_middle_of_a_stage_tells_where_it_is_and_that_it_goes_on(
    house: House, table: Table, stage: str
) -> None:
    recipe = house.recipe(steps=2)
    model = the_model(table, recipe)
    found = {
        "words": blocks(clips(model)[0].encoder),
        "steps": blocks(model.parts["unet"]),
        "decode": blocks(model.parts["vae"].decoder),
    }[stage]
    table.heard.clear()
    for at in (1, 2):
        with counted(found, at, lambda: table.jobs.take(Ping())):
            table.outcome(table.order(recipe))
    first, second = (r for r in table.heard if isinstance(r, Heard))
    assert first.stage == second.stage == stage
    assert second.beats > first.beats > 0
    table.jobs.take(Ping())
    assert [r for r in table.heard if isinstance(r, Heard)][-1].stage == ""
