"""Pictures of earlier releases, made to be found by words while the bot does its work.

Some at a time, the newest first, with a rest between: whoever asks for a picture meanwhile waits
for a piece at most.  A restart goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging

from storage.errors import StorageError
from storage.found import SearchIndex

log = logging.getLogger(__name__)

REST = 0.1  # seconds between two pieces
AFTER_TROUBLE = 60.0


async def find_earlier(index: SearchIndex) -> None:
    """Read all of them into the index; returns when none is left."""
    while True:
        try:
            if await index.filled():
                return
            await index.fill()
            await asyncio.sleep(REST)
        except StorageError:
            log.exception("earlier pictures cannot be read into the index; trying again")
            await asyncio.sleep(AFTER_TROUBLE)
