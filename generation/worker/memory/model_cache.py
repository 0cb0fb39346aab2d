"""The models at hand, on three levels, and which of them gives way.

    on the device     can draw
    in host memory    a copy away from it (beside a GPU)
    on disk           where everything can be read again, found by digest

The invariant: what `take` and `bring_back` give has exactly the recipe's weights on the device,
and whatever gives way comes back with the same bits: also the model of a paused job, whose numbers
are moved out of its modules and into them again.

The job that holds the baton calls everything but `prefetch`; the lock keeps the prefetching thread
from the books, and no file is read while it is held.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from generation.catalog.catalog import Catalog
from generation.errors import OutOfMemory
from generation.families.architecture import Stage
from generation.fleet.wire import Holding
from generation.model_key import ModelKey, model_key
from generation.recipe import Recipe
from generation.worker import pulse
from generation.worker.adapters import switching
from generation.worker.loading.loader import build, translated
from generation.worker.memory import memory, needs
from generation.worker.memory.prefetch import Prefetcher
from generation.worker.model import Model

OnLoad = Callable[[str], None]

RESTING = 2**28  # bytes: many small models, and no large one


class ModelCache:
    """Models, the least recently used of which gives way when room is needed.

    `limit`: bytes that weights and drawing may take together on the device; None: what it has.
    `host_memory`: bytes of copies in host memory; 0: none, as on a processor, where they are the
    same memory.  `resting`: bytes that models nobody uses may take on a processor beside the one
    that draws; more of them are read again, which costs seconds.  `say` hears what is at hand
    whenever that changes.
    """

    def __init__(
        self,
        catalog: Catalog,
        device: torch.device,
        limit: int | None,
        *,
        host_memory: int = 0,
        resting: int = RESTING,
        say: Callable[[Holding], None] = lambda _: None,
    ) -> None:
        self.catalog = catalog
        self.device = device
        self._limit, self._host_memory, self._say = limit, host_memory, say
        self._resting = resting
        self._models: dict[ModelKey, Model] = {}  # oldest use first
        self._lock = threading.RLock()
        self._prefetcher = Prefetcher()
        self._arriving: Model | None = None  # about to enter the device: its copy is needed
        self._drawing_bytes = 0  # what the job with the baton needs besides weights
        self._coming_bytes = 0  # what the prefetching thread is about to fill
        self._said = Holding(on_device=(), in_memory=())

    @contextmanager
    def take(self, recipe: Recipe, *, on_load: OnLoad) -> Iterator[Model]:
        """The recipe's model on the device.  In a pause it may be moved out: see `bring_back`.

        `on_load(name)` is called before weights are read.  Raises UnusableWeights, OutOfMemory.
        """
        # Looked up each time, also for a loaded model: a file that was changed or taken away since
        # must not go on drawing under its old name.
        self._paths(recipe)
        model = self._placed(recipe, on_load)
        try:
            yield model
        finally:
            self._release(model)
            if self.device.type == "cpu" and model.bytes > self._resting:
                memory.give_back(self.device)  # what drawing with a large one needed in pieces

    def bring_back(self, recipe: Recipe, *, on_load: OnLoad) -> None:
        """After a pause: the taken model has its numbers on the device again.

        Raises as `take` does, for weights that are gone or changed since as well.
        """
        with torch.inference_mode(False):
            self._release(self._placed(recipe, on_load))

    def prefetch(self, recipe: Recipe) -> None:
        """Read these weights in the background, if there is room.  Returns at once."""
        key = model_key(recipe)
        self._prefetcher.wish(key, lambda may_go_on: self._prefetch(recipe, may_go_on))

    def clear(self) -> None:
        """Move everything off the device."""
        self._prefetcher.stop()
        with self._lock:
            for model in list(self._models.values()):
                if model.residence.on_device:
                    self._move_out(model)
        memory.clean(self.device)
        self._tell()

    @property
    def holding(self) -> Holding:
        """Which models are at hand, the latest used last."""
        with self._lock:
            kept = [(key, model.residence) for key, model in self._models.items()]
        return Holding(
            on_device=tuple(key for key, where in kept if where.on_device),
            in_memory=tuple(key for key, where in kept if where.in_memory),
        )

    def free_bytes(self) -> int:
        """What the device, or the limit given at the start, still has room for."""
        with self._lock:
            free = memory.free_bytes(self.device)
            if self._limit is not None:
                here = [m.bytes for m in self._models.values() if m.residence.on_device]
                free = min(free, self._limit - sum(here))
            if not self._host_memory:
                free -= self._coming_bytes
            return max(0, free)

    # What the job with the baton does.

    def _placed(self, recipe: Recipe, on_load: OnLoad) -> Model:
        """The model on the device, with one user more."""
        key = model_key(recipe)
        if (model := self._claimed(key)) is not None:
            return self._entered(key, model, recipe)
        if self._prefetcher.is_reading(key):
            on_load(recipe.checkpoint.name)
        with self._prefetcher.giving_way(key):
            if (model := self._claimed(key)) is None:
                model = self._built(key, recipe)
                on_load(recipe.checkpoint.name)
            return self._entered(key, model, recipe)

    def _built(self, key: ModelKey, recipe: Recipe) -> Model:
        """The model, nowhere yet, with one user more; a paused job's stays the same one."""
        return self._shelve(key, _followed(build(recipe, *self._paths(recipe))), users=1)

    def _entered(self, key: ModelKey, model: Model, recipe: Recipe) -> Model:
        try:
            self._drawing_bytes = needs.activations(recipe, model)
            self._arriving = model
            arriving = 0 if model.residence.on_device else model.bytes
            if arriving:
                self._lay_down(model)
            self._make_room(arriving + self._drawing_bytes, sparing=model)
            if arriving:
                with translated(recipe.checkpoint.name):
                    model.residence.enter(self.device, pulse.goes_on)
            model.fit_previewer()
        except BaseException:
            self._release(model)
            raise
        finally:
            self._arriving = None
        with self._lock:
            self._models[key] = self._models.pop(key)
        self._tell()
        return model

    def _lay_down(self, arriving: Model) -> None:
        """On a processor, what nobody uses rests in its file, but for a little."""
        if self.device.type != "cpu":
            return
        with self._lock:
            resting = self._movable(arriving, also_paused=False)
            too_much = sum(model.bytes for model in resting) - self._resting
            for model in resting:
                if too_much <= 0:
                    return
                too_much -= model.bytes
                self._move_out(model)

    def _make_room(self, needed: int, *, sparing: Model | None) -> None:
        """Move out what must go.  Raises OutOfMemory, and moves nothing, when it is not enough."""
        if self.free_bytes() < needed and self._coming_bytes and not self._host_memory:
            self._prefetcher.stop()
        with self._lock:
            movable = self._movable(sparing, also_paused=True)
            possible = self.free_bytes() + sum(model.bytes for model in movable)
            if possible < needed:
                raise OutOfMemory(needed, possible)
            self._free(needed, movable)

    # What both threads do, with the lock.

    def _at_hand(self, key: ModelKey) -> Model | None:
        model = self._models.get(key)
        return None if model is None or model.residence.nowhere else model

    def _claimed(self, key: ModelKey) -> Model | None:
        with self._lock:
            model = self._at_hand(key)
            if model is not None:
                model.users += 1
            return model

    def _release(self, model: Model) -> None:
        with self._lock:
            model.users -= 1
            self._sweep()
        self._tell()

    def _shelve(self, key: ModelKey, fresh: Model, *, users: int) -> Model:
        """Take in what was read: a paused job's modules get its numbers."""
        with self._lock:
            model = self._models.setdefault(key, fresh)
            if model is not fresh and model.residence.nowhere:
                model.residence.take_over(fresh.residence)
            model.users += users
            return model

    def _movable(self, sparing: Model | None, *, also_paused: bool) -> list[Model]:
        """On the device and not drawing: those nobody is paused with first, the oldest first."""
        found = [
            model
            for model in self._models.values()
            if model.residence.on_device
            and model is not sparing
            and (also_paused or not model.users)
        ]
        return sorted(found, key=lambda model: model.users > 0)

    def _free(self, needed: int, movable: list[Model]) -> None:
        for model in movable:
            if self.free_bytes() >= needed:
                return
            self._move_out(model)

    def _move_out(self, model: Model) -> None:
        switching.unload(model)
        residence = model.residence
        if not residence.in_memory and self._fits_in_memory(model.bytes, paused_give_way=True):
            residence.copy_to_memory()
        residence.leave()
        self._sweep()
        memory.give_back(self.device)

    def _fits_in_memory(self, needed: int, *, paused_give_way: bool) -> bool:
        """Whether host memory has room, after the least needed copies have given way."""
        if needed > self._host_memory or needed > memory.spare_host_bytes():
            return False
        kept = [model for model in self._models.values() if model.residence.in_memory]
        room = self._host_memory - self._coming_bytes - sum(model.bytes for model in kept)
        # A copy of what is on the device is the cheapest loss, a paused job's the dearest.
        kept.sort(key=lambda m: (not m.residence.on_device, m.users > 0))
        for model in kept:
            if room >= needed:
                break
            paused = model.users and not model.residence.on_device
            if model is not self._arriving and (paused_give_way or not paused):
                model.residence.forget_copy()
                room += model.bytes
        self._sweep()
        return room >= needed

    def _sweep(self) -> None:
        """Forget models that are nowhere and nobody's."""
        for key, model in list(self._models.items()):
            if model.residence.nowhere and not model.users:
                del self._models[key]

    def _tell(self) -> None:
        with self._lock:  # two threads tell, and the last word must be the latest
            if (now := self.holding) != self._said:
                self._said = now
                self._say(now)

    # What the prefetching thread does.

    def _prefetch(self, recipe: Recipe, may_go_on: Callable[[], bool]) -> None:
        key = model_key(recipe)
        with self._lock:
            if self._at_hand(key) is not None:
                return
        paths = self._paths(recipe)
        fresh = build(recipe, *paths)
        try:
            with self._lock:
                self._coming_bytes = self._room_for(fresh.bytes)
            if not self._coming_bytes:
                return
            memory.read_ahead(fresh.residence.files, may_go_on)
            if self._host_memory:
                fresh.residence.enter_memory(may_go_on)
            elif self.device.type == "cpu" and fresh.bytes > self._resting:
                return  # in the system's memory as it lies in its file, and no second time
            else:
                fresh.residence.enter(self.device, may_go_on)
                fresh.fit_previewer()
            self._paths(recipe)  # still the same after the reading
            if may_go_on():
                self._shelve(key, _followed(fresh), users=0)
        finally:
            self._coming_bytes = 0
            self._tell()

    def _room_for(self, needed: int) -> int:
        """`needed` if there is room for that beside what is in use, else 0."""
        if self._host_memory:
            return needed if self._fits_in_memory(needed, paused_give_way=False) else 0
        movable = self._movable(self._latest(), also_paused=False)
        wanted = needed + self._drawing_bytes
        if self.free_bytes() + sum(model.bytes for model in movable) < wanted:
            return 0
        self._free(wanted, movable)
        return needed

    def _latest(self) -> Model | None:
        return next(reversed(self._models.values()), None)

    def _paths(self, recipe: Recipe) -> tuple[Path, Path | None, tuple[Path, ...]]:
        path = self.catalog.locate(recipe.checkpoint)
        vae = self.catalog.locate(recipe.vae) if recipe.vae else None
        return path, vae, tuple(map(self.catalog.locate, recipe.components))


def _followed(fresh: Model) -> Model:
    """Whoever draws with it can be stopped at each of its blocks."""
    for part in fresh.architecture.parts:
        if part.name in fresh.parts:
            pulse.follow(fresh.parts[part.name], abreast=part.stage is Stage.DECODE)
    return fresh
