"""Whether the assistant helps: wishes drawn with it and without it, read by the starter's judge.

    python -m bot.trials.assist_benefit [--wishes FILE] [--out FOLDER] [--limit N]

Every wish of `prompting/starter/starter_wishes.jsonl` is drawn twice with the same seed by the
built-in image model: with assist, and as it was typed.  The judge is a program of its own, because
torch stays out of the bot.  The invariant: both pictures of a wish differ in their words alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import prompting
from bot.app import open_app
from bot.cli.direct import ConsoleAudience, console, raise_reason
from bot.settings import Settings
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftWords
from generation.media.table import medium_of
from prompting.trials.measures import share, wilson
from storage.people import AssistMode

WISHES = Path(prompting.__file__).parent / "starter" / "starter_wishes.jsonl"
SEED = 1000  # of the first wish; the next has the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A wish and what its picture must show, in the judge's words."""

    wish: str
    object: str
    colour: str
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WishPicture:
    """One picture of a wish."""

    wanted: Wanted
    mode: AssistMode
    prompt: str
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A picture and what the judge saw."""

    drawn: WishPicture
    object: str
    colour: str

    @property
    def right(self) -> bool:
        """Whether object and colour are those of the wish."""
        wanted = self.drawn.wanted
        return (self.object, self.colour) == (wanted.object, wanted.colour)


def read(path: Path) -> tuple[Wanted, ...]:
    """The wishes of a JSON-lines file."""
    rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    return tuple(
        Wanted(wish=r["wish"], object=r["object"], colour=r["colour"], lang=r["lang"]) for r in rows
    )


async def draw(wanted: Sequence[Wanted], folder: Path) -> list[WishPicture]:
    """Both pictures of every wish, through the queue and the worker as everybody's."""
    settings = Settings(data=folder / "data")
    drawn: list[WishPicture] = []
    async with open_app(settings) as app:
        waiting = ConsoleAudience(app.studio)
        async with app.at_work(waiting):
            for number, one in enumerate(wanted):
                for mode in (AssistMode.OFF, AssistMode.ON):
                    drawn.append(await _draw(waiting, one, mode, SEED + number, folder))
                    print(f"{mode.value:4} {one.wish} > {drawn[-1].prompt}", file=sys.stderr)
    return drawn


async def _draw(
    waiting: ConsoleAudience, wanted: Wanted, mode: AssistMode, seed: int, folder: Path
) -> WishPicture:
    wish = Wish(
        origin=console(), draft=Draft(words=DraftWords(prompt=wanted.wish)), seed=seed, assist=mode
    )
    outcome = await waiting.draw(wish, lambda _: None)
    if not outcome.pictures:
        raise_reason(outcome)
    picture = outcome.pictures[0]
    suffix = medium_of(picture.recipe).suffix_for(outcome.files[0])
    file = folder / f"{seed}-{mode.value}{suffix}"
    file.write_bytes(outcome.files[0])
    return WishPicture(wanted=wanted, mode=mode, prompt=picture.recipe.prompt, file=file)


def judge(drawn: Sequence[WishPicture]) -> list[Seen]:
    """What the judge sees in the pictures."""
    command = [
        sys.executable,
        "-m",
        "generation.training.starter.judge",
        *(str(d.file) for d in drawn),
    ]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    seen = {row["file"]: row for row in map(json.loads, lines)}
    return [
        Seen(drawn=d, object=seen[str(d.file)]["object"], colour=seen[str(d.file)]["colour"])
        for d in drawn
    ]


def table(seen: Sequence[Seen]) -> str:
    """How often object and colour are right, with assist and without it, in Markdown."""
    lines = ["| wishes | without assist | with assist |", "|---|---|---|"]
    for lang in ("all", *dict.fromkeys(s.drawn.wanted.lang for s in seen)):
        some = [s for s in seen if lang in ("all", s.drawn.wanted.lang)]
        cells = [
            share([s.right for s in some if s.drawn.mode is mode])
            for mode in (AssistMode.OFF, AssistMode.ON)
        ]
        lines.append(f"| {lang} | {' | '.join(cells)} |")
    gained, lost = _changed(seen)
    low, high = wilson(gained, gained + lost)
    lines += [
        "",
        f"Right only with assist: {gained}; right only without: {lost} (of the wishes that differ, "
        f"{100 * low:.0f} to {100 * high:.0f} % are better with assist, 95 %).",
    ]
    return "\n".join(lines)


def _changed(seen: Sequence[Seen]) -> tuple[int, int]:
    """Wishes that only one of the two ways got right: with assist, and without."""
    off = {s.drawn.wanted.wish: s.right for s in seen if s.drawn.mode is AssistMode.OFF}
    on = {s.drawn.wanted.wish: s.right for s in seen if s.drawn.mode is AssistMode.ON}
    return (
        sum(on[wish] and not off[wish] for wish in on),
        sum(off[wish] and not on[wish] for wish in on),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit status is returned."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.trials.assist_benefit",
        description="Measures whether the assistant helps.",
    )
    parser.add_argument("--wishes", type=Path, default=WISHES)
    parser.add_argument("--out", type=Path, help="keep the pictures in this folder")
    parser.add_argument("--limit", type=int, help="only so many wishes")
    asked = parser.parse_args(arguments)
    wanted = read(asked.wishes)[: asked.limit]
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = asked.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        seen = judge(asyncio.run(draw(wanted, folder)))
    for one in seen:
        shown = f"{one.colour} {one.object}"
        mark = "right" if one.right else "wrong"
        print(f"{one.drawn.mode.value:4} {mark} {shown:16} {one.drawn.prompt}", file=sys.stderr)
    print(table(seen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
