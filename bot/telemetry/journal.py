"""The journal: the story of every job, in the log.

Invariant: it says numbers, seats and models, and never anybody's words.
"""

from __future__ import annotations

import logging

from bot.telemetry.events import Nobody
from generation.job import Job
from storage.tickets import RequestId, State

log = logging.getLogger(__name__)


class Journal(Nobody):
    """A Watch that writes the story of every job into the log."""

    def asked(self, job: Job) -> None:
        log.debug("job %d waits", job.id, extra=_facts(job))

    def picked(self, job: Job, seat: str, waited: float) -> None:
        extra = _facts(job, seat=seat, waited=waited)
        log.info("job %d begun on %s after %.1f s", job.id, seat, waited, extra=extra)

    def chunk(self, job: Job, seat: str, seconds: float, swap_seconds: float) -> None:
        extra = _facts(job, seat=seat, seconds=seconds)
        words = "job %d: %.2f s of %s, %.2f s of them for weights"
        log.debug(words, job.id, seconds, seat, swap_seconds, extra=extra)

    def paused(self, job: Job, seat: str) -> None:
        log.info("job %d paused on %s", job.id, seat, extra=_facts(job, seat=seat))

    def resumed(self, job: Job, seat: str) -> None:
        log.info("job %d goes on, on %s", job.id, seat, extra=_facts(job, seat=seat))

    def ended(self, job: Job, state: str, seconds: float) -> None:
        level = logging.INFO if state in (State.DRAWN, State.CANCELLED) else logging.WARNING
        extra = _facts(job, outcome=state, seconds=seconds)
        log.log(level, "job %d %s in %.1f s", job.id, state, seconds, extra=extra)

    def worker_died(self, seat: str, reason: str) -> None:
        log.error("the worker of %s died: %s", seat, reason, extra={"seat": seat})

    def delivered(self, request: RequestId, seconds: float) -> None:
        extra = {"request": request, "seconds": round(seconds, 3)}
        log.info("request %d delivered after %.1f s", request, seconds, extra=extra)


def _facts(job: Job, **more: str | float) -> dict[str, object]:
    rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in more.items()}
    return {"job": job.id, "model": job.recipe.checkpoint.name, **rounded}
