"""Seats: a worker each, with the one job that its device works on and those that it holds paused.

The invariant: every job that has begun and not ended is a `Drawing` on exactly one seat, either its
`running` one or one of its `parked`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from generation.fleet.worker import Worker
from generation.job import Errand, Job, JobId
from generation.model_key import ModelKey
from generation.queue.costs import CostModel
from generation.queue.fair_queue import SeatId
from storage.tickets import Lease

# What weights may take of a device; drawing needs the rest.
FOR_WEIGHTS = 0.8


LONGEST = 1e7  # seconds of a device that one job is believed to have had


def believable(seconds: float) -> float:
    """What a worker claims, as books and databases can hold it; 0 for what is no number."""
    return 0.0 if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST)


@dataclass(slots=True, eq=False)
class Drawing:
    """One job from the moment a seat takes it until it is drawn or ends without a picture."""

    job: Job
    lease: asyncio.Task[Lease]
    near: bool = False  # its weights lay in the host's memory when it began
    seconds: float = 0.0  # of the device, as reported
    paid: float = 0.0  # of these
    loading: float = 0.0  # of the paid ones: weights moved in and out
    done: int = 0  # steps
    total: int = 0  # of them, as the worker says; 0: it has not said yet
    first: float = 0.0  # `seconds` at the end of its first step
    last: float = 0.0  # the same of its latest
    handed_over: bool = False  # the worker has the order
    freed: bool = False  # the device has done with it, and all is paid

    def stepped(self, done: int, total: int, seconds: float) -> None:
        """So many steps are done."""
        self.done, self.total, self.seconds = done, total, believable(seconds)
        self.last = self.seconds
        if done == 1:
            self.first = self.seconds

    def midway(self, seconds: float) -> None:
        """A step that takes long goes on."""
        self.seconds = max(self.seconds, believable(seconds))

    def pay(self, loading_seconds: float) -> float:
        """The chunk is paid for, of which that went into weights.  Returns the chunk's seconds."""
        seconds, self.paid = self.unpaid, max(self.seconds, self.paid)
        self.loading += loading_seconds
        return seconds

    @property
    def unpaid(self) -> float:
        """Seconds of the chunk that is being drawn."""
        return max(self.seconds - self.paid, 0.0)

    @property
    def _of_this_step(self) -> float:
        """Seconds that the step has taken which goes on."""
        return max(self.seconds - self.last, 0.0)

    @property
    def _behind_the_steps(self) -> float:
        """Predicted seconds of what goes on when all steps are done: a film that is decoded.

        What was predicted of the whole, less the steps; and as much again as it has taken, or more.
        """
        so_far = self._of_this_step
        if not so_far:
            return 0.0  # nobody said that there is any
        pace = (self.last - self.first) / (self.total - 1) if self.total > 1 else self.last
        return max(self.job.cost - pace * self.total - so_far, so_far)

    @property
    def left(self) -> float:
        """Predicted seconds of the device that it still needs."""
        if not self.total:
            return max(self.job.cost, self._of_this_step)
        remaining = self.total - self.done
        if not remaining:
            return self._behind_the_steps
        if self.done < 2:
            # A guess may be far off: the others take what this one has taken already, or more.
            return max(self.job.cost * remaining / self.total, self._of_this_step * remaining)
        # Its own pace, without what came before the first step (weights, words).
        return believable(remaining * (self.last - self.first) / (self.done - 1))


async def nothing_to_clear() -> None:
    """The device is the pictures' alone."""


@dataclass(slots=True, eq=False)
class Describing:
    """One errand from the moment a seat takes it until its words are there; it is not paused."""

    job: Errand
    paid: bool = False

    @property
    def left(self) -> float:
        """Predicted seconds of the device that it still needs."""
        return self.job.cost


