"""A writer that is not there: not yet, or not now.

The invariant: whoever asks it hears at once why, and waits for nothing.
"""

from __future__ import annotations

from prompting.errors import WriterUnavailable
from prompting.writers import template
from prompting.writers.writer import Answer, Ask


class AbsentWriter:
    """A `Writer` in whose place the spare one writes; `reason` is a clause."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self._reason = name, reason
        self.digest, self.template = "", template.VERSION
        self.placeholders = 0

    async def write(self, ask: Ask) -> Answer:  # noqa: ARG002  # whatever is asked
        raise WriterUnavailable(self._reason)

    async def close(self) -> None:
        """There is nothing to close."""
