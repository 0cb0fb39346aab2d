"""Invented wishes, of many words and some that nearly all share, for a crowd to have asked for.

For `make bench` only; equal numbers give equal wishes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from storage.database import Database
from storage.ids import LARGEST

_SYLLABLES = (
    *("ka", "lo", "mi", "ren", "sta", "vor", "eth", "ul", "bra"),
    *("ney", "zor", "qui", "pel", "dra", "mon", "tis", "gar", "fen"),
)
_LETTERS = "红色花朵猫狗山水夜城市雪月星光海边森林女孩武士龙凤少年蓝天白云古老建筑街道雨中灯火"
COMMON = ("flower", "night", "portrait", "detailed", "soft", "light")


def wishes(count: int, *, seed: int = 1) -> Iterator[str]:
    """That many; every fifth is Chinese."""
    dice = random.Random(seed)
    words = ["".join(dice.choices(_SYLLABLES, k=dice.randint(2, 3))) for _ in range(20_000)]
    for number in range(count):
        if number % 5 == 4:
            yield "".join(dice.choices(_LETTERS, k=dice.randint(6, 30)))
            continue
        # As in any language: a few words are said often, most of them nearly never.
        rare = [words[int(len(words) * dice.random() ** 3)] for _ in range(dice.randint(5, 30))]
        yield " ".join(dice.sample(COMMON, k=3) + rare)


async def spread(database: Database, channels: Sequence[int]) -> None:
    """Let every request of a crowd be of a wish of its own, in one of these channels."""
    dice = random.Random(2)
    rows = await database.rows("SELECT id FROM requests ORDER BY id")
    async with database.transaction("spread") as db:
        await db.executemany(
            "UPDATE requests SET words = ?, channel = ? WHERE id = ?",
            [
                (wish, dice.choice(channels), row["id"])
                for row, wish in zip(rows, wishes(len(rows)), strict=True)
            ],
        )
        # As a database of an earlier release: nothing of it is in the index yet.
        await db.execute("DELETE FROM found")
        await db.execute("UPDATE found_down_to SET picture = ?", (LARGEST,))
