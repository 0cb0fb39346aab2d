"""A writer that says what the test wants: for tests of what is done with its answers."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable

from prompting.errors import PromptingError, WriterTimeout
from prompting.writers import template
from prompting.writers.writer import Answer, Ask

Line = str | PromptingError | Callable[[Ask], str]


def echo(ask: Ask) -> str:
    """The wish itself as the subject, and nothing else."""
    return template.answer(subject=ask.text.replace('"', "'").replace("\\", "/") or "nothing")


class ScriptedWriter:
    """Says one line of the script after the other, and the last one for ever.

    A line is an answer, a function that makes one, or an error that is raised.  `asked` holds
    every question.  `hangs` answers nothing until the deadline, and then times out.
    """

    def __init__(
        self,
        script: Iterable[Line] = (echo,),
        *,
        name: str = "scripted writer",
        placeholders: int = 0,
        hangs: bool = False,
    ) -> None:
        self._script = list(script)
        self.name, self.placeholders, self.hangs = name, placeholders, hangs
        self.digest = hashlib.sha256(name.encode()).hexdigest()
        self.template = template.VERSION
        self.asked: list[Ask] = []
        self.closed = False

    async def write(self, ask: Ask) -> Answer:
        self.asked.append(ask)
        if self.hangs:
            await asyncio.sleep(ask.deadline)
            raise WriterTimeout(ask.deadline)
        line = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(line, PromptingError):
            raise line
        return Answer(raw=line if isinstance(line, str) else line(ask), seconds=0.0)

    async def close(self) -> None:
        self.closed = True
