"""Claims about what other users of the machine can read: nothing that people typed."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from bot.cli.doctor import privacy
from bot.cli.findings import Health
from bot.telemetry.logs import write_log
from storage import backup as storing
from tests.given.apps import some_settings
from tests.given.stored import opened

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights"),
    pytest.mark.usefixtures("quiet_afterwards"),
]


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """The umask of most machines."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_data_folder_database_and_its_log_are_the_owner_s_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with opened(data / storing.DATABASE) as database:
        async with database.transaction("test") as db:
            await db.execute("CREATE TABLE t (x)")
        assert rights(data) == 0o700
        files = {path.name: rights(path) for path in data.iterdir()}
    assert {"atelier.sqlite3", "atelier.sqlite3-wal"} <= files.keys()
    assert set(files.values()) == {0o600}


async def test_an_installation_of_before_is_closed_when_it_is_opened(tmp_path: Path) -> None:
    async with opened(tmp_path / storing.DATABASE):
        pass
    os.chmod(tmp_path, 0o755)
    os.chmod(tmp_path / storing.DATABASE, 0o644)
    assert privacy(tmp_path).state is Health.WRONG
    async with opened(tmp_path / storing.DATABASE):
        assert rights(tmp_path) == 0o700
        assert rights(tmp_path / storing.DATABASE) == 0o600
    assert privacy(tmp_path).state is Health.GOOD


def test_the_doctor_names_what_others_can_read_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "atelier.sqlite3").write_bytes(b"")
    tmp_path.chmod(0o755)
    found = privacy(tmp_path)
    assert "atelier.sqlite3" in found.found
    subprocess.run(found.advice, shell=True, check=True)
    assert privacy(tmp_path).state is Health.GOOD


def test_the_log_is_the_owner_s_alone_when_it_is_full_too(tmp_path: Path) -> None:
    settings = some_settings(tmp_path)
    write_log(settings, quiet=True)
    handlers = logging.getLogger().handlers  # another test's log may be open beside it
    files = [h for h in handlers if isinstance(h, RotatingFileHandler)]
    (handler,) = (h for h in files if Path(h.baseFilename).is_relative_to(settings.data.resolve()))
    handler.doRollover()
    logs = sorted(settings.data.glob("atelier.log*"))
    assert len(logs) == 2
    assert {rights(path) for path in logs} == {0o600}
    assert rights(settings.data) == 0o700


async def test_a_backup_is_as_private_as_what_it_is_of(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with opened(data / storing.DATABASE):
        made = storing.back_up(data, tmp_path / "kept", stamp="20260101-000000", keep=7)
    assert rights(made.copy) == 0o700
    assert rights(made.copy / storing.DATABASE) == 0o600
    storing.restore(storing.look_through(tmp_path / "kept"), tmp_path / "new", stamp="s")
    assert rights(tmp_path / "new" / storing.DATABASE) == 0o600
