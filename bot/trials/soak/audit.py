"""The audit after the day: every request that somebody was told of, held against what was posted.

Three witnesses are compared: the messages that the simulated Discord showed (a file), the database
(opened anew, after the bot has left it) and the pictures' files.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from generation.recipe import Sha256
from storage.database import Database
from storage.errors import StorageError
from storage.files import Files
from storage.ids import RequestId
from storage.trials.audit import Reckoned, files_of, reckon


@dataclass(slots=True, kw_only=True)
class ChannelsSeen:
    """What the channels showed."""

    queued: set[int] = field(default_factory=set)  # requests that somebody was told of
    results: Counter[int] = field(default_factory=Counter)  # by request
    pictures: Counter[int] = field(default_factory=Counter)  # by request
    messages: set[int] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Audit:
    """What does not add up, one sentence each."""

    requests: int = 0
    pictures: int = 0
    cancelled: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left_open: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def seen(file: Path) -> ChannelsSeen:
    """Read the witness's file."""
    found = ChannelsSeen()
    for line in file.read_text(encoding="utf-8").splitlines():
        match line.split():
            case ["queued", request]:
                found.queued.add(int(request))
            case ["posted", message, request, pictures]:
                found.messages.add(int(message))
                if int(request):
                    found.results[int(request)] += 1
                    found.pictures[int(request)] += int(pictures)
    return found


async def audit(data: Path, witnessed: Path, *, after: RequestId) -> Audit:
    """Compare.  The bot must have been closed."""
    database = await Database.open(data / "atelier.sqlite3")
    try:
        reckoned = await reckon(database, after=after)
        digests = await files_of(database, after=after)
    finally:
        await database.close()
    found = await asyncio.to_thread(seen, witnessed)
    result = Audit(requests=len(reckoned), pictures=sum(r.drawn for r in reckoned))
    known = {int(each.request) for each in reckoned}
    for missing in sorted(found.queued - known):
        result.lost.append(f"request {missing} was acknowledged and is not in the database")
    for stranger in sorted(set(found.results) - known):
        result.doubled.append(f"a result of request {stranger}, which is not in the database")
    for each in reckoned:
        _hold(each, found, result)
    result.damaged = await asyncio.to_thread(_damaged, Files(data / "files"), digests)
    return result


def _hold(each: Reckoned, found: ChannelsSeen, result: Audit) -> None:
    """One request against the channel."""
    posted = found.results[each.request]
    if each.open or not each.told:
        result.left_open.append(f"request {each.request}: {each.open} open, told: {each.told}")
        return
    if each.wholly_cancelled:
        result.cancelled += 1
        if posted:
            result.doubled.append(f"request {each.request} was cancelled, and posted all the same")
        return
    shown = posted if each.drawn else int(each.message in found.messages)
    if shown == 0:
        result.lost.append(f"request {each.request}: {each.drawn} pictures, never posted")
    elif shown > 1:
        result.doubled.append(f"request {each.request} was posted {shown} times")
    elif each.drawn and found.pictures[each.request] != each.drawn:
        posted_pictures = found.pictures[each.request]
        result.lost.append(f"request {each.request}: {posted_pictures} of {each.drawn} pictures")
    elif each.message not in found.messages:
        result.lost.append(f"request {each.request}: noted in message {each.message}, not posted")


def _damaged(files: Files, digests: tuple[str, ...]) -> list[str]:
    bad = []
    for digest in digests:
        try:
            files.read(Sha256(digest))
        except StorageError as error:
            bad.append(str(error))
    return bad
