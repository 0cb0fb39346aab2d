"""What all wishes of a kind have in common is read before anybody asks, and in nobody's way."""

from __future__ import annotations

import asyncio
import io
import json
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from prompting.assist import Assistant
from prompting.errors import Unreadable
from prompting.writers import template
from prompting.writers.cache import Memory
from prompting.writers.compose import Interrupted
from prompting.writers.ggufile import read_header
from prompting.writers.llama_child import _Child, _Questions
from prompting.writers.tinyllama import TinyLlama
from prompting.writers.writer import Answer, Ask
from tests.given import tinyassistant
from tests.given.scripted_writer import ScriptedWriter
from tests.given.waiting import LONG, eventually

TAGS, EDIT = ("tags", "en"), ("edit", "en")


class Reading(TinyLlama):
    """A stranger that writes down what it reads; the first heads take for ever, until disturbed."""

    def __init__(self, path: Path, *, slow: int) -> None:
        super().__init__(path)
        self._slow = slow
        self.read: list[int] = []

    def feed(self, tokens):  # type: ignore[no-untyped-def]
        self.read.append(len(tokens))
        if self._slow and len(tokens) > 100:
            self._slow -= 1
            while not self.interrupted():
                time.sleep(0.001)
            raise Interrupted
        return super().feed(tokens)


class Served:
    """A child without a process: its orders are put before it one by one."""

    def __init__(self, path: Path, *, likely: list[tuple[str, str]], slow: int = 0) -> None:
        self.engine = Reading(path, slow=slow)
        self._out = io.BytesIO()
        self._child = _Child(io.BytesIO(), self._out)
        self._questions = _Questions(read_header(path), self.engine)
        self._likely = likely

    def ask(self, number: int, kind: tuple[str, str], *, until: float = math.inf) -> None:
        order: dict[str, object] = {"ask": number, "text": "a cat", "seed": 1, "temperature": 0.8}
        order |= {"dialect": kind[0], "language": kind[1], "until": until}
        self._child._waiting.append(kind)
        self._child._asked.put(order)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve meanwhile, and in the end until all that was asked is answered."""
        serving = asyncio.create_task(
            asyncio.to_thread(self._child.serve, self.engine, self._questions, self._likely)
        )
        try:
            yield
        finally:
            self._child._waiting.append(TAGS)
            self._child._asked.put({})  # no order: it has no number
            with pytest.raises(KeyError, match="ask"):
                await asyncio.wait_for(serving, LONG)

    @property
    def reports(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._out.getvalue().splitlines()]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    return tinyassistant.write(folder / "stranger.gguf", mark=None, context=4096)


async def test_an_ask_of_another_kind_ends_the_reading_ahead_at_once(path: Path) -> None:
    served = Served(path, likely=[EDIT], slow=1)
    async with served.serving():
        await eventually(lambda: served.engine.read)
        served.ask(1, TAGS)
    assert [report.get("answered") for report in served.reports] == [1]


async def test_an_ask_of_a_kind_that_was_read_ahead_reads_only_the_wish(path: Path) -> None:
    cold, warm = (Served(path, likely=likely) for likely in ([], [TAGS]))
    async with warm.serving():
        await eventually(lambda: warm.engine.read)
        warm.ask(1, TAGS)
    async with cold.serving():
        cold.ask(1, TAGS)
    assert cold.reports == warm.reports
    assert warm.engine.read == cold.engine.read  # the head once, then the wish, in either case


async def test_a_kind_that_was_late_is_read_when_nobody_asks(path: Path) -> None:
    served = Served(path, likely=[])
    async with served.serving():
        served.ask(1, TAGS, until=0.0)
        await eventually(lambda: len(served.engine.read) > 1)
    (report,) = served.reports
    assert report["how"] == "late"
    first, again = served.engine.read
    assert first == again > 100


def test_a_context_too_short_for_the_question_is_refused_when_the_model_is_opened(
    tmp_path: Path,
) -> None:
    small = tinyassistant.write(tmp_path / "small.gguf", mark=None, context=512)
    with pytest.raises(Unreadable, match="a context of 512 tokens is too short"):
        _Questions(read_header(small), TinyLlama(small))


async def test_an_answer_that_the_deadline_cut_is_used_and_not_remembered() -> None:
    raw = template.answer(subject="a cat", details=["soft light"])

    class Hurried(ScriptedWriter):
        async def write(self, ask: Ask) -> Answer:
            self.asked.append(ask)
            await asyncio.sleep(0)
            return Answer(raw=raw, seconds=8.0, cut=True)

    writer = Hurried()
    assistant = Assistant(writer, cache=Memory())
    for count in (1, 2):
        result = await assistant.assist("a cat", dialect="sdxl", seed=1)
        assert "soft light" in result.prompt
        assert len(writer.asked) == count


async def test_a_model_is_not_asked_again_in_less_than_half_the_time_that_it_takes() -> None:
    now = [0.0]

    class Slow(ScriptedWriter):
        async def write(self, ask: Ask) -> Answer:
            await super().write(ask)
            now[0] += 3.0
            return Answer(raw=template.answer(subject="a dog"), seconds=3.0)

    for deadline, tries in ((3.5, 1), (5.0, 2), (20.0, 3)):
        writer = Slow()
        assistant = Assistant(writer, deadline=deadline, clock=lambda: now[0])
        await assistant.assist("一只猫", dialect="sdxl", seed=1)
        assert len(writer.asked) == tries
