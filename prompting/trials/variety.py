"""Measures what the assistant adds: how much it differs, whether it quarrels, how long it is.

    python -m prompting.trials.variety tests/data/wishes_easy.jsonl [--dialects sd15 flux1 ...]

A line of the file is a wish, as for `prompting.trials.evaluate`.  Prints one Markdown table.  The
invariant: nothing here asks the grammar that is judged; what quarrels stands in a table of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from prompting.assist import Assistant
from prompting.errors import PromptingError
from prompting.reading.facts import facts
from prompting.reading.lexicon import OBJECTS, built_in, fold
from prompting.reading.prose import length
from prompting.speaking.added import additions_of
from prompting.speaking.dialects import DIALECTS
from prompting.trials.measures import Case, cases, measure_table, quantile
from prompting.writers.cache import Memory
from prompting.writers.ladder import WriterConfig, open_writer

QUARRELS = Path(__file__).with_name("quarrels.toml")
USUAL = ("sd15", "sdxl", "illustrious", "flux1", "qwen-image", "wan")
_RUN = 3  # words of a phrase
_RUN_ZH = 6  # characters
SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What was added to one wish."""

    case: Case
    prompt: str
    details: tuple[str, ...]
    seconds: float


def quarrels(text: str) -> tuple[str, ...]:
    """Where a prompt holds words of two sides that no picture has together."""
    folded = fold(text)
    found = []
    for name, sides in _sides().items():
        said = [side for side, pattern in sides.items() if pattern.search(folded)]
        if len(said) > 1:
            found.append(f"{name}: {' and '.join(said)}")
    return tuple(found)


@lru_cache(maxsize=1)
def _sides() -> dict[str, dict[str, re.Pattern[str]]]:
    tables = tomllib.loads(QUARRELS.read_text("utf-8"))
    return {
        name: {side: _pattern(words) for side, words in sides.items()}
        for name, sides in tables.items()
    }


def _pattern(words: str) -> re.Pattern[str]:
    forms = (rf"\b{re.escape(w)}s?\b" if w.isascii() else re.escape(w) for w in words.split("/"))
    return re.compile("|".join(forms))


def own_quarrels(addition: Addition) -> tuple[str, ...]:
    """Those that the additions brought: a wish may quarrel with itself."""
    text = ". ".join((addition.case.wish, *addition.details))
    return tuple(it for it in quarrels(text) if it not in quarrels(addition.case.wish))


def invented(addition: Addition) -> tuple[str, ...]:
    """Things of the lexicon that the additions name and the wish does not."""
    lexicon = built_in()
    asked = facts(addition.case.wish, lexicon).words
    said = facts(". ".join(addition.details), lexicon)
    kinds = OBJECTS | {"number", "colour"}
    return tuple(key for key, kind in said.kinds.items() if kind in kinds and key not in asked)


def phrases(details: Sequence[str]) -> frozenset[str]:
    """Runs of three words within a detail, and in Chinese of six characters."""
    runs: set[str] = set()
    for detail in details:
        words = re.findall(r"[a-z'’-]+", fold(detail))
        runs |= {" ".join(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}
        for part in re.findall(r"[\u3400-\u9fff]+", detail):
            runs |= {part[at : at + _RUN_ZH] for at in range(len(part) - _RUN_ZH + 1)}
    return frozenset(runs)


def commonest(counted: Sequence[frozenset[str]]) -> tuple[str, float]:
    """The phrase that most have, and the share of those that have it."""
    counts = Counter(phrase for phrases in counted for phrase in phrases)
    if not counts:
        return "", 0.0
    phrase, number = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return phrase, number / len(counted)


def measured(additions: Sequence[Addition], *, prose: bool) -> dict[str, str]:
    """What is counted in one dialect."""
    sets = {addition.details for addition in additions}
    run, often = commonest([phrases(addition.details) for addition in additions])
    whole, shared = commonest([frozenset(map(fold, addition.details)) for addition in additions])
    bad = [addition for addition in additions if own_quarrels(addition)]
    new = [addition for addition in additions if invented(addition)]
    fits = [addition for addition in additions if 40 <= length(addition.prompt) <= 80]
    times = [1000 * addition.seconds for addition in additions]
    return {
        "different sets of details": f"{len(sets)} of {len(additions)}",
        "commonest three words": f"{often:.1%} ({run})",
        "commonest detail": f"{shared:.1%} ({whole[:40]})",
        "quarrels": str(len(bad)),
        "objects, colours or numbers of our own": str(len(new)),
        "40 to 80 words": f"{len(fits) / len(additions):.0%}" if prose else "-",
        "p50, p95 (ms, with the model)": f"{quantile(times, 0.5):.0f}, {quantile(times, 0.95):.0f}",
    }


async def additions(wanted: Sequence[Case], name: str, seed: int) -> list[Addition]:
    """What the built-in assistant adds to the wishes in one dialect."""
    opened = await open_writer(WriterConfig())
    assistant = Assistant(opened.writer, cache=Memory(0))
    found = []
    for case in wanted:
        began = time.perf_counter()
        told = await assistant.assist(case.wish, dialect=name, seed=seed)
        seconds = time.perf_counter() - began
        details = additions_of(told.slots) if told.slots is not None else ()
        found.append(Addition(case=case, prompt=told.prompt, details=details, seconds=seconds))
    if opened.writer is not None:
        await opened.writer.close()
    return found


async def variety(path: Path, names: Sequence[str], seed: int) -> str:
    """The table."""
    wanted = cases(path)
    columns = {}
    for name in names:
        told = await additions(wanted, name, seed)
        columns[name] = measured(told, prose=bool(DIALECTS[name].words))
    head = f"{len(wanted)} wishes of {path.name}, seed {seed}."
    return "\n".join((head, "", *measure_table(columns)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit status is returned."""
    parser = argparse.ArgumentParser(
        prog="python -m prompting.trials.variety", description="Measures what the assistant adds."
    )
    parser.add_argument("file", type=Path, help="wishes, one JSON object per line")
    parser.add_argument("--dialects", nargs="+", default=list(USUAL), metavar="NAME")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args(arguments)
    try:
        print(asyncio.run(variety(asked.file, asked.dialects, asked.seed)))
    except (PromptingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
