"""The training data: wishes and answers, drawn from a seed without end.

    python -m prompting.starter.data 20        shows some

The invariant: no wish equals one of the evaluation's, nor shares five words in a row with it
(eight characters in Chinese); such a wish is thrown away when it is drawn.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from prompting.reading.lexicon import fold, taught
from prompting.starter import answers, edits, phrasing, phrasing_zh
from prompting.starter.scenes import scene
from prompting.starter.speech import Speaker, renumbered
from prompting.writers import template

FOLDER = Path(__file__).parent
HELD_OUT = (FOLDER / "wishes.jsonl", FOLDER / "starter_wishes.jsonl")
_RUN_EN, _RUN_ZH = 5, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One question and its answer."""

    dialect: str
    language: str  # of the answer
    wish: str
    answer: str


def examples(seed: int) -> Iterator[Example]:
    """Every example of a training run, in order."""
    dice = Random(seed)
    forbidden = held_out()
    while True:
        example = _draw(dice)
        if not shares(example.wish, forbidden):
            yield example


def _draw(dice: Random) -> Example:
    dialect = dice.choices(template.DIALECTS, (34, 30, 14, 22))[0]
    spoken = dice.choices(("en", "zh"), (54, 46))[0]
    language = "zh" if spoken == "zh" and dice.random() < 0.45 else "en"
    by = Speaker(
        dice=dice,
        lexicon=taught(),
        language=spoken,
        hides=dice.choice((0.0, 0.5, 1.0, 1.0, 1.0)),
        mixes=dice.choice((0.0, 0.0, 0.0, 0.25)),
    )
    way = dice.random()
    if way < 0.07:
        told = edits.salad(by, language)
    elif way < 0.3 and dialect != "edit":
        told = edits.sentence(by, language)
    elif dialect == "edit" and way < 0.6:
        told = edits.instruction(by, language)
    else:
        wanted = scene(by)
        phrase = phrasing_zh.wish if spoken == "zh" else phrasing.wish
        return _example(dialect, language, phrase(wanted, dice), answers.answer(wanted, language))
    wish = phrasing.slipped(told.wish, dice) if spoken == "en" else told.wish
    answer = template.answer(
        subject=told.subject,
        details=(),
        style=[answers.style_of(word, language) for word in told.style],
        avoid=[word.put(language) for word in told.avoid],
    )
    return _example(dialect, language, wish, answer)


def _example(dialect: str, language: str, wish: str, answer: str) -> Example:
    wish, answer = renumbered(" ".join(wish.split()), answer)
    return Example(dialect=dialect, language=language, wish=wish, answer=answer)


def runs(text: str) -> frozenset[str]:
    """A text's runs of five words, and of eight Chinese characters; short texts as a whole."""
    words = re.findall(r"<x\d>|[a-z0-9'-]+", fold(text))
    out = {" ".join(words[i : i + _RUN_EN]) for i in range(len(words) - _RUN_EN + 1)}
    for part in re.findall(r"[\u3400-\u9fff\u3040-\u30ff]+", text):
        out |= {part[i : i + _RUN_ZH] for i in range(len(part) - _RUN_ZH + 1)}
    return frozenset(out | {normal(text)}) - {""}


def normal(text: str) -> str:
    """The text without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", fold(text))


def shares(text: str, forbidden: frozenset[str]) -> bool:
    """Whether the text is one of the evaluation's or has a run of words in common with one."""
    return not forbidden.isdisjoint(runs(text))


@cache
def held_out() -> frozenset[str]:
    """What no training wish may contain."""
    return frozenset().union(*(runs(wish) for wish in _wishes(HELD_OUT)))


def _wishes(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        if file.exists():
            for line in file.read_text("utf-8").splitlines():
                yield str(json.loads(line)["wish"])


if __name__ == "__main__":
    stream = examples(1)
    for _ in range(int(sys.argv[1])):
        print(next(stream))