@dataclass(slots=True, eq=False)
class WorkerSeat:
    """One device as the queue and the dispatcher see it."""

    id: SeatId
    worker: Worker
    costs: CostModel
    size_of: Callable[[ModelKey], int]  # bytes of a model's weights, as they are known now
    running: Drawing | Describing | None = None
    parked: dict[JobId, Drawing] = field(default_factory=dict)
    at_boundary: bool = False  # its job has drawn a chunk, and may be paused for another
    recheck: bool = False  # somebody arrived: the next step ends the chunk
    gone: bool = False  # it will not come back
    peers: Iterable[WorkerSeat] = ()  # all that are served now, this one included
    memory: float = math.inf  # bytes of its device, as it said last
    starting: float = 0.0  # seconds that its worker's last start took
    clear: Callable[[], Awaitable[None]] = nothing_to_clear  # before a picture has the device
    prefetched: ModelKey | None = None
    avoided: dict[ModelKey, float] = field(default_factory=dict)  # models, and until when
    news: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)  # nobody serves it any more

    def is_warm(self, model: ModelKey) -> bool:
        """Whether the weights are on the device, or on their way for the job that has it."""
        loading = self.running is not None and self.running.job.needs == model
        return loading or model in self.worker.holding.on_device

    def swap_seconds(self, model: ModelKey) -> float:
        """Predicted seconds until these weights could draw; 0 when they are there."""
        return 0.0 if self.is_warm(model) else self.reading_seconds(model)

    def reading_seconds(self, model: ModelKey) -> float:
        """Predicted seconds of getting these weights, from where they are unless they are there."""
        near = model in self.worker.holding.in_memory
        return self.costs.predict_loading(model, self.size_of(model), in_memory=near)

    def can_draw(self, model: ModelKey) -> bool:
        """Whether the weights fit, or nowhere else either.

        What fits nowhere is tried all the same: it fails, or works after all, and waits no longer.
        """
        return self._fits(model) or not any(peer._fits(model) for peer in self.peers)

    def avoid(self, model: ModelKey, seconds: float) -> bool:
        """Leave the model to others for so long, as weights do not come here.

        Returns whether there is another seat for it.
        """
        self.avoided[model] = max(self.avoided.get(model, 0.0), time.monotonic() + seconds)
        return any(peer._fits(model) for peer in self.peers)

    def holds(self, models: Collection[ModelKey]) -> bool:
        """Whether all of them fit at once, so that none would ever have to give way."""
        return sum(self.size_of(model) for model in models) <= self._room

    def drawings(self) -> tuple[Drawing, ...]:
        """Every job that it has begun and not drawn."""
        running = [self.running] if isinstance(self.running, Drawing) else []
        return (*running, *self.parked.values())

    def begin(self, drawing: Drawing | Describing) -> None:
        """A new job has the device."""
        self.running, self.at_boundary = drawing, False

    def park(self) -> Drawing:
        """The running job gives the device away, and stays."""
        drawing = self.running
        assert isinstance(drawing, Drawing), "nothing runs here that could be held"
        self.parked[drawing.job.id] = drawing
        self.running = None
        return drawing

    def unpark(self, job: JobId) -> Drawing:
        """A parked job has the device again."""
        drawing = self.parked.pop(job)
        self.begin(drawing)
        return drawing

    def forget(self, drawing: Drawing | Describing) -> None:
        """The drawing is over; its device is free if it had it."""
        self.parked.pop(drawing.job.id, None)
        if self.running is drawing:
            self.running, self.at_boundary = None, False
        self.news.set()

    def _fits(self, model: ModelKey) -> bool:
        if model in self.avoided and time.monotonic() < self.avoided[model]:
            return False
        return self.size_of(model) <= self._room

    @property
    def _room(self) -> float:
        ready = self.worker.ready
        return FOR_WEIGHTS * (ready.memory_bytes if ready is not None else self.memory)


class Seats:
    """The seats that are served now, by name."""

    def __init__(self) -> None:
        self._named: dict[SeatId, WorkerSeat] = {}

    def __iter__(self) -> Iterator[WorkerSeat]:
        return iter(self._named.values())

    def find(self, name: SeatId) -> WorkerSeat | None:
        """Whoever is served under that name."""
        return self._named.get(name)

    def add(self, seat: WorkerSeat) -> None:
        """The seat is served from now on."""
        self._named[seat.id] = seat
        seat.over.clear()
        seat.peers = self

    def remove(self, seat: WorkerSeat) -> None:
        """The seat is served no longer."""
        del self._named[seat.id]
        seat.over.set()

    def look(self) -> None:
        """There is something in the queue: idle seats look at once, others after their step."""
        for seat in self:
            seat.recheck = True
            if seat.running is None:
                seat.news.set()
