"""How much memory a recipe needs, and how much there is.

Weights are known to the byte from the heads of their files; what a step and a decode need besides
is estimated by the engine.  The estimate decides two things only: what to evict before, and what is
hopeless to try.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import torch

READ_AHEAD = 2**23  # bytes at a time
PASSED_OVER = 2**28
FASTER_THAN_DISKS = 2e9  # bytes per second

M_ARENA_MAX = -8  # as glibc's malloc.h numbers it


def total_bytes(device: torch.device) -> int:
    """All memory of the device (RAM on a processor)."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    return int(psutil.virtual_memory().total)


def stricter(*limits: int | None) -> int | None:
    """The lowest of the limits that there are; None: no limit."""
    return min((max(0, limit) for limit in limits if limit is not None), default=None)


def free_bytes(device: torch.device) -> int:
    """What can be used now, counting what torch holds in reserve."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + reserve)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return int(psutil.virtual_memory().available)


def host_memory(device: torch.device) -> int:
    """What copies of weights may take in host memory, if nobody says: half of what is available.

    None without a GPU: on a processor a copy is no nearer than the model itself.
    """
    return int(psutil.virtual_memory().available // 2) if device.type == "cuda" else 0


def spare_host_bytes() -> int:
    """What copies of weights may take of the host's memory now; the rest is for other programs."""
    host = psutil.virtual_memory()
    return int(host.available - host.total // 16)


def read_ahead(files: Iterable[Path], may_go_on: Callable[[], bool]) -> None:
    """Have the operating system keep these files' content: who reads them next need not wait.

    The interpreter is free while the disk is waited for.  A piece that comes faster than from any
    disk lies in memory already, and so do its neighbours: some are passed over.
    """
    buffer = bytearray(READ_AHEAD)
    for file in files:
        with file.open("rb", buffering=0) as stream:
            began = time.perf_counter()
            while may_go_on() and stream.readinto(buffer):
                if time.perf_counter() - began < READ_AHEAD / FASTER_THAN_DISKS:
                    stream.seek(PASSED_OVER, os.SEEK_CUR)
                began = time.perf_counter()


def begin_to_read(files: Iterable[Path]) -> None:
    """Have the system read these files while something else is done, if there is room for them."""
    here = list(files)
    if sum(file.stat().st_size for file in here) < spare_host_bytes():
        thread = threading.Thread(
            target=read_ahead, args=(here, lambda: True), name="read ahead", daemon=True
        )
        thread.start()


def give_back(device: torch.device) -> None:
    """Let the device have what was freed."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.accelerator.empty_host_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    else:
        _ask_glibc("malloc_trim", 0)


def share_one_heap() -> None:
    """Let all threads allocate from one heap.  Each job has a thread of its own, and glibc gives
    each thread a heap that keeps what the last one's drawing needed."""
    _ask_glibc("mallopt", M_ARENA_MAX, 1)


def _ask_glibc(function: str, *arguments: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # there are other C libraries
            getattr(ctypes.CDLL(None), function)(*arguments)


def clean(device: torch.device) -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    give_back(device)
