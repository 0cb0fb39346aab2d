"""The table of figures, with the machine they were measured on."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.markup import escape
from rich.table import Table

from bot.cli.terminal import output
from bot.trials.bench.figure import Figure


def machine(busy: float) -> dict[str, object]:
    """What the figures were measured on; `busy` is the load before they were."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_at_start": busy,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


def load() -> float:
    """How busy the machine was with other things: processes that wanted to run, on average."""
    return float(round(psutil.getloadavg()[0], 1))


def show(figures: tuple[Figure, ...], about: dict[str, object]) -> None:
    """To the screen."""
    out = output()
    table = Table(box=None, header_style="bold", padding=(0, 1))
    for column in ("", "measured", "at most", "", "how"):
        table.add_column(column, justify="right" if column in ("measured", "at most") else "left")
    for figure in figures:
        table.add_row(
            figure.what,
            figure.spelled(figure.value),
            figure.spelled(figure.target),
            f"[{'green' if figure.passed else 'red'}]{_verdict(figure)}[/]",
            escape(figure.how),
        )
    out.print(table)
    out.print("\n" + ", ".join(f"{key} {value}" for key, value in about.items()), style="dim")
    if float(str(about["load_at_start"])) > 0.5:
        out.print("The machine was busy with other things: times include them.", style="yellow")


def _verdict(figure: Figure) -> str:
    if not figure.judged:
        return "shown"
    return "pass" if figure.passed else "FAIL"


def markdown(figures: tuple[Figure, ...], about: dict[str, object]) -> str:
    """As docs/performance.md has it."""
    lines = ["| | Measured | At most | | How |", "|---|---:|---:|---|---|"]
    for figure in figures:
        verdict = _verdict(figure).replace("FAIL", "**FAIL**")
        measured, target = figure.spelled(figure.value), figure.spelled(figure.target)
        lines.append(f"| {figure.what} | {measured} | {target} | {verdict} | {figure.how} |")
    lines += ["", "Machine: " + ", ".join(f"{key} {value}" for key, value in about.items()) + "."]
    return "\n".join(lines)


def write(path: Path, figures: tuple[Figure, ...], about: dict[str, object]) -> None:
    """As JSON; what is not finite there is null."""
    said = {"machine": about, "figures": [_facts(figure) for figure in figures]}
    path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def _facts(figure: Figure) -> dict[str, object]:
    facts = {**asdict(figure), "passed": figure.passed}
    unbounded = (float("inf"), float("-inf"))
    return {name: None if fact in unbounded else fact for name, fact in facts.items()}
