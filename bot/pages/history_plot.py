"""The picture of /stats pictures: by day, model and style, the waits, and persons for moderators.

Letters are large and panels stand below each other, since it is looked at on phones.  No person's
name stands in it: whoever forwards it tells nothing about anybody.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bot.languages.speaking import mark, tr
from bot.pages.fairness_plot import CARD, COLOURS, DPI, FAINT, INK, OTHERS_COLOUR, lettered
from bot.pages.quoting import plain
from bot.studio.histories import History
from storage.tallies import SECONDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_MODELS, MOST_STYLES, MOST_PEOPLE = 6, 8, 10
WIDE, HIGH = 8.125, 3.3  # inches, of a panel
NAME = 34  # letters
TICKS = (0.1, 1, 10, 60, 600, 3600, 36_000)  # seconds

BY_DAY = mark("Pictures a day, by model")
BY_STYLE = mark("Pictures by style")
WAITS = mark("Seconds that pictures waited")
PEOPLE = mark("Minutes of drawing, by person")
OTHERS = mark("others")
NO_STYLE = mark("no style")
HALF = mark("half within")
NEARLY_ALL = mark("95 of 100 within")

Panel = Callable[["Axes", History], None]


def draw_history(history: History) -> bytes:
    """The PNG.  Takes about a second: not on the event loop."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = _panels(history)
    size = (WIDE, HIGH * len(panels))
    with lettered():
        figure = Figure(figsize=size, dpi=DPI, facecolor=CARD, layout="constrained")
        FigureCanvasAgg(figure)
        for axes, panel in zip(
            figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True
        ):
            _plain(axes)
            panel(axes, history)
        out = io.BytesIO()
        figure.savefig(out, format="png", facecolor=CARD)
    return out.getvalue()


def _panels(history: History) -> list[Panel]:
    """Those that have something to show."""
    styled = any(tally.style for tally in history.tallies)
    wanted: list[tuple[bool, Panel]] = [
        (True, _by_day),
        (styled, _by_style),
        (bool(history.waits), _waits),
        (bool(history.people), _people),
    ]
    return [panel for shown, panel in wanted if shown]


def _by_day(axes: Axes, history: History) -> None:
    from matplotlib.ticker import MaxNLocator

    named = list(history.counted_by(lambda tally: tally.model))[:MOST_MODELS]
    counts = {name: [0] * history.days for name in (*named, OTHERS)}
    for tally in history.tallies:
        line = counts[tally.model if tally.model in named else OTHERS]
        line[min(tally.day, history.days - 1)] += tally.pictures
    colours = [*list(COLOURS.values())[:MOST_MODELS]]
    bottom = [0] * history.days
    days = _days(history)
    for number, (name, line) in enumerate(counts.items()):
        if not any(line):
            continue
        colour = OTHERS_COLOUR if name is OTHERS else colours[number]
        label = tr(OTHERS) if name is OTHERS else plain(name, NAME)
        axes.bar(days, line, bottom=bottom, width=0.85, color=colour, label=label)
        bottom = [below + more for below, more in zip(bottom, line, strict=True)]
    axes.set_title(tr(BY_DAY), color=INK, loc="left", fontsize=16)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    _dates(axes, history)
    _legend(axes)


def _by_style(axes: Axes, history: History) -> None:
    from matplotlib.ticker import MaxNLocator

    found = history.counted_by(lambda tally: tally.style)
    shown = list(found.items())[:MOST_STYLES]
    if left := sum(found.values()) - sum(count for _, count in shown):
        shown.append((tr(OTHERS), left))
    names = [plain(name, NAME) or tr(NO_STYLE) for name, _ in shown]
    _across(axes, names, [count for _, count in shown], "#78b159")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_title(tr(BY_STYLE), color=INK, loc="left", fontsize=16)


def _waits(axes: Axes, history: History) -> None:
    days = _days(history)
    half, most = [math.nan] * len(days), [math.nan] * len(days)
    for waits in history.waits:
        day = min(max(waits.day, 0), len(days) - 1)
        half[day], most[day] = max(waits.p50, 0.1), max(waits.p95, 0.1)
    for line, colour, label in ((most, "#f4900c", NEARLY_ALL), (half, "#55acee", HALF)):
        axes.plot(days, line, color=colour, marker="o", markersize=5, linewidth=2, label=tr(label))
    axes.set_yscale("log")
    axes.minorticks_off()
    top = max(12.0, 1.6 * max(seconds for seconds in most if not math.isnan(seconds)))
    ticks = [tick for tick in TICKS if tick <= top]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylim(0.08, top)
    axes.set_title(tr(WAITS), color=INK, loc="left", fontsize=16)
    _dates(axes, history)
    _legend(axes)


def _people(axes: Axes, history: History) -> None:
    shown = history.people[:MOST_PEOPLE]
    names = [str(number) for number in range(1, len(shown) + 1)]
    _across(axes, names, [seconds / 60 for _, seconds in shown], "#aa8ed6")
    axes.set_title(tr(PEOPLE), color=INK, loc="left", fontsize=16)


def _across(axes: Axes, names: Sequence[str], values: Sequence[float], colour: str) -> None:
    """Bars from left to right, the first on top; places by number, as names may be the same."""
    places = range(len(names))
    axes.barh(places, values, color=colour, height=0.7)
    axes.set_yticks(places, names)
    axes.invert_yaxis()


def _days(history: History) -> list[int]:
    """The days by how many came after them; the last one ends now."""
    return [day - history.days + 1 for day in range(history.days)]


def _dates(axes: Axes, history: History) -> None:
    """Four dates along the bottom."""
    step = max(1, history.days // 4)
    ticks = range(1 - history.days, 1, step)
    axes.set_xlim(0.5 - history.days, 0.6)
    said = [datetime.fromtimestamp(history.until + tick * SECONDS, UTC) for tick in ticks]
    axes.set_xticks(list(ticks), [f"{date:%Y-%m-%d}"[5:] for date in said])


def _plain(axes: Axes) -> None:
    axes.set_facecolor(CARD)
    axes.tick_params(colors=INK, labelsize=13, length=0)
    axes.grid(visible=True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(FAINT)


def _legend(axes: Axes) -> None:
    """Below the panel: beside it there is no room on a phone, and within it are the numbers."""
    axes.legend(
        loc="upper left", bbox_to_anchor=(0.0, -0.1), ncols=2, frameon=False, labelcolor=INK,
        fontsize=13, labelspacing=0.25, handlelength=1.2,
    )  # fmt: skip
