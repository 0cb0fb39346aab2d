"""The worker itself, but that each job rests behind every one of its steps until it is resumed.

    python -m generation.worker.trials.halting --models FOLDER --digests FILE

A pause that comes through a pipe holds at some later step, which depends on how fast the machine
is.  The invariant: here a job that has said `Stepped` does nothing more before it hears `Resume`.
"""

from __future__ import annotations

from generation.fleet.inbox import Take
from generation.fleet.wire import Pause, Report, Stepped
from generation.worker.__main__ import main


def halt(report: Report, take: Take) -> None:
    """Pause the job whose step is done, before anybody hears of the step."""
    if isinstance(report, Stepped):
        take(Pause(job=report.job))


if __name__ == "__main__":
    main(overhear=halt)
