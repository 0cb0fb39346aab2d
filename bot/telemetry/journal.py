"""The journal: the story of every job, in the log.

Invariant: it says numbers, seats and models, and never anybody's words.
"""

from __future__ import annotations

import logging
from typing import assert_never

from bot.telemetry import events
from generation.job import Job
from storage.tickets import State

log = logging.getLogger(__name__)


def write(event: events.Event) -> None:
    """The event as a line of the log, its facts beside the words."""
    match event:
        case events.Queued(job=job):
            log.debug("job %d waits", job.id, extra=_facts(job))
        case events.Picked(job=job, seat=seat, waited=waited):
            extra = _facts(job, seat=seat, waited=waited)
            log.info("job %d begun on %s after %.1f s", job.id, seat, waited, extra=extra)
        case events.ChunkPaid(job=job, seat=seat, seconds=seconds, swap_seconds=swap_seconds):
            extra = _facts(job, seat=seat, seconds=seconds)
            words = "job %d: %.2f s of %s, %.2f s of them for weights"
            log.debug(words, job.id, seconds, seat, swap_seconds, extra=extra)
        case events.Paused(job=job, seat=seat):
            log.info("job %d paused on %s", job.id, seat, extra=_facts(job, seat=seat))
        case events.Resumed(job=job, seat=seat):
            log.info("job %d goes on, on %s", job.id, seat, extra=_facts(job, seat=seat))
        case events.JobEnded(job=job, state=state, seconds=seconds):
            level = logging.INFO if state in (State.DRAWN, State.CANCELLED) else logging.WARNING
            extra = _facts(job, outcome=state.value, seconds=seconds)
            log.log(level, "job %d %s in %.1f s", job.id, state.value, seconds, extra=extra)
        case events.WorkerEnded(seat=seat, reason=reason):
            log.error("the worker of %s died: %s", seat, reason, extra={"seat": seat})
        case events.Delivered(request=request, seconds=seconds):
            extra = {"request": request, "seconds": round(seconds, 3)}
            log.info("request %d delivered after %.1f s", request, seconds, extra=extra)
        case events.Committed():
            pass  # a line of the log for each would tell nobody anything
        case _:
            assert_never(event)


def _facts(job: Job, **more: str | float) -> dict[str, object]:
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in more.items()}
    return {"job": job.id, "model": job.recipe.leading.name, **rounded}
