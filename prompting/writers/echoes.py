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
from prompting.reading.prose import divided, together
from prompting.writers import template
from prompting.writers.questions import REPLY, examples, question
from prompting.writers.writer import Ask

# So many words in a row nobody says by chance: as many of the instructions or of a scene that was
# shown; of what else was shown, so many words that mean something.  Of Chinese characters, half as
# many again.
RUN, PAIR = 4, 2
_NOTHING = frozenset({"subject", "details", "style", "avoid", "none", "null", "na", "无"})
_SMALL = frozenset(
    {
        *("a", "an", "and", "as", "at", "by", "for", "from", "in", "into", "is", "it", "its"),
        *("of", "on", "or", "that", "the", "their", "they", "this", "to", "with"),
    }
)
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+")


def without_echoes(raw: str, ask: Ask) -> str:
    """The answer, in canonical form, without what was told to the model.

    Raises Unreadable where nothing of the subject is the model's own.
    """
    if question(ask.dialect) is REPLY:
        return raw  # each word of an answer about a reply is checked against the reply
    data = json.loads(raw)
    told = _Told.of(ask)
    if told.repeated(data["subject"]):
        raise Unreadable("answer", "it repeats what the model was told", raw)
    kept = {
        name: [item for item in data.get(name, []) if not told.repeated(item)]
        for name in ("details", "style", "avoid")
    }
    whole, rest = divided(data.get("scene", ""))
    own = tuple(said for said in (*whole, rest) if not told.repeated(said, prose=True))
    scene = together(own, "zh" if ask.language == "zh" else "en")
    return template.answer(subject=data["subject"], scene=scene, **kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a model was told before it was asked, and the wish; each text with blanks around it."""

    wish: str
    texts: str  # the instructions, and all that was shown
    parts: str  # of the answers that were shown, but for scenes: words that mean something
    items: frozenset[str]  # those parts, whole

    @classmethod
    def of(cls, ask: Ask) -> _Told:
        """An example that shows the very wish tells nothing that the wish does not."""
        wish = _spaced(_words(ask.text))
        texts = [question(ask.dialect).instructions(ask.dialect, ask.language)]
        parts: list[str] = []
        for asked, of_answer, scene in _shown(ask.dialect, ask.language):
            if _spaced(_words(asked)) not in wish and wish not in _spaced(_words(asked)):
                texts += [asked, *of_answer, scene]
                parts += of_answer
        return cls(
            wish=wish,
            texts=" | ".join(_spaced(_words(text)) for text in texts),
            parts=" | ".join(_spaced(_meaning(_words(part))) for part in parts),
            items=frozenset(_spaced(_words(part)) for part in parts),
        )

    def repeated(self, text: str, *, prose: bool = False) -> bool:
        """Whether a text says nothing, or what was told.  Of prose only whole phrases count."""
        words = _words(text)
        if all(word in _NOTHING for word in words):
            return True
        if (whole := _spaced(words)) in self.wish:
            return False
        if whole in self.items or (len(words) > 1 and whole in self.texts):
            return True
        return self._said(words, RUN, self.texts) or (
            not prose and self._said(_meaning(words), PAIR, self.parts)
        )

    def _said(self, words: list[str], run: int, told: str) -> bool:
        """Whether so many of the words stand in a row in what was told, and not in the wish."""
        if all(len(word) == 1 for word in words):
            run = RUN + RUN // 2
        rows = (_spaced(words[at : at + run]) for at in range(len(words) - run + 1))
        return any(row in told and row not in self.wish for row in rows)


@cache
def _shown(dialect: str, language: str) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """The examples: each one's wish, the parts of its answer, and its scene."""
    shown = []
    for example in examples(dialect, language):
        answer = json.loads(example.answer)
        parts = (answer["subject"], *answer["style"], *answer["avoid"], *answer.get("details", []))
        shown.append((example.wish, parts, answer.get("scene", "")))
    return tuple(shown)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _meaning(words: list[str]) -> list[str]:
    return [word for word in words if word not in _SMALL]


def _spaced(words: list[str]) -> str:
    return f" {' '.join(words)} "
