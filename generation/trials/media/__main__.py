"""Whether each work that the built-in models make is made again to the last bit, in four ways.

    python -m generation.trials.media --count 100 [--seed 1] [--models FOLDER ...]

Recipes are thrown over all media whose models are here.  Each is made; then again in another
process that has made other works, and once more there of the recipe in its file; behind every one
of its steps paused, while a work of another medium is made; and after the first process was killed
in the middle of a work.  The invariant: the exit status is 0 if and only if nothing differs.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import generation
from generation.catalog.catalog import Catalog
from generation.errors import GenerationError
from generation.media.table import MEDIA
from generation.picture import Environment
from generation.trials.media import ways
from generation.trials.media.recipes import missing, models_of, thrown
from generation.trials.media.ways import KeptWorks, Remade, TrialGround

BUILT_IN = Path(generation.__file__).parent / "starter" / "models"
OTHERS = 3  # works of each medium that are none of those that are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOutcome:
    """What was found, and where."""

    environment: Environment
    again: Sequence[Remade]
    pauses: int

    @property
    def differing(self) -> list[Remade]:
        """What is another work."""
        return [one for one in self.again if one.differs]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and what differs."""
    parser = argparse.ArgumentParser("python -m generation.trials.media", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="recipes, over all media together")
    parser.add_argument("--seed", type=int, default=1, help="of the dice")
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--models", type=Path, action="append", metavar="FOLDER", help="instead of the built-in"
    )
    given = parser.parse_args(arguments)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ground = TrialGround(models=given.models or [BUILT_IN], device=given.device, folder=folder)
        catalog = Catalog(ground.models, folder / "digests.json")
        catalog.scan()
        for family in missing(catalog):
            print(f"{family.title} is not here yet, and nothing is asked of it.")
        if not models_of(catalog):
            print("There is no model here that makes anything.")
            return 1
        try:
            outcome = asyncio.run(tried(catalog, ground, given.count, given.seed))
        except GenerationError as error:
            print(f"It could not be told, as a work was not made at all: {error}")
            return 1
    print(table(outcome.again))
    print(told(outcome, time.perf_counter() - began))
    for one in outcome.differing:
        asked = one.original.asked
        print(f"{asked.medium} {asked.recipe.id}, {one.way}: {', '.join(one.differs)}")
    return 1 if outcome.differing else 0


async def tried(catalog: Catalog, ground: TrialGround, count: int, seed: int) -> TrialOutcome:
    """Make everything, and everything again."""
    models, dice = models_of(catalog), Random(seed)
    works = ground.folder / "works"
    works.mkdir()
    folder = KeptWorks(works)
    async with ground.maker() as maker:
        environment = await maker.start()
        asked = thrown(models, count, seed, environment.device)
        others = thrown(models, OTHERS * len(models), seed + 1, environment.device)
        _say(f"making {len(asked)} works")
        originals = await ways.first_made(maker, asked, folder)
        _say(ways.RESTARTED)
        again = await ways.after_a_death(maker, originals)
    async with ground.maker(preview_every=1) as maker:
        _say(ways.ELSEWHERE)
        again += await ways.elsewhere(maker, originals, others, dice)
        _say(ways.FROM_FILE)
        again += await ways.from_files(maker, originals, folder, dice)
    async with ground.maker(ways.HALTING, preview_every=1) as maker:
        _say(ways.PAUSED)
        again += await ways.paused(maker, originals, others)
        pauses = maker.pauses
    return TrialOutcome(environment=environment, again=again, pauses=pauses)


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def table(again: Sequence[Remade]) -> str:
    """Markdown: a row for each medium, and how many of its works are others."""
    media = [name for name in MEDIA if any(one.original.asked.medium == name for one in again)]
    lines = [f"| medium | recipes | {' | '.join(ways.WAYS)} |", "|---" * (2 + len(ways.WAYS)) + "|"]
    for medium in [*media, *(["all"] if len(media) > 1 else [])]:
        mine = [one for one in again if medium in (one.original.asked.medium, "all")]
        recipes = len({one.original.asked.recipe.id for one in mine})
        cells = [_cell([one for one in mine if one.way == way]) for way in ways.WAYS]
        lines.append(f"| {medium} | {recipes} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(again: Sequence[Remade]) -> str:
    return f"{sum(bool(one.differs) for one in again)} of {len(again)} differ"


def told(outcome: TrialOutcome, seconds: float) -> str:
    """What the table does not say."""
    here = outcome.environment
    return (
        f"{len(outcome.differing)} of {len(outcome.again)} works that were made again differ; "
        f"{outcome.pauses} pauses; {seconds / 60:.0f} minutes on {here.device} ({here.hardware}, "
        f"{here.threads} thread), torch {here.torch}; the probe said: {here.probe}"
    )


if __name__ == "__main__":
    sys.exit(main())
