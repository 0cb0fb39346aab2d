"""Things in the order of keys that change, most often to larger ones.

A heap with one living entry per item, whose key is the item's or an earlier, smaller one: an item
that moves back needs no work until its entry surfaces.  Every operation is O(log n) on average.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Ranking(Generic[Item]):
    """Each item once, the one with the smallest key first."""

    __slots__ = ("_entries", "_heap", "_keys", "_serial")

    def __init__(self) -> None:
        self._keys: dict[Item, Any] = {}
        self._entries: dict[Item, int] = {}  # the serial number of each item's living entry
        self._heap: list[tuple[Any, int, Item]] = []
        self._serial = count()  # so that the items themselves are never compared

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, item: Item, key: Any) -> None:
        """Add the item, or move it to its new place."""
        known = self._keys.get(item)
        self._keys[item] = key
        if known is not None and key >= known:
            return
        serial = self._entries[item] = next(self._serial)
        heappush(self._heap, (key, serial, item))
        if len(self._heap) > 8 + 3 * len(self._keys):
            self._heap = [(k, self._entries[i], i) for i, k in self._keys.items()]
            heapify(self._heap)

    def drop(self, item: Item) -> None:
        """Remove the item, if it is here."""
        if self._keys.pop(item, None) is not None:
            del self._entries[item]

    def first(self) -> tuple[Any, Item] | None:
        """The smallest key, and whose it is."""
        heap = self._heap
        while heap:
            key, serial, item = heap[0]
            if self._entries.get(item) != serial:
                heappop(heap)
            elif (true := self._keys[item]) == key:
                return key, item
            else:
                heapreplace(heap, (true, serial, item))
        return None
