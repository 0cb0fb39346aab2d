"""`python -m generation.worker`: a process that draws.  Orders on stdin, reports on stdout.

The invariant: nothing but frames reaches stdout, whatever a library prints (descriptor 1 is moved
away before any of them is loaded), and the process never outlives its stdin.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from generation.fleet.inbox import Inbox, Take
from generation.fleet.stdout import own_stdout
from generation.fleet.wire import Ready, Report, Stop, encode

MEMORY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}

# Called with each report of a job, on the thread that says it and before anybody hears it, and with
# what takes orders.
Overhear = Callable[[Report, Take], None]


def main(arguments: Sequence[str] | None = None, *, overhear: Overhear | None = None) -> NoReturn:
    """Run until stdin ends."""
    options = _options(arguments)
    sys.tracebacklimit = 50  # of what nobody catches
    reports = own_stdout()
    outbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
    threading.Thread(target=_write, args=(reports, outbox), name="writer", daemon=True).start()
    inbox = Inbox(outbox.put, _leave)
    inbox.listen()
    # Ctrl-C reaches the whole terminal; the bot is the one to answer it, and then ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _environment(options.threads)
    kind, _, card = options.device.partition(":")
    if card:
        os.environ["CUDA_VISIBLE_DEVICES"] = _only(int(card), os.environ)
    # A thread that waits for the interpreter waits for this long at most: the reader and the
    # writer stand between two jobs.
    sys.setswitchinterval(0.001)

    from generation.catalog.catalog import Catalog
    from generation.worker import exactness, pulse
    from generation.worker.jobs import PATIENCE, Jobs
    from generation.worker.memory import memory
    from generation.worker.memory.model_cache import ModelCache
    from generation.worker.memory.parts_at_hand import RESTING

    memory.share_one_heap()
    exactness.switch_on(options.threads)
    device = exactness.pick_device(kind)
    copies = options.host_memory
    whole = memory.total_bytes(device) - options.leave
    cache = ModelCache(
        Catalog(options.models, options.digests, on_piece=pulse.beat),
        device,
        memory.stricter(options.memory_limit, whole if options.leave else None),
        host_memory=memory.host_memory(device) if copies is None else copies,
        resting=RESTING if options.resting_memory is None else options.resting_memory,
        say=outbox.put,
    )

    def say(report: Report) -> None:
        if overhear is not None:
            overhear(report, jobs.take)
        outbox.put(report)

    patience = PATIENCE if options.patience is None else options.patience
    jobs = Jobs(cache, say, patience=patience)
    outbox.put(Ready(environment=exactness.here(device), memory_bytes=max(0, whole)))
    inbox.open(lambda order: _leave(0) if isinstance(order, Stop) else jobs.take(order))
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
    while True:
        threading.Event().wait()  # the other threads do the rest


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m generation.worker", description="Draws.")
    parser.add_argument("--models", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--digests", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--device", default="auto", type=_device, help="auto, cpu, mps, cuda, or a card as cuda:1"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=int(os.environ.get("ATELIER_THREADS", "1")),
        help="processor threads of one operation; another number gives other last bits",
    )
    parser.add_argument(
        "--memory-limit",
        type=_bytes,
        metavar="BYTES",
        help="use no more than this for weights and drawing; 8G and 500M are understood",
    )
    parser.add_argument(
        "--patience",
        type=float,
        metavar="SECONDS",
        help="how long a step must take before others may come in its middle",
    )
    parser.add_argument(
        "--leave",
        type=_bytes,
        default=0,
        metavar="BYTES",
        help="leave this much of the device to other programs, such as a language model",
    )
    parser.add_argument(
        "--host-memory",
        type=_bytes,
        metavar="BYTES",
        help="keep copies of weights in this much host memory beside a GPU; half of what is free",
    )
    parser.add_argument(
        "--resting-memory",
        type=_bytes,
        metavar="BYTES",
        help="on a processor, keep models that nobody draws with in this much memory; 256M",
    )
    return parser.parse_args(arguments)


def _device(text: str) -> str:
    if re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text) is None:
        raise argparse.ArgumentTypeError(f"no device: {text!r}")
    return text


def _only(card: int, environment: Mapping[str, str]) -> str:
    """CUDA_VISIBLE_DEVICES with this card alone, counted among those that were visible.

    With the others hidden nothing can touch them by mistake: which card is torch's current one is
    a matter of each thread, and a stray context takes some hundred megabytes.
    """
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return str(card)
    names = [name.strip() for name in visible.split(",")]
    if card >= len(names):
        raise SystemExit(f"there is no card {card} among CUDA_VISIBLE_DEVICES={visible}")
    return names[card]


def _bytes(text: str) -> int:
    unit = MEMORY_UNITS.get(text[-1:].upper())
    return int(float(text[:-1]) * unit) if unit else int(text)


def _environment(threads: int) -> None:
    """What libraries read once, when they are imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as nvidia-smi counts, and Ray
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    os.environ["HF_HUB_OFFLINE"] = "1"  # weights come from the catalog, by digest, or not at all
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")


def _write(reports: BinaryIO, outbox: queue.SimpleQueue[Report]) -> None:
    """Send what the other threads have to say, so that a slow listener never holds up a drawing."""
    while True:
        frame = memoryview(encode(outbox.get()))
        try:
            while frame:
                frame = frame[reports.write(frame) :]
        except OSError:
            _leave(0)  # nobody listens any more


def _warm_up() -> None:
    """Import what the first job needs, while nobody waits for it."""
    from generation.worker.loading.loader import import_libraries

    import_libraries()


def _leave(status: int) -> NoReturn:
    """At once, also in the middle of a job: there is nothing here that is worth saving."""
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
