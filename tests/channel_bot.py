"""The house with a channel that is a file: a program to be killed at any instant.

    python -m tests.channel_bot FOLDER REQUESTS

A channel must outlive the bot, as Discord does; a simulated one inside the process would not.  A
post is one line, appended in one write; looking whether something was posted is reading the file.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bot.audience import Outcome
from storage.tickets import RequestId
from tests.fakes import FakeWorker
from tests.houses import a_house, a_wish


class FileChannel:
    """An audience whose messages are the lines of a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def changed(self, request: RequestId) -> None:
        """Progress is not written down."""

    async def deliver(self, outcome: Outcome, *, perhaps_posted: bool) -> int | None:
        line = f"{outcome.request.id} {len(outcome.pictures)}"
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        if perhaps_posted and line in lines:
            return lines.index(line) + 1
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)
        # The instant in which a kill leaves a post that nobody has noted.
        await asyncio.sleep(0.01)
        return len(lines) + 1


async def main(folder: Path, requests: int) -> None:
    async with a_house(folder, FakeWorker(step_seconds=0.002)) as house:
        house.relay.audience = FileChannel(folder / "channel.txt")
        for number in range(requests):
            request = await house.studio.submit(a_wish(f"wish {number}", count=1 + number % 3))
            print("queued", request.id, flush=True)
        while house.studio.board.requests() or await house.stores.tickets.undelivered():  # noqa: ASYNC110  # a program for tests polls
            await asyncio.sleep(0.02)
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
