"""Which writer is chosen, and how a GGUF is fetched from the hub."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import importlib.util
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from prompting.errors import WriterUnavailable
from prompting.writers import installed
from prompting.writers.fetch import Download, HubName, Progress, fetch
from prompting.writers.ladder import Opened, WriterConfig, open_writer
from prompting.writers.writer import Ask
from tests.given import tinyassistant
from tests.given.chat_server import ChatServer
from tests.given.writer_children import children

pytestmark = pytest.mark.usefixtures("no_child_left")

NAME = HubName(repo="owner/name", file="q4/model.gguf")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tinyassistant.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def cut(path: Path) -> Path:
    cut = path.with_name("cut.gguf")
    cut.write_bytes(path.read_bytes()[:-100])
    return cut


async def names(config: WriterConfig) -> tuple[str | None, tuple[str, ...]]:
    opened: Opened = await open_writer(config)
    if opened.writer is None:
        return None, opened.notes
    ask = Ask(text="a cat", dialect="tags", seed=1, temperature=0.5, deadline=30)
    assert (await opened.writer.write(ask)).raw
    assert (opened.spare is not None) == (config.chosen and opened.writer.placeholders == 0)
    await opened.close()
    assert not children()
    return opened.writer.name, opened.notes


def built_in_engine() -> str:
    return "llama.cpp" if importlib.util.find_spec("llama_cpp") else "numpy"


async def test_without_any_choice_the_built_in_assistant_writes(path: Path) -> None:
    name, notes = await names(WriterConfig(built_in=path))
    assert name == f"built-in assistant ({built_in_engine()})"
    assert notes == ()


async def test_a_server_is_chosen_before_the_built_in_assistant(path: Path) -> None:
    async with ChatServer().running() as server:
        name, notes = await names(WriterConfig(server=server.url, built_in=path))
    assert name is not None
    assert name.startswith("tiny at ")
    assert notes == ()


async def test_what_does_not_hold_is_noted_and_the_next_one_taken(path: Path, cut: Path) -> None:
    config = WriterConfig(model=str(cut), server="http://127.0.0.1:9/v1", built_in=path)
    name, notes = await names(config)
    assert name == f"built-in assistant ({built_in_engine()})"
    assert len(notes) == 2
    assert "cut.gguf: the file is cut short" in notes[0]
    assert "no connection to the server" in notes[1]


async def test_where_llama_cpp_is_missing_the_note_says_how_to_get_it(path: Path) -> None:
    if installed.is_there():
        pytest.skip("llama.cpp is installed here")
    for config in (
        WriterConfig(model=str(path), built_in=path),
        WriterConfig(model=str(path), built_in=path, lazily=True),
        WriterConfig(model="hub:owner/name/model.gguf", fetch=True, built_in=path),
    ):
        _, notes = await names(config)
        assert notes == (f"{config.model}: {installed.MISSING}",)
        assert "start.py setup --with-llama" in notes[0]


async def test_where_nothing_holds_there_is_no_writer_and_every_reason(tmp_path: Path) -> None:
    config = WriterConfig(model="hub:nonsense", built_in=tmp_path / "assistant.gguf")
    name, notes = await names(config)
    assert name is None
    assert notes[0] == "hub:nonsense: 'nonsense' is not owner/name/file.gguf"
    assert notes[-1] == "built-in assistant (numpy): there is no file assistant.gguf"


def test_the_servers_key_is_not_shown() -> None:
    assert "sk-secret" not in repr(WriterConfig(server="x", server_key="sk-secret"))


# --- fetching


def fails_with(error: Exception) -> Download:
    def download(_n: HubName, _f: Path | None, _offline: bool, _tell: Progress) -> Path:
        raise error

    return download


def wrapped(inner: Exception) -> Exception:
    outer = RuntimeError("xet: the transfer failed")
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize("wrap", [lambda e: e, wrapped])
async def test_a_full_disk_is_said_to_be_full(wrap: Callable[[Exception], Exception]) -> None:
    full = wrap(OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(WriterUnavailable, match=r"model\.gguf .*the disk is full"):
        await fetch(NAME, allowed=True, download=fails_with(full))


async def test_a_full_disk_leaves_the_built_in_assistant(path: Path) -> None:
    config = WriterConfig(model="hub:owner/name/q4/model.gguf", fetch=True, built_in=path)
    full = fails_with(OSError(errno.ENOSPC, "No space left on device"))
    opened = await open_writer(config, download=full)
    assert opened.writer is not None
    await opened.writer.close()
    reason = "q4/model.gguf could not be fetched: the disk is full"
    assert opened.notes == (f"hub:owner/name/q4/model.gguf: {reason}",)


FETCHING = """
import asyncio, functools, json, resource, sys
from pathlib import Path
from prompting.errors import WriterUnavailable
from prompting.writers.fetch import HubName, fetch, from_hub

