"""Jobs: orders in, reports out, one thread per job, one job at a time on the device.

    reader thread     takes orders, never draws      (Ping is answered while a job is drawn)
    a job's thread    waits for the baton, draws, gives it back
    writing threads   turn pixels into a file while the next job is drawn

The invariant: every Render that was taken ends in exactly one Finished or Failed, and a job that
ends, however it ends, leaves nothing behind that the next one could notice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from generation.catalog.digests import tensors_sha256
from generation.errors import Cancelled, RenderFailed, UnusableWeights
from generation.families.architecture import LOOKS_BY, Stage
from generation.fleet.wire import (
    Answer,
    Cancel,
    Describe,
    Described,
    Drawn,
    Finished,
    Frame,
    GiveWay,
    Heard,
    Loading,
    Midway,
    Pause,
    Ping,
    Prefetch,
    Question,
    Render,
    Report,
    Resume,
    Score,
    Scored,
    Stepped,
)
from generation.job import JobId
from generation.media.table import MEDIA, Media, medium_of
from generation.recipe import Adapter, Recipe, Sha256, Weights
from generation.tasks import VIEW
from generation.two_passes import passes
from generation.worker import pulse
from generation.worker.adapters import switching
from generation.worker.baton import Baton, Turn
from generation.worker.describing import described
from generation.worker.failures import is_fatal, is_out_of_memory, report, trace, translated
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import Model
from generation.worker.render import Rendition, render
from generation.worker.scoring import scored

DEVICE_IS_GONE = 70  # exit status: EX_SOFTWARE

# A step that is as short is waited for: a job that is left in its middle keeps more than latents.
PATIENCE = 0.5  # seconds


class Jobs:
    """Takes orders (on the reader's thread) and says reports (on any).

    `patience`: seconds that a job draws on before others may come in the middle of its step;
    `clock` tells them.
    """

    def __init__(
        self,
        cache: ModelCache,
        say: Callable[[Report], None],
        media: Media = MEDIA,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._cache, self._media, self._patience = cache, media, patience
        self._say = say
        self._baton = Baton(clock)
        self._places: dict[JobId, Turn] = {}
        self._writing: dict[JobId, Turn] = {}  # drawn; the device has done with them
        self._hashes: dict[Sha256, str] = {}  # of LoRAs' tensors, by the file's digest
        self._writers = ThreadPoolExecutor(2, "writing")

    def take(self, order: Frame) -> None:
        """Act on one order, without waiting."""
        match order:
            case Render() | Describe() | Score():
                self._begin(order)
            case Cancel():
                found = self._places.get(order.job) or self._writing.get(order.job)
                if found is not None:
                    found.cancel()
            case Pause():
                if (place := self._places.get(order.job)) is not None:
                    place.pause()
            case Resume():
                if (place := self._places.get(order.job)) is not None:
                    place.resume()
            case Prefetch():
                self._cache.prefetch(order.recipe)
            case GiveWay():
                # In the line as a job is: what is drawn keeps its parts, and what comes next waits.
                threading.Thread(
                    target=self._give_way, args=(order.size,), name="give way", daemon=True
                ).start()
            case Ping():
                self._say(Heard(stage=self._baton.stage, beats=self._baton.beats))
            case _:
                print(f"ignored: {type(order).__name__}", file=sys.stderr)

    def _begin(self, order: Render | Question) -> None:
        if order.job in self._places or order.job in self._writing:
            self._say(report(order.job, RenderFailed("a job of this number is being drawn")))
            return
        place = self._places[order.job] = self._baton.place()
        work = self._draw if isinstance(order, Render) else self._answer
        thread = threading.Thread(
            target=work, args=(order, place), name=f"job-{order.job}", daemon=True
        )
        thread.start()

    def _give_way(self, size: int) -> None:
        place = self._baton.place()
        place.enter()
        try:
            self._cache.give_way(size)
        except Exception as error:
            print(trace(error, ()), file=sys.stderr)
        finally:
            place.leave()

    def _draw(self, order: Render, place: Turn) -> None:
        try:
            place.enter()
            drawing = _Drawing(order, place, self._cache, self._say, self._patience)
            with pulse.of(place):
                result = drawing.draw()
        except BaseException as error:
            self._end_badly(order, place, error)
            return
        seconds = place.seconds - drawing.loading_seconds
        place.leave()
        self._writing[order.job] = place
        del self._places[order.job]
        self._say(Drawn(job=order.job, seconds=seconds, loading_seconds=drawing.loading_seconds))
        self._writers.submit(self._write, order, place, result, seconds)

    def _answer(self, order: Question, place: Turn) -> None:
        """Words or numbers instead of a picture; they need no file to be written."""
        try:
            place.enter()
            with pulse.of(place):
                answer = self._answered(order, place)
        except BaseException as error:
            self._end_badly(order, place, error)
            return
        place.leave()
        del self._places[order.job]
        self._say(answer)

    def _answered(self, order: Question, place: Turn) -> Answer:
        if isinstance(order, Score):
            scores, loading = scored(order, self._cache, place, self._say)
            return Scored(
                job=order.job,
                scores=scores,
                seconds=place.seconds - loading,
                loading_seconds=loading,
            )
        said, loading = described(order, self._cache, place, self._say)
        return Described(
            job=order.job,
            words=said.words,
            sure=said.sure,
            seconds=place.seconds - loading,
            loading_seconds=loading,
        )

    def _tensors(self, recipe: Recipe, place: Turn) -> dict[Sha256, str]:
        """What A1111 calls the hashes of the recipe's LoRAs; each is read once for that."""
        for adapter in recipe.adapters:
            digest = adapter.weights.sha256
            if adapter.kind == "lora" and digest not in self._hashes:
                # A picture does not fail for it; the recipe names the weights.
                with contextlib.suppress(OSError, ValueError, UnusableWeights):
                    path = self._cache.catalog.locate(adapter.weights)
                    self._hashes[digest] = tensors_sha256(path, place.beat)
        return self._hashes

    def _end_badly(self, order: Render | Question, place: Turn, error: BaseException) -> None:
        words = _words_of(order)
        if is_fatal(error):
            print(trace(error, words), file=sys.stderr)
            print("the device is gone; this process ends", file=sys.stderr, flush=True)
            os._exit(DEVICE_IS_GONE)
        out_of_memory = is_out_of_memory(error)
        told = translated(error, free_bytes=None, words=words)
        if isinstance(told, RenderFailed) and told is not error:
            print(trace(error, words), file=sys.stderr)
        # The traceback holds the frames, and they hold every tensor of the job.
        _forget_frames(error)
        if out_of_memory:
            self._cache.clear()
            told = translated(error, free_bytes=self._cache.free_bytes())
        place.leave()
        del self._places[order.job]
        self._say(report(order.job, told))

    def _write(self, order: Render, place: Turn, result: Rendition, seconds: float) -> None:
        recipe, medium = order.recipe, medium_of(order.recipe, self._media)
        try:
            place.beat()
            finished = Finished(
                job=order.job,
                file=medium.written(
                    result.content, recipe, self._tensors(recipe, place), place.beat
                ),
                pixels_sha256=medium.digest(result.content),
                latents_sha256=result.latents_sha256,
                seconds=seconds,
                remark=result.remark,
            )
            place.beat()
            ended: Report = finished
        except Exception as error:
            words = recipe.texts
            if not isinstance(error, Cancelled):
                print(trace(error, words), file=sys.stderr)
            ended = report(order.job, translated(error, free_bytes=None, words=words))
        del self._writing[order.job]
        self._say(ended)


class _Drawing:
    """One job while it holds the baton."""

    def __init__(
        self,
        order: Render,
        place: Turn,
        cache: ModelCache,
        say: Callable[[Report], None],
        patience: float,
    ) -> None:
        self._order, self._place, self._cache, self._say = order, place, cache, say
        self._patience = patience
        # Seconds of the device: when the step began, and when others could have had it last.
        self._began = self._seen = 0.0
        # Whether its last step took longer than anybody is to wait; None: there was none yet.
        self._slow: bool | None = None
        self._behind: torch.cuda.Event | None = None
        self._pass, *_ = passes(order.recipe)  # of several, the one that is drawn
        self._stage = Stage.ENCODE
        self.loading_seconds = 0.0

    def draw(self) -> Rendition:
        order = self._order
        with self._cache.take(order.recipe, on_load=self._loading) as model:
            switching.switch(model, self._pass, self._locate)
            taught = switching.taught(model, self._pass, self._locate)
            self.loading_seconds = self._place.seconds
            with pulse.of(
                self._place,
                rest=lambda: self._between(model),
                midway=lambda: self._midway(model),
            ):
                return render(
                    order.recipe,
                    order.inputs,
                    model,
                    on_step=partial(self._stepped, model),
                    at=partial(self._at, model),
                    learned=taught.words,
                    locate=self._locate,
                    passing=partial(self._passing, model),
                    remembered=partial(
                        self._cache.words.of,
                        _read_by(model, order.recipe, taught.by),
                        self._cache.device,
                    ),
                )

    def _locate(self, weights: Weights) -> Path:
        """One more file of a LoRA or of an embedding is wanted."""
        pulse.beat()
        return self._cache.catalog.locate(weights)

    def _loading(self, name: str) -> None:
        plain = name[:1_000].encode("utf-8", "replace").decode()
        self._say(Loading(job=self._order.job, name=plain))

    def _at(self, model: Model, stage: Stage) -> None:
        """A stage begins, whose parts may have had to give way to those of another one."""
        self._stage, began = stage, self._place.seconds
        with torch.inference_mode(False):
            if self._cache.at(model, self._order.recipe, stage):
                switching.switch(model, self._pass, self._locate)
        self._began = self._place.seconds
        self.loading_seconds += self._began - began

    def _passing(self, model: Model, recipe: Recipe) -> None:
        """A pass of several begins, with LoRAs of its own."""
        self._pass, began = recipe, self._place.seconds
        with torch.inference_mode(False):
            switching.switch(model, recipe, self._locate)
        self.loading_seconds += self._place.seconds - began

    def _midway(self, model: Model) -> bool:
        """Between two blocks, or pieces that hand something on: let others have their say.

        Where it takes long, they are told that they could.  Whoever is to give way does so behind
        the very next block, however lately others were told: the answer comes when it comes.

        Tells whether it may take long, and the thread is not to run ahead of a GPU.
        """
        if self._stage is Stage.DECODE:
            stage, long = Stage.DECODE, True
        elif self._stage in (Stage.DENOISE, Stage.REFINE) and self._slow is not False:
            stage = Stage.DENOISE
            long = bool(self._slow) or self._place.seconds - self._began >= self._patience
        else:
            return False
        self._tell()
        if self._place.paused and long:
            kept = self._cache.kept_midway(model, self._order.recipe, stage)
            if kept is not None:
                self._rest(model, kept)
        return True

    def _between(self, model: Model) -> None:
        """Between two pieces that hand nothing on: the same."""
        self._tell()
        self._rest(model)

    def _tell(self) -> None:
        """Others could have the device here; who was told so a moment ago is not told again."""
        if not self._place.paused and self._place.seconds - self._seen >= self._patience:
            self._seen = self._place.seconds
            self._say(Midway(job=self._order.job, seconds=self._seen))

    def _stepped(self, model: Model, done: int, total: int, x0: Tensor | None) -> None:
        """A step is done: say so, then let others have their say."""
        self._keep_up()
        self._slow = self._place.seconds - self._began >= self._patience
        every = self._order.preview_every
        preview = b""
        # The first at once, so that people see that it began; none just before the picture itself.
        shown = every and model.draws_pixels and (done == 1 or done % every == 0)
        if x0 is not None and shown and done < total:
            preview = model.fit_previewer().jpeg(x0)
        self._say(
            Stepped(
                job=self._order.job,
                done=done,
                total=total,
                preview=preview,
                seconds=self._place.seconds,
            )
        )
        self._rest(model)
        self._began = self._seen = self._place.seconds

    def _rest(self, model: Model, kept: int = 0) -> None:
        """Let others have the device, if this job is paused.

        `kept`: bytes of the device that it keeps meanwhile, in the middle of a step.
        """
        if self._place.paused:
            self._catch_up()
        with self._cache.kept(kept):
            away = self._place.boundary()
        if away:
            self._come_back(model, kept)
            self._seen = self._place.seconds

    def _come_back(self, model: Model, kept: int) -> None:
        """Others may have drawn with this model meanwhile, or have had its room."""
        began, stage = self._place.seconds, self._place.stage
        recipe = self._order.recipe
        pulse.stage("loading")
        self._cache.bring_back(recipe, self._stage, on_load=self._loading, kept=kept)
        with torch.inference_mode(False):
            switching.switch(model, self._pass, self._locate)
        pulse.stage(stage)
        self.loading_seconds += self._place.seconds - began

    def _catch_up(self) -> None:
        """Let a GPU end what it was given, on this job's account and not on the next one's."""
        if self._cache.device.type == "cuda":
            torch.cuda.synchronize(self._cache.device)

    def _keep_up(self) -> None:
        """Stay at most one step ahead of a GPU, which works on its own time."""
        if self._cache.device.type != "cuda":
            return
        if self._behind is not None:
            self._behind.synchronize()
        self._behind = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._behind.record()


def _read_by(model: Model, recipe: Recipe, adapters: Sequence[Adapter]) -> Hashable:
    """All that decides what is made of a recipe's words, without a word of them."""
    looking = any(part.key.part == LOOKS_BY for part in model.at(Stage.ENCODE))
    roles = ("first", "last", "clip") if looking else ("reference", VIEW)
    seen = tuple((one.role, one.sha256) for one in recipe.inputs if one.role in roles)
    canvas = repr((recipe.canvas, recipe.motion)) if seen else ""
    said = repr((recipe.words, recipe.sound))
    words = hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest()
    encoders = tuple(part.key for part in model.at(Stage.ENCODE))
    return recipe.family, encoders, tuple(adapters), words, seen, canvas


def _words_of(order: Render | Question) -> Sequence[str]:
    """What a person may have written in it, which no log is told."""
    if isinstance(order, Render):
        return order.recipe.texts
    return order.texts if isinstance(order, Score) else ()


def _forget_frames(error: BaseException) -> None:
    waiting: list[BaseException | None] = [error]
    while waiting:
        if (one := waiting.pop()) is not None:
            one.__traceback__ = None
            waiting += [one.__cause__, one.__context__]
