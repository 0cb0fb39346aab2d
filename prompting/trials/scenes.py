"""Counts what becomes of scenes: how long the prompts are, what leaks, and what was not told.

    python -m prompting.trials.scenes [WISHES.jsonl] [--number 60] [--dialects flux1 qwen-image]
                                      [--model a-chat-model.gguf] [--deadline 60] [--show]

Without a model the built-in assistant writes.  The invariant: what is counted as leaked or denied
is looked for here, by signs of its own, and not by the rules that are to keep it out.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prompting.assist import Assistant, Assisted
from prompting.errors import PromptingError, Unreadable
from prompting.reading import opaque
from prompting.reading.facts import facts
from prompting.reading.lexicon import built_in
from prompting.reading.prose import length
from prompting.reading.scene import read_scene
from prompting.slots import Slots
from prompting.speaking.dialects import DIALECTS
from prompting.trials.measures import Case, cases, kept, quantile, share, valid
from prompting.writers.ladder import WriterConfig, open_writer
from prompting.writers.questions import examples

WISHES = Path(__file__).parent.parent / "starter" / "wishes.jsonl"
SEED = 1
_LEAKS = re.compile(
    r"[<>{}\[\]|\\_]|\bx\d\b|\w+://|www\.|\b(?:json|prompt|assistant|as an ai|i hope|sure|certainly"
    r"|the (?:image|picture) shows|viewer|masterpiece|8k)\b|提示词|这幅图|好的，",
    re.IGNORECASE,
)
_DENIES = re.compile(r"\b(?:no|not|never|without|nothing|nobody|none)\b|n't\b|没有|不要", re.I)
_BEINGS = ("animal", "person", "vehicle")
_RUN = 5  # words of an example in a row that nobody says by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of one wish."""

    case: Case
    assisted: Assisted
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the trial; the exit status is returned."""
    parser = argparse.ArgumentParser(prog="python -m prompting.trials.scenes")
    parser.add_argument("wishes", type=Path, nargs="?", default=WISHES)
    parser.add_argument("--number", type=int, default=60)
    parser.add_argument("--dialects", nargs="*", default=["flux1", "qwen-image"], choices=DIALECTS)
    parser.add_argument("--model", default="")
    parser.add_argument("--deadline", type=float, default=60.0, help="seconds for a wish")
    parser.add_argument("--show", action="store_true", help="the prompts as well")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(_found(options))
    except PromptingError as error:
        print(error, file=sys.stderr)
        return 2
    for name, outcomes in found.items():
        if options.show:
            for outcome in outcomes:
                print(f"{outcome.case.wish}\n    {outcome.assisted.prompt}")
        print(_table(name, outcomes))
    return 0


async def _found(options: argparse.Namespace) -> dict[str, list[_Outcome]]:
    read = [case for case in cases(options.wishes) if any(map(str.isalnum, case.wish))]
    some = read[:: max(1, len(read) // options.number)][: options.number]
    opened = await open_writer(WriterConfig(model=options.model))
    if opened.writer is None or (options.model and opened.writer.placeholders):
        raise Unreadable("writer", "; ".join(opened.notes) or "none", options.model)
    assistant = Assistant(opened.writer, spare=opened.spare, deadline=options.deadline)
    found: dict[str, list[_Outcome]] = {name: [] for name in options.dialects}
    try:
        for name, outcomes in found.items():
            for case in some:
                began = time.monotonic()
                assisted = await assistant.assist(case.wish, dialect=name, seed=SEED)
                took = time.monotonic() - began
                outcomes.append(_Outcome(case=case, assisted=assisted, seconds=took))
                print(f"\r{name}: {len(outcomes)} of {len(some)}", end="", file=sys.stderr)
    finally:
        await opened.close()
    print(file=sys.stderr)
    return found


def _table(name: str, outcomes: Sequence[_Outcome]) -> str:
    """One dialect's figures as a Markdown table."""
    row = DIALECTS[name]
    least, most = row.words or (0, 10**6)
    prompts = [outcome.assisted.prompt for outcome in outcomes]
    asked = [outcome for outcome in outcomes if outcome.assisted.raw]
    times = [outcome.seconds for outcome in asked]
    wrote = Counter(outcome.assisted.writer for outcome in outcomes)
    told, dropped = _sentences(asked)
    reasons = ", ".join(f"{why} {count}" for why, count in dropped.most_common())
    rows = {
        "written by": ", ".join(f"{who or 'nobody'} {n}" for who, n in wrote.most_common()),
        f"{least} to {most} words": share([least <= length(p) <= most for p in prompts]),
        "p5, p50, p95 words": ", ".join(
            f"{quantile([length(p) for p in prompts], at):.0f}" for at in (0.05, 0.5, 0.95)
        ),
        "words kept": share([kept(o.case, o.assisted.prompt) for o in outcomes]),
        "dialect valid": share(
            [valid(row, o.case.wish, o.assisted.prompt, o.assisted.negative) for o in outcomes]
        ),
        "leaks": share([bool(_leaked(o)) for o in outcomes]),
        "denies in prose": share([bool(_denied(o)) for o in outcomes]),
        "beings nobody asked for": share([bool(_brought(o)) for o in outcomes]),
        "sentences of the writer that were told": share([True] * told + [False] * dropped.total()),
        "why not": reasons or "-",
        "p50, p95 seconds": ", ".join(f"{quantile(times, at):.2f}" for at in (0.5, 0.95)),
    }
    lines = [f"| {name}, {len(outcomes)} wishes | |", "|---|---|"]
    return "\n".join((*lines, *(f"| {what} | {figure} |" for what, figure in rows.items()), ""))


