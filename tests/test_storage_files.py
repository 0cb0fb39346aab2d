"""Claims about bytes on the disk: whole or absent, checked when read."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from generation.recipe import Sha256
from storage.errors import DamagedFile, DiskFull, Missing, StorageError
from storage.files import Files
from tests.given.stored import a_digest

PNG = b"\x89PNG as far as anybody here looks"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files")


def on_disk(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_is_kept_is_read_back_under_its_digest(files: Files) -> None:
    digest = files.keep(PNG, ".png")
    assert digest == hashlib.sha256(PNG).hexdigest()
    assert files.read(digest) == PNG
    assert files.path(digest).suffix == ".png"
    assert files.read(files.keep(b"", ".input")) == b""


def test_keeping_the_same_twice_is_one_file(files: Files, tmp_path: Path) -> None:
    assert files.keep(PNG, ".png") == files.keep(PNG, ".png") == files.keep(PNG, ".input")
    assert len(on_disk(tmp_path)) == 1


def test_another_life_finds_what_was_kept(files: Files, tmp_path: Path) -> None:
    digest = files.keep(PNG, ".png")
    assert Files(tmp_path / "files").read(digest) == PNG


@pytest.mark.parametrize("damage", [b"", PNG[:-1], b"x" + PNG[1:], PNG + b"x"])
def test_a_damaged_file_is_never_returned_and_can_be_kept_anew(files: Files, damage: bytes) -> None:
    digest = files.keep(PNG, ".png")
    files.path(digest).write_bytes(damage)
    with pytest.raises(DamagedFile):
        files.read(digest)
    files.keep(PNG, ".png")
    assert files.read(digest) == PNG


def test_what_was_dropped_is_missing(files: Files) -> None:
    digest = files.keep(PNG, ".png")
    files.drop(digest)
    files.drop(digest)
    with pytest.raises(Missing):
        files.read(digest)
    with pytest.raises(Missing):
        files.path(a_digest(1))


def test_what_a_crash_left_unfinished_is_no_file_and_is_swept_away(
    files: Files, tmp_path: Path
) -> None:
    digest = files.keep(PNG, ".png")
    torn = files.path(digest).with_name(f"{digest}.unfinished")
    files.path(digest).rename(torn)
    with pytest.raises(Missing):
        files.read(digest)
    files.sweep()
    assert on_disk(tmp_path) == []


def test_a_folder_that_cannot_be_written_to_is_a_storage_error(
    files: Files, tmp_path: Path
) -> None:
    (tmp_path / "files" / hashlib.sha256(PNG).hexdigest()[:2]).write_text("in the way")
    with pytest.raises(StorageError):
        files.keep(PNG, ".png")


FULL = """
import resource, sys
from pathlib import Path
from storage.errors import DiskFull
from storage.files import Files

files = Files(Path(sys.argv[1]))
small = files.keep(b"x" * 1000, ".png")
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    files.keep(b"y" * 50_000, ".png")
except DiskFull:
    assert files.read(small) == b"x" * 1000
    files.keep(b"z" * 1000, ".png")
    print("refused, and went on")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_write_that_the_system_cuts_short_leaves_nothing_behind(tmp_path: Path) -> None:
    """The limit on a file's size makes write() itself fail halfway, as a full disk does."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused, and went on\n"
    assert len(on_disk(tmp_path)) == 2


TINY_DISK = """
import asyncio, sys
from pathlib import Path
from storage.database import Database
from storage.errors import DiskFull
from storage.files import Files
from storage.tickets import Tickets
from tests.given.stored import a_recipe, asked

async def main(folder):
    database = await Database.open(folder / "atelier.db")
    tickets, files = Tickets(database), Files(folder / "files")
    stored = 0
    try:
        for number in range(10_000):
            await tickets.add(asked(words="x" * 5000), [a_recipe(number)], [1.0])
            stored += 1
    except DiskFull:
        pass
    try:
        files.keep(b"x" * 2**21, ".png")
    except DiskFull:
        pass
    print(stored > 10, len(await tickets.waiting()) == stored, await database.damage())
    await database.close()

asyncio.run(main(Path(sys.argv[1])))
"""


def test_on_a_disk_that_is_really_full_what_was_said_to_be_stored_is_stored(
    tmp_path: Path,
) -> None:
    mount = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"']
    try:
        probe = subprocess.run([*mount, str(tmp_path), "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if probe.returncode:
        pytest.skip("no small disk can be mounted here")
    done = subprocess.run(
        [*mount, str(tmp_path), sys.executable, "-c", TINY_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout == "True True ()\n", done.stderr


def test_the_errors_of_a_full_disk_say_where(files: Files, tmp_path: Path) -> None:
    error = DiskFull(tmp_path, "no space left")
    assert (error.path, str(error)) == (tmp_path, f"{tmp_path}: no space left")
    assert Sha256(files.keep(PNG, ".png"))
