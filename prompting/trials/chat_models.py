"""Measures a chat model through the real writer, or the chat templates of a folder.

    python -m prompting.trials.chat_models MODEL.gguf [--wishes 100] [--dialect sd15]
    python -m prompting.trials.chat_models --templates FOLDER

The first says how many wishes the model helped with, how many of its answers were whole, cut by the
deadline or of no use, and how long it took.  The second says where an answer begins in each of the
templates, or why it cannot be used.

The invariant: the model alone is measured; nobody steps in for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil

import prompting.starter
from prompting.assist import Assistant
from prompting.errors import PromptingError, Unreadable
from prompting.trials.measures import cases, kept, quantile, share
from prompting.writers.cache import Memory
from prompting.writers.chat import ChatTemplate
from prompting.writers.grammar import Grammar
from prompting.writers.llama import Device, LlamaWriter
from prompting.writers.questions import question
from prompting.writers.writer import DEADLINE, Answer, Ask

WISHES = Path(prompting.starter.__file__).with_name("wishes.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of one ask."""

    seconds: float
    whole: bool = False  # in the grammar of its question
    cut: bool = False
    trouble: str = ""  # why there was no answer


class MeasuredWriter:
    """A writer each of whose asks is written down."""

    def __init__(self, writer: LlamaWriter) -> None:
        self._writer = writer
        self.name, self.digest = writer.name, writer.digest
        self.template, self.placeholders = writer.template, writer.placeholders
        self.asks: list[Measured] = []

    async def write(self, ask: Ask) -> Answer:
        began = time.monotonic()
        try:
            answer = await self._writer.write(ask)
        except PromptingError as error:
            trouble = f"{type(error).__name__}: {error}"
            self.asks.append(Measured(seconds=time.monotonic() - began, trouble=trouble))
            raise
        grammar = Grammar(question(ask.dialect, ask.language).grammar)
        whole = grammar.matches(answer.raw)
        self.asks.append(Measured(seconds=answer.seconds, whole=whole, cut=answer.cut))
        return answer

    async def close(self) -> None:
        await self._writer.close()


async def measured(asked: argparse.Namespace) -> list[str]:
    """The lines of a report about one model."""
    began = time.monotonic()
    device: Device = "gpu" if asked.gpu else "cpu"
    writer = LlamaWriter(asked.model, threads=asked.threads, device=device, warm=())
    await writer.start()
    loaded = time.monotonic() - began
    watched = MeasuredWriter(writer)
    assistant = Assistant(watched, cache=Memory(0), deadline=asked.deadline)
    every = cases(asked.file)
    wanted = every[:: max(1, len(every) // asked.wishes)][: asked.wishes]
    seconds, helped, holds = [], [], []
    worked = _processor_seconds(writer)
    for case in wanted:
        began, before = time.monotonic(), len(watched.asks)
        result = await assistant.assist(case.wish, dialect=asked.dialect, seed=1)
        if len(watched.asks) > before:
            seconds.append(time.monotonic() - began)
            helped.append(result.slots is not None)
        holds.append(kept(case, result.prompt))
    worked = _processor_seconds(writer) - worked
    await writer.close()
    answers = [ask for ask in watched.asks if not ask.trouble]
    troubles = Counter(ask.trouble for ask in watched.asks if ask.trouble)
    cold, warm = watched.asks[0].seconds, [ask.seconds for ask in answers[1:]]
    return [
        f"{watched.name}, {asked.dialect}, {asked.deadline:g} s, {asked.threads} threads",
        f"loaded in {loaded:.1f} s; first answer {cold:.1f} s, then p50 {quantile(warm, 0.5):.1f}, "
        f"p95 {quantile(warm, 0.95):.1f} s",
        f"wishes helped with: {share(helped)}; words kept: {share(holds)}",
        f"a wish took p50 {quantile(seconds, 0.5):.1f}, p95 {quantile(seconds, 0.95):.1f} s, and "
        f"{len(watched.asks) / max(1, len(seconds)):.1f} asks; of the processor "
        f"{worked / max(1, len(seconds)):.1f} s on average",
        f"answers in the grammar: {share([ask.whole for ask in answers])}, cut by the deadline: "
        f"{sum(ask.cut for ask in answers)}",
        *(f"no answer, {count} times: {trouble}" for trouble, count in troubles.most_common()),
    ]


def _processor_seconds(writer: LlamaWriter) -> float:
    """What its child had of the processor so far: a busy machine leaves that as it is."""
    if writer.pid is None:
        return 0.0
    times = psutil.Process(writer.pid).cpu_times()
    return float(times.user + times.system)


def templates(folder: Path) -> list[str]:
    """Where an answer begins in each template of a folder, and how many can be used."""
    lines: list[str] = []
    usable = 0
    files = sorted(folder.glob("*.jinja"))
    for file in files:
        try:
            turns = ChatTemplate(file.read_text("utf-8")).turns("", dialect="tags", language="en")
        except Unreadable as error:
            lines.append(f"{file.stem}: cannot be used, {error.reason}")
        else:
            lines.append(f"{file.stem}: {json.dumps(turns.tail[-100:], ensure_ascii=False)}")
            usable += 1
    return [*lines, f"{usable} of {len(files)} can be used"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", help="a GGUF with a chat template")
    parser.add_argument("--templates", type=Path, help="a folder of chat templates (*.jinja)")
    parser.add_argument("--file", type=Path, default=WISHES, help="wishes, as of evaluate")
    parser.add_argument("--wishes", type=int, default=100, help="so many of them")
    parser.add_argument("--dialect", default="sd15")
    parser.add_argument("--deadline", type=float, default=DEADLINE, help="seconds of a wish")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", action="store_true", help="all of its layers on the card")
    asked = parser.parse_args()
    if asked.templates:
        print("\n".join(templates(asked.templates)))
    elif asked.model:
        print("\n".join(asyncio.run(measured(asked))))
    else:
        sys.exit("name a model, or a folder of templates")


if __name__ == "__main__":
    main()
