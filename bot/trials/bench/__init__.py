"""`make bench`: what was promised in numbers, measured on this machine.

    drawing      the worker against plain diffusers; the gap between two jobs
    pausing      what a pause costs, and how soon a small job is seen beside a long one
    talking      how late the event loop is, and how late people are answered
    keeping      what the database costs
    queueing     what a decision of the queue costs while a crowd waits
    restarting   how soon a restarted bot draws again while ten thousand jobs wait
    hostile      what a text costs the event loop that was made to cost much

Every figure is "at most".  A target that is a time is stretched by what a fixed piece of work
takes in the same run (`generation.yardstick`), so that a slow or busy machine fails for what is
slow about the program and not about itself.  The one table goes to the screen, the same numbers to
var/bench.json with the machine's name.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import time

from bot.cli.terminal import aside
from bot.settings import Settings
from bot.trials.bench import drawing, hostile, keeping, pausing, queueing, restarting, talking
from bot.trials.bench.figure import Figure, Ground, Measurement
from bot.trials.bench.table import load, machine, markdown, show, write
from generation.yardstick import machine_slowness, processor_slowness

MEASUREMENTS: dict[str, Measurement] = {
    "worker": drawing.against_diffusers,
    "gap": drawing.gaps,
    "pause": pausing.pausing,
    "talk": talking.talking,
    "commit": keeping.commits,
    "lookup": keeping.lookups,
    "queue": queueing.decisions,
    "restart": restarting.restarts,
    "hostile": hostile.hostile,
}


def bench(settings: Settings, asked: argparse.Namespace) -> int:
    """Measure, print, write; 0 when every target is met."""
    if asked.list:
        print("\n".join(MEASUREMENTS))
        return 0
    unknown = sorted(set(asked.only) - set(MEASUREMENTS))
    if unknown:
        aside().print(f"There is no measurement {', '.join(unknown)}: {', '.join(MEASUREMENTS)}")
        return 2
    busy = load()
    figures = asyncio.run(_measure(settings, asked.only or tuple(MEASUREMENTS)))
    about = machine(busy)
    if asked.markdown:
        print(markdown(figures, about))
    else:
        show(figures, about)
    write(settings.data / "bench.json", figures, about)
    return 0 if all(figure.passed for figure in figures) else 1


async def _measure(settings: Settings, names: list[str] | tuple[str, ...]) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    for name in names:
        folder = settings.data / "bench" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        began = time.monotonic()
        aside().print(f"measuring: {name} ...")
        before, bare = machine_slowness(), processor_slowness()
        measured = await MEASUREMENTS[name](Ground(settings=settings, folder=folder))
        slowness, bare = max(before, machine_slowness()), max(bare, processor_slowness())
        figures += [figure.at_pace(bare if figure.processor else slowness) for figure in measured]
        aside().print(f"  {time.monotonic() - began:.0f} s")
        shutil.rmtree(folder, ignore_errors=True)
    return tuple(figures)
