"""The port to any language model.

    Writer.write(Ask) -> Answer        raises a PromptingError, or is cancelled; never hangs

The invariant: `write` ends within `ask.deadline` seconds and a short grace, whatever the model
does.  An answer is one line of JSON in the grammar of its question
(`prompting.writers.questions`); for the same writer (`digest`, `template`) and the same ask it is
always the same text, unless the deadline `cut` it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

DEADLINE = 8.0  # seconds that a wish waits for its words, if nobody says


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question to a model."""

    text: str  # the wish: data, whatever it says
    dialect: str  # one of prompting.writers.template.DIALECTS, REPLY, or a row that is prose
    seed: int  # only its lowest 31 bits count
    temperature: float  # 0: the likeliest answer, whatever the seed
    deadline: float = DEADLINE  # seconds, from the call of `write`
    language: str = "en"  # the language of the answer, one of prompting.writers.template.LANGUAGES


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model said."""

    raw: str
    seconds: float  # from the call of `write`
    cut: bool = False  # whether the deadline ended it: another time it may say more


class Writer(Protocol):
    """A language model that fills slots.

    `placeholders` says how many of `prompting.writers.template.PLACEHOLDERS` stand for unknown
    words in what this model reads and writes; 0 means that it reads any word itself.
    """

    @property
    def name(self) -> str:
        """For people: "built-in assistant (llama.cpp)"."""

    @property
    def digest(self) -> str:
        """Which weights: the sha256 of a GGUF, or "server:model"."""

    @property
    def template(self) -> str:
        """Version of what the model is asked."""

    @property
    def placeholders(self) -> int: ...

    async def write(self, ask: Ask) -> Answer:
        """Ask once.  Cancelling the task cancels the model within 200 ms."""

    async def close(self) -> None:
        """Leave no process and no connection behind."""
