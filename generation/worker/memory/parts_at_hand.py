"""The parts of models that are loaded, on three levels, and which of them gives way.

    on the device     can draw
    in host memory    a copy away from it (beside a GPU)
    in their files    where everything can be read again

Each is there once, however many models have it.  The invariant: a part that somebody uses, or is
paused with, is never forgotten, and comes back with the same bits; what nobody uses gives way
first, the least recently used before the others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence

import torch

from generation.errors import OutOfMemory
from generation.worker.memory import memory
from generation.worker.model import LoadedPart, PartKey

RESTING = 2**28  # bytes: many small models, and no large one


class PartsAtHand:
    """Parts, by their keys.  Every method may be called with the lock held, and takes it.

    `limit`: bytes that weights and drawing may take together on the device; None: what it has.
    `host_memory`: bytes of copies in host memory; 0: none, as on a processor, where they are the
    same memory.  `resting`: bytes that parts nobody uses may take on a processor when others
    arrive; more of them are read again, which costs seconds.  `on_move` is called before a part
    leaves the device.
    """

    def __init__(
        self,
        device: torch.device,
        limit: int | None,
        host_memory: int,
        resting: int,
        on_move: Callable[[LoadedPart], None],
    ) -> None:
        self.device, self.host_memory, self.resting = device, host_memory, resting
        self.lock = threading.RLock()
        self.coming_bytes = 0  # what the prefetching thread is about to fill
        self.returning_bytes = 0  # what the job with the baton kept there while it rested
        self._kept_bytes = 0  # what jobs keep there that rest
        self.mine: Collection[LoadedPart] = ()  # of the job with the baton
        self.arriving: Collection[LoadedPart] = ()  # about to enter: their copies are needed
        self._limit, self._on_move = limit, on_move
        self._parts: dict[PartKey, LoadedPart] = {}  # oldest use first

    def get(self, key: PartKey) -> LoadedPart | None:
        """The part of that key, wherever it is."""
        return self._parts.get(key)

    def all(self) -> tuple[LoadedPart, ...]:
        """All of them, the latest used last."""
        with self.lock:
            return tuple(self._parts.values())

    def shelve(self, fresh: LoadedPart) -> LoadedPart:
        """Take in what was built or read: a paused job's module gets its numbers."""
        with self.lock:
            part = self._parts.setdefault(fresh.key, fresh)
            if part is not fresh and part.residence.nowhere:
                part.residence.take_over(fresh.residence)
            return part

    def claim(self, parts: Sequence[LoadedPart]) -> None:
        """One user more."""
        with self.lock:
            for part in parts:
                part.users += 1
                self._parts[part.key] = self._parts.pop(part.key)

    def release(self, parts: Sequence[LoadedPart]) -> None:
        """One user less."""
        with self.lock:
            for part in parts:
                part.users -= 1
                if part.residence.streaming and not part.users:
                    self._move_out(part)  # there may be room for all of it next time
            self._sweep()

    def free_bytes(self) -> int:
        """What the device, or the limit given at the start, still has room for."""
        with self.lock:
            where = [part.residence for part in self._parts.values()]
            free = memory.free_bytes(self.device) - sum(each.owed_bytes for each in where)
            free += self.returning_bytes
            if self._limit is not None:
                held = self._kept_bytes + sum(each.held_bytes for each in where)
                free = min(free, self._limit - held)
            if not self.host_memory:
                free -= self.coming_bytes
            return max(0, free)

    def keep(self, size: int) -> None:
        """A job that rests keeps so many bytes more, or less."""
        with self.lock:
            self._kept_bytes += size

    def possible_bytes(self, sparing: Collection[LoadedPart], *, also_paused: bool = True) -> int:
        """What there would be room for when all but these had given way."""
        with self.lock:
            movable = self._movable(sparing, also_paused=also_paused)
            return self.free_bytes() + sum(part.residence.held_bytes for part in movable)

    def make_room(
        self, needed: int, *, sparing: Collection[LoadedPart], also_paused: bool = True
    ) -> None:
        """Move out what must go.  Raises OutOfMemory, and moves nothing, when it is not enough."""
        with self.lock:
            possible = self.possible_bytes(sparing, also_paused=also_paused)
            if possible < needed:
                raise OutOfMemory(needed, possible)
            for part in self._movable(sparing, also_paused=also_paused):
                if self.free_bytes() >= needed:
                    return
                self._move_out(part)

    def give_way(self, size: int) -> None:
        """Move out what nobody uses until so many bytes are free, or nothing more can go."""
        with self.lock:
            for part in self._movable((), also_paused=False):
                if self.free_bytes() >= size:
                    return
                self._move_out(part)

    def lay_down(self, arriving: Collection[LoadedPart]) -> None:
        """On a processor, what nobody uses rests in its file, but for a little."""
        if self.device.type != "cpu":
            return
        with self.lock:
            resting = self._movable(arriving, also_paused=False)
            too_much = sum(part.bytes for part in resting) - self.resting
            for part in resting:
                if too_much <= 0:
                    return
                too_much -= part.bytes
                self._move_out(part)

    def move_all_out(self) -> None:
        """Nothing is on the device any more."""
        with self.lock:
            for part in list(self._parts.values()):
                if part.residence.on_device:
                    self._move_out(part)

    def copies_fit(self, needed: int, *, paused_give_way: bool) -> bool:
        """Whether host memory has room, after the least needed copies have given way."""
        if needed > self.host_memory or needed > memory.spare_host_bytes():
            return False
        kept = [part for part in self._parts.values() if part.residence.in_memory]
        room = self.host_memory - self.coming_bytes - sum(part.bytes for part in kept)
        # A copy of what is on the device is the cheapest loss, a paused job's the dearest.
        kept.sort(key=lambda part: (not part.residence.on_device, part.users > 0))
        for part in kept:
            if room >= needed:
                break
            paused = part.users and not part.residence.on_device
            if part not in self.arriving and (paused_give_way or not paused):
                part.residence.forget_copy()
                room += part.bytes
        self._sweep()
        return room >= needed

    def _movable(self, sparing: Collection[LoadedPart], *, also_paused: bool) -> list[LoadedPart]:
        """On the device and not spared: what nobody uses first, then what the job with the baton
        needs at another time, then what jobs are paused with."""
        found = [
            part
            for part in self._parts.values()
            if part.residence.on_device and part not in sparing and (also_paused or not part.users)
        ]
        return sorted(found, key=self._dearness)

    def _dearness(self, part: LoadedPart) -> int:
        if not part.users:
            return 0
        return 1 if part.users == 1 and part in self.mine else 2

    def _move_out(self, part: LoadedPart) -> None:
        self._on_move(part)
        where = part.residence
        whole = not where.in_memory and not where.streaming
        if whole and self.copies_fit(part.bytes, paused_give_way=True):
            where.copy_to_memory()
        where.leave()
        self._sweep()
        memory.give_back(self.device)

    def _sweep(self) -> None:
        """Forget parts that are nowhere and nobody's."""
        for key, part in list(self._parts.items()):
            if part.residence.nowhere and not part.users:
                del self._parts[key]
