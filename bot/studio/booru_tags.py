"""The booru tags that the owner has put here, read once, when the first booru model is spoken to.

Invariant: whoever waits for them gets the same lists; a list that cannot be read takes no other
with it, and is named in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from prompting.speaking.taglists import TagLists, installed, read_tags

log = logging.getLogger(__name__)


class BooruTags:
    """Lists in folders; reading the largest takes seconds, so it is done beside everything else."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._reading: asyncio.Task[TagLists] | None = None

    @property
    def known(self) -> TagLists | None:
        """What was read already; None where there is nothing, or nobody has asked yet."""
        task = self._reading
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return task.result() or None

    async def read(self) -> TagLists | None:
        """The lists; None where there are none."""
        if not self._folders:
            return None
        if self._reading is None:
            self._reading = asyncio.create_task(asyncio.to_thread(self._read), name="booru tags")
        try:
            return await asyncio.shield(self._reading) or None
        except Exception:
            # A picture does not depend on them.
            log.exception("the lists of tags cannot be read")
            return None

    async def close(self) -> None:
        """Wait for a reading that is under way."""
        if self._reading is not None:
            await asyncio.wait({self._reading})

    def _read(self) -> TagLists:
        lists, refused = read_tags(self._folders)
        for error in refused:
            log.warning("a list of tags is left out: %s", error)
        lists.ready()
        return lists


def tag_folders(data: Path) -> tuple[Path, ...]:
    """Where lists of booru tags lie: the owner's, and those of an installed package."""
    own = data / "tags"
    return (*((own,) if own.is_dir() else ()), *installed())
