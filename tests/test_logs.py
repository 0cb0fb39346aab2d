"""The log: facts beside the words, and never a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Secret, Settings
from bot.telemetry import journal
from bot.telemetry.events import (
    ChunkPaid,
    Delivered,
    JobEnded,
    Paused,
    Picked,
    Queued,
    Resumed,
    WorkerEnded,
)
from bot.telemetry.logs import FILE, TALKATIVE, wordless, write_log
from storage.tickets import RequestId, State
from tests.given.builders import a_job

TOKEN = "MTIzNDU2Nzg5.GhostlyToken.xyz-ÄÖ\\_0"


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.NOTSET)
    for handler in list(root.handlers):
        if handler not in before:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)


def written(tmp_path: Path, **settings: Any) -> Path:
    """Begin a log in that folder; returns its file."""
    write_log(Settings(data=tmp_path, **settings), quiet=True)
    return tmp_path / FILE


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_line_of_text_is_for_people(tmp_path: Path) -> None:
    file = written(tmp_path)
    journal.write(JobEnded(job=a_job(12), state=State.DRAWN, seconds=3.44))
    assert file.read_text().endswith("INFO bot.telemetry.journal: job 12 drawn in 3.4 s\n")


def test_a_line_of_json_carries_the_facts(tmp_path: Path) -> None:
    file = written(tmp_path, log_format="json")
    journal.write(Picked(job=a_job(12), seat="cuda:0", waited=2.0))
    journal.write(JobEnded(job=a_job(12), state=State.FAILED, seconds=3.4444))
    journal.write(Delivered(request=RequestId(5), seconds=9.5))
    picked, ended, delivered = lines(file)
    assert (picked["job"], picked["seat"], picked["waited"]) == (12, "cuda:0", 2.0)
    assert picked["model"] == "starter"
    assert (ended["outcome"], ended["seconds"], ended["level"]) == ("failed", 3.444, "warning")
    assert (delivered["request"], delivered["seconds"]) == (5, 9.5)
    assert delivered["time"].endswith("+00:00")


def test_the_journal_tells_a_whole_life_without_anybodys_words(tmp_path: Path) -> None:
    file = written(tmp_path, log_format="json", log_level="debug")
    job = a_job(1, prompt="a private wish")
    journal.write(Queued(job=job))
    journal.write(Picked(job=job, seat="cuda:0", waited=0.5))
    journal.write(ChunkPaid(job=job, seat="cuda:0", seconds=2.0, swap_seconds=0.5))
    journal.write(Paused(job=job, seat="cuda:0"))
    journal.write(Resumed(job=job, seat="cuda:0"))
    journal.write(WorkerEnded(seat="cuda:0", reason="it was killed by SIGKILL"))
    journal.write(JobEnded(job=job, state=State.CANCELLED, seconds=2.0))
    assert len(lines(file)) == 7
    assert "private" not in file.read_text()


def test_json_lines_stay_one_line_with_traces_and_line_breaks(tmp_path: Path) -> None:
    file = written(tmp_path, log_format="json")
    try:
        raise ValueError("no\nway")
    except ValueError:
        logging.getLogger("x").exception("it\nfailed %s", "twice")
    (line,) = lines(file)
    assert line["message"] == "it\nfailed twice"
    assert "ValueError: no\nway" in line["error"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_trace_and_no_line_fills_the_log(tmp_path: Path, log_format: str) -> None:
    def endless(number: int, *names: str) -> None:
        # Two that take turns: Python itself folds only what repeats to the letter.
        (endless if number % 2 else endlessly)(number + 1, *names)

    def endlessly(number: int, *names: str) -> None:
        endless(number + 1, *names)

    file = written(tmp_path, log_format=log_format)
    try:
        endless(0)
    except RecursionError:
        logging.getLogger("bot").exception("it was called %s", "n" * 50_000)
    logging.getLogger("bot").error("an error of many letters: %s", ValueError("e" * 50_000))
    text = file.read_text(encoding="utf-8")
    assert len(text) < 40_000
    assert "RecursionError" in text
    assert "lines ..." in text


def test_what_people_wrote_is_not_in_the_log_of_libraries(tmp_path: Path) -> None:
    file = written(tmp_path, log_level="debug")
    logging.getLogger("aiosqlite").debug("executing INSERT with ('a private wish',)")
    logging.getLogger("discord.gateway").debug("MESSAGE_CREATE: a private wish")
    logging.getLogger("discord.gateway").info("connected")
    assert "private" not in file.read_text()
    assert "connected" in file.read_text()


@pytest.mark.parametrize("log_format", ["text", "json"])
@pytest.mark.parametrize("setting", ["token", "assist_server_key"])
def test_no_secret_reaches_the_log(tmp_path: Path, log_format: str, setting: str) -> None:
    file = written(tmp_path, log_format=log_format, log_level="debug", **{setting: Secret(TOKEN)})
    logger = logging.getLogger("somebody.careless")
    logger.info("joining with %s", TOKEN)
    logger.info({"headers": f"Bot {TOKEN}"})
    logger.warning("seat", extra={"seat": TOKEN})
    try:
        raise OSError(f"401 for {TOKEN}")
    except OSError:
        logger.exception("refused")
    text = file.read_text(encoding="utf-8")
    assert "***" in text
    assert "GhostlyToken" not in text


def test_a_folder_that_cannot_be_had_costs_the_file_only(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    write_log(Settings(data=tmp_path / "taken" / "data"), quiet=True)
    logging.getLogger("x").info("the bot goes on")


def test_a_command_s_screen_tells_an_error_once_and_in_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path)
    for _ in range(3):
        try:
            raise OSError(28, "No space left")
        except OSError:
            logging.getLogger("x").exception("storage refuses; again in %d s", 5)
    logging.getLogger("x").warning("of no concern to whoever waits for a picture")
    assert capsys.readouterr().err == "storage refuses; again in 5 s\n"
    assert file.read_text().count("Traceback") == 3


def test_a_command_s_screen_tells_two_errors_of_the_same_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path)
    for seat, reason in ((0, "the driver is too old"), (1, "no such device")):
        logging.getLogger("x").error("gpu %d did not start: %s", seat, reason)
    logging.getLogger("x").error(["not", "even", "text"])
    assert capsys.readouterr().err.splitlines() == [
        "gpu 0 did not start: the driver is too old",
        "gpu 1 did not start: no such device",
        "['not', 'even', 'text']",
    ]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_costs_lines_and_no_traces_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).symlink_to("/dev/full")
    file = written(tmp_path)
    logging.getLogger("x").error("the disk is full")
    logging.getLogger("x").error("it still is")
    first, told, second = capsys.readouterr().err.splitlines()
    assert (first, second) == ("the disk is full", "it still is")
    assert told.startswith("The log cannot be written: [Errno 28]")
    file.unlink()


def test_a_trace_of_a_foreign_error_holds_no_words_of_a_person(tmp_path: Path) -> None:
    file = written(tmp_path)
    typed = "size: MY SECRET WISH"
    try:
        try:
            float(typed.partition(": ")[2])
        except ValueError as error:
            raise KeyError(typed.lower()) from error
    except KeyError as error:
        error.__context__ = error.__cause__
        logging.getLogger("x").error("it failed", exc_info=wordless(error, typed))
    try:
        [].pop()
    except IndexError as error:
        logging.getLogger("x").error("it failed", exc_info=wordless(error, typed))
    text = file.read_text()
    assert "SECRET" not in text
    assert "secret" not in text
    for told in ("ValueError", "KeyError", "test_logs.py", "IndexError: pop from empty list"):
        assert told in text
