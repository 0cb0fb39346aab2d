"""Things in the order of keys that change, most often to larger ones.

A heap with one living entry per item, under the key that the item had when it was last looked at.
An item that moves back needs no word and no work until its entry surfaces; whoever moves one
forward must `put` it again.  Every operation is O(log n) on average.

Invariant: no item's key is smaller than that of its entry.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Ranking(Generic[Item]):
    """Each item once, the one with the smallest key first."""

    __slots__ = ("_entries", "_heap", "_key", "_serial")

    def __init__(self, key: Callable[[Item], Any]) -> None:
        self._key = key
        self._entries: dict[Item, tuple[Any, int, Item]] = {}
        self._heap: list[tuple[Any, int, Item]] = []
        self._serial = count()  # so that the items themselves are never compared

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, item: Item) -> bool:
        """Add the item, or move it forward; False when it does not come before its entry."""
        key, entry = self._key(item), self._entries.get(item)
        if entry is not None and key >= entry[0]:
            return False
        entry = self._entries[item] = (key, next(self._serial), item)
        heappush(self._heap, entry)
        if len(self._heap) > 8 + 3 * len(self._entries):
            self._heap = list(self._entries.values())
            heapify(self._heap)
        return True

    def drop(self, item: Item) -> None:
        """Remove the item, if it is here."""
        heap, entries = self._heap, self._entries
        entries.pop(item, None)
        while heap and entries.get(heap[0][2]) is not heap[0]:
            heappop(heap)  # now, not a thousand of them when somebody asks

    def bound(self) -> Any:
        """No key is smaller than this.  Somebody must be here."""
        return self._heap[0][0]

    def first(self) -> tuple[Any, Item]:
        """The smallest key, and whose it is.  Somebody must be here."""
        heap, entries = self._heap, self._entries
        while True:
            entry = heap[0]
            key, serial, item = entry
            if entries.get(item) is not entry:
                heappop(heap)
            elif (true := self._key(item)) == key:
                return key, item
            else:
                entries[item] = entry = (true, serial, item)
                heapreplace(heap, entry)
