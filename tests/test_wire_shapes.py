"""Claims about what is no frame of the agreed shape: it is found out, whatever field it is in."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import replace
from typing import Any

import pytest

from generation import errors
from generation.fleet.conversation import Conversation
from generation.fleet.wire import (
    BrokenFrame,
    Described,
    Drawn,
    Failed,
    Finished,
    Frame,
    Heard,
    Holding,
    Loading,
    Midway,
    Ping,
    Ready,
    Render,
    Scored,
    Stepped,
    decode,
    encode,
)
from generation.job import JobId
from generation.model_key import model_key
from generation.worker.failures import report
from tests.given.builders import a_digest, a_png, a_recipe, an_environment

JOB, OTHER = JobId(7), JobId(8)
SECRET = "a very private wish"

READY = Ready(environment=an_environment(), memory_bytes=2**30)
LOADING = Loading(job=JOB, name="starter")
STEPPED = Stepped(job=JOB, done=1, total=4, preview=b"\xff\xd8\xff", seconds=0.5)
MIDWAY = Midway(job=JOB, seconds=0.5)
DRAWN = Drawn(job=JOB, seconds=1.0, loading_seconds=0.0)
FINISHED = Finished(
    job=JOB,
    file=a_png(128, 128),
    pixels_sha256=a_digest(),
    latents_sha256=a_digest("b"),
    seconds=1.0,
)
DESCRIBED = Described(job=JobId(-7), words="a cat", sure=0.9, seconds=1.0, loading_seconds=0.0)
SCORED = Scored(job=JobId(-7), scores=(0.25,), seconds=1.0, loading_seconds=0.0)
FAILED = Failed(job=JOB, kind="RenderFailed", facts=("no reason",))
HOLDING = Holding(on_device=(model_key(a_recipe()),), in_memory=())
RENDER = Render(job=JOB, recipe=a_recipe(), inputs=(), preview_every=0)


def parts(frame: Frame) -> tuple[dict[str, Any], bytes]:
    data = encode(frame)
    head, body = struct.unpack(">II", data[:8])
    assert len(data) == 8 + head + body
    return json.loads(data[8 : 8 + head]), data[8 + head :]


def refused(head: object, body: bytes = b"") -> str:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    with pytest.raises(BrokenFrame) as refusal:
        decode(text, body)
    return str(refusal.value)


ODD: tuple[object, ...] = (
    *(None, True, [], {}, {"bytes": -1}, {"bytes": 10**9}, {"bytes": "x"}, {"bytes": 1.0}),
    *(-1, 10**30, -(10**30), 1e308, -5.0, math.nan, math.inf, -math.inf, 0.5),
    *("", "x" * 5_000, "\ud800", "NaN", [1], ["\udfff"], [["x"]], {"a": 1}, "ab" * 31, "AB" * 32),
)
OPTIONAL = ("remark",)  # fields that need not be said
# Where an odd value is a right one.
RIGHT = {
    ("Loading", "job"): (-1,),  # an errand: a picture is to be described
    ("Described", "job"): (-1,),
    ("Scored", "job"): (-1,),
    ("Scored", "scores"): ([], [1]),
    ("Scored", "seconds"): (0.5,),
    ("Scored", "loading_seconds"): (0.5,),
    ("Described", "words"): ("", "NaN", "ab" * 31, "AB" * 32),
    ("Described", "sure"): (0.5,),
    ("Described", "seconds"): (0.5,),
    ("Described", "loading_seconds"): (0.5,),
    ("Failed", "job"): (-1,),
    ("Loading", "name"): ("", "NaN", "ab" * 31, "AB" * 32),
    ("Failed", "facts"): (),
    ("Stepped", "seconds"): (0.5,),
    ("Midway", "seconds"): (0.5,),
    ("Drawn", "seconds"): (0.5,),
    ("Drawn", "loading_seconds"): (0.5,),
    ("Finished", "seconds"): (0.5,),
    ("Finished", "remark"): ("", "NaN", "ab" * 31, "AB" * 32),
    ("Holding", "on_device"): ([],),
    ("Holding", "in_memory"): ([],),
}


@pytest.mark.parametrize(
    "frame",
    [READY, LOADING, STEPPED, MIDWAY, DRAWN, FINISHED, DESCRIBED, SCORED, FAILED, HOLDING],
    ids=lambda frame: type(frame).__name__,
)
def test_no_field_of_a_report_takes_a_value_of_another_type_or_range(frame: Frame) -> None:
    head, body = parts(frame)
    for field in head:
        for odd in ODD:
            if odd in RIGHT.get((head["frame"], field), ()):
                continue
            refused({**head, field: odd}, body)
        if field not in OPTIONAL:
            refused({name: value for name, value in head.items() if name != field}, body)
    refused({**head, "more": 1}, body)
    refused(head, body + b"x")


def test_no_field_of_an_environment_is_anything_but_what_it_was() -> None:
    head, _ = parts(READY)
    for field in head["environment"]:
        odd = {**head["environment"], field: [1] if field != "threads" else -(2**70)}
        refused({**head, "environment": odd})
    refused({**head, "environment": {**head["environment"], "more": "x"}})
    refused({**head, "environment": {}})


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"7",
        b'"Ready"',
        b"\xff\xfe",
        b'{"frame": "Exit"}',
        b'{"frame": ["Ready"]}',
        b'{"frame": null}',
        b"[" * 100_000,
        b'{"frame":' * 50_000,
        b'{"frame": "Drawn", "job": ' + b"9" * 5_000 + b"}",
        b'{"frame": "Drawn", "job": 7, "seconds": NaN, "loading_seconds": 0}',
        b'{"frame": "Drawn", "job": 7, "seconds": -Infinity, "loading_seconds": 0}',
        b'{"frame": "Drawn", "job": 7, "seconds": 1e999, "loading_seconds": 0}',
    ],
    ids=range(16),
)
def test_a_head_that_is_no_frame_is_refused_and_not_met_with_a_bug(head: bytes) -> None:
    refused(head)


def test_a_picture_that_is_no_whole_png_is_refused() -> None:
    whole = a_png(128, 128, b"pixels")
    for data in (
        *(b"", b"png", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff jpeg", b"<html>"),
        *(whole[:-1], whole[:-12], whole + b"<script>", whole.replace(b"pixels", b"pixelz")),
        whole.replace(b"IHDR", b"iHDR"),
        whole[:8] + b"\xff\xff\xff\xff" + whole[12:],
        whole[:33] + whole[-12:],
    ):
        talk = a_talk(DRAWN)
        with pytest.raises(BrokenFrame, match="its file is refused: it"):
            talk.said(replace(FINISHED, file=data))


def test_a_failure_is_one_of_ours_with_its_own_facts() -> None:
    for kind, facts in (
        *(
            ("SystemExit", ()),
            ("annotations", ()),
            ("__doc__", ()),
            ("", ()),
            ("WorkerDied", ("x",)),
        ),
        *(("WorkerLost", ("x",)), ("Quarantined", (1, "x")), ("OutOfMemory", ("much", 1))),
        *(("OutOfRange", ("width", "9")), ("WeightsChanged", ("m", 1, 2)), ("RenderFailed", ())),
        *(("RenderFailed", (None,)), ("RenderFailed", ("x" * 5_000,)), ("MissingWeights", ("m",))),
    ):
        refused(parts(replace(FAILED, kind=kind, facts=facts))[0])


def test_every_failure_that_the_worker_tells_is_understood() -> None:
    told = (
        errors.OutOfRange("width", 9, "a multiple of 8"),
        errors.NoSuchName("sampler", "x", ("y",)),
        errors.BadPicture("it is cut short"),
        errors.PickleRefused("x.ckpt"),
        errors.BrokenWeights("m", "cut short"),
        errors.MissingWeights("m", "ab" * 32),
        errors.WeightsChanged("m", "ab" * 32, "cd" * 32),
        errors.UnusableWeights("m\udcff", "its name is \ud800" + "x" * 10_000),
        errors.OutOfMemory(None, 5),
        errors.Cancelled(),
        errors.RenderFailed("x" * 10_000),
        errors.Unacceptable("it is not drawn"),
        BrokenFrame("of another module"),
    )
    for error in told:
        assert isinstance(decode(json.dumps(parts(report(JOB, error))[0]).encode(), b""), Failed)


def test_what_is_said_of_a_broken_frame_repeats_no_words() -> None:
    head, body = parts(FINISHED)
    for odd in ({"pixels_sha256": SECRET}, {SECRET: 1}, {"frame": SECRET}, {"job": SECRET}):
        assert SECRET not in refused({**head, **odd}, body)
    assert SECRET not in refused({**parts(FAILED)[0], "facts": [SECRET, SECRET]})


# -- what may be said when -----------------------------------------------------------------


def a_talk(*said: Frame) -> Conversation:
    talk = Conversation()
    talk.said(READY)
    talk.asked(RENDER)
    for frame in said:
        talk.said(frame)
    return talk


def test_an_ordinary_job_may_be_told() -> None:
    talk = a_talk(HOLDING, LOADING, STEPPED, LOADING, replace(STEPPED, done=4), DRAWN, HOLDING)
    assert talk.has(JOB)
    talk.said(FINISHED)
    assert not talk.has(JOB)
    talk.asked(RENDER)
    talk.said(FAILED)


@pytest.mark.parametrize(
    "said",
    [
        (replace(STEPPED, job=OTHER),),
        (replace(DRAWN, job=OTHER),),
        (replace(FINISHED, job=OTHER),),
        (replace(FAILED, job=OTHER),),
        (replace(STEPPED, done=0),),
        (replace(STEPPED, done=5),),
        (STEPPED, replace(STEPPED, done=2, total=5)),
        (replace(STEPPED, done=2), STEPPED),
        (STEPPED, STEPPED),
        (FINISHED,),
        (DRAWN, STEPPED),
        (DRAWN, LOADING),
        (DRAWN, DRAWN),
        (DRAWN, FINISHED, FINISHED),
        (DRAWN, FINISHED, STEPPED),
        (DRAWN, FINISHED, FAILED),
        (FAILED, FAILED),
        (FAILED, DRAWN),
        (DRAWN, replace(FINISHED, file=a_png(64, 128))),
        (READY,),
        (Heard(),),
        (RENDER,),
        (Ping(),),
    ],
    ids=range(23),
)
def test_what_may_not_be_said_now_is_a_broken_frame(said: tuple[Frame, ...]) -> None:
    talk = a_talk(*said[:-1])
    with pytest.raises(BrokenFrame):
        talk.said(said[-1])


def test_a_ping_is_answered_once_and_also_before_the_worker_is_ready() -> None:
    talk = Conversation()
    with pytest.raises(BrokenFrame):
        talk.said(HOLDING)
    talk = Conversation()
    talk.asked(Ping())
    talk.said(Heard())
    with pytest.raises(BrokenFrame):
        talk.said(Heard())
