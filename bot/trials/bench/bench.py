"""Takes the measurements and shows them; 0 when every target is met."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import time

from bot.cli.terminal import aside
from bot.settings import Settings
from bot.trials.bench import (
    browsing,
    drawing,
    hostile,
    keeping,
    pausing,
    pressing,
    queueing,
    restarting,
    searching,
    talking,
)
from bot.trials.bench.figure import Figure, Ground, Measurement
from bot.trials.bench.table import load, machine, markdown, show, write
from generation.yardstick import machine_slowness, processor_slowness

MEASUREMENTS: dict[str, Measurement] = {
    "worker": drawing.against_diffusers,
    "gap": drawing.gaps,
    "pause": pausing.pausing,
    "talk": talking.talking,
    "press": pressing.pressing,
    "commit": keeping.commits,
    "lookup": keeping.lookups,
    "search": searching.searches,
    "gallery": browsing.pages,
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
