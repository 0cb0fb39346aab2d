"""Errands: answers about a picture, given by a seat in its turn to one who waits for them.

    describe() --queue--> seat: Describe ... Described --> the answer
    score()    --queue--> seat: Score ... Scored ------->  the same
                            | the worker dies: it waits again, MAX_TRIES at most
                            | whoever asked goes away: it ends, and what it took is paid

Invariant: an errand is in the queue or on one seat until it is over, the seconds of the device are
paid by whoever asked, and `describe` or `score` ends when the errand does, with the answer or with
why there is none.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence

from bot.dispatch.lifecycle import Lifecycle
from bot.dispatch.meter import Meter
from bot.dispatch.seats import Describing, WorkerSeat, believable
from generation.errors import Cancelled, GenerationError, RenderFailed, WorkerDied
from generation.fleet.wire import Answer, Describe, Described, Question, Score, Scored
from generation.job import Errand, JobId, Share, UserId
from generation.model_key import key_of
from generation.recipe import Weights

MAX_TRIES = 2  # an errand that takes the worker down this often is given up
_FIRST = -(2**62)


class Errands:
    """Those that wait or run."""

    def __init__(self, lifecycle: Lifecycle, meter: Meter) -> None:
        self._jobs, self._meter = lifecycle, meter
        self._numbers = itertools.count(_FIRST)
        self._answers: dict[JobId, asyncio.Future[Answer]] = {}
        self._tries: Counter[JobId] = Counter()

    async def describe(
        self, owner: UserId, share: Share, picture: bytes, captioner: Weights
    ) -> Described:
        """What the picture shows, when it is this person's turn.

        Raises QueueFull, and what ends a job without a result.
        """
        errand = self._errand(owner, share, picture, captioner)
        self._jobs.queue.room_for(owner, [errand.cost])
        answer = await self._asked(errand)
        assert isinstance(answer, Described)  # a conversation has no other answer
        return answer

    async def score(
        self, owner: UserId, share: Share, picture: bytes, scorer: Weights, texts: Sequence[str]
    ) -> tuple[float, ...]:
        """How well each text fits the picture, when it is this person's turn.

        Raises QueueFull, and what ends a job without a result.
        """
        errand = self._errand(owner, share, picture, scorer, tuple(texts))
        self._jobs.queue.room_for(owner, [errand.cost])
        return await self._scores(errand)

    async def score_ours(
        self, owner: UserId, share: Share, picture: bytes, scorer: Weights, text: str
    ) -> float:
        """The same of a picture that was drawn to be scored: there is room for that."""
        (score,) = await self._scores(self._errand(owner, share, picture, scorer, (text,)))
        return score

    async def judge_ours(
        self, owner: UserId, share: Share, picture: bytes, scorer: Weights, texts: Sequence[str]
    ) -> tuple[float, ...]:
        """How well each text fits a picture that was drawn, before it is shown: as `score_ours`."""
        return await self._scores(self._errand(owner, share, picture, scorer, tuple(texts)))

    async def _scores(self, errand: Errand) -> tuple[float, ...]:
        answer = await self._asked(errand)
        assert isinstance(answer, Scored)  # a conversation has no other answer
        return answer.scores

    def _errand(
        self,
        owner: UserId,
        share: Share,
        picture: bytes,
        weights: Weights,
        texts: tuple[str, ...] = (),
    ) -> Errand:
        return Errand(
            id=JobId(next(self._numbers)),
            owner=owner,
            weights=weights,
            picture=picture,
            cost=self._meter.costs.predict_description(key_of(weights)),
            share=share,
            # Half a letter, which a client can send, goes through no pipe.
            texts=tuple(text.encode("utf-8", "replace").decode() for text in texts),
        )

    async def _asked(self, errand: Errand) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._answers[errand.id] = answer
        self._jobs.sent(errand)
        try:
            return await answer
        finally:
            del self._answers[errand.id]
            self._tries.pop(errand.id, None)
            self._jobs.called_off(errand.id)  # where it still waits; else its task looks

    def begin(self, seat: WorkerSeat, errand: Errand, tasks: asyncio.TaskGroup) -> None:
        """Let a seat say it."""
        described = Describing(job=errand)
        self._jobs.describing(seat, described)
        work = tasks.create_task(self._run(seat, described), name=f"describe {errand.id}")
        # Also of a task that is cancelled before its first step.
        work.add_done_callback(lambda _: self._jobs.described(seat, described, 0.0, 0.0))

    async def _run(self, seat: WorkerSeat, described: Describing) -> None:
        errand, began = described.job, time.monotonic()
        answer = self._answers.get(errand.id)
        if answer is None:
            return  # whoever asked has gone
        asking = asyncio.create_task(_ask(seat, self._order(errand)))
        try:
            await asyncio.wait({asking, answer}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                await seat.worker.cancel(errand.id)  # whoever asked has gone
            said = await asking
        except WorkerDied as death:
            self._failed(seat, described, death)
        except Cancelled:
            self._jobs.described(seat, described, time.monotonic() - began, 0.0)
        except GenerationError as error:
            self._jobs.described(seat, described, time.monotonic() - began, 0.0)
            self._answer(errand, error)
        except Exception as bug:
            self._answer(errand, RenderFailed(repr(bug)))
        else:
            self._jobs.described(
                seat, described, believable(said.seconds), believable(said.loading_seconds)
            )
            self._answer(errand, said)
        finally:
            asking.cancel()

    def _failed(self, seat: WorkerSeat, described: Describing, death: WorkerDied) -> None:
        """The seat failed the errand: another try, unless it was at fault."""
        errand = described.job
        self._tries[errand.id] += 1
        seat.forget(described)
        described.paid = True  # nobody pays for what was in vain
        self._jobs.queue.put_back(errand.id, time.monotonic())
        if self._tries[errand.id] >= MAX_TRIES or errand.id not in self._answers:
            self._jobs.called_off(errand.id)
            self._answer(errand, death)
        self._jobs.seats.look()

    def _answer(self, errand: Errand, said: Answer | GenerationError) -> None:
        answer = self._answers.get(errand.id)
        if answer is None or answer.done():
            return
        if isinstance(said, Answer):
            answer.set_result(said)
        else:
            answer.set_exception(said)

    @staticmethod
    def _order(errand: Errand) -> Question:
        weights, expected = errand.weights, believable(errand.cost)
        if errand.texts:
            return Score(
                job=errand.id,
                name=weights.name,
                scorer=weights.sha256,
                picture=errand.picture,
                texts=errand.texts,
                expected=expected,
            )
        return Describe(
            job=errand.id,
            name=weights.name,
            captioner=weights.sha256,
            picture=errand.picture,
            expected=expected,
        )


async def _ask(seat: WorkerSeat, order: Question) -> Answer:
    worker = seat.worker
    return await (worker.score(order) if isinstance(order, Score) else worker.describe(order))
