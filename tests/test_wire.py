"""Frames between the bot and a worker."""

from __future__ import annotations

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import OutOfMemory, WeightsChanged, WorkerDied
from generation.fleet.wire import (
    BrokenFrame,
    Cancel,
    Describe,
    Described,
    Drawn,
    Failed,
    Finished,
    Frame,
    GiveWay,
    Heard,
    Holding,
    Loading,
    Midway,
    Pause,
    Ping,
    Prefetch,
    Ready,
    Render,
    Resume,
    Score,
    Scored,
    Stepped,
    Stop,
    decode,
    encode,
    failure,
    read,
    read_async,
)
from generation.job import JobId
from generation.model_key import ModelKey, model_key
from generation.recipe import Input
from generation.tasks import Task
from tests.given.builders import a_digest, a_png, a_recipe, an_environment

JOB = JobId(7)
FRAMES: tuple[Frame, ...] = (
    Render(
        job=JOB,
        recipe=a_recipe(
            task=Task.IMAGE_TO_IMAGE,
            prompt='猫 "quoted" \n',
            inputs=(
                Input(role="init", sha256=a_digest(), fit="cover"),
                Input(role="control", sha256=a_digest("b"), fit="cover"),
            ),
        ),
        inputs=(b"first", b""),
        preview_every=3,
    ),
    Render(job=JOB, recipe=a_recipe(), inputs=(), preview_every=0),
    Cancel(job=JOB),
    Pause(job=JOB),
    Resume(job=JOB),
    Prefetch(recipe=a_recipe()),
    GiveWay(size=3 * 2**30),
    Score(
        job=JobId(-7),
        name="clip",
        scorer=a_digest(),
        picture=b"GIF89a",
        texts=("a cat", "ein \u2728 Hund"),
    ),
    Describe(job=JobId(-7), name="florence", captioner=a_digest(), picture=b"GIF89a"),
    Ping(),
    Stop(),
    Ready(environment=an_environment(), memory_bytes=2**40),
    Heard(),
    Holding(
        on_device=(model_key(a_recipe()), ModelKey(f"fp16 {a_digest()} {a_digest('b')}")),
        in_memory=(),
    ),
    Loading(job=JOB, name="x"),
    Stepped(job=JOB, done=1, total=20, preview=b"\xff\xd8\xffjpeg", seconds=0.5),
    Stepped(job=JOB, done=1, total=20, preview=b"", seconds=0.5),
    Midway(job=JOB, seconds=0.25),
    Drawn(job=JOB, seconds=1.5, loading_seconds=0.0),
    Finished(
        job=JOB,
        file=a_png(128, 128),
        pixels_sha256=a_digest(),
        latents_sha256=a_digest("b"),
        seconds=0.1,
    ),
    Scored(job=JobId(-7), scores=(0.25, -0.5), seconds=1.0, loading_seconds=0.0),
    Described(job=JobId(-7), words="a cat", sure=0.5, seconds=1.0, loading_seconds=0.0),
    Failed(job=JOB, kind="OutOfMemory", facts=(5, None)),
)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda f: type(f).__name__)
def test_every_frame_comes_out_as_it_went_in(frame: Frame) -> None:
    assert read(io.BytesIO(encode(frame))) == frame


async def test_frames_follow_each_other_on_a_stream() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"".join(encode(frame) for frame in FRAMES))
    stream.feed_eof()
    assert [await read_async(stream) for _ in FRAMES] == list(FRAMES)
    with pytest.raises(asyncio.IncompleteReadError):
        await read_async(stream)


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 20])
def test_a_stream_that_ends_inside_a_frame_is_at_its_end(cut: int) -> None:
    with pytest.raises(EOFError):
        read(io.BytesIO(encode(FRAMES[0])[:cut]))


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_nonsense_is_called_nonsense(head: bytes, body: bytes) -> None:
    with pytest.raises(BrokenFrame):
        decode(head, body)


def test_a_frame_of_a_terabyte_is_refused_before_it_is_read() -> None:
    with pytest.raises(BrokenFrame):
        read(io.BytesIO(b"\xff" * 8))


def test_a_failure_comes_back_as_the_error_it_was() -> None:
    error = failure(Failed(job=JOB, kind="WeightsChanged", facts=("m", "old", "new")))
    assert isinstance(error, WeightsChanged)
    assert (error.name, error.recorded, error.found) == ("m", "old", "new")
    assert isinstance(failure(Failed(job=JOB, kind="OutOfMemory", facts=(1, 2))), OutOfMemory)
    assert isinstance(failure(Failed(job=JOB, kind="SystemExit", facts=())), WorkerDied)
