"""The language model of this installation: opened once, kept, and let go at the end.

    start() ─▶ built-in assistant, in a moment ─▶ the owner's GGUF or server, when it is there

The invariant: nobody waits for it longer than `patience`.  While the owner's choice is fetched or
loaded, the built-in assistant writes; where it cannot be opened, it goes on writing, and the choice
is tried again from time to time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from prompting.writers.absent import AbsentWriter
from prompting.writers.ladder import Opened, WriterConfig, open_writer
from prompting.writers.writer import Writer

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0  # that a wish waits for the built-in assistant to start
# Between two tries to open the owner's choice: a server may be started after the bot.
AGAIN_SECONDS = (60.0, 120.0, 300.0, 600.0)

Open = Callable[[WriterConfig], Awaitable[Opened]]
Guard = Callable[[Writer], Writer]  # the owner's choice -> the same, asked only when it may be


def unguarded(writer: Writer) -> Writer:
    """The writer itself, which may always be asked."""
    return writer


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHand:
    """Who writes now, and who steps in."""

    writer: Writer | None = None
    spare: Writer | None = None


class LanguageModel:
    """Opens what `config` describes, when it is first needed or `start`ed."""

    def __init__(
        self,
        config: WriterConfig,
        open_: Open | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        guard: Guard = unguarded,
        again: Sequence[float] = AGAIN_SECONDS,
    ) -> None:
        self._again = again
        self._config, self._open = config, open_ or _open_and_tell
        self._guard = guard
        self._opening: asyncio.Task[None] | None = None
        self._there, self._tried = asyncio.Event(), asyncio.Event()
        self._told: tuple[str, ...] = ()
        self._at_hand = AtHand()
        self._opened: list[Opened] = []
        self._patience = patience

    @property
    def chosen(self) -> bool:
        """Whether the owner wants another one than the built-in assistant."""
        return self._config.chosen

    def start(self) -> None:
        """Begin to open it, so that the first wish finds it there."""
        if self._opening is None:
            self._opening = asyncio.create_task(self._open_all(), name="language model")

    async def at_hand(self) -> AtHand:
        """Who writes now; nobody, while not even the built-in assistant is there."""
        self.start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._there.wait()
        return self._at_hand

    async def started(self) -> None:
        """Wait until it is there, or was tried once in vain, however long that takes."""
        self.start()
        await self._tried.wait()

    async def chosen_writer(self) -> Writer | None:
        """The owner's choice, where it has come within the patience; else None."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self.started()
        there = self._tried.is_set() and self._at_hand.spare is not None
        return self._at_hand.writer if there else None

    async def close(self) -> None:
        """Leave no process behind."""
        if self._opening is not None:
            self._opening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._opening
        for opened in self._opened:
            await opened.close()
        self._opened.clear()

    async def _open_all(self) -> None:
        try:
            own = (await self._kept(replace(self._config, model="", server=""))).writer
            self._at_hand = AtHand(writer=own)
            if not self._config.chosen:
                return
            name = self._config.model or self._config.server
            loading = AbsentWriter(name, "it is still being loaded")
            self._at_hand = AtHand(writer=loading, spare=own)
            self._there.set()  # who waits for words need not wait for this one
            await self._open_chosen(own)
        finally:
            self._there.set()
            self._tried.set()

    async def _open_chosen(self, own: Writer | None) -> None:
        for wait in chain(self._again, repeat(self._again[-1])):
            chosen = (await self._kept(replace(self._config, built_in=None))).writer
            if chosen is not None:
                self._at_hand = AtHand(writer=self._guard(chosen), spare=own)
                return
            self._at_hand = AtHand(writer=own)
            self._tried.set()
            await asyncio.sleep(wait)

    async def _kept(self, config: WriterConfig) -> Opened:
        try:
            opened = await self._open(config)
        except Exception:
            # The ladder promises not to; a picture does not depend on it.
            log.exception("the language model cannot be opened")
            return Opened(writer=None, notes=())
        if opened.writer is not None:
            self._opened.append(opened)
        if opened.notes != self._told:  # once, and not at every try
            self._told = opened.notes
            for note in opened.notes:
                log.warning("the assistant: %s", note)
        return opened


async def _open_and_tell(config: WriterConfig) -> Opened:
    told = [-1]

    def tell(done: int, total: int | None) -> None:
        percent = 100 * done // total if total else 0
        if percent >= told[0] + 5:
            told[0] = percent
            log.info("fetching the language model: %d %%", percent)

    return await open_writer(config, progress=tell)
