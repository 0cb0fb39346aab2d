"""The picture of /stats fairness: who had the GPU over the day, and how long people waited.

It is a card of its own colour, since it is looked at on dark pages and on light ones, and no name
stands in it: whoever forwards it tells nothing about anybody.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bot.languages.speaking import tr
from bot.pages.device import GPU
from bot.pages.lettering import FONT
from bot.pages.queue_page import part as percent
from bot.studio.stats import (
    DAY,
    OTHERS,
    SPAN,
    Area,
    Day,
    Viewer,
    Waits,
    parts,
    waited_by,
    waits_over_time,
)
from storage.accounts import BUCKET

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# One at a time, in a thread of its own: a second of work, and the bot goes on meanwhile.
ARTIST = ThreadPoolExecutor(1, thread_name_prefix="plot")

CARD, INK, FAINT = "#2b2d31", "#e3e5e8", "#4a4d55"
# What Discord draws for the emoji beside the names in the message.
COLOURS = {
    "🟦": "#55acee",
    "🟧": "#f4900c",
    "🟩": "#78b159",
    "🟥": "#dd2e44",
    "🟪": "#aa8ed6",
    "🟨": "#fdcb58",
    "🟫": "#c1694f",
    "💠": "#bdf0f4",
}
OTHERS_MARK, OTHERS_COLOUR = "⬜", "#8b8f98"
INCHES, DPI = (8.125, 5.2), 160  # letters that can be read at Discord's size
SHOWN = (1, 2, 4, 8, 12, DAY // 3600)  # hours
TICKS = (0.1, 1, 10, 60, 600, 3600, 36000)  # seconds


def marks(shown: tuple[Area, ...]) -> tuple[str, ...]:
    """The emoji of each part, in order."""
    people = iter(COLOURS)
    return tuple(OTHERS_MARK if part.name == OTHERS else next(people) for part in shown)


def draw(day: Day, viewer: Viewer, device: str = GPU) -> bytes:
    """The PNG.  Takes about a second: not on the event loop."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    layout = ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.15)
    with lettered():
        figure = Figure(figsize=INCHES, dpi=DPI, facecolor=CARD, layout=layout)
        FigureCanvasAgg(figure)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        for axes in (above, below):
            _plain(axes)
        _service(above, day, parts(day, viewer), device)
        _waits(below, day, viewer)
        out = io.BytesIO()
        figure.savefig(out, format="png", facecolor=CARD)
    return out.getvalue()


@contextmanager
def lettered() -> Iterator[None]:
    """Plots that are drawn within have letters for every language that is spoken here."""
    import matplotlib as mpl
    from matplotlib import font_manager

    font_manager.fontManager.addfont(FONT)
    ours = font_manager.FontProperties(fname=FONT).get_name()
    with mpl.rc_context({"font.family": ["DejaVu Sans", ours], "text.parse_math": False}):
        yield


def _service(axes: Axes, day: Day, shown: tuple[Area, ...], device: str) -> None:
    hours = [(bucket - day.until) / 3600 for bucket in day.buckets]
    # The last ten minutes are not over yet: they end now, and count for as long as they are.
    lengths = [BUCKET] * (len(hours) - 1) + [max(60.0, -hours[-1] * 3600)]
    at_work = [[s / long for s, long in zip(p.seconds, lengths, strict=True)] for p in shown]
    hours.append(0.0)
    at_work = [[*line, line[-1]] for line in at_work]
    people = iter(COLOURS.values())
    colours = [OTHERS_COLOUR if p.name == OTHERS else next(people) for p in shown]
    everything = sum(part.total for part in shown) or 1.0
    labels = [f"{tr(p.name)}  {percent(p.total / everything)}" for p in shown]
    axes.stackplot(hours, at_work, colors=colours, labels=labels, step="post", linewidth=0)
    axes.set_ylim(bottom=0)
    axes.set_title(
        tr("{device}s at work, and for whom", device=f"{device[0].upper()}{device[1:]}"),
        color=INK,
        loc="left",
        fontsize=15,
    )
    _legend(axes, reverse=True)


