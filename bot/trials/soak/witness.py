"""The witness: writes down what the channels show, and tells whoever waits for it.

One line per message, in a file, because what is counted at the end must not grow in the process
that is measured:

    queued REQUEST             somebody was told that the request waits for its turn
    posted MESSAGE REQUEST N   a result with N pictures; REQUEST is 0 when it has no buttons

Invariant: it reads the events that Discord sends, never the bot's own memory.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from bot.sandbox.realtime import LiveEnv

RECENT = 400  # results and progress messages that can still be asked for

_BUTTON = re.compile(r"atelier:(again|cancel):(\d+)")

Value = TypeVar("Value")


class _News(Generic[Value]):
    """The last things that were seen, and those who wait for one that was not."""

    def __init__(self) -> None:
        self.seen: OrderedDict[int, Value] = OrderedDict()
        self.awaited: dict[int, asyncio.Future[Value | None]] = {}

    def tell(self, key: int, value: Value | None) -> None:
        if value is not None:
            self.seen[key] = value
            if len(self.seen) > RECENT:
                self.seen.popitem(last=False)
        future = self.awaited.pop(key, None)
        if future is not None and not future.done():
            future.set_result(value)

    async def get(self, key: int, seconds: float) -> Value | None:
        if key in self.seen:
            return self.seen[key]
        future = self.awaited.setdefault(key, asyncio.get_running_loop().create_future())
        done, _ = await asyncio.wait({future}, timeout=seconds)
        if not done:
            self.awaited.pop(key, None)
            return None
        return future.result()


class Witness:
    """Sees every message of the bot."""

    def __init__(self, env: LiveEnv, file: Path) -> None:
        self._env = env
        self._file = file.open("w", encoding="utf-8", buffering=1)
        self._progress: _News[int] = _News()  # message -> request
        self._results: _News[tuple[int, int]] = _News()  # request -> channel, message
        self.queued = self.posted = 0
        env.backend.subscribers.append(self._see)

    def close(self) -> None:
        """Look away."""
        self._env.backend.subscribers.remove(self._see)
        self._file.close()

    async def request_of(self, message: int, seconds: float) -> int | None:
        """The request whose progress this message shows; None when it was declined."""
        return await self._progress.get(message, seconds)

    async def result_of(self, request: int, seconds: float) -> tuple[int, int] | None:
        """Channel and message of a request's result; None when it did not come in time."""
        return await self._results.get(request, seconds)

    def recent(self, dice: random.Random) -> tuple[int, int, int] | None:
        """Some result of the last minutes: request, channel, message."""
        if not self._results.seen:
            return None
        request = dice.choice(tuple(self._results.seen))
        return (request, *self._results.seen[request])

    def _see(self, event: str, payload: Mapping[str, Any]) -> None:
        if event not in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            return
        if int(payload["author"]["id"]) != self._env.backend.bot_user.id:
            return
        message, shown = int(payload["id"]), _shown(payload)
        if "cancel" in shown:
            if message not in self._progress.seen:
                self.queued += 1
                self._file.write(f"queued {shown['cancel']}\n")
                self._progress.tell(message, shown["cancel"])
        elif event == "MESSAGE_UPDATE" and not payload["content"].startswith("📦"):
            self._progress.tell(message, None)  # an apology, or a question
        elif event == "MESSAGE_CREATE" and not payload.get("interaction_metadata"):
            self._posted(message, shown.get("again", 0), payload)

    def _posted(self, message: int, request: int, payload: Mapping[str, Any]) -> None:
        self.posted += 1
        self._file.write(f"posted {message} {request} {len(payload['attachments'])}\n")
        if request:
            self._results.tell(request, (int(payload["channel_id"]), message))


def _shown(payload: Mapping[str, Any]) -> dict[str, int]:
    """The requests that the message's buttons are about, by what the buttons do."""
    found = (_BUTTON.fullmatch(name) for name in _custom_ids(payload.get("components") or ()))
    return {match[1]: int(match[2]) for match in found if match}


def _custom_ids(components: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for component in components:
        if custom_id := component.get("custom_id"):
            yield custom_id
        yield from _custom_ids(component.get("components") or ())
