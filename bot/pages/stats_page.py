"""What /stats says in words.  Pure."""

from __future__ import annotations

import math

from bot.pages.device import GPU
from bot.pages.fairness_plot import marks
from bot.pages.queue_page import counted, span
from bot.pages.queue_page import part as percent
from bot.pages.replies import MAX_CONTENT
from bot.studio.stats import YOU, Day, Viewer, evenness, parts, percentile, waited

NOTHING = (
    "Nothing was drawn in the last day, so there is nothing to tell yet. "
    "Ask for a picture with /imagine, and look again."
)


def today_page(day: Day, device: str = GPU) -> str:
    """Pictures, time of the device and waits of the last day."""
    if not day.served and not day.waits:
        return NOTHING
    seconds = sum(row.seconds for row in day.served)
    swaps = sum(row.swap_seconds for row in day.served)
    people = len({row.user for row in day.served} | {row.user for row in day.waits})
    weights = f", {percent(swaps / seconds)} of it for reading models" if seconds else ""
    lines = [
        "### The last 24 hours",
        f"🖼️ **{counted(len(day.waits), 'picture', 'pictures')}** begun, "
        f"for {counted(people, 'person', 'people')}",
        f"⏱️ **{_hours(seconds)}** of {device} time{weights}",
    ]
    return "\n".join([*lines, *_waits(day)])


def fairness_page(day: Day, viewer: Viewer, device: str = GPU) -> str:
    """Who had the device, beside the picture of it."""
    if not day.served:
        return NOTHING
    shown = parts(day, viewer)
    everything = sum(part.total for part in shown) or 1.0
    lines = [f"### Who had the {device} in the last 24 hours: {_hours(everything)}"]
    for mark, part in zip(marks(shown), shown, strict=True):
        named = part.user is not None and part.name != YOU
        who = f"{part.name} <@{part.user}>" if named else part.name
        lines.append(f"{mark} {who}: {_hours(part.total)}, {percent(part.total / everything)}")
    found = evenness(day)
    if found is None:
        lines.append("⚖️ No two people had to wait at the same time for ten minutes.")
    else:
        lines.append(
            f"⚖️ Evenness **{found.jain:.2f}** among those who waited at the same time "
            f"({found.spans} × 10 minutes); 1 is wholly equal."
        )
    return "\n".join([*lines, *_waits(day)])[:MAX_CONTENT]


def _waits(day: Day) -> list[str]:
    seconds = waited(day)
    if not seconds:
        return []
    half, most = percentile(seconds, 0.5), percentile(seconds, 0.95)
    return [f"🕰️ Half began within **{span(half)}**, 95 of 100 within **{span(most)}**"]


def _hours(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(max(seconds, 0.0))} s"  # a refund can be of service before that day
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