def _sentences(outcomes: Sequence[_Outcome]) -> tuple[int, Counter[str]]:
    """How many sentences of the answers may be told, and why others may not."""
    told, dropped = 0, Counter[str]()
    for outcome in outcomes:
        slots = Slots.from_json(outcome.assisted.raw)
        wish = opaque.read(outcome.case.wish)
        wish = replace(wish, language=built_in().language(wish.words))
        language = DIALECTS[outcome.assisted.dialect].language(wish.language)
        said = read_scene(slots.scene, wish, built_in(), language=language, subject=slots.subject)
        told += len(said.sentences)
        dropped.update(why for _, why in said.dropped)
    return told, dropped


def _added(outcome: _Outcome) -> str:
    """The prompt without the words of the wish where it holds them as they were typed."""
    return re.sub(re.escape(outcome.case.wish), " ", outcome.assisted.prompt, flags=re.I)


def _leaked(outcome: _Outcome) -> list[str]:
    """Markup, talk and copied examples that the wish does not hold."""
    wish, text = outcome.case.wish.casefold(), _added(outcome)
    found = [leak for leak in _LEAKS.findall(text) if leak.casefold() not in wish]
    words = re.findall(r"\w+", text.casefold())
    shown = " ".join(
        " ".join(re.findall(r"\w+", example.answer.casefold()))
        for example in examples(outcome.assisted.dialect, "en")
    )
    runs = (" ".join(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1))
    return [*found, *(run for run in runs if run in shown and run not in wish)]


def _denied(outcome: _Outcome) -> list[str]:
    wish = outcome.case.wish.casefold()
    return [word for word in _DENIES.findall(_added(outcome)) if word.casefold() not in wish]


def _brought(outcome: _Outcome) -> list[str]:
    """Living things and vehicles of the lexicon that the wish does not name, whatever they mean."""
    lexicon = built_in()
    asked = facts(outcome.case.wish, lexicon)
    said = facts(outcome.assisted.prompt, lexicon)
    return [key for key, kind in said.kinds.items() if kind in _BEINGS and key not in asked.words]


if __name__ == "__main__":
    sys.exit(main())
