"""`make bench`: what was promised in numbers, measured on this machine.

    drawing    the worker against plain diffusers; the gap between two jobs
    talking    how late the event loop is, and how late people are answered
    keeping    what the database costs

Every figure is "at most", and compared with its target within the same run, so that a slow machine
fails for what is slow about the program and not about itself.  The one table goes to the screen,
the same numbers to var/bench.json with the machine's name.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.markup import escape
from rich.table import Table

from bot.bench import drawing, keeping, talking
from bot.bench.figure import Figure, Ground, Measurement
from bot.settings import Settings
from bot.terminal import aside, output

MEASUREMENTS: dict[str, Measurement] = {
    "worker": drawing.against_diffusers,
    "gap": drawing.gaps,
    "talk": talking.talking,
    "commit": keeping.commits,
    "lookup": keeping.lookups,
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
    load = _load()
    figures = asyncio.run(_measure(settings, asked.only or tuple(MEASUREMENTS)))
    machine = _machine(load)
    if asked.markdown:
        print(_markdown(figures, machine))
    else:
        _show(figures, machine)
    _write(settings.data / "bench.json", figures, machine)
    return 0 if all(figure.passed for figure in figures) else 1


async def _measure(settings: Settings, names: list[str] | tuple[str, ...]) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    for name in names:
        folder = settings.data / "bench" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        began = time.monotonic()
        aside().print(f"measuring: {name} ...")
        figures += await MEASUREMENTS[name](Ground(settings=settings, folder=folder))
        aside().print(f"  {time.monotonic() - began:.0f} s")
        shutil.rmtree(folder, ignore_errors=True)
    return tuple(figures)


def _machine(load: float) -> dict[str, object]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_at_start": load,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


def _load() -> float:
    """How busy the machine was with other things: processes that wanted to run, on average."""
    return float(round(psutil.getloadavg()[0], 1))


def _show(figures: tuple[Figure, ...], machine: dict[str, object]) -> None:
    out = output()
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for column in ("", "measured", "at most", "", "how"):
        table.add_column(column, justify="right" if column in ("measured", "at most") else "left")
    for figure in figures:
        table.add_row(
            figure.what,
            figure.spelled(figure.value),
            figure.spelled(figure.target),
            "[green]pass[/]" if figure.passed else "[red]FAIL[/]",
            escape(figure.how),
        )
    out.print(table)
    out.print("\n" + ", ".join(f"{key} {value}" for key, value in machine.items()), style="dim")
    if float(str(machine["load_at_start"])) > 0.5:
        out.print("The machine was busy with other things: times include them.", style="yellow")


def _markdown(figures: tuple[Figure, ...], machine: dict[str, object]) -> str:
    lines = ["| | Measured | At most | | How |", "|---|---:|---:|---|---|"]
    for figure in figures:
        verdict = "pass" if figure.passed else "**FAIL**"
        measured, target = figure.spelled(figure.value), figure.spelled(figure.target)
        lines.append(f"| {figure.what} | {measured} | {target} | {verdict} | {figure.how} |")
    lines += ["", "Machine: " + ", ".join(f"{key} {value}" for key, value in machine.items()) + "."]
    return "\n".join(lines)


def _write(path: Path, figures: tuple[Figure, ...], machine: dict[str, object]) -> None:
    said = {
        "machine": machine,
        "figures": [{**asdict(figure), "passed": figure.passed} for figure in figures],
    }
    path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
