"""The models at hand: parts that are loaded, put together as recipes want them.

The invariant: what `take` and `bring_back` give has exactly the recipe's weights, and the parts of
a stage are on the device while it runs.  Where there is room, all parts of a model are there all
the time; where there is not, those of another stage give way, which changes no number.

The job that holds the baton calls everything but `prefetch`; the lock keeps the prefetching thread
from the books, and no file is read while it is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from generation.catalog.catalog import Catalog
from generation.errors import OutOfMemory
from generation.families.architecture import Part, Stage
from generation.fleet.wire import Holding
from generation.model_key import ModelKey, model_key
from generation.recipe import Recipe
from generation.worker import pulse
from generation.worker.adapters import switching
from generation.worker.codecs.previews import Previewer
from generation.worker.loading.loader import FileHeads, opened, translated
from generation.worker.memory import memory, needs
from generation.worker.memory.parts_at_hand import RESTING, PartsAtHand
from generation.worker.memory.prefetch import Prefetcher
from generation.worker.memory.refusal import refusal
from generation.worker.model import LoadedPart, Model, PartKey
from generation.worker.text.remembered import RememberedWords

BESIDE = 2**26  # bytes that a small network takes of a picture

OnLoad = Callable[[str], None]
# Of the checkpoint, its VAE, its other parts apart, an upscaler, and ControlNets.
Paths = tuple[Path | None, Path | None, tuple[Path, ...], Path | None, tuple[Path, ...]]


# What a job may keep in the middle of a step or a film: a quarter of what others can have.
LITTLE = 4


class ModelCache:
    """Models, the least recently used parts of which give way when room is needed.

    `limit`, `host_memory` and `resting` are those of `PartsAtHand`.  `say` hears what is at hand
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
        self._say = say
        self._parts = PartsAtHand(device, limit, host_memory, resting, self._unload)
        self._models: dict[ModelKey, Model] = {}  # oldest use first
        self._previewers: dict[PartKey, Previewer] = {}  # of each VAE that ever was here
        self.words = RememberedWords()
        self._prefetcher = Prefetcher()
        self._drawing_bytes = 0  # what the job with the baton needs besides weights
        self._said = Holding(on_device=(), in_memory=())

    @contextmanager
    def take(self, recipe: Recipe, *, on_load: OnLoad) -> Iterator[Model]:
        """The recipe's model, for a job.  In a pause its parts may be moved out: see `bring_back`.

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
            self._tidy(model)

    @contextmanager
    def take_alone(
        self, key: PartKey, build: Callable[[], LoadedPart], name: str, *, on_load: OnLoad
    ) -> Iterator[LoadedPart]:
        """A network that no model has, for the job with the baton.  Raises as `take` does.

        It needs about as much besides its weights as a quarter of them, and BESIDE at least.
        """
        part = self._parts.get(key) or build()
        with self._parts.lock:
            part = self._parts.shelve(part)
            self._parts.claim([part])
        try:
            self._parts.mine = self._parts.arriving = [part]
            missing = [] if part.residence.on_device else [part]
            if missing:
                on_load(name)
                self._parts.lay_down([part])
            needed = sum(each.bytes for each in missing) + max(part.bytes // 4, BESIDE)
            self._stop_prefetch_for(needed)
            self._parts.make_room(needed, sparing=[part])
            self._enter(missing, name)
            yield part
        finally:
            self._parts.release([part])
            self._tell()

    def at(self, model: Model, recipe: Recipe, stage: Stage) -> bool:
        """Have the parts of a stage on the device; returns whether any had to come.

        Raises UnusableWeights and OutOfMemory.
        """
        self._tidy(model)
        parts = model.at(stage)
        missing = [part for part in parts if not part.residence.on_device]
        if missing:
            self._parts.mine = model.loaded
            self._parts.arriving = parts
            drawing = needs.activations(recipe, model, stage)
            needed = sum(part.bytes for part in missing) + drawing
            self._stop_prefetch_for(needed)
            rooms = self._rooms(missing, parts, drawing)
            self._parts.make_room(sum(rooms.values()) + drawing, sparing=parts)
            self._enter(missing, recipe.leading.name, rooms)
            switching.unload(model)  # made for where the parts were
            self._tell()
        return bool(missing)

    def bring_back(self, recipe: Recipe, stage: Stage, *, on_load: OnLoad, kept: int = 0) -> None:
        """After a pause: the parts of this stage of the taken model are on the device again.

        `kept`: bytes that the job has there already, of those that it needs besides its weights.
        Raises as `take` does, for weights that are gone or changed since as well.
        """
        self._parts.returning_bytes = kept
        try:
            with torch.inference_mode(False):
                model = self._placed(recipe, on_load)
                try:
                    self.at(model, recipe, stage)
                finally:
                    self._release(model)
        finally:
            self._parts.returning_bytes = 0

    def kept_midway(self, model: Model, recipe: Recipe, stage: Stage) -> int | None:
        """Bytes that a job keeps on the device which is left in the middle of a stage's work.

        None: so many that others may lack them; it is left behind the step, or the last piece.
        """
        kept = needs.activations(recipe, model, stage)
        return kept if kept * LITTLE <= self._parts.possible_bytes(()) else None

    @contextmanager
    def kept(self, size: int) -> Iterator[None]:
        """A job that rests keeps so many bytes of the device."""
        self._parts.keep(size)
        try:
            yield
        finally:
            self._parts.keep(-size)

    def prefetch(self, recipe: Recipe) -> None:
        """Read these weights in the background, if there is room.  Returns at once."""
        key = model_key(recipe)
        self._prefetcher.wish(key, lambda may_go_on: self._prefetch(recipe, may_go_on))

    def clear(self) -> None:
        """Move everything off the device."""
        self._prefetcher.stop()
        self._parts.move_all_out()
        memory.clean(self.device)
        self._tell()

    def give_way(self, size: int) -> None:
        """Leave so many bytes of the device free, or as many as can be: nobody draws now."""
        self._prefetcher.stop()
        self._parts.give_way(size)
        self._tell()

    @property
    def holding(self) -> Holding:
        """Which models are at hand, the latest used last."""
        with self._parts.lock:
            self._forget_models()
            kept = [(key, model.residence) for key, model in self._models.items()]
        return Holding(
            on_device=tuple(key for key, where in kept if where.on_device),
            in_memory=tuple(key for key, where in kept if where.in_memory),
        )

    def free_bytes(self) -> int:
        """What the device, or the limit given at the start, still has room for."""
        return self._parts.free_bytes()

    # What the job with the baton does.

    def _placed(self, recipe: Recipe, on_load: OnLoad) -> Model:
        """The model, with one user more; on the device if there is room for all of it."""
        key, name = model_key(recipe), recipe.leading.name
        if (model := self._claimed(key)) is not None:
            return self._entered(key, model, recipe)
        if self._prefetcher.is_reading(key):
            on_load(name)
        with self._prefetcher.giving_way(key):
            if (model := self._claimed(key)) is None:
                model = self._composed(recipe)
                on_load(name)
            return self._entered(key, model, recipe)

    def _claimed(self, key: ModelKey) -> Model | None:
        with self._parts.lock:
            self._forget_models()
            model = self._models.get(key)
            if model is None or model.residence.nowhere:
                return None
            self._parts.claim(model.loaded)
            return model

    def _composed(self, recipe: Recipe) -> Model:
        """The model of the recipe's parts, those that are not here nowhere yet; one user more."""
        heads = opened(recipe, *self._paths(recipe))
        memory.begin_to_read(heads.files)
        fresh = [heads.built(part) for part in heads.parts if self._is_to_read(heads, part)]
        return self._shelved(model_key(recipe), heads, fresh, users=1)

    def _is_to_read(self, heads: FileHeads, wanted: Part) -> bool:
        part = self._parts.get(heads.key(wanted))
        return part is None or part.residence.nowhere

    def _shelved(
        self, key: ModelKey, heads: FileHeads, fresh: list[LoadedPart], *, users: int
    ) -> Model:
        """Take in what was built; a model that somebody is paused with stays the same one."""
        with self._parts.lock:
            for part in fresh:
                self._parts.shelve(part)
            here = [self._parts.get(heads.key(part)) for part in heads.parts]
            loaded = [part for part in here if part is not None]
            model = self._models.get(key)
            if model is None or list(model.loaded) != loaded:
                model = self._models[key] = heads.model(loaded)
                if model.at(Stage.DECODE):
                    model.previewer = self._previewers.get(_vae(model).key)
            if users:
                self._parts.claim(model.loaded)
            return model

    def _entered(self, key: ModelKey, model: Model, recipe: Recipe) -> Model:
        try:
            self._parts.mine = self._parts.arriving = model.loaded
            self._drawing_bytes = needs.most_activations(recipe, model)
            missing = [part for part in model.loaded if not part.residence.on_device]
            if missing:
                self._parts.lay_down(model.loaded)
            needed = sum(part.bytes for part in missing) + self._drawing_bytes
            self._stop_prefetch_for(needed)
            if self._parts.possible_bytes(model.loaded) >= needed:
                self._parts.make_room(needed, sparing=model.loaded)
                self._enter(missing, recipe.leading.name)
            else:
                self._check_stages(model, recipe)
            self._fit_previewer(model, recipe)
        except BaseException:
            self._release(model)
            raise
        with self._parts.lock:
            self._models[key] = self._models.pop(key, model)
        self._tell()
        return model

    def _rooms(
        self, missing: list[LoadedPart], stage: Sequence[LoadedPart], drawing: int
    ) -> dict[LoadedPart, int]:
        """What each part that is to come may take of the device: as a whole, or block by block.

        The largest come block by block before others, and the last of them has what room is left.
        """
        rooms = {part: part.bytes for part in missing}
        lacking = sum(rooms.values()) + drawing - self._parts.possible_bytes(stage)
        for part in sorted(missing, key=lambda each: -each.bytes):
            if lacking <= 0:
                break
            rooms[part] = max(part.bytes - lacking, part.residence.least_bytes(self.device))
            lacking -= part.bytes - rooms[part]
        return rooms

    def _enter(
        self, parts: list[LoadedPart], name: str, rooms: Mapping[LoadedPart, int] | None = None
    ) -> None:
        """Bring parts to the device, those that have less room than they take block by block."""
        try:
            with translated(name):
                for part in parts:
                    where = part.residence
                    room = part.bytes if rooms is None else rooms[part]
                    if room < part.bytes:
                        with self._parts.lock:
                            copied = self._parts.copies_fit(part.bytes, paused_give_way=False)
                        if where.nowhere and copied:
                            where.enter_memory(pulse.goes_on)
                        where.stream(self.device, room, pulse.goes_on)
                    else:
                        where.enter(self.device, pulse.goes_on)
        finally:
            self._parts.arriving = ()

    def _check_stages(self, model: Model, recipe: Recipe) -> None:
        """Raises OutOfMemory where some stage does not fit, block by block and alone."""
        possible = self._parts.possible_bytes(())
        if needs.predict(recipe, model, self.device).least > possible:
            raise refusal(recipe, model, self.device, possible)

    def _fit_previewer(self, model: Model, recipe: Recipe) -> None:
        if not model.draws_pixels:
            return
        if model.previewer is None and model.at(Stage.DECODE):
            self.at(model, recipe, Stage.DECODE)
            self._previewers[_vae(model).key] = model.fit_previewer()

    def _tidy(self, model: Model) -> None:
        """On a processor, have back what a stage of a large model needed in pieces."""
        if self.device.type == "cpu" and model.bytes > self._parts.resting:
            memory.give_back(self.device)

    def _stop_prefetch_for(self, needed: int) -> None:
        """What is being read beside gives way when there is no room for it."""
        parts = self._parts
        if parts.free_bytes() < needed and parts.coming_bytes and not parts.host_memory:
            self._prefetcher.stop()

    def _release(self, model: Model) -> None:
        self._parts.release(model.loaded)
        self._tell()

    def _unload(self, part: LoadedPart) -> None:
        """A part leaves the device, and so do the adapters that were made for it."""
        for model in self._models.values():
            if part in model.loaded:
                switching.unload(model)

    def _forget_models(self) -> None:
        """Those whose parts are not all here any more."""
        here = set(self._parts.all())
        for key, model in list(self._models.items()):
            if not here.issuperset(model.loaded):
                del self._models[key]

    def _tell(self) -> None:
        with self._parts.lock:  # two threads tell, and the last word must be the latest
            if (now := self.holding) != self._said:
                self._said = now
                self._say(now)

    # What the prefetching thread does.

    def _prefetch(self, recipe: Recipe, may_go_on: Callable[[], bool]) -> None:
        key, parts = model_key(recipe), self._parts
        heads = opened(recipe, *self._paths(recipe))
        fresh = [heads.built(part) for part in heads.parts if self._is_to_read(heads, part)]
        size = sum(part.bytes for part in fresh)
        try:
            with parts.lock:
                parts.coming_bytes = size if self._is_room_beside(size) else 0
            if not parts.coming_bytes:
                return
            memory.read_ahead(heads.files, may_go_on)
            if self.device.type == "cpu" and not parts.host_memory and size > parts.resting:
                return  # in the system's memory as it lies in its file, and no second time
            for part in fresh:
                if parts.host_memory:
                    part.residence.enter_memory(may_go_on)
                else:
                    part.residence.enter(self.device, may_go_on)
            self._paths(recipe)  # still the same after the reading
            if may_go_on():
                self._shelved(key, heads, fresh, users=0)
        finally:
            parts.coming_bytes = 0
            self._tell()

    def _is_room_beside(self, needed: int) -> bool:
        """Whether there is, beside what is in use; what nobody uses gives way for it."""
        if self._parts.host_memory:
            return self._parts.copies_fit(needed, paused_give_way=False)
        latest = next(reversed(self._models.values()), None)
        sparing = latest.loaded if latest is not None else ()
        wanted = needed + self._drawing_bytes
        try:
            self._parts.make_room(wanted, sparing=sparing, also_paused=False)
        except OutOfMemory:
            return False
        return True

    def _paths(self, recipe: Recipe) -> Paths:
        locate, draws = self.catalog.locate, recipe.sampling is not None
        larger = recipe.enlarging.upscaler if recipe.enlarging else None
        return (
            locate(recipe.checkpoint) if draws else None,
            locate(recipe.vae) if recipe.vae else None,
            tuple(map(locate, recipe.parts_apart)),
            locate(larger) if larger else None,
            tuple(map(locate, recipe.controlnets)),
        )


def _vae(model: Model) -> LoadedPart:
    return model.at(Stage.DECODE)[0]
