"""What it costs to find pictures by words, among many and within the rights of whoever asks."""

from __future__ import annotations

import random
import time

from bot.trials.bench.figure import Figure, Ground, nearly_all
from bot.trials.bench.keeping import crowded, opened
from generation.job import UserId
from storage.found import Reach, SearchIndex, Sought
from storage.ids import PictureId
from storage.trials.wishes import COMMON, spread, wishes

PICTURES = 100_000
QUESTIONS = 600
CHANNELS = range(1000, 1060)  # of the server
READABLE = frozenset(CHANNELS[:40])  # to the one who asks
PAGE = 12
TARGET = 50.0  # ms


async def searches(ground: Ground) -> tuple[Figure, ...]:
    """Fill a memory with wishes of many words, and look for some of them."""
    async with opened(ground) as database:
        began = time.perf_counter()
        await crowded(database, PICTURES)
        await spread(database, CHANNELS)
        index = SearchIndex(database)
        while await index.fill():
            pass
        filled = time.perf_counter() - began
        seconds = [await _asked(index, *question) for question in _questions()]
        began = time.perf_counter()
        await index.scrub()
        scrubbed = time.perf_counter() - began
    how = (
        f"{QUESTIONS} questions in English and Chinese, with and without filters, some of words "
        f"that are in every picture, to one who reads {len(READABLE)} of {len(CHANNELS)} channels; "
        f"filled in {filled:.0f} s, written anew after a deletion in {scrubbed:.1f} s"
    )
    return (
        nearly_all(
            "search among 100,000 pictures",
            seconds,
            95,
            TARGET,
            name="search_pictures",
            how=how,
        ),
    )


def _questions() -> list[tuple[Sought, Reach, PictureId | None]]:
    dice = random.Random(3)
    said = list(wishes(QUESTIONS, seed=1))
    found = []
    for number, wish in enumerate(said):
        words = _some(wish, dice, number)
        person = UserId(1000 + dice.randrange(4999))
        sought = Sought(
            words=words,
            person=person if number % 11 == 0 else None,
            model="starter" if number % 7 == 0 else "",
            until=dice.uniform(0, PICTURES / 4) if number % 13 == 0 else None,
            starred_by=person if number % 17 == 0 else None,
        )
        channels = frozenset({dice.choice(CHANNELS)}) if number % 5 == 0 else READABLE
        reach = Reach(own=person if number % 3 else None, channels=channels)
        before = PictureId(dice.randrange(PICTURES)) if number % 4 == 0 else None
        found.append((sought, reach, before))
    return found


def _some(wish: str, dice: random.Random, number: int) -> str:
    """One to three words of a wish, two letters of a Chinese one, or none at all."""
    if number % 10 == 9:
        return dice.choice(("", "vase", "flower soft", *COMMON))  # in nearly every picture
    parts = wish.split()
    if len(parts) == 1:
        at, letters = dice.randrange(len(wish) - 2), dice.choice((1, 2, 2, 3))
        return wish[at : at + letters]
    return " ".join(dice.sample(parts, k=dice.choice((1, 1, 2, 3))))


async def _asked(
    index: SearchIndex, sought: Sought, reach: Reach, before: PictureId | None
) -> float:
    began = time.perf_counter()
    await index.page(sought, reach, limit=PAGE, before=before)
    return time.perf_counter() - began
