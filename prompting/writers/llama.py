"""A GGUF model on this machine: a child process, and what is done when it hangs or dies.

    write() ──── ask ────▶ stdin  │                       │
    write() ◀── answer ─── stdout │ prompting.writers.llama_child │  llama.cpp, or numpy
    logging ◀── lines ──── stderr │                       │

The invariant: every `write` ends in time.  The child keeps the deadline itself; one that does not
is killed half a second later, and the next `write` starts another.  After repeated deaths, or
answers that come too late, the next try waits a little longer each time, and until then `write`
says at once that there is no writer, instead of keeping a picture waiting.

No process is left behind: the child leaves when its stdin ends, however this process ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import psutil

from prompting.errors import (
    Unreadable,
    WriterDied,
    WriterFailed,
    WriterTimeout,
    WriterUnavailable,
)
from prompting.writers import questions, template
from prompting.writers.backoff import Backoff
from prompting.writers.childprocess import ChildProcess
from prompting.writers.compose import HELD_BYTES
from prompting.writers.echoes import without_echoes
from prompting.writers.ggufile import GgufHeader, read_header
from prompting.writers.writer import Answer, Ask

PROGRAM = (sys.executable, "-m", "prompting.writers.llama_child")

Device = Literal["cpu", "gpu"]

CONTEXT = 2048  # tokens, of models that have so many
# What is asked most: tags, a scene (its head is the same for most dialects of prose), a reply.
WARM = (("tags", "en"), ("flux1", "en"), (template.REPLY, "en"), ("qwen-image", "zh"))
_ALL_LAYERS = -1
START_LIMIT = 120.0  # seconds until a model is loaded
GRACE = 0.5  # seconds that a child may be late with its own "late"
_SPARE_BYTES = 64 * 2**20  # what a child needs beside weights, cache and the heads it remembers
_HEADS, _HEAD = 4, 700  # heads that are remembered, and the tokens of one, about


class LlamaWriter:
    """A `Writer` by llama.cpp ("llama.cpp") or by the numpy runner ("numpy").

    On the `device` "cpu" the graphics card is left to the pictures: the child does not even see it.
    On "gpu" it holds `gpu_layers` of the model, None: all of them, and that `card` is the only one
    that it sees.  `lazily`: it is loaded when it is first asked.  `warm` are the dialects and
    languages that are likely to be asked for: what is the same for all their wishes is read before
    anybody asks.
    """

    def __init__(
        self,
        path: Path,
        *,
        engine: str = "llama.cpp",
        name: str = "",
        threads: int = 1,
        gpu_layers: int | None = None,
        card: int = 0,
        lazily: bool = False,
        context: int = CONTEXT,
        device: Device = "cpu",
        warm: Sequence[tuple[str, str]] = WARM,
        program: Sequence[str] = PROGRAM,
        start_limit: float = START_LIMIT,
        free_bytes: Callable[[], int] | None = None,
    ) -> None:
        self._path, self._engine, self._context = path, engine, context
        self.name = name or f"{path.name} ({engine})"
        self.digest = ""
        self.template = template.VERSION
        self.placeholders = 0
        self._command = [*program, "--model", str(path), "--engine", engine]
        self._command += ["--context", str(context), "--threads", str(threads)]
        layers = 0 if device == "cpu" else _ALL_LAYERS if gpu_layers is None else gpu_layers
        self._command += ["--gpu-layers", str(layers)]
        for kind in warm:
            self._command += ["--warm", *kind]
        self._env = environment(threads, layers, card)
        self._lazily = lazily
        self._start_limit, self._free_bytes = start_limit, free_bytes or memory_free
        self._inspected = (0, 0)  # size and time of the file that `digest` is of
        self._turn = asyncio.Lock()
        self._child: ChildProcess | None = None
        self._starting: asyncio.Task[ChildProcess] | None = None
        self._backoff = Backoff(self.name)
        self._asked = 0
        self._closing = False

    @property
    def pid(self) -> int | None:
        """The process id of the living child."""
        return self._child.process.pid if self._child and not self._child.death else None

    @property
    def loading(self) -> bool:
        """Whether a child is being started."""
        return self._starting is not None

    async def start(self) -> None:
        """Check the file and load it, or only check.  Raises WriterUnavailable with a reason."""
        if self._lazily:
            await asyncio.to_thread(self._inspect)
            self.template = questions.VERSION  # whoever has a card for it has no built-in one
            return
        async with self._turn:
            await self._started()

    def begin(self) -> None:
        """Load it without being waited for."""
        if self.pid is None and self._starting is None:
            self._starting = asyncio.create_task(self._start())
            self._starting.add_done_callback(_look_at)

    async def write(self, ask: Ask) -> Answer:
        """Ask once; a child that dies under it is started again, and asked once more."""
        self._backoff.check()
        began = time.monotonic()
        until = began + ask.deadline
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + ask.deadline):
                await self._turn.acquire()
        except TimeoutError:
            raise WriterTimeout(ask.deadline) from None
        try:
            try:
                raw, cut = await self._ask(ask, until)
            except WriterDied:
                if self._closing or time.monotonic() >= until:
                    raise
                raw, cut = await self._ask(ask, until)
        finally:
            self._turn.release()
        if not self.placeholders:  # a stranger, who was told what it may repeat
            raw = without_echoes(raw, ask)
        return Answer(raw=raw, seconds=time.monotonic() - began, cut=cut)

    async def close(self) -> None:
        """Leave no process behind; who waits for an answer hears that it died."""
        self._closing = True
        if self._child is not None:
            self._child.kill()
        async with self._turn:
            if self._starting is not None:
                self._starting.cancel()
                await asyncio.wait({self._starting})
            await self._bury()
            self._closing = False

    async def _ask(self, ask: Ask, until: float) -> tuple[str, bool]:
        """The answer, and whether the deadline cut it."""
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                child = await self._started()
        except TimeoutError:
            self._backoff.failed("it is still being loaded")
            raise WriterTimeout(ask.deadline) from None
        self._asked += 1
        order: dict[str, object] = {
            "text": ask.text,
            "dialect": ask.dialect,
            "language": ask.language,
        }
        order |= {"seed": ask.seed, "temperature": ask.temperature}
        left = max(0.0, until - time.monotonic())
        try:
            report = await child.ask(self._asked, order | {"deadline": left}, left + GRACE)
        except TimeoutError:
            self._died(child, "it did not keep its deadline")
            raise WriterTimeout(ask.deadline) from None
        except WriterDied as death:
            self._died(child, death.reason)
            raise
        match report:
            case {"answered": _, "raw": str(raw)}:
                self._backoff.succeeded()
                return raw, bool(report.get("cut"))
            case {"how": "late"}:
                late = WriterTimeout(ask.deadline)
                self._backoff.failed(late.reason)
                raise late
            case _:
                raise Unreadable("answer", f"the model gave none: {report.get('reason')}")

    async def _started(self) -> ChildProcess:
        """The living child, or a new one.

        Loading goes on when who waits for it gives up: the next one finds it further on.
        """
        if self._child is not None and self._child.death is None:
            return self._child
        if self._starting is None:
            self._backoff.check()
        self.begin()
        assert self._starting is not None, "it was just begun"
        return await asyncio.shield(self._starting)

    async def _start(self) -> ChildProcess:
        child: ChildProcess | None = None
        try:
            await self._bury()
            await asyncio.to_thread(self._inspect)
            child = await ChildProcess.start(self._command, self._env)
            ready = await child.introduced(self._start_limit)
            self.placeholders = int(str(ready.get("placeholders", 0)))
            self.template = template.VERSION if self.placeholders else questions.VERSION
            self._child = child
        except OSError as error:
            reason = f"its process cannot be started: {error}"
            self._backoff.failed(reason)
            raise WriterUnavailable(reason) from error
        except WriterFailed as failure:
            self._backoff.failed(failure.reason)
            raise
        finally:
            self._starting = None
            if child is not None and child is not self._child:
                await child.end()
        return child

    def _inspect(self) -> None:
        """Check that the file is whole, a chat model, and fits into memory; take its sha256."""
        try:
            stat = self._path.stat()
            header = read_header(self._path)
            if not (header.text(template.MARK) or header.text("tokenizer.chat_template")):
                raise Unreadable("GGUF", "it is no chat model: it has no chat template")
            check_memory(header, self._context, self._free_bytes())
            if self._inspected != (stat.st_size, stat.st_mtime_ns):
                with self._path.open("rb") as file:
                    self.digest = hashlib.file_digest(file, "sha256").hexdigest()
                self._inspected = (stat.st_size, stat.st_mtime_ns)
        except FileNotFoundError as error:
            raise WriterUnavailable(f"there is no file {self._path.name}") from error
        except OSError as error:
            raise WriterUnavailable(f"{self._path.name} cannot be read: {error}") from error
        except Unreadable as error:
            raise WriterUnavailable(f"{self._path.name}: {error.reason}") from error

    def _died(self, child: ChildProcess, reason: str) -> None:
        child.kill()
        self._backoff.failed(reason)

    async def _bury(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.end()


def check_memory(header: GgufHeader, context: int, free: int) -> None:
    """Raises WriterUnavailable when the model needs more than `free` bytes."""
    heads = min(_HEADS * header.cache_bytes(_HEAD), HELD_BYTES)
    needed = header.size_bytes + header.cache_bytes(context) + heads + _SPARE_BYTES
    if needed > free:
        needs, has = (f"{count / 2**30:.1f} GiB" for count in (needed, free))
        raise WriterUnavailable(f"the model needs {needs} of memory, and {has} are free")


def memory_free(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that a new process can have: the machine's, and the container's if there is one."""
    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # What was read of files counts as used there, and gives way to any program.
        cached = sum(int(stat[name]) for name in ("active_file", "inactive_file") if name in stat)
        free = min(free, limit - used + cached)
    return free


def environment(threads: int, gpu_layers: int, card: int = 0) -> dict[str, str]:
    """What the child is started with: one pool of threads, and no graphics card unless asked."""
    app = str(Path(__file__).parents[2])  # wherever this process was started from
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (app, os.environ.get("PYTHONPATH")))),
    }
    env |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    if gpu_layers == 0:
        # No context beside the pictures': it takes some hundred megabytes by itself.
        return env | _NO_CARDS
    env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as nvidia-smi counts, and the workers
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    only = visible[card] if card < len(visible) and visible[card] else str(card)
    return env | {"CUDA_VISIBLE_DEVICES": only, "HIP_VISIBLE_DEVICES": only}


# What hides all cards from builds of llama.cpp for CUDA, ROCm and Vulkan.
_NO_CARDS = {
    "CUDA_VISIBLE_DEVICES": "",
    "HIP_VISIBLE_DEVICES": "-1",
    "GGML_VK_VISIBLE_DEVICES": "",
}


def _look_at(task: asyncio.Task[ChildProcess]) -> None:
    """Take note of the task's end, in case nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
