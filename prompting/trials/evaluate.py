"""Measures the prompt assistant on a file of wishes.

    python -m prompting.trials.evaluate prompting/starter/wishes.jsonl [--dialects sd15 flux1 ...]

A line of the file: {"wish": "...", "must": [["red", "红"], ...], "must_not": [...], "lang": "en"},
and optionally "group", "pairs" (colour and thing) and "keep" (byte by byte).  Prints one Markdown
table, against two baselines: the wish as it is, and the dialect's template around it.

The invariant: each row is counted in the same way for all three.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prompting.assist import Assistant, Assisted
from prompting.errors import PromptingError, Unreadable
from prompting.reading.facts import facts
from prompting.reading.filler import wished
from prompting.reading.keep import contradictions
from prompting.reading.lexicon import built_in, plurals
from prompting.repair import Repairer
from prompting.slots import Slots
from prompting.speaking.budget import estimate
from prompting.speaking.dialects import DIALECTS, Speech, dialect
from prompting.speaking.nearest import drawn_for
from prompting.speaking.order import Order
from prompting.trials.inventions import inventions
from prompting.trials.measures import (
    Alternatives,
    Case,
    bound,
    cases,
    holds,
    kept,
    measure_table,
    quantile,
    share,
    unpeopled,
    unremoved,
    valid,
    violated,
)
from prompting.writers import template
from prompting.writers.cache import Memory
from prompting.writers.grammar import Grammar
from prompting.writers.ladder import WriterConfig, open_writer
from prompting.writers.writer import Answer, Ask, Writer

SEED = 1
SEEDS = 40  # of the count of different prompts
_OPEN = ("sd15", "sdxl", "flux1", "qwen-image")


class WatchedWriter:
    """A writer whose answers are remembered and counted."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._answers: dict[Ask, Answer] = {}
        self.name, self.digest, self.template = writer.name, writer.digest, writer.template
        self.placeholders = writer.placeholders
        self.raws: list[str] = []
        self.asked = 0  # since it was last set to 0
        self.fresh = 0

    async def write(self, ask: Ask) -> Answer:
        self.asked += 1
        known = replace(ask, deadline=0.0)
        if known not in self._answers:
            self.fresh += 1
            self._answers[known] = await self._writer.write(ask)
            self.raws.append(self._answers[known].raw)
        return self._answers[known]

    async def close(self) -> None:
        await self._writer.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One prompt for one case."""

    case: Case
    dialect: str
    prompt: str
    negative: str
    first: bool = True  # whether the first answer passed the keep-check
    helped: bool = True  # whether a writer had a part in it
    ours: tuple[str, ...] = ()  # what was added out of our tables


def identity(case: Case, name: str) -> Spoken:
    """The wish as it is."""
    return Spoken(case=case, dialect=name, prompt=case.wish, negative="")


def template_only(case: Case, name: str) -> Spoken:
    """The wish in the dialect's form, translated word by word where it must be; no model."""
    order = _order(case, name)
    rendered = order.speak(Slots(subject=Repairer(order).own_subject() or case.wish))
    return Spoken(case=case, dialect=name, prompt=rendered.prompt, negative=rendered.negative)


def _order(case: Case, name: str) -> Order:
    lexicon = built_in()
    return Order(
        text=case.wish,
        wish=wished(case.wish, lexicon),
        dialect=dialect(name),
        style=None,
        negative="",
        lexicon=lexicon,
        count=None,
        locale="en",
    )


async def assisted(
    writer: WatchedWriter, wanted: Sequence[Case], names: Sequence[str]
) -> tuple[list[Spoken], list[float]]:
    """Every case in every dialect, and how long the calls took that really asked."""
    assistant = Assistant(writer, cache=Memory(0))
    spoken: list[Spoken] = []
    seconds: list[float] = []
    for case in wanted:
        for name in names:
            writer.asked = writer.fresh = 0
            began = time.perf_counter()
            result = await assistant.assist(case.wish, dialect=name, seed=SEED)
            if writer.fresh == writer.asked > 0:
                seconds.append(time.perf_counter() - began)
            spoken.append(_spoken(case, name, result, writer.asked))
    return spoken, seconds


def _spoken(case: Case, name: str, result: Assisted, asked: int) -> Spoken:
    return Spoken(
        case=case,
        dialect=name,
        prompt=result.prompt,
        negative=result.negative,
        first=asked == 1,
        helped=result.slots is not None,
        ours=(*result.slots.details, result.slots.scene) if result.slots else (),
    )


def rows(spoken: Sequence[Spoken]) -> dict[str, str]:
    """What is counted for every way of speaking."""
    lexicon = built_in()
    readable = [s for s in spoken if s.case.must]
    paired = [(s, pair) for s in spoken for pair in s.case.pairs]
    out = {"dialect valid": share([_valid(s) for s in spoken])}
    out["within the token budget"] = share(
        [estimate(s.prompt) <= DIALECTS[s.dialect].tokens for s in spoken]
    )
    out["words kept"] = share([kept(s.case, s.prompt) for s in readable])
    for group in dict.fromkeys(s.case.group for s in readable):
        some = [kept(s.case, s.prompt) for s in readable if s.case.group == group]
        out[f"words kept: {group}"] = share(some)
    out["invented words"] = share(
        [bool(inventions(s.case.wish, s.prompt, s.dialect, s.ours, lexicon)) for s in spoken]
    )
    out["contradictions"] = share([_against(s) for s in spoken])
    out["unwanted things asked for"] = share(
        [violated(s.case, s.prompt, lexicon) for s in spoken if s.case.must_not]
    )
    out["colours with their things"] = share([_bound(s, pair) for s, pair in paired])
    out["passed through unchanged"] = share(
        [all(part in s.prompt for part in s.case.keep) for s in spoken if s.case.keep]
    )
    return out