async def main(url, folder):
    download = functools.partial(from_hub, endpoint=url)
    told = []
    async def get(name, allowed):
        try:
            path = await fetch(HubName(repo="owner/name", file=name), folder=folder,
                               allowed=allowed, download=download,
                               progress=lambda *done: told.append(done))
            return path.stat().st_size
        except WriterUnavailable as error:
            return error.reason
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, resource.RLIM_INFINITY))
    full = await get("q4/model.gguf", True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    offline = await get("q4/model.gguf", False)
    fetched = await get("q4/model.gguf", True)
    again = await get("q4/model.gguf", False)
    missing = await get("other.gguf", True)
    print(json.dumps([full, offline, fetched, again, missing, told[-1]]))

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


async def test_the_hubs_client_fetches_tells_keeps_and_fails_with_reasons(tmp_path: Path) -> None:
    data = b"GGUF" * 600_000
    async with Hub(data).running() as hub:
        program = (sys.executable, "-c", FETCHING, hub.url, str(tmp_path))
        env = {**os.environ, "HF_HUB_OFFLINE": "0", "HF_HOME": str(tmp_path / "home")}
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(*program, stdout=pipe, stderr=pipe, env=env)
        out, errors = await child.communicate()
    assert child.returncode == 0, errors.decode()
    full, offline, fetched, again, missing, told = json.loads(out)
    assert full == "q4/model.gguf could not be fetched: the disk is full"
    assert offline == "q4/model.gguf is not in the cache, and fetching is not allowed here"
    assert (fetched, again) == (len(data), len(data))
    assert missing == "other.gguf does not exist on the hub"
    assert told == [len(data), len(data)]


async def test_nothing_is_fetched_unless_the_owner_allows_it(tmp_path: Path) -> None:
    with pytest.raises(WriterUnavailable, match="fetching is not allowed"):
        await fetch(NAME, folder=tmp_path, allowed=False)


@pytest.mark.parametrize("text", ["", "model.gguf", "owner/model.gguf", "a/b/c.bin", "//x.gguf"])
def test_what_is_no_hub_name_is_refused(text: str) -> None:
    with pytest.raises(WriterUnavailable, match=r"is not owner/name/file\.gguf"):
        HubName.parse(text)


def test_a_hub_name_may_lie_in_a_folder() -> None:
    assert HubName.parse("owner/name/q4/model.gguf") == NAME


async def test_a_cancelled_fetch_stops_the_thread(tmp_path: Path) -> None:
    began, ended = threading.Event(), threading.Event()

    def download(_n: HubName, _f: Path | None, _offline: bool, tell: Progress) -> Path:
        try:
            began.set()
            while True:
                tell(1, 100)
        finally:
            ended.set()

    task = asyncio.create_task(fetch(NAME, folder=tmp_path, allowed=True, download=download))
    await asyncio.to_thread(began.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 60)


class Hub:
    """The hub, with one file, on this machine."""

    def __init__(self, data: bytes) -> None:
        self.data, self.url = data, ""
        self.tag = hashlib.sha256(data).hexdigest()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Hub]:
        app = web.Application()
        app.router.add_get("/owner/name/resolve/main/q4/model.gguf", self._resolve)
        app.router.add_get("/{rest:.*}", self._no_such)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _resolve(self, _: web.Request) -> web.StreamResponse:
        # What a browser would ignore: which commit this is, and what names the bytes.
        headers = {"ETag": f'"{self.tag}"', "X-Repo-Commit": "c" * 40}
        return web.Response(body=self.data, headers=headers)

    async def _no_such(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=404, headers={"X-Error-Code": "EntryNotFound"})
