"""What earlier releases wrote: `tests/data/released*`, whose READMEs say what each file is."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from generation.job import UserId
from generation.picture import Environment
from generation.reasons import Reason
from generation.recipe import dump
from storage.accounts import Ledger
from storage.database import Database
from storage.errors import Missing
from storage.people import People
from storage.pictures import PictureId, Pictures
from storage.tickets import Request, RequestId, Tickets
from storage.words import Wordings
from tests.given.builders import ANN, BEN

T = TypeVar("T")
Line = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """A folder of what one of them wrote."""

    folder: Path

    def lines(self, name: str) -> list[Line]:
        """The values of a file that has one on each line."""
        text = (self.folder / name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def recipes(self) -> list[Line]:
        return [
            line
            for name in ("recipes.jsonl", "pictures.jsonl", "marks.jsonl")
            for line in self.lines(name)
        ]

    @property
    def environment(self) -> Environment:
        return Environment(**json.loads((self.folder / "environment.json").read_text()))

    @property
    def flower(self) -> bytes:
        return (self.folder / "flower.png").read_bytes()


DATA = Path(__file__).parents[1] / "data"
FIRST, SECOND = Release(DATA / "released"), Release(DATA / "released-2")
RELEASES = (FIRST, SECOND)
TEXTS: list[str] = [line["recipe"] for release in RELEASES for line in release.recipes]


def _as_text(reason: Reason | None) -> str | None:
    """As the column held it when a reason was a text."""
    return None if reason is None else f"{reason.kind}: {reason.told}"


async def facts(database: Database) -> dict[str, Any]:
    """All that a database tells, as `facts.json` of the second release has it."""
    pictures, ledger = Pictures(database), Ledger(database)
    tickets, words, people = Tickets(database), Wordings(database), People(database)
    requests = await _all(lambda number: tickets.request(RequestId(number)))
    stored = await _all(lambda number: pictures.get(PictureId(number)))
    accounts = await ledger.load()
    return plain(
        {
            "requests": [_flat(asdict(request)) for request in requests],
            "tickets": [
                [
                    *(
                        t.request,
                        t.ordinal,
                        t.job.id,
                        t.state,
                        t.tries,
                        _as_text(t.reason),
                        t.picture,
                    ),
                    *(t.job.cost, t.job.recipe.id, dump(t.job.recipe)),
                ]
                for request in requests
                for t in await tickets.of_request(request.id)
            ],
            "pictures": [
                {
                    **{k: v for k, v in asdict(p).items() if k not in ("recipe", "environment")},
                    "recipe": dump(p.recipe),
                    "environment": p.environment.id,
                }
                for p in stored
            ],
            "wordings": {r.id: asdict(w) for r in requests if (w := await words.find(r.id))},
            "people": {
                user: await _liked(people, user, requests)
                for user in {*(r.origin.owner for r in requests), ANN, BEN}
            },
            "undelivered": await tickets.undelivered(),
            "held": await tickets.held(),
            "shown": [
                [p.message, [each.id for each in await pictures.of_message(p.message)]]
                for p in stored
                if p.message
            ],
            "groups": accounts.groups,
            "accounts": sorted(
                [group, user, asdict(account)] for (group, user), account in accounts.people.items()
            ),
            "served": [asdict(service) for service in await ledger.served_since(0.0)],
            "waits": [asdict(wait) for wait in await ledger.waits_since(0.0)],
            "costs": await ledger.load_costs(),
            "promises": await ledger.load_promises(),
        }
    )


async def _liked(people: People, user: UserId, requests: Sequence[Request]) -> Line:
    """What a person likes, as it stood in one row, with the seed of their newest request."""
    liked = await people.preferences(user)
    channels = [request.origin.channel for request in requests if request.origin.owner == user]
    last = await people.last_seed(user, channels[-1]) if channels else None
    return {**asdict(liked), "seed_mode": liked.seed_mode or "randomize", "last_seed": last}


def _flat(request: Line) -> Line:
    """Who asked, and where, stood among the other facts."""
    return {**request.pop("origin"), **request}


def plain(value: object) -> dict[str, Any]:
    """As JSON has it."""
    found: dict[str, Any] = json.loads(json.dumps(value, default=str))
    return found


async def _all(get: Callable[[int], Awaitable[T]]) -> list[T]:
    """What has a number, from the first one on."""
    found: list[T] = []
    while True:
        try:
            found.append(await get(len(found) + 1))
        except Missing:
            return found
