"""Training data of the reader of replies: what people say to a picture, and what they mean.

    python -m prompting.starter.replies 20        shows some

The invariant: every word of an answer stands in its reply, so the reader learns to copy and never
to translate; and no reply of the test sets is among them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from prompting.reading.lexicon import fold, taught
from prompting.starter.data import Example, normal
from prompting.starter.phrasing import slipped
from prompting.starter.speech import THINGS, Said, Speaker, article, renumbered
from prompting.writers import questions, template

FOLDER = Path(__file__).parent
TESTED = FOLDER.parents[1] / "tests" / "data" / "replies"

_BEFORE = {
    "en": "please /can you /could you /hey, /now /just /pls /ok, /hm, /and /maybe /i think /so ",
    "zh": "请/帮我/能不能/麻烦/可以/那就/嗯，/再/我想",
}
_AFTER = {
    "en": " please/!/./ thanks/ pls/?/ :)/ if you can/ thx/.../ ok/ for me/ this time",
    "zh": "吧/！/。/谢谢/一下/可以吗/？/呗/哈",
}
_NUMBERS = ("2", "3", "4", "1.5", "20", "30", "7", "42", "512", "768", "8", "1024", "1", "5", "6")
# How often each kind comes: as people say them, but the doubtful ones oftener, because it is they
# that are asked about.
_OFTEN = {"edit": 8, "none": 10, "restyle": 5, "rewrite": 4, "ask": 4, "info": 3, "parameters": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyKind:
    """One line of the table: a meaning, and the forms in which it is said."""

    kind: str
    action: str
    what: str
    into: str
    where: str
    forms: dict[str, tuple[str, ...]]  # by language

    @property
    def weight(self) -> int:
        return _OFTEN.get(self.kind, 2)


@cache
def meanings() -> tuple[ReplyKind, ...]:
    """Every line of `replies.txt`."""
    lines = (FOLDER / "replies.txt").read_text("utf-8").splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    found = []
    for at in range(0, len(rows), 3):
        head, *forms = rows[at : at + 3]
        said, what, into, where = (part.strip() for part in head.removeprefix("= ").split("|"))
        kind, _, action = said.partition(" ")
        found.append(
            ReplyKind(
                kind=kind,
                action=action,
                what=what,
                into=into,
                where=where,
                forms={f[:2]: tuple(one.strip() for one in f[3:].split(" / ")) for f in forms},
            )
        )
    return tuple(found)


def examples(seed: int) -> Iterator[Example]:
    """Every example of a training run, in order."""
    dice, forbidden = Random(seed), tested()
    while True:
        example = _draw(dice)
        if normal(example.wish) not in forbidden:
            yield example


@cache
def tested() -> frozenset[str]:
    """The replies of the test sets, which are never learned from."""
    texts = (file.read_text("utf-8") for file in sorted(TESTED.glob("*.jsonl")))
    lines = (line for text in texts for line in text.splitlines())
    return frozenset(normal(json.loads(line)["reply"]) for line in lines)


def _draw(dice: Random) -> Example:
    language = dice.choices(("en", "zh"), (58, 42))[0]
    by = Speaker(
        dice=dice,
        lexicon=taught(),
        language=language,
        hides=dice.choice((0.0, 0.5, 1.0, 1.0)),
        mixes=dice.choice((0.0, 0.0, 0.0, 0.2)),
    )
    rows = meanings()
    meant = dice.choices(rows, [row.weight for row in rows])[0]
    form = dice.choice(meant.forms[language])
    said = _words(by)
    reply = form.format(**said)
    if dice.random() < 0.35:
        reply = dice.choice(_BEFORE[language].split("/")) + reply
    if dice.random() < 0.3:
        reply += dice.choice(_AFTER[language].split("/"))
    reply = slipped(reply, dice) if language == "en" else reply
    spans = {"what": meant.what, "into": meant.into, "where": meant.where}
    found = {name: _span(key, form, said) for name, key in spans.items()}
    answer = questions.reply_answer(kind=meant.kind, action=meant.action, **found)
    reply, answer = renumbered(" ".join(reply.split()), answer)
    return Example(dialect=template.REPLY, language=language, wish=fold(reply), answer=answer)


def _span(key: str, form: str, said: dict[str, str]) -> str:
    """What the form says for a slot, or the word itself; nothing where it does not say it."""
    if key not in said:
        return key if key in form else ""
    return said[key] if any(f"{{{slot}}}" in form for slot in (key, key * 2, f"aa_{key}")) else ""


def _words(by: Speaker) -> dict[str, str]:
    """A word for each slot of a form; `aa` is `a` with its article."""
    a, b, place = by.any_of(*THINGS, "part"), by.any_of(*THINGS), by.any_of("place", "nature")
    chosen: dict[str, Said] = {
        "a": by.unknown("thing") if by.room and by.dice.random() < 0.25 else a,
        "b": by.unknown("thing") if by.room and by.dice.random() < 0.25 else b,
        "c": by.any_of("colour"),
        "p": by.unknown("place") if by.room and by.dice.random() < 0.15 else place,
        "t": by.any_of("time", "weather", "light"),
        "s": by.unknown("style") if by.room and by.dice.random() < 0.15 else by.any_of("style"),
        "q": by.unknown("quality") if by.room and by.dice.random() < 0.2 else by.any_of("quality"),
    }
    words = {key: word.wish.removesuffix("的") for key, word in chosen.items()}
    words |= {f"{key}{key}": article(words[key]) for key in "ab"}
    return words | {"aa_p": article(words["p"]), "n": by.dice.choice(_NUMBERS)}


if __name__ == "__main__":
    stream = examples(1)
    for _ in range(int(sys.argv[1])):
        print(next(stream))
