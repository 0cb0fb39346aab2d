"""The child processes of prompt writers, and the promise that no test leaves one behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil
import pytest

PROGRAMS = ("llama_child", "faulty_child")


def children() -> list[psutil.Process]:
    """The processes of writers; other tests keep a worker for the whole session."""
    return [child for child in psutil.Process().children(recursive=True) if _writes(child)]


def _writes(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):  # or a zombie: it ended since it was listed
        return any(name in " ".join(process.cmdline()) for name in PROGRAMS)
    return False


@pytest.fixture
def no_child_left() -> Iterator[None]:
    """Kills what a test left, or one before it: a test that fails fails alone."""
    kill_children()
    yield
    kill_children()


def kill_children() -> None:
    for child in children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
        child.wait()
