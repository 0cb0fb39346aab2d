"""What /stats says in words.  Pure."""

from __future__ import annotations

import math

from bot.languages.speaking import mark, tr, trn
from bot.pages.device import GPU
from bot.pages.fairness_plot import marks
from bot.pages.queue_page import part as percent
from bot.pages.queue_page import span
from bot.pages.replies import MAX_CONTENT
from bot.studio.stats import YOU, Day, Viewer, evenness, parts, percentile, waited

NOTHING = mark(
    "Nothing was drawn in the last day, so there is nothing to tell yet. "
    "Ask for a picture with /imagine, and look again."
)


def today_page(day: Day, device: str = GPU) -> str:
    """Pictures, time of the device and waits of the last day."""
    if not day.served and not day.waits:
        return tr(NOTHING)
    seconds = sum(row.seconds for row in day.served)
    swaps = sum(row.swap_seconds for row in day.served)
    people = len({row.user for row in day.served} | {row.user for row in day.waits})
    drawn = tr("⏱️ **{time}** of {device} time", time=_hours(seconds), device=device)
    if seconds:
        drawn = tr(
            "⏱️ **{time}** of {device} time, {part} of it for reading models",
            time=_hours(seconds),
            device=device,
            part=percent(swaps / seconds),
        )
    begun = trn("**{n} picture** begun", "**{n} pictures** begun", len(day.waits))
    lines = [
        tr("### The last 24 hours"),
        trn("🖼️ {begun}, for {n} person", "🖼️ {begun}, for {n} people", people, begun=begun),
        drawn,
    ]
    return "\n".join([*lines, *_waits(day)])


def fairness_page(day: Day, viewer: Viewer, device: str = GPU) -> str:
    """Who had the device, beside the picture of it."""
    if not day.served:
        return tr(NOTHING)
    shown = parts(day, viewer)
    everything = sum(part.total for part in shown) or 1.0
    lines = [
        tr(
            "### Who had the {device} in the last 24 hours: {time}",
            device=device,
            time=_hours(everything),
        )
    ]
    for emoji, part in zip(marks(shown), shown, strict=True):
        named = part.user is not None and part.name != YOU
        who = f"{part.name} <@{part.user}>" if named else tr(part.name)
        lines.append(f"{emoji} {who}: {_hours(part.total)}, {percent(part.total / everything)}")
    found = evenness(day)
    if found is None:
        lines.append(tr("⚖️ No two people had to wait at the same time for ten minutes."))
    else:
        lines.append(
            tr(
                "⚖️ Evenness **{evenness}** among those who waited at the same time "
                "({spans} × 10 minutes); 1 is wholly equal.",
                evenness=f"{found.jain:.2f}",
                spans=found.spans,
            )
        )
    return "\n".join([*lines, *_waits(day)])[:MAX_CONTENT]


def _waits(day: Day) -> list[str]:
    seconds = waited(day)
    if not seconds:
        return []
    half, most = percentile(seconds, 0.5), percentile(seconds, 0.95)
    return [
        tr(
            "🕰️ Half began within **{half}**, 95 of 100 within **{most}**",
            half=span(half),
            most=span(most),
        )
    ]


def _hours(seconds: float) -> str:
    if seconds < 90:
        # A refund can be of service before that day.
        return tr("{n} s", n=math.ceil(max(seconds, 0.0)))
    if seconds < 5400:
        return tr("{n} min", n=f"{seconds / 60:.0f}")
    return tr("{n} h", n=f"{seconds / 3600:.1f}")
