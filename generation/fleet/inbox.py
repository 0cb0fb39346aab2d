"""What a worker is told, from its first moment on, when it has not even loaded torch.

    stdin --frames--> [not open yet: a Ping is answered, the rest is kept] --take--> jobs, or relay

The invariant: the thread that reads here is the first thing that a worker starts, so that the end
of its stdin (the bot is gone, by whatever death) ends it also while its libraries are being read.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn

from generation.fleet.wire import BrokenFrame, Frame, Heard, Ping, Stop, read

Take = Callable[[Frame], None]

FRAMES = 20  # the last ones, of a trace
NO_FRAME, BUG = 2, 1  # how a worker leaves that was told nonsense, or met a bug of its own


class Inbox:
    """Reads orders on a thread of its own.

    `say` hears the answers to pings until the inbox is open; `leave` ends the process.
    """

    def __init__(self, say: Callable[[Heard], None], leave: Callable[[int], NoReturn]) -> None:
        self._say, self._leave = say, leave
        self._lock = threading.Lock()
        self._kept: list[Frame] = []
        self._take: Take | None = None
        # Unbuffered: at its end, Python wants the lock of a buffer in which this thread waits.
        self._orders = os.fdopen(os.dup(0), "rb", buffering=0)

    def listen(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._read, name="reader", daemon=True).start()

    def open(self, take: Take) -> None:
        """Hand over what came, and what comes, in its order; on the reader's thread from now on."""
        with self._lock:
            for order in self._kept:
                take(order)
            self._kept.clear()
            self._take = take

    def _read(self) -> None:
        try:
            while True:
                self._hand_over(read(self._orders))
        except EOFError:
            self._leave(0)
        except BrokenFrame as error:
            print(f"an order that is no frame: {error}", file=sys.stderr)
            self._leave(NO_FRAME)
        except OSError:
            self._leave(0)
        except Exception as bug:  # nobody would hear orders any more
            traceback.print_exception(bug, limit=-FRAMES)
            self._leave(BUG)

    def _hand_over(self, order: Frame) -> None:
        with self._lock:
            if self._take is not None:
                self._take(order)
            elif isinstance(order, Ping):
                # More modules than before: it is slow, and does not hang.
                self._say(Heard(stage="starting", beats=len(sys.modules)))
            elif isinstance(order, Stop):
                self._leave(0)
            else:
                self._kept.append(order)
