"""Models that an owner asks for from chat: fetched in the background, one after another.

A fetch is a thread's; the event loop only hears how far it is.  Invariant: chat names a model,
never an address or a file of this machine, and what arrives is offered without a restart.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.languages.speaking import name_of, tr
from generation.sources.adding import Added, add
from generation.sources.faults import SourceFailed
from generation.sources.fetching import Fetcher
from generation.sources.places import Places
from generation.sources.release import Release
from generation.sources.sources import Sources
from generation.sources.web import Web

OnBytes = Callable[[int], None]  # how many have come, of all files together


class FetchesAlready(SourceFailed):
    """One is being fetched; two at once would only slow each other."""


class Additions:
    """Fetches into one folder; `arrived` is told when something lies there."""

    def __init__(self, places: Places, folder: Path, arrived: Callable[[], None]) -> None:
        self._places, self._folder, self._arrived = places, folder, arrived
        self._stop: threading.Event | None = None  # of the one that is under way

    async def fetch(
        self, said: str, planned: Callable[[Sequence[Release]], None], on_bytes: OnBytes
    ) -> Added:
        """Fetch what was named; `planned` is told what it is.  Raises SourceFailed and OSError.

        Both are called in another thread.
        """
        if self._stop is not None:
            raise FetchesAlready(
                tr(
                    "I am fetching another model. Ask again when it is here, or `/{stop}` it.",
                    stop=f"{name_of('models')} {name_of('stop')}",
                )
            )
        self._stop = stop = threading.Event()
        try:
            return await asyncio.to_thread(self._fetched, said, stop, planned, on_bytes)
        finally:
            stop.set()  # whoever is cancelled leaves the thread behind
            self._stop = None
            self._arrived()

    def stop(self) -> bool:
        """End the one that is under way; what has come of it is kept.  Returns whether any was."""
        if self._stop is None:
            return False
        self._stop.set()
        return True

    def _fetched(
        self,
        said: str,
        stop: threading.Event,
        planned: Callable[[Sequence[Release]], None],
        on_bytes: OnBytes,
    ) -> Added:
        come: dict[str, int] = {}

        def watch(name: str, done: int, _of: int | None) -> None:
            come[name] = done
            on_bytes(sum(come.values()))

        with Web(stop=stop) as web:
            releases = Sources(web, self._places).releases(said)
            planned(releases)
            return add(releases, self._folder, Fetcher(web, self._folder, watch))
