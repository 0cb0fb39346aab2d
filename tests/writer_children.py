"""The child processes of prompt writers, and the promise that no test leaves one behind."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

PROGRAMS = ("llama_child", "faulty_child")


def children() -> list[psutil.Process]:
    """The processes of writers; other tests keep a worker for the whole session."""
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return [p for p in found if any(name in " ".join(p.cmdline()) for name in PROGRAMS)]


@pytest.fixture
def no_child_left() -> Iterator[None]:
    """Kills what a test left when it failed before it closed its writer: it fails alone."""
    yield
    for child in children():
        child.kill()
        child.wait()
