"""What an evaluation counts: pure functions of a wish's expectations and a prompt.

The invariant: nothing here asks the keep-check, which is itself under test, except where the name
says so; what a prompt must hold was written by hand beside the wish.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prompting.errors import Unreadable
from prompting.reading.denials import denials, without
from prompting.reading.facts import Facts
from prompting.reading.lexicon import Lexicon
from prompting.speaking.dialects import Dialect, Speech

Alternatives = tuple[str, ...]

_SENTENCES = frozenset({Speech.PROSE, Speech.VIDEO, Speech.INSTRUCTION})
_QUALITY = re.compile(r"masterpiece|best quality|score_\d", re.IGNORECASE)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_REMOVAL = re.compile(r"\bremove [\w ]+|(?:去掉|移除)\w+", re.IGNORECASE)  # of an instruction
_PEOPLE = re.compile(r"(?<!\w)((\d)(girl|boy)s?)(?!\w)")  # Danbooru's count of them
_CALLED = {"girl": ("girl", "woman"), "boy": ("boy", "man")}
_COUNTS = {"1": "one", "2": "two", "3": "three", "4": "four", "5": "five"}
_NUMBERED = r"(?<!\d)"  # 9 is not in 1967
_LINK = r"(?: is| are| should be| in| that is| painted| colou?red|,|:)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A wish and what its prompt must and must not hold."""

    wish: str
    must: tuple[Alternatives, ...]
    must_not: Alternatives
    lang: str
    group: str = "other"
    pairs: tuple[tuple[Alternatives, Alternatives], ...] = ()  # a colour and its thing
    keep: Alternatives = ()  # byte by byte


def cases(path: Path) -> tuple[Case, ...]:
    """The cases of a JSON-lines file.  Raises Unreadable."""
    found: list[Case] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            found.append(
                Case(
                    wish=row["wish"],
                    must=tuple(tuple(options) for options in row.get("must", ())),
                    must_not=tuple(row.get("must_not", ())),
                    lang=row.get("lang", "en"),
                    group=row.get("group", row.get("lang", "en")),
                    pairs=tuple((tuple(c), tuple(t)) for c, t in row.get("pairs", ())),
                    keep=tuple(row.get("keep", ())),
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable("wishes", f"line {number}: {error}", line) from error
    return tuple(found)


def holds(text: str, options: Alternatives) -> bool:
    """Whether the text has one of these words; a Latin one may have an ending, or be 1girl's."""
    return any(
        re.search(
            rf"(?<![A-Za-z_]){_NUMBERED if word[:1].isdigit() else ''}{re.escape(word)}"
            if word.isascii()
            else re.escape(word),
            text,
            re.I,
        )
        for word in options
    )


def kept(case: Case, prompt: str) -> bool:
    """Whether the prompt has everything that it must."""
    return all(holds(prompt, options) for options in case.must)


def violated(case: Case, prompt: str, lexicon: Lexicon) -> bool:
    """Whether the prompt asks for what it must not."""
    asked = unremoved(without(prompt, denials(prompt, lexicon)))
    return any(holds(asked, (word,)) for word in case.must_not)


def unremoved(prompt: str) -> str:
    """An instruction without what it has removed."""
    return _REMOVAL.sub(" ", prompt)


def bound(pair: tuple[Alternatives, Alternatives], prompt: str) -> bool:
    """Whether a colour stands with its thing, with no other word that could take it between."""
    return any(
        re.search(_near(colour, thing), prompt, re.IGNORECASE)
        for colour in pair[0]
        for thing in pair[1]
    )


def unpeopled(prompt: str, asked: Facts) -> str:
    """A prompt of booru tags without the counts of people that the wish asks for: one where it
    names no number.
    """
    counted = {thing: number for number, thing in asked.numbers}
    for tag, count, person in _PEOPLE.findall(prompt):
        meant = [key for key in _CALLED[person] if key in asked.words]
        if any(counted.get(key, "one") == _COUNTS.get(count) for key in meant):
            prompt = re.sub(rf"(?<!\w){tag}(?!\w),?", "", prompt)
    return prompt


def _near(colour: str, thing: str) -> str:
    c, t = re.escape(colour), re.escape(thing)
    if colour.isascii() != thing.isascii():
        return rf"{c}\s?(?:色)?的?\s?{t}"
    if colour.isascii():
        apart = r"(?:[ -](?!and\b|on\b|with\b)\w+){0,2}[ -]"
        return rf"\b{c}\w*{apart}{t}|{c}的{t}|\b{t}\w*{_LINK} {c}"
    return rf"{c}色?的?\w{{0,2}}{t}|{t}\w?[是要,,]?{c}"


def valid(dialect: Dialect, wish: str, prompt: str, negative: str) -> bool:
    """Whether prompt and negative are what the dialect's models want."""
    if not prompt.strip():
        return not wish.strip()
    if not dialect.negative and negative:
        return False
    if "en" in dialect.keeps and "zh" not in dialect.keeps and not _only_names(wish, prompt):
        return False
    if dialect.kind in _SENTENCES:
        return _is_prose(prompt)
    if dialect.kind is Speech.BOORU:
        return prompt.startswith(dialect.before[0]) and bool(negative)
    if dialect.kind.of_few_words:
        return not _QUALITY.search(prompt)
    return not dialect.after or dialect.after[0] in prompt


def _is_prose(prompt: str) -> bool:
    if _CJK.search(prompt):  # Chinese sentences have no capitals
        return not _QUALITY.search(prompt)
    begins = not prompt[0].isalpha() or prompt[0].isupper() or not prompt[0].isascii()
    return begins and not _QUALITY.search(prompt)


def _only_names(wish: str, prompt: str) -> bool:
    """Whether every run of another script is the wish's own, as a name is."""
    return all(run in wish for run in _CJK.findall(prompt))


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not count:
        return 0.0, 1.0
    z = 1.96
    share, square = right / count, z * z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = (
        z * math.sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
    )
    return max(0.0, middle - half), min(1.0, middle + half)


def share(results: Sequence[bool]) -> str:
    """A share with its interval: "98.2 % (96.1 to 99.2, n=229)"."""
    right, count = sum(results), len(results)
    if not count:
        return "-"
    low, high = wilson(right, count)
    return f"{100 * right / count:.1f} % ({100 * low:.1f} to {100 * high:.1f}, n={count})"


def measure_table(columns: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The lines of a table, a column for each way; "-" where one has no such measure."""
    rows = [f"| measure | {' | '.join(columns)} |", f"|---{'|---' * len(columns)}|"]
    for measure in dict.fromkeys(name for column in columns.values() for name in column):
        cells = (column.get(measure, "-") for column in columns.values())
        rows.append(f"| {measure} | {' | '.join(cells)} |")
    return tuple(rows)


def quantile(values: Sequence[float], at: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(at * len(ordered)))] if ordered else math.nan
