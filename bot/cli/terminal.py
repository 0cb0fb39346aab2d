"""What the command line shows: a progress bar for a request, and the sentences around it.

Results go to standard output, everything else to standard error, so that output can be piped.
Where no terminal is attached, a bar becomes a line per phase.
"""

from __future__ import annotations

import time
from types import TracebackType

from rich import progress as rich_progress
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn

from bot.dispatch.audience import Phase, Progress

STARTING = "starting the drawing program"


def output() -> Console:
    """For results."""
    return Console(highlight=False, soft_wrap=True)


def aside() -> Console:
    """For progress and apologies."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def apologise(console: Console, sentence: str) -> None:
    """One sentence on what went wrong; chat's back quotes are quotes here."""
    console.print(f"[red]{escape(sentence.replace('`', chr(39)))}[/]")


def phase_text(standing: Progress) -> str:
    """Where the request is, in a few words."""
    picture = f"picture {standing.done + 1} of {standing.total}" if standing.total > 1 else ""
    match standing.phase:
        case Phase.WAITING if standing.ahead:
            text = f"waiting, {standing.ahead} before"
        case Phase.WAITING:
            text = "waiting"
        case Phase.LOADING if standing.loading:
            text = f"loading {standing.loading}"
        case Phase.LOADING:
            text = "beginning"
        case Phase.DRAWING:
            text = "drawing"
        case Phase.KEEPING:
            text = "saving"
    return f"{text} ({picture})" if picture else text


class Bar:
    """The progress of one request.  A context; `show` is told how the request stands."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = rich_progress.Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            TextColumn("{task.fields[steps]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._said = ""
        self._began = time.monotonic()

    def __enter__(self) -> Bar:
        if self._console.is_terminal:
            self._progress.start()
            self._task = self._progress.add_task(STARTING, total=None, steps="")
        else:
            self._say(STARTING)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._progress.stop()

    def show(self, standing: Progress) -> None:
        """How the request stands now."""
        text = phase_text(standing)
        if self._task is None:
            self._say(text)
            return
        self._progress.update(
            self._task,
            description=escape(text),
            total=standing.steps or None,
            completed=standing.step,
            steps=f"{standing.step}/{standing.steps}" if standing.steps else "",
        )

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            since = time.monotonic() - self._began
            self._console.print(f"{since:6.1f} s  {escape(text)}")
