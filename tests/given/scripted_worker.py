"""A worker without torch that does what the prompt says: to test the other side of the pipe."""

from __future__ import annotations

import os
import signal
import sys
import time

from generation.fleet.wire import (
    Cancel,
    Drawn,
    Failed,
    Finished,
    Frame,
    Heard,
    Pause,
    Ping,
    Ready,
    Render,
    Resume,
    Stepped,
    Stop,
    encode,
    read,
)
from generation.recipe import needed
from tests.given.builders import a_png, an_environment
from tests.given.fakes import steps_of

ENVIRONMENT = an_environment(hardware="scripted")


def say(frame: Frame) -> None:
    sys.stdout.buffer.write(encode(frame))
    sys.stdout.buffer.flush()


def draw(order: Render) -> None:
    script = order.recipe.prompt
    say(
        Stepped(
            job=order.job,
            done=1,
            total=steps_of(order.recipe),
            preview=b"\xff\xd8\xffpreview",
            seconds=0.1,
        )
    )
    if script == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif script == "leave":
        sys.exit(3)
    elif script == "nonsense":
        sys.stdout.buffer.write(b"Hello, I am a library that prints to stdout\n" * 5)
        sys.stdout.buffer.flush()
    elif script.startswith("say "):  # these bytes, in hex
        sys.stdout.buffer.write(bytes.fromhex(script.removeprefix("say ")))
        sys.stdout.buffer.flush()
    elif script == "mute":
        time.sleep(600)
    elif script == "fail":
        say(Failed(job=order.job, kind="OutOfMemory", facts=(5, 3)))
    elif script == "shout":
        sys.stderr.write("first line\n" + "x" * 200_000 + "\nlast line\n")
        sys.stderr.flush()
        finish(order)
    elif script != "wait":
        finish(order)


def finish(order: Render) -> None:
    say(Drawn(job=order.job, seconds=0.5, loading_seconds=0.0))
    say(
        Finished(
            job=order.job,
            file=a_png(
                needed(order.recipe.canvas).width,
                needed(order.recipe.canvas).height,
                b"".join(order.inputs),
            ),
            pixels_sha256="ab" * 32,
            latents_sha256="cd" * 32,
            seconds=0.5,
        )
    )


def main() -> None:
    if os.environ.get("SCRIPT") == "die at start":
        sys.exit(7)
    if os.environ.get("SCRIPT") == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say(Ready(environment=ENVIRONMENT, memory_bytes=1))
    while True:
        try:
            order = read(sys.stdin.buffer)
        except EOFError:
            if os.environ.get("SCRIPT") == "deaf":
                time.sleep(600)
            return
        match order:
            case Render():
                draw(order)
            case Cancel():
                say(Failed(job=order.job, kind="Cancelled", facts=()))
            case Ping():
                say(Heard(stage=os.environ.get("SCRIPT_STAGE", "")))
            case Stop():
                if os.environ.get("SCRIPT") != "deaf":
                    return
            case Pause() | Resume():
                pass


if __name__ == "__main__":
    main()
