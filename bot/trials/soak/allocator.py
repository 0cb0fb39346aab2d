"""Free memory, given back to the system, so that what is free does not count as used.

What glibc keeps for later makes a drawing process a quarter larger or smaller from one picture to
the next; that would hide a leak as well as look like one.  So the bot's process gives back before
each reading, and the worker is started with an allocator that gives back at once.  This makes it a
half slower, which nothing here measures, and changes nothing about what it keeps.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import gc
import sys

AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}  # bytes


def give_back() -> None:
    """Collect garbage, and have glibc return free pages; other allocators do it on their own."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(ctypes.util.find_library("c")).malloc_trim(0)
