"""Claims about programs whose parent is gone: they leave, also before they are ready."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generation.fleet.wire import Heard, Ping, encode, read

ROOT = Path(__file__).parents[1]
LONG = 120.0  # seconds, after which it hangs

# A program that starts as usual, and then reads its libraries for ever.
SLOW = """
import sys, time
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in {names!r}:
            print("loading", file=sys.stderr, flush=True)
            while True:
                time.sleep(0.01)
sys.meta_path.insert(0, Finder())
import runpy
sys.argv = {argv!r}
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""

PROGRAMS = {
    "worker": ("generation.worker", ["--digests", "d.json", "--device", "cpu"], ("torch",)),
    "relay": (
        "generation.fleet.cluster.relay",
        ["--address", "x", "--node", "x", "--bound", "1", "--device", "cpu"],
        ("ray",),
    ),
    "lookout": ("generation.fleet.cluster.lookout", ["--address", "x"], ("ray",)),
}


def starting(name: str) -> subprocess.Popen[bytes]:
    """The program, when it has begun to load what takes long."""
    module, argv, names = PROGRAMS[name]
    code = SLOW.format(names=names, argv=[module, *argv], module=module)
    pipe = subprocess.PIPE
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stderr is not None
    while b"loading" not in (line := child.stderr.readline()):
        assert line, "it ended before it loaded anything"
    return child


def left(child: subprocess.Popen[bytes]) -> int:
    """Its status, once it is gone."""
    try:
        return child.wait(LONG)
    finally:
        child.kill()
        for stream in (child.stdin, child.stdout, child.stderr):
            assert stream is not None
            stream.close()


@pytest.mark.parametrize("name", ["worker", "relay", "lookout"])
def test_a_program_that_still_loads_its_libraries_leaves_with_its_parent(name: str) -> None:
    child = starting(name)
    assert child.stdin is not None
    child.stdin.close()
    assert left(child) == 0


@pytest.mark.parametrize("name", ["worker", "relay"])
def test_a_worker_that_still_loads_its_libraries_says_that_it_lives(name: str) -> None:
    child = starting(name)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(encode(Ping()))
    child.stdin.flush()
    heard = read(child.stdout)  # type: ignore[arg-type]  # a pipe is a BinaryIO
    assert isinstance(heard, Heard)
    assert heard.stage == "starting"
    assert heard.beats > 0
    child.stdin.close()
    assert left(child) == 0


def test_the_language_models_child_leaves_while_it_reads_its_model(tmp_path: Path) -> None:
    fifo = tmp_path / "endless.gguf"
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(fifo)  # a disk that never answers
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "prompting.writers.llama_child"),
            *("--model", str(fifo), "--engine", "numpy", "--context", "64"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdin is not None
    child.stdin.close()
    assert left(child) == 0


def test_when_its_parent_is_killed_a_starting_worker_leaves() -> None:
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'generation.worker', '--digests', 'd'],\n"
        "                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    bot = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert bot.stdout is not None
    with bot, bot.stdout:
        worker = int(bot.stdout.readline())
        bot.kill()
        bot.wait()
    deadline = time.monotonic() + LONG
    while _is_there(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_there(worker)


def _is_there(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