def _valid(spoken: Spoken) -> bool:
    return not spoken.helped or valid(
        DIALECTS[spoken.dialect], spoken.case.wish, spoken.prompt, spoken.negative
    )


def _against(spoken: Spoken) -> bool:
    """Whether a word of the prompt makes another picture; the dialect's own words do not."""
    order = _order(spoken.case, spoken.dialect)
    prompt = unremoved(spoken.prompt)
    for word in (*order.dialect.before, *order.dialect.after):
        prompt = prompt.replace(word, "")
    asked = facts(order.wish.words, order.lexicon, order.wish.language)
    if order.dialect.kind is Speech.BOORU:
        prompt = unpeopled(prompt, asked)
    found = contradictions(order.wish, prompt, lexicon=order.lexicon, language=order.language)
    if order.dialect.kind.of_few_words:  # it is told beside a fox that it is drawn as a cat
        drawn = {form for key in asked.words for word in drawn_for(key) for form in _forms(word)}
        found = tuple(word for word in found if word.split()[-1] not in drawn)
    return bool(found)


def _forms(drawn: str) -> tuple[str, ...]:
    return (*drawn.split(), *plurals(drawn))


def _bound(spoken: Spoken, pair: tuple[Alternatives, Alternatives]) -> bool:
    """Whether the colour is with its thing; for the starter, or with what is drawn for that."""
    colours, things = pair
    if DIALECTS[spoken.dialect].kind.of_few_words and holds(spoken.prompt, things):
        things = (*things, *(word for thing in things for word in drawn_for(thing)))
    return bound((colours, things), spoken.prompt)


def sound(raw: str) -> bool:
    """Whether an answer is JSON, has the slots, and is exactly what the grammar allows."""
    try:
        Slots.from_json(raw)
        json.loads(raw)
    except (Unreadable, ValueError):
        return False
    return Grammar(template.GRAMMAR).matches(raw)


async def repeated(wanted: Sequence[Case], config: WriterConfig) -> list[bool]:
    """Whether a fresh process in another order says the same; then the same process, warm."""
    texts: list[dict[str, str]] = []
    for shuffle in (0, 1):
        opened = await open_writer(config)
        if opened.writer is None:
            return []
        assistant = Assistant(opened.writer, cache=Memory(0))
        for warm in range(1 + shuffle):
            order = list(wanted)
            random.Random(shuffle + 2 * warm).shuffle(order)
            said = {
                case.wish: (await assistant.assist(case.wish, dialect="sd15", seed=7)).prompt
                for case in order
            }
            texts.append(said)
        await opened.writer.close()
    first, *others = texts
    return [other[wish] == first[wish] for other in others for wish in first]


async def variety(writer: Writer, wanted: Sequence[Case]) -> tuple[int, int]:
    """Different prompts among SEEDS seeds: the least and the median over wishes and dialects."""
    assistant = Assistant(writer, cache=Memory(0))
    counts: list[int] = []
    for case in wanted:
        for name in (_OPEN[len(counts) % len(_OPEN)],):
            said = {
                (await assistant.assist(case.wish, dialect=name, seed=seed)).prompt
                for seed in range(SEEDS)
            }
            counts.append(len(said))
    return min(counts), int(quantile([float(n) for n in counts], 0.5))


async def evaluate(path: Path, names: Sequence[str], model: str) -> str:
    """The table."""
    wanted = cases(path)
    config = WriterConfig(model=model)
    opened = await open_writer(config)
    ways: dict[str, dict[str, str]] = {
        "identity": rows([identity(case, name) for case in wanted for name in names]),
        "template only": rows([template_only(case, name) for case in wanted for name in names]),
    }
    title = "none"
    if opened.writer is not None:
        writer, title = WatchedWriter(opened.writer), opened.writer.name
        try:
            spoken, seconds = await assisted(writer, wanted, names)
            own = rows(spoken)
            own["first answer kept every word"] = share(
                [s.first and kept(s.case, s.prompt) for s in spoken if s.helped and s.case.must]
            )
            own["answers that are valid JSON"] = share([sound(raw) for raw in writer.raws])
            own["went through unchanged, with a note"] = share([not s.helped for s in spoken])
            own["p50, p95, slowest (ms)"] = ", ".join(
                f"{1000 * quantile(seconds, at):.0f}" for at in (0.5, 0.95, 1.0)
            )
            plain = [c for c in wanted if c.group in ("en", "zh", "mixed")]
            least, median = await variety(opened.writer, plain[:: max(1, len(plain) // 6)][:6])
            own[f"different prompts of {SEEDS} seeds"] = f"{least} at least, {median} usually"
        finally:
            await writer.close()
        own["same seed, same text, other process or warm"] = share(
            await repeated(wanted[::3], config)
        )
        ways["assistant"] = own
    return _table(path, len(wanted), names, title, ways)


def _table(
    path: Path, count: int, names: Sequence[str], title: str, ways: dict[str, dict[str, str]]
) -> str:
    head = f"{count} wishes of {path.name} in {len(names)} dialects ({', '.join(names)}); {title}."
    return "\n".join((head, "", *measure_table(ways)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit status is returned."""
    parser = argparse.ArgumentParser(
        prog="python -m prompting.trials.evaluate", description="Measures the prompt assistant."
    )
    parser.add_argument("file", type=Path, help="wishes, one JSON object per line")
    parser.add_argument("--dialects", nargs="+", default=list(DIALECTS), metavar="NAME")
    parser.add_argument("--model", default="", help="another GGUF chat model")
    asked = parser.parse_args(arguments)
    try:
        print(asyncio.run(evaluate(asked.file, asked.dialects, asked.model)))
    except (PromptingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
