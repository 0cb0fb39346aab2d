"""Lives through a day, audits it and shows what came of it."""

from __future__ import annotations

import argparse
import asyncio
import shutil

from bot.cli.terminal import aside
from bot.settings import Settings
from bot.trials.bench.table import load, machine, markdown, show, write
from bot.trials.soak.day import live_through
from bot.trials.soak.verdict import Ordeal


def soak(settings: Settings, asked: argparse.Namespace) -> int:
    """Live through a day, audit it, print; 0 when every target is met."""
    plan = Ordeal(
        seconds=asked.minutes * 60, people=asked.people, hours=asked.hours, seed=asked.seed
    )
    folder = settings.data / "soak"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    busy = load()
    lived = asyncio.run(live_through(plan, settings, folder, say=_say))
    about = machine(busy)
    if asked.markdown:
        print(markdown(lived.figures, about))
    else:
        show(lived.figures, about)
    for finding in lived.findings:
        aside().print(f"  {finding}", markup=False)
    write(settings.data / "soak.json", lived.figures, about)
    return 0 if all(figure.passed for figure in lived.figures) else 1


def _say(line: str) -> None:
    aside().print(line, markup=False)
