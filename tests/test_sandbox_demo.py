"""The demo reads its verdict from the bot, and keeps what was said and drawn."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from bot.sandbox.demo import demo
from tests.given.sample_bot import SampleBot


def a_bot(verdict: str, *, seconds: float = 0.1) -> SampleBot:
    """A bot that draws squares."""
    return SampleBot(seconds=seconds, edit_every=0.05, verdict=verdict)


def listening() -> Console:
    return Console(file=io.StringIO(), width=200, highlight=False)


async def test_a_demo_ends_well_when_the_bot_says_identical(tmp_path: Path) -> None:
    console = listening()
    bot = a_bot("IDENTICAL", seconds=1.0)  # even a busy machine looks in between
    assert await demo(bot, tmp_path, console=console) == 0
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert str(tmp_path / "index.html") in told.replace("\n", "")
    assert "IDENTICAL" in told
    assert "/imagine prompt: a red flower" in told
    assert "step" in told, "no progress was told"

    page = (tmp_path / "index.html").read_text("utf-8")
    shown = re.findall(r'<img src="([^"]+)"', page)
    assert len(set(shown)) >= 1
    for name in shown:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    for text in ("Again", "a red flower", "presses 🎲", "/reproduce", "IDENTICAL", "make it blue"):
        assert text in page
    assert re.search(r"step \d+ of 10", page)
    assert "http://" not in page, "the page needs nothing from elsewhere"


@pytest.mark.parametrize("verdict", ["DIVERGED", "ELSEWHERE"])
async def test_any_other_verdict_fails_the_demo(tmp_path: Path, verdict: str) -> None:
    assert await demo(a_bot(verdict), tmp_path, console=listening()) == 1
    assert f'class="verdict bad">{verdict}' in (tmp_path / "index.html").read_text("utf-8")


async def test_an_earlier_demo_is_replaced_and_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("mine")
    await demo(a_bot("IDENTICAL"), tmp_path, console=listening())
    assert not (tmp_path / "old.png").exists()
    assert (tmp_path / "notes.txt").exists()
