"""A second reader for replies that the rules would have to ask back about.

The model is opened when it is first needed and kept.  The invariant: nobody waits for it longer
than `patience` to open and a deadline to answer, and what it does not know stays a question.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from prompting.changes import understand
from prompting.changing.intents import IntentKind, ShownPicture, Understood
from prompting.second_reading import read_again
from prompting.writers.writer import Writer

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.25  # that a reply waits for the model to start; the next one finds it there


class ReplyReader:
    """Reads replies by rules, then by the model that `open_` gives, if it gives one."""

    def __init__(
        self, open_: Callable[[], Awaitable[Writer | None]], *, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._open, self._patience = open_, patience
        self._opening: asyncio.Task[Writer | None] | None = None

    async def understood(self, reply: str, shown: ShownPicture) -> Understood:
        """What a reply asks for.  Never raises."""
        found = understand(reply, shown)
        # What is taken for talk stays talk: no model draws where nobody may have asked for it.
        if found.sure or found.intents[0].kind is not IntentKind.ASK:
            return found
        writer = await self._writer()
        again = await read_again(reply, found.language, writer) if writer is not None else None
        return again or found

    async def close(self) -> None:
        """Let the model go."""
        if self._opening is None:
            return
        self._opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            writer = await self._opening
            if writer is not None:
                await writer.close()

    async def _writer(self) -> Writer | None:
        if self._opening is None:
            self._opening = asyncio.create_task(self._opened(), name="reader of replies")
        await asyncio.wait({self._opening}, timeout=self._patience)
        return self._opening.result() if self._opening.done() else None

    async def _opened(self) -> Writer | None:
        try:
            return await self._open()
        except Exception:
            # A reply does not depend on it.
            log.exception("the reader of replies cannot be opened")
            return None
