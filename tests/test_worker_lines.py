"""Claims about what a worker leaves in the log: bounded, and without the words of a person."""

from __future__ import annotations

import asyncio

import pytest

from generation.errors import BadPicture, RenderFailed
from generation.fleet import lines
from generation.fleet.lines import Lines
from generation.worker.failures import CAUSES, FRAMES, trace, translated


def deep(levels: int) -> None:
    if levels:
        deep(levels - 1)
    raise ValueError("at the bottom")


def caught(levels: int) -> BaseException:
    with pytest.raises((ValueError, RecursionError)) as raised:
        deep(levels)
    return raised.value


@pytest.mark.parametrize("levels", [1, 100, 10**6])
def test_a_trace_has_an_end_however_deep_it_went(levels: int) -> None:
    told = trace(caught(levels)).splitlines()
    assert len(told) <= FRAMES + 1
    assert "deep" in told[-1]


def test_a_chain_of_causes_has_an_end() -> None:
    error: BaseException = caught(3)
    for number in range(50):
        following = RuntimeError(f"number {number}")
        following.__cause__ = error
        error = following
    error.__context__ = error  # and a ring of them
    assert len(trace(error).splitlines()) <= CAUSES * (FRAMES + 1)
    ring = ValueError("round")
    ring.__context__ = ring
    assert len(trace(ring).splitlines()) <= CAUSES


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("my secret wish", "cannot tokenize 'My SECRET'"),
        ("一只猫", "no token for 一只猫"),
        ("wish", "x" * 10_000 + "wish"),
    ],
)
def test_what_repeats_a_prompt_is_not_told(prompt: str, said: str) -> None:
    error = KeyError(said)
    words = (prompt, "")
    for told in (trace(error, words), str(translated(error, free_bytes=None, words=words))):
        assert "KeyError" in told
        for word in prompt.split():
            assert word.casefold() not in told.casefold().replace("words of the prompt", "")
        assert len(told) < 500


def test_what_repeats_nothing_is_told() -> None:
    told = translated(RuntimeError("shapes do not\n fit"), free_bytes=None, words=("a cat", ""))
    assert isinstance(told, RenderFailed)
    assert told.reason == "RuntimeError: shapes do not fit"
    ours = BadPicture("it is cut short")
    assert translated(ours, free_bytes=None, words=("cut", "")) is ours


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_flood_of_lines_is_a_few_of_them_and_their_number() -> None:
    heard: list[str] = []
    clock = Clock()
    copied = Lines(heard.append, clock)
    for number in range(5_000):
        copied.take(b"line %d" % number)
    assert heard == [f"line {number}" for number in range(lines.LINES)]
    assert copied.last == "line 4999"
    clock.now = 1.0
    copied.take(b"later")
    assert heard[-2:] == [f"({5_000 - lines.LINES} lines were left out)", "later"]
    clock.now = 10_000.0
    for number in range(5_000):
        copied.take(b"more %d" % number)
    assert len(heard) <= 2 * lines.LINES + 3


async def test_a_line_without_an_end_is_cut() -> None:
    heard: list[str] = []
    stream = asyncio.StreamReader()
    stream.feed_data(b"first\n" + b"x" * 10**6 + b"\n\n  \nlast\xff")
    stream.feed_eof()
    await Lines(heard.append).copy(stream)
    assert heard[0] == "first"
    assert heard[-1].startswith("last")
    assert max(map(len, heard)) <= lines.LONGEST
