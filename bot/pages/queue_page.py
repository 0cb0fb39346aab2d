"""The page of /queue: who waits for what, how long, and why.

Pure.  Invariant: a reader sees their own words and nobody else's, and names only of people of the
server they ask in; the page fits into a message whatever waits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.dispatch.audience import Phase, Progress
from bot.pages.device import GPU
from bot.pages.quoting import quoted
from bot.pages.replies import MAX_CONTENT, WHY_PAUSED, bar
from storage.tickets import RequestId

# Rows of one's own, of others begun, of others waiting: the most that fits into a message.
ROWS = ((5, 6, 12), (4, 5, 8), (3, 4, 5), (2, 2, 3), (1, 1, 1))

NOBODY = "Nobody is waiting. The studio is yours."
HOW = (
    "Times: until all pictures of a request are ready. Percentages: parts of a {device} at "
    "present. Who had less of it lately goes first."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who looks, where (outside of servers there is no `guild`), and at what."""

    id: int
    guild: int | None
    device: str = GPU  # what they call that which draws


def queue_page(standings: Sequence[Progress], reader: Reader) -> str:
    """The line as that person may see it: their own requests first, then the others'."""
    if not standings:
        return NOBODY
    pages = (_page(standings, reader, *rows) for rows in ROWS)
    return next(page for page in pages if len(page) <= MAX_CONTENT)


def _page(standings: Sequence[Progress], reader: Reader, own: int, at_work: int, rest: int) -> str:
    mine = [s for s in standings if s.owner == reader.id]
    busy = [s for s in standings if s.owner != reader.id and s.phase is not Phase.WAITING]
    waiting = [s for s in standings if s.phase is Phase.WAITING]
    behind = [s for s in waiting if s.owner != reader.id]
    places = {s.request: place for place, s in enumerate(waiting, 1)}
    people = counted(len({s.owner for s in standings}), "person", "people")
    begun = len(standings) - len(waiting)
    lines = [f"### The queue: {len(waiting)} waiting, {begun} begun, {people}"]
    if mine:
        lines += ["**Yours**", *_yours(mine[:own], places), *_more(mine[own:])]
        lines += _reasons(mine, waiting, reader.device)
    if busy:
        lines += ["**Begun**", *(_row(s, reader, "") for s in busy[:at_work])]
        lines += _more(busy[at_work:])
    if behind:
        lines.append("**Waiting**")
        lines += [_row(s, reader, f"`{places[s.request]:>2}` ") for s in behind[:rest]]
        lines += _more(behind[rest:])
    lines.append(f"-# {HOW.format(device=reader.device)}")
    return "\n".join(lines)


def span(seconds: float) -> str:
    """A length of time as people say it, rounded up."""
    if seconds <= 10:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds <= 90:
        return f"{math.ceil(seconds / 5) * 5} s"
    if seconds <= 90 * 60:
        return f"{math.ceil(seconds / 60)} min"
    return f"{math.ceil(seconds / 1800) / 2:g} h"


def promise(standing: Progress) -> str:
    """When it is ready: what is likely, and what nine of ten such promises kept."""
    likely, surely = span(standing.ready_in), span(standing.ready_p90)
    if standing.ready_p90 <= standing.ready_in or likely == surely:
        return f"about {likely}"
    return f"about {likely}, almost surely within {surely}"


def part(share: float) -> str:
    """A fraction of one device (of several, more than one is possible); no line breaks in it."""
    return "<1\u00a0%" if share < 0.01 else f"{share * 100:.0f}\u00a0%"


def _yours(mine: Sequence[Progress], places: dict[RequestId, int]) -> list[str]:
    lines = []
    for standing in mine:
        words = quoted(standing.words, 60) or "A picture"
        where = _where(standing, places)
        lines.append(f"👉 **{words}**{_times(standing)}\n{where} · ready in {promise(standing)}")
    return lines


def _reasons(mine: Sequence[Progress], waiting: Sequence[Progress], device: str) -> list[str]:
    """What the reader gets of the device, and why others come first."""
    lines = [f"-# You get {part(max(s.share for s in mine))} of a {device} at present."]
    first = next((s for s in mine if s.phase is Phase.WAITING), None)
    if first is not None and (why := _why(first, waiting, device)):
        lines.append(f"-# {why}")
    return lines


def _where(standing: Progress, places: dict[RequestId, int]) -> str:
    if standing.phase is Phase.WAITING:
        if standing.ahead == 0:
            return "🕰️ next in line"
        before = counted(standing.ahead, "picture", "pictures")
        return f"🕰️ number {places[standing.request]} in line, {before} before it"
    return _doing(standing)


def _doing(standing: Progress) -> str:
    """What happens to one's own request that has begun."""
    if standing.paused:
        return f"⏸️ paused at step {_step(standing)} {WHY_PAUSED}"
    match standing.phase:
        case Phase.KEEPING:
            return "🖼️ drawn, being saved"
        case Phase.LOADING if standing.loading:
            return f"📦 reading the model {quoted(standing.loading, 40)}"
        case Phase.LOADING:
            return "📦 beginning"
        case _:
            cells = bar(standing.step, standing.steps)
            return f"🖌️ {cells} step {_step(standing)}"


def _row(standing: Progress, reader: Reader, place: str) -> str:
    """Somebody else's request, on one line of a phone."""
    near = reader.guild is not None and standing.guild == reader.guild
    who = f"<@{standing.owner}>" if near else "somebody elsewhere"
    parts = [f"{place}{who}{_times(standing)}", span(standing.ready_in), part(standing.share)]
    if standing.paused:
        parts.insert(1, "⏸️ paused")
    elif standing.phase is Phase.DRAWING:
        parts.insert(1, f"🖌️ {standing.step}/{standing.steps}")
    elif standing.phase is not Phase.WAITING:
        parts.insert(1, _doing(standing))
    return " · ".join(parts)


def _times(standing: Progress) -> str:
    """How many pictures, if more than one."""
    return f" ×{standing.total}" if standing.total > 1 else ""


def _step(standing: Progress) -> str:
    """Where the picture in the making is, and which of several it is."""
    which = f", picture {min(standing.done + 1, standing.total)}" if standing.total > 1 else ""
    return f"{standing.step} of {standing.steps}{which}"


def _why(mine: Progress, waiting: Sequence[Progress], device: str) -> str:
    """Why others come before, in a sentence."""
    before = waiting[: waiting.index(mine)]
    strangers = [s for s in before if s.owner != mine.owner]
    if not strangers:
        return ""
    people = len({s.owner for s in strangers})
    who = "One person comes" if people == 1 else f"{people} people come"
    asked_earlier = [s.request < mine.request for s in strangers]
    if all(asked_earlier):
        return f"{who} before you: they asked earlier."
    used_less = f"have had less of the {device} than you lately"
    if any(asked_earlier):
        return f"{who} before you: they asked earlier, or {used_less}."
    return f"{who} before you: they {used_less}, or need the model that is loaded."


def _more(left_out: Sequence[Progress]) -> list[str]:
    if not left_out:
        return []
    people = len({s.owner for s in left_out})
    more = counted(len(left_out), "more request", "more requests")
    return [f"…and {more} of {counted(people, 'person', 'people')}."]


def counted(number: int, one: str, many: str) -> str:
    """The number with its noun."""
    return f"{number} {one if number == 1 else many}"