def _waits(axes: Axes, day: Day, viewer: Viewer) -> None:
    found = _with_gaps(waits_over_time(day))
    hours = [(w.at - day.until) / 3600 for w in found]
    style: dict[str, Any] = {"marker": "o", "markersize": 4, "linewidth": 2}
    axes.plot(
        hours,
        [_floored(w.p95) for w in found],
        color="#f4900c",
        label=tr("95 of 100 within"),
        **style,
    )
    axes.plot(
        hours, [_floored(w.p50) for w in found], color="#55acee", label=tr("half within"), **style
    )
    if mine := waited_by(day, viewer.id):
        axes.scatter(
            [(at - day.until) / 3600 for at, _ in mine],
            [_floored(seconds) for _, seconds in mine],
            color=INK, s=10, alpha=0.7, label=tr("yours"), zorder=3,
        )  # fmt: skip
    axes.set_yscale("log")
    axes.minorticks_off()
    most = max([w.p95 for w in found if not math.isnan(w.p95)] + [s for _, s in mine], default=1.0)
    axes.set_ylim(0.08, max(12.0, 1.6 * most))
    ticks = [t for t in TICKS if t <= max(12.0, 1.6 * most)]
    axes.set_yticks(ticks, [_tick(t) for t in ticks])
    shown = hours_shown(day)
    axes.set_xlim(-shown, 0)
    axes.set_xticks(*_hours_ticks(shown))
    axes.set_title(tr("How long pictures waited"), color=INK, loc="left", fontsize=15)
    _legend(axes)


def _tick(seconds: float) -> str:
    if seconds < 60:
        return tr("{n} s", n=f"{seconds:g}")
    if seconds < 3600:
        return tr("{n} min", n=f"{seconds / 60:g}")
    return tr("{n} h", n=f"{seconds / 3600:g}")


def hours_shown(day: Day) -> int:
    """Back to the first thing that happened: a day of one hour would be a sliver at the edge."""
    begun = [row.bucket for row in day.served] + [row.started_at for row in day.waits]
    oldest = (day.until - min(begin for begin in begun)) / 3600 if begun else 0.0
    return next((hours for hours in SHOWN if hours >= oldest), SHOWN[-1])


def _hours_ticks(hours: int) -> tuple[list[float], list[str]]:
    """Five ticks; of an hour they are in minutes."""
    ago = [hours * part / 4 for part in (4, 3, 2, 1)]
    if hours % 4 == 0:
        names = [tr("{n} h", n=f"{back:g}") for back in ago]
    else:
        names = [tr("{n} min", n=f"{back * 60:g}") for back in ago]
    oldest = tr("{time} ago", time=names[0])
    return [*(-back for back in ago), 0.0], [oldest, *names[1:], tr("now")]


def _floored(seconds: float) -> float:
    """What a logarithmic axis can show; a gap stays one."""
    return seconds if math.isnan(seconds) else max(seconds, 0.1)


def _with_gaps(found: tuple[Waits, ...]) -> list[Waits]:
    """A line is not drawn over hours in which nobody waited."""
    spaced: list[Waits] = []
    for waits in found:
        if spaced and waits.at - spaced[-1].at > SPAN:
            spaced.append(Waits(at=waits.at, p50=math.nan, p95=math.nan))
        spaced.append(waits)
    return spaced


def _plain(axes: Axes) -> None:
    axes.set_facecolor(CARD)
    axes.tick_params(colors=INK, labelsize=12, length=0)
    axes.grid(visible=True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(FAINT)


def _legend(axes: Axes, *, reverse: bool = False) -> None:
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, labelcolor=INK, fontsize=13,
        reverse=reverse,
        labelspacing=0.25,
        handlelength=1.4,
    )  # fmt: skip
