"""Why there is no picture: a value in the pipe and in the database, and the error at the end."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from bot.cli.direct import raise_reason
from bot.dispatch.audience import Outcome
from bot.pages.apologies import apology_for, apology_for_reason
from generation import errors as g
from generation.fleet.wire import Failed, decode, encode, failure
from generation.job import JobId
from generation.reasons import LONGEST_FACT, MOST_NAMES, Reason, error_of, reason_of
from generation.worker.failures import report
from storage import reasons
from storage.database import Database
from storage.errors import DamagedFile
from storage.tickets import State, Tickets
from tests.given.stored import a_recipe, asked, opened

EVERY_ERROR: tuple[g.GenerationError, ...] = (
    g.GenerationError("of no other kind"),
    g.Unacceptable("it is not drawn"),
    g.OutOfRange("width", 68, "a multiple of 8"),
    g.NoSuchName("sampler", "zauber", ("euler", "euler_ancestral"), ("euler", "heun")),
    g.NotUsable("lora", "ink", "it is for FLUX.1"),
    g.WrongFamily("lora", "ink", "sdxl", "starter", "sd1"),
    g.NotMadeFor("painter", "inpaint"),
    g.NotPresent("vae", "fine", "0" * 64),
    g.NotHere("sampler", "restart", ("euler",)),
    g.BadPicture("it is cut short"),
    g.BadClip("it does not move"),
    g.Lossy("MP4"),
    g.BadSound("it is cut short"),
    g.BadMask("the mask is black everywhere"),
    g.NoSegmenter(),
    g.NoCaptioner(),
    g.NoControlNet("Stable Diffusion 1.x"),
    g.NoMotionModule("dreams"),
    g.NoEnlarger("dreams", "upscaler-x2.safetensors"),
    g.NoMaker("video"),
    g.OtherMedium("audio", "image"),
    g.NoScorer(),
    g.UnusableWeights("m", "it does not fit"),
    g.PickleRefused("m.ckpt"),
    g.UnknownWeights("m", "nobody knows them"),
    g.BrokenWeights("m", "cut short"),
    g.MissingWeights("m", "0" * 64),
    g.WeightsChanged("m", "0" * 64, "1" * 64),
    g.OutOfReach("m", "the disk is full"),
    g.OutOfMemory(5, None),
    g.Cancelled("it was cancelled as it began"),
    g.RenderFailed("RuntimeError: no"),
    g.WorkerDied("it was killed by SIGKILL"),
    g.WorkerLost("its machine is gone"),
    g.Quarantined("it was killed by SIGKILL", 3),
)


def test_every_kind_of_error_is_among_those_that_are_tried_here() -> None:
    ours = {kind for kind in vars(g).values() if isinstance(kind, type)}
    assert {type(error) for error in EVERY_ERROR} == {
        kind for kind in ours if issubclass(kind, g.GenerationError)
    }


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda e: type(e).__name__)
def test_an_error_comes_back_from_the_database_as_itself(error: g.GenerationError) -> None:
    found = reasons.load(reasons.dump(reason_of(error)))
    assert found == reason_of(error)
    again = error_of(found)
    assert type(again) is type(error)
    assert (again.facts, str(again)) == (error.facts, str(error))
    assert apology_for(again) == apology_for(error)


def test_the_names_that_are_nearest_cross_the_pipe() -> None:
    frame = encode(report(JobId(3), g.NoSuchName("sampler", "zauber", ("euler",), ("euler", "x"))))
    head = int.from_bytes(frame[:4])
    told = decode(frame[8 : 8 + head], frame[8 + head :])
    assert isinstance(told, Failed)
    again = failure(told)
    assert isinstance(again, g.NoSuchName)
    assert (again.nearest, again.there) == (("euler",), ("euler", "x"))


def test_a_fact_is_as_long_as_a_frame_and_a_sentence_take() -> None:
    named = g.NoSuchName("model", "\ud800" + "x" * 5_000, tuple("abc" * 500))
    kind, name, nearest, there = reason_of(named).facts
    assert isinstance(name, str)
    assert isinstance(nearest, tuple)
    assert (kind, there) == ("model", None)
    assert (len(name), len(nearest)) == (LONGEST_FACT, MOST_NAMES)
    assert "\ud800" not in name
    odd = reason_of(g.OutOfRange("seed", 10**30, "less")), reason_of(g.OutOfRange("cfg", 0.5, "1"))
    assert [reason.facts[1] for reason in odd] == [str(10**30), "0.5"]


def test_no_error_repeats_what_was_typed_where_it_is_written_down() -> None:
    for error in (g.OutOfRange("prompt", "secret", "shorter"), g.NoSuchName("model", "secret")):
        assert "secret" in map(str, error.facts)
        assert "secret" not in f"{error} {error!r} {error.args}"


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda e: type(e).__name__)
def test_a_copy_of_an_error_is_that_error(error: g.GenerationError) -> None:
    again = copy.copy(error)
    assert (type(again), again.facts, str(again)) == (type(error), error.facts, str(error))


# What the column held, and what people were told.
OLD = {
    "OutOfMemory: 9 GB of 8 GB": "It did not fit into the memory here. Try a smaller size.",
    "Cancelled: the bot was stopped": "Cancelled.",
    "Cancelled: ": "Cancelled.",
    "Quarantined: given up after 3 tries: it was killed": (
        "I gave it up: the drawing program stopped several times while working on it."
    ),
    "WorkerDied: three times": "three times",
    "RenderFailed: ValueError: no": "ValueError: no",
    "MissingWeights: m: no file here": "m: no file here",
    "DiskFull: /data: no space": "Drawing it failed; the details are in the log.",
    "SystemExit: 1": "Drawing it failed; the details are in the log.",
    "out of memory": "Drawing it failed; the details are in the log.",
    "": "Cancelled.",
}


@pytest.mark.parametrize(("text", "sentence"), OLD.items())
def test_the_reason_that_an_older_release_wrote_is_told_as_it_was(text: str, sentence: str) -> None:
    assert apology_for_reason(reasons.load(text)) == sentence


@pytest.mark.parametrize(
    "text",
    ['{"kind": "OutOfMemory"}', '{"facts": []}', "[1]", "7", '{"kind": 1, "facts": 2}', "{" * 9_000]
    + [f'{{"kind": "{kind}", "facts": [1, 2, 3, 4, 5, 6, 7]}}' for kind in ("Cancelled", "Exit")],
)
def test_a_reason_that_nobody_wrote_so_ends_in_a_sentence_all_the_same(text: str) -> None:
    reason = reasons.load(text)
    assert apology_for_reason(reason) in (
        "Cancelled.",
        "Drawing it failed; the details are in the log.",
    )
    assert reason is not None
    assert error_of(reason) is None


def test_a_foreign_error_is_told_of_in_general() -> None:
    reason = reason_of(DamagedFile("file", "0" * 64))
    assert reason.kind == "DamagedFile"
    assert error_of(reason) is None
    assert apology_for_reason(reason) == "Drawing it failed; the details are in the log."


# --- a command that waits for the end of its request ------------------------------------------


async def an_outcome(database: Database, reason: Reason | None) -> Outcome:
    tickets = Tickets(database)
    request, (ticket,) = await tickets.add(asked(), [a_recipe()], [1.0])
    await tickets.ended(ticket.job.id, State.FAILED, reason, epoch=None)
    ended = await tickets.of_request(request.id)
    return Outcome(request=request, tickets=ended, pictures=(), files=(), comparison=None)


@pytest.mark.parametrize(
    ("reason", "raised"),
    [
        (reason_of(g.OutOfMemory(2, 1)), g.OutOfMemory),
        (reason_of(g.MissingWeights("m", "0" * 64)), g.MissingWeights),
        (Reason(kind="OutOfMemory", told="9 GB of 8 GB"), g.RenderFailed),
        (reason_of(DamagedFile("file", "0" * 64)), g.RenderFailed),
        (None, g.RenderFailed),
    ],
)
async def test_what_a_picture_failed_of_is_raised_where_it_is_awaited(
    tmp_path: Path, reason: Reason | None, raised: type[Exception]
) -> None:
    async with opened(tmp_path / "db") as database:
        outcome = await an_outcome(database, reason)
    with pytest.raises(g.GenerationError) as found:
        raise_reason(outcome)
    assert type(found.value) is raised
