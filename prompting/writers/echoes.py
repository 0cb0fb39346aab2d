"""What a model repeats of its instructions and examples instead of answering.

Small models copy: a detail of an example, a phrase of the instructions, three dots.  The invariant:
what is left of an answer was said about this wish; words of the wish itself are never an echo.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache

from prompting.errors import Unreadable
from prompting.writers import template
from prompting.writers.questions import REPLY, examples, question
from prompting.writers.writer import Ask

RUN = 4  # words in a row that nobody says by chance; of Chinese characters half as many again
_NOTHING = frozenset({"subject", "details", "style", "avoid", "none", "null", "na", "无"})
_SENTENCE = re.compile(r"[^.!?。！？]+(?:[.!?。！？]+\s*|$)")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+")

Words = tuple[str, ...]


def without_echoes(raw: str, ask: Ask) -> str:
    """The answer, in canonical form, without what was told to the model.

    Raises Unreadable where nothing of the subject is the model's own.
    """
    if question(ask.dialect) is REPLY:
        return raw  # each word of an answer about a reply is checked against the reply
    data = json.loads(raw)
    told = _Told.of(ask)
    if told.repeated(data["subject"], least=RUN):
        raise Unreadable("answer", "it repeats what the model was told", raw)
    kept = {
        name: [item for item in data.get(name, []) if not told.repeated(item, least=2)]
        for name in ("details", "style", "avoid")
    }
    sentences = _SENTENCE.findall(data.get("scene", ""))
    scene = "".join(said for said in sentences if not told.repeated(said, least=2)).strip()
    return template.answer(subject=data["subject"], scene=scene, **kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a model was told before it was asked, and the wish."""

    wish: Words
    texts: tuple[Words, ...]  # the instructions, and every part of the examples
    items: frozenset[Words]  # each part of the examples' answers

    @classmethod
    def of(cls, ask: Ask) -> _Told:
        """An example that shows the very wish tells nothing that the wish does not."""
        wish = _words(ask.text)
        texts = [_words(question(ask.dialect).instructions(ask.dialect, ask.language))]
        items: list[Words] = []
        for asked, parts in _shown(ask.dialect, ask.language):
            if not _holds(asked, wish) and not _holds(wish, asked):
                texts += [asked, *parts]
                items += parts
        return cls(wish=wish, texts=tuple(texts), items=frozenset(items))

    def repeated(self, text: str, *, least: int) -> bool:
        """Whether a text says nothing, or at least `least` words of what was told in a row."""
        words = _words(text)
        if all(word in _NOTHING for word in words):
            return True
        if _holds(self.wish, words):
            return False
        if words in self.items:
            return True
        if len(words) >= least and any(_holds(told, words) for told in self.texts):
            return True
        run = RUN if any(len(word) > 1 for word in words) else RUN + RUN // 2
        parts = [words[at : at + run] for at in range(len(words) - run + 1)]
        return any(
            not _holds(self.wish, part) and any(_holds(told, part) for told in self.texts)
            for part in parts
        )


@cache
def _shown(dialect: str, language: str) -> tuple[tuple[Words, tuple[Words, ...]], ...]:
    """The examples: each one's wish, and the parts of its answer."""
    shown = []
    for example in examples(dialect, language):
        answer = json.loads(example.answer)
        parts = [answer["subject"], *answer["style"], *answer["avoid"]]
        parts += answer.get("details", []) + _SENTENCE.findall(answer.get("scene", ""))
        shown.append((_words(example.wish), tuple(map(_words, parts))))
    return tuple(shown)


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text.casefold()))


def _holds(words: Words, part: Words) -> bool:
    """Whether a part stands in words, in a row."""
    return any(words[at : at + len(part)] == part for at in range(len(words) - len(part) + 1))
