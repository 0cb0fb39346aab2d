"""What /status says: how full the machine is, and which of its resources limits.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.pages.quoting import plain
from bot.studio.resources import FULL, Resource, limiting

BARS = 10


def status_page(found: Sequence[Resource]) -> str:
    """A line for each resource, and what limits."""
    lines = ["### How full this machine is"]
    for each in found:
        filled = round(min(1.0, max(0.0, each.used)) * BARS)
        bar = "▰" * filled + "▱" * (BARS - filled)
        lines.append(f"`{bar}` **{plain(each.name, 80)}** {each.used:.0%} {each.amount}".rstrip())
    full = limiting(found)
    if full is None:
        lines.append(f"Nothing limits: each of them is below {FULL:.0%}.")
    else:
        lines.append(f"**{plain(full.name, 80)}** limits: it is the first above {FULL:.0%}.")
    return "\n".join(lines)
