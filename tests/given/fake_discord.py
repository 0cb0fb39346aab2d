"""As much of Discord as a poster sees: places that take or refuse, and a bot that may die anywhere.

    discord = FakeDiscord()
    discord.refuse(place, status=403, code=50013, files=True)   posts with files are refused there
    discord.dies_at = 7    the bot dies at the seventh call, before or after it had its effect

What is posted outlives the bot.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import discord


class Death(BaseException):
    """The bot was killed here."""


@dataclass(slots=True)
class Posted:
    """A message as it is."""

    id: int
    place: int
    content: str = ""
    files: int = 0
    view: discord.ui.View | None = None

    @property
    def result_of(self) -> int | None:
        """The request whose result it shows, by its button."""
        for item in self.view.children if self.view else ():
            custom = str(getattr(getattr(item, "item", item), "custom_id", ""))
            if custom.startswith("atelier:again:"):
                return int(custom.split(":")[2])
        return None


@dataclass(slots=True)
class Rule:
    """What a place refuses."""

    place: int
    method: str
    files: bool | None
    reference: bool | None
    status: int
    code: int
    left: int | None


class Refusing:
    """Stands in for the HTTP answer in discord.py's errors."""

    def __init__(self, status: int) -> None:
        self.status, self.reason = status, ""


_CLASSES: dict[int, type[discord.HTTPException]] = {
    403: discord.Forbidden,
    404: discord.NotFound,
}


@dataclass(slots=True)
class FakeDiscord:
    """The client, as far as the poster asks it."""

    messages: dict[int, Posted] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    calls: int = 0
    dies_at: int | None = None
    late: bool = False  # it dies after the call had its effect
    user: Any = "the bot"
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(5000))

    def refuse(
        self,
        place: int,
        method: str = "POST",
        *,
        status: int = 403,
        code: int = 50013,
        files: bool | None = None,
        reference: bool | None = None,
        times: int | None = None,
    ) -> None:
        self.rules.append(Rule(place, method, files, reference, status, code, times))

    def client(self) -> discord.Client:
        return cast(discord.Client, self)

    def results(self, request: int) -> list[Posted]:
        return [m for m in self.messages.values() if m.result_of == request]

    # -- what discord.py has --------------------------------------------------------------------

    def get_channel(self, _: int) -> None:
        """Nothing is cached."""
        return

    def get_partial_messageable(self, place: int) -> Place:
        return Place(self, place)

    async def create_dm(self, user: discord.abc.Snowflake) -> Place:
        place = Place(self, user.id + 10**6)
        self.call(place.id, "DM", lambda: None)
        return place

    # -- what happens ---------------------------------------------------------------------------

    def call(
        self,
        place: int,
        method: str,
        effect: Callable[[], Any],
        *,
        files: bool = False,
        reference: bool = False,
    ) -> Any:
        """One request to Discord."""
        self.calls += 1
        dies = self.calls == self.dies_at
        if dies and not self.late:
            raise Death
        for rule in self.rules:
            if (rule.place, rule.method) != (place, method) or rule.left == 0:
                continue
            if rule.files not in (None, files) or rule.reference not in (None, reference):
                continue
            rule.left = None if rule.left is None else rule.left - 1
            if dies:
                raise Death
            kind = discord.DiscordServerError if rule.status >= 500 else discord.HTTPException
            raise _CLASSES.get(rule.status, kind)(
                cast(Any, Refusing(rule.status)), {"code": rule.code, "message": "no"}
            )
        done = effect()
        if dies:
            raise Death
        return done

    def post(self, place: int, **parts: Any) -> Posted:
        message = Posted(next(self._numbers), place)
        self.messages[message.id] = message
        return self.change(message, **parts)

    def change(self, message: Posted, **parts: Any) -> Posted:
        message.content = parts.get("content", message.content)
        message.view = parts.get("view")
        message.files = len(parts.get("files", parts.get("attachments", ())))
        return message


@dataclass(slots=True)
class Place:
    """A channel, or direct messages."""

    discord: FakeDiscord
    id: int

    async def send(self, **parts: Any) -> Any:
        posted = self.discord.call(
            self.id,
            "POST",
            lambda: self.discord.post(self.id, **parts),
            files=bool(parts["files"]),
            reference="reference" in parts,
        )
        return SimpleNamespace(id=posted.id, channel=self)

    def get_partial_message(self, number: int) -> Handle:
        return Handle(self.discord, self.id, number)

    async def fetch_message(self, number: int) -> Any:
        found = self.discord.call(self.id, "GET", lambda: self.discord.messages.get(number))
        if found is None:
            raise discord.NotFound(cast(Any, Refusing(404)), {"code": 10008, "message": "none"})
        return _seen(found)

    async def history(self, *, limit: int) -> AsyncIterator[Any]:
        everything = self.discord.call(self.id, "GET", lambda: list(self.discord.messages.values()))
        here = [message for message in everything if message.place == self.id]
        for message in here[::-1][:limit]:
            yield _seen(message)


@dataclass(slots=True)
class Handle:
    """A message of which the number is known."""

    discord: FakeDiscord
    place: int
    id: int

    async def edit(self, **parts: Any) -> None:
        message = self._there()
        self.discord.call(
            self.place,
            "PATCH",
            lambda: self.discord.change(message, **parts),
            files=bool(parts.get("attachments")),
        )

    async def delete(self) -> None:
        self._there()
        self.discord.call(self.place, "DELETE", lambda: self.discord.messages.pop(self.id))

    def _there(self) -> Posted:
        message = self.discord.messages.get(self.id)
        if message is None:
            raise discord.NotFound(cast(Any, Refusing(404)), {"code": 10008, "message": "none"})
        return message


def _seen(message: Posted) -> Any:
    """The message as discord.py would give it."""
    ids = [
        SimpleNamespace(custom_id=str(getattr(getattr(item, "item", item), "custom_id", "")))
        for item in (message.view.children if message.view else ())
    ]
    return SimpleNamespace(
        id=message.id, author="the bot", components=[SimpleNamespace(children=ids)]
    )
