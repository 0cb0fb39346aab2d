"""A worker process without torch that doodles: `python -m tests.given.doodling_worker`.

It takes real time per step, and leaves when its stdin ends, as the real one does.  One job at a
time, in the order in which they came.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sys
import time
from pathlib import Path

from generation.fleet.wire import (
    Drawn,
    Failed,
    Finished,
    Frame,
    Heard,
    Ping,
    Ready,
    Render,
    Stepped,
    Stop,
    read,
)
from generation.fleet.wire import encode as encoded
from generation.job import JobId
from generation.media import image
from tests.given.builders import an_environment
from tests.given.fakes import doodle, steps_of

STEP_SECONDS = 0.002


def say(frame: Frame) -> None:
    sys.stdout.buffer.write(encoded(frame))
    sys.stdout.buffer.flush()


def draw(order: Render) -> None:
    recipe, job = order.recipe, order.job
    if "a failure" in recipe.prompt:
        say(Failed(job=job, kind="OutOfMemory", facts=(5, 3)))
        return
    if "a death" in recipe.prompt:
        die_once(job)
    began = time.monotonic()
    for step in range(1, steps_of(recipe) + 1):
        time.sleep(STEP_SECONDS)
        seconds = time.monotonic() - began
        say(
            Stepped(
                job=job,
                done=step,
                total=steps_of(recipe),
                preview=b"",
                seconds=seconds,
            )
        )
    say(Drawn(job=job, seconds=time.monotonic() - began, loading_seconds=0.0))
    rgb = doodle(recipe, b"")
    say(
        Finished(
            job=job,
            file=image.png(rgb, recipe),
            pixels_sha256=image.rgb_sha256(rgb),
            latents_sha256=hashlib.sha256(b"latents" + rgb).hexdigest(),
            seconds=time.monotonic() - began,
        )
    )


def die_once(job: JobId) -> None:
    """The first worker that has this job dies of it, the next one does not."""
    with contextlib.suppress(FileExistsError):
        (Path(os.environ["DOODLER"]) / f"died of {job}").touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    say(Ready(environment=an_environment(), memory_bytes=2**40))
    while True:
        try:
            order = read(sys.stdin.buffer)
        except EOFError:
            return
        match order:
            case Render():
                draw(order)
            case Ping():
                say(Heard())
            case Stop():
                return
            case _:
                pass


if __name__ == "__main__":
    main()
