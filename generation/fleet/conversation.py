"""What one worker has been asked, and so what it may say next.

    Heard* Ready, then for each job   Loading* (Stepped | Midway | Loading)* Drawn Finished
                                      ... at any point of it: Failed
    for a picture to be described     Loading* Described
    for one to be scored              Loading* Scored, a score for each text
                                      ... at any point of both: Failed
    Heard at most once for each Ping; Holding at any time

The invariant: whatever breaks these rules is a BrokenFrame, so behind `said` there is no report of
a job that was not asked for, none behind its end, and no picture of another size.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.fleet import wire
from generation.job import JobId
from generation.media.table import MEDIA, Media, medium_of
from generation.recipe import Recipe, needed


@dataclass(slots=True)
class _Asked:
    """One job, from its Render to its end."""

    recipe: Recipe | None  # None: a question about a picture
    texts: int | None = None  # that are to be scored; None: it is to be described, or drawn
    done: int = 0  # steps, of `total`; 0: none was told
    total: int = 0
    drawn: bool = False


class Conversation:
    """The jobs of one worker that it was asked for and has not ended."""

    def __init__(self, media: Media = MEDIA) -> None:
        self._media = media
        self._jobs: dict[JobId, _Asked] = {}
        self._pings = 0
        self._ready = False

    def has(self, job: JobId) -> bool:
        """Whether the worker still owes the end of it."""
        return job in self._jobs

    def asked(self, order: wire.Frame) -> None:
        """This is on its way to the worker."""
        if isinstance(order, wire.Render):
            self._jobs[order.job] = _Asked(order.recipe)
        elif isinstance(order, wire.Describe):
            self._jobs[order.job] = _Asked(None)
        elif isinstance(order, wire.Score):
            self._jobs[order.job] = _Asked(None, texts=len(order.texts))
        elif isinstance(order, wire.Ping):
            self._pings += 1

    def said(self, frame: wire.Frame) -> None:
        """This came from the worker.  Raises BrokenFrame when it may not say that now."""
        match frame:
            case wire.Heard():
                self._pings -= 1
                _must(self._pings >= 0, "it answers what it was not asked")
            case wire.Ready():
                _must(not self._ready, "it is ready twice")
                self._ready = True
            case wire.Holding():
                _must(self._ready, "it was not ready yet")
            case (
                wire.Loading()
                | wire.Stepped()
                | wire.Midway()
                | wire.Drawn()
                | wire.Finished()
                | wire.Described()
                | wire.Scored()
                | wire.Failed()
            ):
                _must(frame.job in self._jobs, "it speaks of a job that it does not have")
                self._of_a_job(frame, self._jobs[frame.job])
            case _:
                raise wire.BrokenFrame(f"a worker does not say {type(frame).__name__}")

    def _of_a_job(
        self,
        frame: wire.Loading
        | wire.Stepped
        | wire.Midway
        | wire.Drawn
        | wire.Finished
        | wire.Answer
        | wire.Failed,
        asked: _Asked,
    ) -> None:
        questions = asked.recipe is None
        match frame:
            case wire.Loading():
                _must(not asked.drawn, "it loads for what is drawn")
            case wire.Described():
                asks = questions and asked.texts is None
                _must(asks, "it describes what it was to draw or to score")
                del self._jobs[frame.job]
            case wire.Scored():
                _must(asked.texts == len(frame.scores), "it scores what it was not to")
                del self._jobs[frame.job]
            case wire.Stepped():
                _must(not questions, "it draws what it was to describe or to score")
                _must(not asked.drawn, "it steps behind the last step")
                _must(asked.total in (0, frame.total), "it counts to another total")
                _must(asked.done < frame.done <= frame.total, "its steps are out of order")
                asked.done, asked.total = frame.done, frame.total
            case wire.Midway():
                _must(not questions, "it draws what it was to describe or to score")
                _must(not asked.drawn, "it is midway behind the last step")
            case wire.Drawn():
                _must(not questions, "it draws what it was to describe or to score")
                _must(not asked.drawn, "it has drawn twice")
                asked.drawn = True
            case wire.Finished():
                _must(asked.drawn, "it finished what is not drawn")
                recipe = needed(asked.recipe)
                fault = medium_of(recipe, self._media).fault(frame.file, recipe)
                _must(fault is None, f"its file is refused: {fault}")
                del self._jobs[frame.job]
            case wire.Failed():
                del self._jobs[frame.job]


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise wire.BrokenFrame(otherwise)
