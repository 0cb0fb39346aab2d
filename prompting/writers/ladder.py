"""Which writer there is on this machine: the best one that works, and one to step in for it.

    the configured GGUF ─▶ the configured server ─▶ the built-in assistant by llama.cpp
                                                    ─▶ the same by numpy ─▶ none

Beside a GGUF or a server the built-in assistant is opened too (4 MB): it is the spare writer of
wishes that the chosen one is late or of no use for.

The invariant: `open_writer` never raises for what it finds; every rung that does not hold leaves
a note that says why, for the owner of the server to read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prompting.errors import WriterFailed, WriterUnavailable
from prompting.writers import installed
from prompting.writers.fetch import Download, HubName, Progress, fetch
from prompting.writers.llama import CONTEXT, Device, LlamaWriter
from prompting.writers.openai import OpenAIWriter
from prompting.writers.writer import Writer

BUILT_IN = Path(__file__).parents[1] / "starter" / "assistant.gguf"
READER = BUILT_IN.with_name("reader.gguf")  # of replies
_HUB = "hub:"

Rung = tuple[str, Callable[[], Awaitable[Writer]]]  # a name, and what opens it


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterConfig:
    """What the owner of the server chose; all of it may stay empty."""

    model: str = ""  # path of a GGUF chat model, or "hub:owner/name/file.gguf"
    fetch: bool = False  # whether a hub name may be fetched over the network
    cache: Path | None = None  # where fetched files lie; None: the hub's usual place
    server: str = ""  # base URL of an OpenAI-compatible server, usually ending in "/v1"
    server_model: str = ""  # "": the first that the server offers
    server_key: str | None = field(default=None, repr=False)
    threads: int = 1  # more than the machine has idle make llama.cpp ten times slower
    device: Device = "cpu"  # "cpu": the graphics card belongs to the pictures
    gpu_layers: int | None = None  # of the model on the card; None: all
    card: int = 0  # on which one they are
    lazily: bool = False  # whether the model is loaded when it is first asked, and not before
    context: int = CONTEXT  # tokens
    built_in: Path | None = BUILT_IN  # None: only what was chosen

    @property
    def chosen(self) -> bool:
        """Whether the owner wants another writer than the built-in one."""
        return bool(self.model or self.server)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The writer, if any, why it is not a better one, and who steps in for it."""

    writer: Writer | None
    notes: tuple[str, ...]
    spare: Writer | None = None

    async def close(self) -> None:
        """Let both go."""
        for writer in (self.writer, self.spare):
            if writer is not None:
                await writer.close()


async def open_writer(
    config: WriterConfig, *, progress: Progress | None = None, download: Download | None = None
) -> Opened:
    """Climb down the ladder to the first writer that starts.  `close` it in the end.

    A chosen one has the built-in assistant for its spare.
    """
    rungs: list[Rung] = []
    if config.model:
        rungs.append((config.model, lambda: _configured(config, progress, download)))
    if config.server:
        rungs.append((config.server, lambda: _server(config)))
    found = await _first_of(rungs)
    if config.built_in is None:
        return found
    try:
        own = await _first_of(_built_in(config.built_in, "built-in assistant"))
    except BaseException:
        await found.close()
        raise
    notes = (*found.notes, *own.notes)
    if found.writer is None:
        return Opened(writer=own.writer, notes=notes)
    return Opened(writer=found.writer, notes=notes, spare=own.writer)


async def open_reader(built_in: Path = READER) -> Opened:
    """The model that was trained to read replies to a picture.  `close` it in the end."""
    return await _first_of(_built_in(built_in, "built-in reader"))


async def _first_of(rungs: Sequence[Rung]) -> Opened:
    notes: list[str] = []
    for name, rung in rungs:
        try:
            return Opened(writer=await rung(), notes=tuple(notes))
        except WriterFailed as failure:
            notes.append(f"{name}: {failure.reason}")
    return Opened(writer=None, notes=tuple(notes))


async def _configured(
    config: WriterConfig, progress: Progress | None, download: Download | None
) -> Writer:
    if config.model.startswith(_HUB):
        if download is None and config.fetch and not installed.is_there():
            # Nobody fetches gigabytes for nothing.
            raise WriterUnavailable(installed.MISSING)
        name = HubName.parse(config.model.removeprefix(_HUB))
        path = await fetch(
            name,
            folder=config.cache,
            allowed=config.fetch,
            progress=progress,
            download=download,
        )
    else:
        path = Path(config.model)
    writer = LlamaWriter(
        path,
        threads=config.threads,
        device=config.device,
        gpu_layers=config.gpu_layers,
        card=config.card,
        lazily=config.lazily,
        context=config.context,
    )
    started = await _started(writer)
    if config.lazily and not installed.is_there():
        raise WriterUnavailable(installed.MISSING)
    return started


async def _server(config: WriterConfig) -> Writer:
    return await OpenAIWriter.open(config.server, config.server_model, key=config.server_key)


def _built_in(path: Path, title: str) -> list[Rung]:
    """A model that is shipped, by the engines that can run it, the quicker first."""

    def rung(engine: str) -> Rung:
        name = f"{title} ({engine})"
        return name, lambda: _started(LlamaWriter(path, engine=engine, name=name))

    engines = ("llama.cpp", "numpy") if installed.is_there() else ("numpy",)
    return [rung(engine) for engine in engines]


async def _started(writer: LlamaWriter) -> Writer:
    try:
        await writer.start()
    except BaseException:
        await writer.close()
        raise
    return writer
