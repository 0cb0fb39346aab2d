"""Measures whether what a wish denies goes, and whether all else stays.

    python -m prompting.trials.denials [FILE.jsonl] [--show]

A line of the file: {"wish": "a girl without shoes on the beach", "lang": "en",
"goes": [["shoes"]], "stays": [["girl"], ["beach"]]}; each inner list holds spellings, the
translation among them.  It is counted in the reading alone, and in the prompts of three dialects.

The invariant: only the written lists judge, never the keep-check.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prompting.assist import Assistant
from prompting.errors import Unreadable
from prompting.reading.denials import denials, without
from prompting.reading.lexicon import built_in, fold
from prompting.speaking.dialects import DIALECTS
from prompting.trials.measures import Alternatives, holds, share
from prompting.writers.cache import Memory
from prompting.writers.ladder import WriterConfig, open_writer
from prompting.writers.writer import Writer

DIALECTS_TRIED = ("sd15", "flux1", "qwen-image")
SEED = 1

_FILE = Path("tests/data/denials.jsonl")
_ARTICLE = re.compile(r"^(?:an?|the|any|une?|une|der|die|das|eine?n?|la|el|los|las|les?|des|de)\s")
_DANGLING = re.compile(
    r"\b(?:with|and|or|who|that|which|is|does|has|but|und|mit|et|avec|qui|y|con|que|и|с)"
    r"(?=\s*(?:$|[,.;]|\b(?:and|or|with|und|mit|et|y)\b))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedCase:
    """A wish, what it denies, and what it wishes for."""

    wish: str
    lang: str
    goes: tuple[Alternatives, ...]
    stays: tuple[Alternatives, ...]


def denied_cases(path: Path) -> tuple[DeniedCase, ...]:
    """The cases of a JSON-lines file.  Raises Unreadable."""
    found: list[DeniedCase] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            found.append(
                DeniedCase(
                    wish=row["wish"],
                    lang=row["lang"],
                    goes=tuple(tuple(options) for options in row["goes"]),
                    stays=tuple(tuple(options) for options in row["stays"]),
                )
            )
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable("denials", f"line {number}: {error}", line) from error
    return tuple(found)


def read_wrongly(case: DeniedCase) -> tuple[str, ...]:
    """What is wrong with the reading of a wish; nothing where both sides are right."""
    lexicon = built_in()
    language = lexicon.language(case.wish)
    found = denials(case.wish, lexicon, language)
    rest = without(case.wish, found)
    whats = [_bare(denial.what) for denial in found]
    wrong = [f"keeps {options[0]}" for options in case.goes if not _said(options, whats)]
    wrong += [f"denies {what}" for what in whats if not any(_said(o, [what]) for o in case.goes)]
    wrong += [f"eats {options[0]}" for options in case.stays if not holds(rest, options)]
    wrong += [f"leaves “{found[0].strip()}” over" for found in _DANGLING.finditer(rest)]
    return tuple(wrong)


def _said(options: Alternatives, whats: Sequence[str]) -> bool:
    return any(fold(option) in whats for option in options)


def _bare(what: str) -> str:
    return _ARTICLE.sub("", fold(what))


def spoken_wrongly(
    case: DeniedCase, dialect: str, prompt: str, negative: str, note: str
) -> tuple[str, ...]:
    """What is wrong with the prompt of a wish."""
    wrong = [f"loses {options[0]}" for options in case.stays if not holds(prompt, options)]
    for name in (it for options in case.stays for it in options if " " in it):
        prompt = re.sub(re.escape(name), " ", prompt, flags=re.IGNORECASE)  # a ghost town
    for options in case.goes:
        if any(_asks(prompt, option) for option in options):
            wrong.append(f"asks for {options[0]}")
        if DIALECTS[dialect].negative:
            times = _times(negative, options)
            if times != 1:
                wrong.append(f"denies {options[0]} {times} times")
        elif not holds(note, options):
            wrong.append(f"does not tell of {options[0]}")
    return tuple(wrong)


def _asks(prompt: str, option: str) -> bool:
    if not option.isascii():
        return fold(option) in fold(prompt)
    return re.search(rf"\b{re.escape(option)}(?:s|es)?\b", prompt, re.IGNORECASE) is not None


def _times(negative: str, options: Alternatives) -> int:
    """How many parts of the negative prompt say it."""
    return sum(any(_asks(part, option) for option in options) for part in negative.split(","))


async def spoken(
    writer: Writer | None, wanted: Sequence[DeniedCase]
) -> dict[str, list[tuple[str, ...]]]:
    """What is wrong with each prompt, by dialect."""
    assistant = Assistant(writer, cache=Memory(0))
    out: dict[str, list[tuple[str, ...]]] = {}
    for name in DIALECTS_TRIED:
        out[name] = []
        for case in wanted:
            told = await assistant.assist(case.wish, dialect=name, seed=SEED)
            out[name].append(spoken_wrongly(case, name, told.prompt, told.negative, told.note))
    return out


async def tried(path: Path, *, show: bool) -> Iterator[str]:
    """The lines of the report."""
    wanted = denied_cases(path)
    opened = await open_writer(WriterConfig())
    try:
        wrong = {"reading": [read_wrongly(case) for case in wanted]}
        wrong |= await spoken(opened.writer, wanted)
    finally:
        if opened.writer is not None:
            await opened.writer.close()
    return _report(wanted, wrong, show=show)


def _report(
    wanted: Sequence[DeniedCase], wrong: dict[str, list[tuple[str, ...]]], *, show: bool
) -> Iterator[str]:
    yield f"{len(wanted)} wishes, {sum(not case.goes for case in wanted)} of them deny nothing"
    for name, faults in wrong.items():
        yield f"{name}: {share([not fault for fault in faults])}"
        for lang in dict.fromkeys(case.lang for case in wanted):
            own = [not f for case, f in zip(wanted, faults, strict=True) if case.lang == lang]
            yield f"  {lang}: {sum(own)} of {len(own)}"
        for case, fault in zip(wanted, faults, strict=True):
            if show and fault:
                yield f"    {case.wish}: {'; '.join(fault)}"


def main() -> int:
    """Runs the command line; the exit status is returned."""
    parser = argparse.ArgumentParser(prog="python -m prompting.trials.denials")
    parser.add_argument("file", nargs="?", type=Path, default=_FILE)
    parser.add_argument("--show", action="store_true", help="every wish that is wrong")
    options = parser.parse_args()
    for line in asyncio.run(tried(options.file, show=options.show)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
