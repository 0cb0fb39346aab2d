"""What /status says: how full the machine is, and which of its resources limits.  Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.languages.speaking import tr
from bot.pages.quoting import code, plain
from bot.studio.resources import FULL, Resource, limiting

BARS = 10


def status_page(found: Sequence[Resource]) -> str:
    """A line for each resource, and what limits."""
    lines = [tr("### How full this machine is")]
    for each in found:
        filled = round(min(1.0, max(0.0, each.used)) * BARS)
        bar = "▰" * filled + "▱" * (BARS - filled)
        lines.append(f"`{bar}` **{plain(each.name, 80)}** {each.used:.0%} {each.amount}".rstrip())
    full = limiting(found)
    if full is None:
        lines.append(tr("Nothing limits: each of them is below {share}.", share=f"{FULL:.0%}"))
    else:
        lines.append(
            tr(
                "**{name}** limits: it is the first above {share}.",
                name=plain(full.name, 80),
                share=f"{FULL:.0%}",
            )
        )
    return "\n".join(lines)


def pages_line(address: str | None) -> str:
    """Whether the bot's own pages are served, for those who look after the server."""
    if address is None:
        return tr("🌐 My own pages in a browser are off (`web.on` in config.toml).")
    return tr(
        "🌐 My own pages in a browser are at {address}: the mask painter and the gallery.",
        address=code(address, 200),
    )
