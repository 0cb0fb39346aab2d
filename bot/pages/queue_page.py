"""The page of /queue: who waits for what, how long, and why.

Pure.  Invariant: a reader sees their own words and nobody else's, and names only of people of the
server they ask in; the page fits into a message whatever waits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.dispatch.audience import Phase, Progress
from bot.languages.speaking import mark, tr, trn
from bot.pages.device import GPU
from bot.pages.quoting import quoted
from bot.pages.replies import MAX_CONTENT, bar
from bot.pages.replies import called as request_called
from storage.tickets import RequestId

# Rows of one's own, of others begun, of others waiting: the most that fits into a message.
ROWS = ((5, 6, 12), (4, 5, 8), (3, 4, 5), (2, 2, 3), (1, 1, 1))

NOBODY = mark("Nobody is waiting. The studio is yours.")
HOW = mark(
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
        return tr(NOBODY)
    pages = (_page(standings, reader, *rows) for rows in ROWS)
    return next(page for page in pages if len(page) <= MAX_CONTENT)


def _page(standings: Sequence[Progress], reader: Reader, own: int, at_work: int, rest: int) -> str:
    mine = [s for s in standings if s.owner == reader.id]
    busy = [s for s in standings if s.owner != reader.id and s.phase is not Phase.WAITING]
    waiting = [s for s in standings if s.phase is Phase.WAITING]
    behind = [s for s in waiting if s.owner != reader.id]
    places = {s.request: place for place, s in enumerate(waiting, 1)}
    head = trn(
        "### The queue: {waiting} waiting, {begun} begun, {n} person",
        "### The queue: {waiting} waiting, {begun} begun, {n} people",
        len({s.owner for s in standings}),
        waiting=len(waiting),
        begun=len(standings) - len(waiting),
    )
    lines = [head]
    if mine:
        lines += [tr("**Yours**"), *_yours(mine[:own], places), *_more(mine[own:])]
        lines += _reasons(mine, waiting, reader.device)
    if busy:
        lines += [tr("**Begun**"), *(_row(s, reader, "") for s in busy[:at_work])]
        lines += _more(busy[at_work:])
    if behind:
        lines.append(tr("**Waiting**"))
        lines += [_row(s, reader, f"`{places[s.request]:>2}` ") for s in behind[:rest]]
        lines += _more(behind[rest:])
    lines.append(f"-# {tr(HOW, device=reader.device)}")
    return "\n".join(lines)


def span(seconds: float) -> str:
    """A length of time as people say it, rounded up."""
    if seconds <= 10:
        return tr("{n} s", n=max(1, math.ceil(seconds)))
    if seconds <= 90:
        return tr("{n} s", n=math.ceil(seconds / 5) * 5)
    if seconds <= 90 * 60:
        return tr("{n} min", n=math.ceil(seconds / 60))
    return tr("{n} h", n=f"{math.ceil(seconds / 1800) / 2:g}")


def promise(standing: Progress) -> str:
    """When it is ready: what is likely, and what nine of ten such promises kept."""
    likely, surely = span(standing.ready_in), span(standing.ready_p90)
    if standing.ready_p90 <= standing.ready_in or likely == surely:
        return tr("about {likely}", likely=likely)
    return tr("about {likely}, almost surely within {surely}", likely=likely, surely=surely)


def part(share: float) -> str:
    """A fraction of one device (of several, more than one is possible); no line breaks in it."""
    return "<1\u00a0%" if share < 0.01 else f"{share * 100:.0f}\u00a0%"


def _yours(mine: Sequence[Progress], places: dict[RequestId, int]) -> list[str]:
    lines = []
    for standing in mine:
        words = request_called(standing.words, 60)
        where = _where(standing, places)
        ready = tr("ready in {promise}", promise=promise(standing))
        lines.append(f"👉 **{words}**{_times(standing)}\n{where} · {ready}")
    return lines


def _reasons(mine: Sequence[Progress], waiting: Sequence[Progress], device: str) -> list[str]:
    """What the reader gets of the device, and why others come first."""
    most = part(max(s.share for s in mine))
    lines = [tr("-# You get {part} of a {device} at present.", part=most, device=device)]
    first = next((s for s in mine if s.phase is Phase.WAITING), None)
    if first is not None and (why := _why(first, waiting, device)):
        lines.append(f"-# {why}")
    return lines


def _where(standing: Progress, places: dict[RequestId, int]) -> str:
    if standing.phase is Phase.WAITING:
        if standing.ahead == 0:
            return tr("🕰️ next in line")
        return trn(
            "🕰️ number {place} in line, {n} picture before it",
            "🕰️ number {place} in line, {n} pictures before it",
            standing.ahead,
            place=places[standing.request],
        )
    return _doing(standing)


def _doing(standing: Progress) -> str:
    """What happens to one's own request that has begun."""
    if standing.paused:
        return tr("⏸️ paused at step {step} so that others need not wait", step=_step(standing))
    match standing.phase:
        case Phase.KEEPING:
            return tr("🖼️ drawn, being saved")
        case Phase.LOADING if standing.loading:
            return tr("📦 reading the model {model}", model=quoted(standing.loading, 40))
        case Phase.LOADING:
            return tr("📦 beginning")
        case _:
            cells = bar(standing.step, standing.steps)
            return tr("🖌️ {cells} step {step}", cells=cells, step=_step(standing))


def _row(standing: Progress, reader: Reader, place: str) -> str:
    """Somebody else's request, on one line of a phone."""
    near = reader.guild is not None and standing.guild == reader.guild
    who = f"<@{standing.owner}>" if near else tr("somebody elsewhere")
    parts = [f"{place}{who}{_times(standing)}", span(standing.ready_in), part(standing.share)]
    if standing.paused:
        parts.insert(1, tr("⏸️ paused"))
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
    if standing.total > 1:
        return tr(
            "{step} of {steps}, picture {number}",
            step=standing.step,
            steps=standing.steps,
            number=min(standing.done + 1, standing.total),
        )
    return tr("{step} of {steps}", step=standing.step, steps=standing.steps)


def _why(mine: Progress, waiting: Sequence[Progress], device: str) -> str:
    """Why others come before, in a sentence."""
    before = waiting[: waiting.index(mine)]
    strangers = [s for s in before if s.owner != mine.owner]
    if not strangers:
        return ""
    people = len({s.owner for s in strangers})
    asked_earlier = [s.request < mine.request for s in strangers]
    if all(asked_earlier):
        return trn(
            "One person comes before you: they asked earlier.",
            "{n} people come before you: they asked earlier.",
            people,
        )
    if any(asked_earlier):
        return trn(
            "One person comes before you: they asked earlier, or have had less of the {device} "
            "than you lately.",
            "{n} people come before you: they asked earlier, or have had less of the {device} "
            "than you lately.",
            people,
            device=device,
        )
    return trn(
        "One person comes before you: they have had less of the {device} than you lately, or need "
        "the model that is loaded.",
        "{n} people come before you: they have had less of the {device} than you lately, or need "
        "the model that is loaded.",
        people,
        device=device,
    )


def _more(left_out: Sequence[Progress]) -> list[str]:
    if not left_out:
        return []
    people = trn("{n} person", "{n} people", len({s.owner for s in left_out}))
    return [
        trn(
            "…and {n} more request of {people}.",
            "…and {n} more requests of {people}.",
            len(left_out),
            people=people,
        )
    ]


def counted(number: int, one: str, many: str) -> str:
    """The number with its noun."""
    return f"{number} {one if number == 1 else many}"
