"""Remembers what a writer answered, so that one call serves a batch and every family.

The invariant: a key names everything that decides an answer, so an answer from here is the one
that the writer would give again.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple, Protocol

from prompting.writers.writer import Answer, Ask, Writer


class Key(NamedTuple):
    """Everything that decides an answer."""

    digest: str
    template: str
    text: str
    dialect: str
    language: str
    seed: int
    temperature: float

    @classmethod
    def of(cls, writer: Writer, ask: Ask) -> Key:
        return cls(
            writer.digest,
            writer.template,
            ask.text,
            ask.dialect,
            ask.language,
            ask.seed,
            ask.temperature,
        )


class AnswerCache(Protocol):
    """Where answers are kept."""

    def get(self, key: Key) -> Answer | None: ...

    def put(self, key: Key, answer: Answer) -> None: ...


class Memory:
    """The last answers, as many as `size`; the one not asked for longest goes first."""

    def __init__(self, size: int = 1000) -> None:
        self._size = size
        self._answers: OrderedDict[Key, Answer] = OrderedDict()

    def get(self, key: Key) -> Answer | None:
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: Key, answer: Answer) -> None:
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > self._size:
            self._answers.popitem(last=False)
