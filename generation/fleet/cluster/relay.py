"""`python -m generation.fleet.cluster.relay`: a worker elsewhere, as a process here.

It speaks as `generation.worker` does, frames on stdin and stdout, and hands each of them through
Ray to a `Host` on a node.  So the bot's side is the one of a local worker: its pings go all the way
to the worker and back, a silent node is killed off like a silent process, and what an abandoned
worker says late has no pipe to come through.

The invariant: this process ends when its worker does, with its status; and when it ends, by
whatever death, Ray ends the host and so the worker, whose only owner it was.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO, NoReturn

from generation.fleet.cluster.host import END, FRAME, PROGRAM, Host
from generation.fleet.cluster.roster import GONE
from generation.fleet.cluster.source import TOKEN, URL
from generation.fleet.inbox import Inbox
from generation.fleet.stdout import own_stdout
from generation.fleet.wire import Frame, Heard, encode

FAILED = 70  # instead of the worker's 1, which as a relay's status is Ray's: a cluster was lost

# Seconds that the node may take for one order.  The bot asks every 10 s whether its worker lives,
# and kills the relay of one that does not answer for 30 s: a node that hangs is known before that
# as what it is, and is not taken for a worker that was hung up by its job.
PATIENCE = 25.0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run until the worker or stdin ends."""
    options, rest = _options(arguments)
    frames = own_stdout()
    url, token = os.environ.pop(URL, ""), os.environ.pop(TOKEN, "")
    card = options.device == "cuda"
    program = tuple(options.program) or PROGRAM
    inbox = Inbox(lambda heard: _write(frames, _answer(heard)), _leave)
    inbox.listen()

    # Only now: to load Ray takes seconds, in which the bot may die.
    import ray

    from generation.fleet.cluster.connection import SEAT, Trouble, join, on, spell

    try:
        join(options.address)
        host = (
            ray.remote(Host)
            .options(
                num_cpus=0,
                num_gpus=1 if card else 0,
                resources=None if card else {SEAT: 1},
                scheduling_strategy=on(options.node),
                max_restarts=0,
            )
            .remote(options.device, rest, url, token, options.bound, program)
        )
        asyncio.run(_carry(host, frames, inbox))
    except Trouble as error:
        print(f"the way to the node is gone: {spell(error)}", file=sys.stderr)
    _leave(GONE)


def _answer(heard: Heard) -> bytes:
    return FRAME + encode(heard)


async def _carry(host: Any, frames: BinaryIO, inbox: Inbox) -> None:
    """Both ways at once, until one of them ends."""
    orders: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def take(order: Frame) -> None:
        loop.call_soon_threadsafe(orders.put_nowait, encode(order))

    inbox.open(take)
    ways = {asyncio.create_task(_up(host, frames)), asyncio.create_task(_down(host, orders))}
    done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in done:
        way.result()


async def _up(host: Any, frames: BinaryIO) -> None:
    stream = host.reports.options(num_returns="streaming").remote()
    async for reference in stream:
        item: bytes = await reference
        if item[:1] == FRAME:
            _write(frames, item)
        elif item[:1] == END:
            _end_as(int(item[1:]))
        else:
            sys.stderr.buffer.write(item[1:])
            sys.stderr.flush()


async def _down(host: Any, orders: asyncio.Queue[bytes]) -> None:
    while True:
        order = await orders.get()
        # One after the other, so that they arrive in their order.
        try:
            async with asyncio.timeout(PATIENCE):
                await host.take.remote(order)
        except TimeoutError:
            print(f"the node does not answer for {PATIENCE:.0f} s", file=sys.stderr)
            _leave(GONE)


def _write(frames: BinaryIO, item: bytes) -> None:
    rest = memoryview(item)[1:]
    try:
        while rest:
            rest = rest[frames.write(rest) :]
    except OSError:
        _leave(0)


def _options(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser("python -m generation.fleet.cluster.relay")
    parser.add_argument("--address", required=True)
    parser.add_argument("--node", required=True, help="its id in the cluster")
    parser.add_argument("--bound", type=int, required=True, help="bytes of weights kept there")
    parser.add_argument("--program", action="append", default=[], help="another worker; for tests")
    # What a LocalWorker tells its program.
    parser.add_argument("--digests", help="the node has its own")
    parser.add_argument("--device", required=True, choices=["cuda", "cpu"])
    return parser.parse_known_args(arguments)


def _end_as(status: int) -> NoReturn:
    """As the worker ended, so that the reason is told as if it had been here."""
    sys.stderr.flush()
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    _leave(FAILED if status == 1 else max(status, 0))


def _leave(status: int) -> NoReturn:
    """At once: Ray ends what it ran for a process that is gone."""
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
