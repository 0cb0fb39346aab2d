"""Weights that will be wanted soon are read in the background, one model at a time.

The invariant: a wish is a hint.  The newest replaces one that has not begun; what goes wrong is
dropped without a word, and the job that needs the weights finds out by itself; who needs them now
waits for a read that is under way instead of beginning another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from generation.worker import pulse

ASK_SECONDS = 0.25  # between two looks whether the job that waits is still wanted

Read = Callable[[Callable[[], bool]], None]


class Prefetcher:
    """One thread that reads.  Each read is given a function that says whether to go on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wish: tuple[Hashable, Read] | None = None
        self._reading: Hashable | None = None
        self._unwanted = False
        self._held = False
        self._pieces = 0  # that were read
        self._thread: threading.Thread | None = None

    def wish(self, key: Hashable, read: Read) -> None:
        """Read this next.  Returns at once."""
        with self._changed:
            if key == self._reading and not self._unwanted:
                self._wish = None
                return
            self._wish = (key, read)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="prefetch", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def is_reading(self, key: Hashable) -> bool:
        """Whether a read of this is under way."""
        return self._reading == key

    @contextmanager
    def giving_way(self, key: Hashable) -> Iterator[None]:
        """Read nothing while the block runs: `key` to its end before it, the rest after it.

        Raises Cancelled when the job that waits is not wanted any more.
        """
        with self._changed:
            self._held = True
            if self._wish is not None and self._wish[0] == key:
                self._wish = None
            self._unwanted = self._reading is not None and self._reading != key
        try:
            self._wait()
            yield
        finally:
            with self._changed:
                self._held = False
                self._changed.notify_all()

    def _wait(self) -> None:
        """Until nothing is read; what the other thread reads are pieces of this one's stage."""
        seen = -1
        with self._changed:
            while self._reading is not None:
                if self._pieces != seen:
                    seen = self._pieces
                    pulse.beat()
                else:
                    pulse.ask()
                self._changed.wait(ASK_SECONDS)

    def _goes_on(self) -> bool:
        self._pieces += 1
        return not self._unwanted

    def stop(self) -> None:
        """Return when nothing is being read, and forget every wish."""
        with self.giving_way(None), self._changed:
            self._wish = None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wish is not None and not self._held)
                assert self._wish is not None  # it was waited for
                (key, read), self._wish = self._wish, None
                self._reading, self._unwanted = key, False
            try:
                read(self._goes_on)
            except Exception:
                pass  # a hint: the job that needs it will be told
            finally:
                with self._changed:
                    self._reading = None
                    if self._unwanted and self._wish is None:
                        self._wish = (key, read)  # another time
                    self._changed.notify_all()
