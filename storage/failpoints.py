"""Named instants at which a test lets the process die, as if it were killed just then.

    ATELIER_INSTANT="drawn.committed 3"    dies when the third transaction "drawn" was committed
    arm("drawn.committed 3")               the same, from within
    listen(names.append)                   hears every name that is passed

Without any of them, and so in production, passing an instant does nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

__all__ = ["arm", "instant", "listen"]

_listener: Callable[[str], None] | None = None


def instant(name: str) -> None:
    """Here a process may die."""
    if _listener is not None:
        _listener(name)


def listen(listener: Callable[[str], None]) -> None:
    """Have every instant told to somebody."""
    global _listener
    _listener = listener


def arm(wanted: str) -> None:
    """Die at the first, or at the N-th, passing of a name: "name" or "name N"."""
    name, _, count = wanted.partition(" ")
    left = int(count or 1)

    def die(passed: str) -> None:
        nonlocal left
        if passed == name:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    listen(die)


if _wanted := os.environ.get("ATELIER_INSTANT"):
    arm(_wanted)
