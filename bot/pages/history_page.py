"""What /stats pictures says beside its picture.  Pure."""

from __future__ import annotations

from bot.languages.amounts import number
from bot.languages.speaking import mark, tr, trn
from bot.pages.history_plot import MOST_PEOPLE
from bot.pages.quoting import quoted
from bot.pages.replies import whole
from bot.studio.histories import History

NOTHING = mark(
    "Nothing was drawn in these days. Ask for a picture with `/imagine`, and look again."
)
MOST_NAMED = 5


def history_page(history: History) -> str:
    """How many pictures, with what, and for moderators whom they were drawn for."""
    if not history.pictures:
        return tr(NOTHING)
    days = trn("the last {n} day", "the last {n} days", history.days)
    head = (
        tr("### Your pictures of {days}", days=days)
        if history.own
        else tr("### The pictures of this server, {days}", days=days)
    )
    busy = len({tally.day for tally in history.tallies})
    lines = [
        head,
        tr(
            "🖼️ **{count}**, on {busy} of {days} days",
            count=number(history.pictures),
            busy=busy,
            days=history.days,
        ),
        f"🧩 {_most(history.counted_by(lambda tally: tally.model))}",
    ]
    styles = history.counted_by(lambda tally: tally.style)
    styles.pop("", None)
    if styles:
        lines.append(f"🎨 {_most(styles)}")
    for place, (user, seconds) in enumerate(history.people[:MOST_PEOPLE], 1):
        minutes = number(round(seconds / 60, 1))
        lines.append(
            tr("{place} <@{user}>: {minutes} min", place=place, user=user, minutes=minutes)
        )
    return whole("\n".join(lines))


def _most(counts: dict[str, int]) -> str:
    """Names with their counts, the most first."""
    shown = [f"{quoted(name, 60)} {number(count)}" for name, count in counts.items() if name]
    return " · ".join(shown[:MOST_NAMED])
