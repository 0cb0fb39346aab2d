"""Claims about backups: whole or absent, made while the bot works, and found out when damaged."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.cli.arguments import parser
from bot.cli.backup import backup, restore
from bot.settings import Settings
from generation.recipe import Sha256
from storage import backup as storing
from storage.database import Database
from storage.errors import DatabaseCorrupt, DatabaseTooNew, InUse, Missing, StorageError
from storage.files import Files
from storage.pictures import Pictures
from storage.snapshot import GAP
from storage.tickets import RequestId, Tickets
from tests.given.stored import a_picture, a_recipe, a_recipe_from, asked, deleted, drawn, opened

ROOT = Path(__file__).parents[1]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
async def database(data: Path) -> AsyncIterator[Database]:
    """What the bot has open while it works."""
    async with opened(data / storing.DATABASE) as database:
        yield database


async def a_drawing(database: Database, number: int) -> Sha256:
    """One request with a picture that was drawn and posted."""
    tickets = Tickets(database)
    request, [ticket] = await tickets.add(asked(), [a_recipe(number)], [1.0])
    file = Files(database.path.parent / "files").keep(b"picture %d" % number * 100, ".png")
    await drawn(tickets, ticket.job.id, a_picture(a_recipe(number), pixels=number), file)
    await tickets.delivering(request.id)
    await tickets.delivered(request.id, 500 + number)
    return file


def back_up(data: Path, folder: Path, hour: int = 0, *, keep: int = 7) -> storing.Made:
    return storing.back_up(data, folder, stamp=f"20261123-{hour:02}0000", keep=keep)


def said(*words: str | Path) -> argparse.Namespace:
    return parser().parse_args([str(word) for word in words])


async def test_what_was_backed_up_while_the_bot_worked_comes_back(
    data: Path, kept: Path, tmp_path: Path, database: Database
) -> None:
    files = [await a_drawing(database, number) for number in range(3)]
    (data / "styles.toml").write_text("# mine\n")
    writing = asyncio.create_task(a_drawing(database, 3))
    made = await asyncio.to_thread(back_up, data, kept)
    await writing
    assert made.brought in (3, 4)
    assert made.absent == ()
    found = storing.look_through(kept)
    assert found.whole
    assert storing.restore(found, tmp_path / "new", stamp="now") is None
    async with opened(tmp_path / "new" / storing.DATABASE) as again:
        assert await again.damage() == ()
        messages = [await Pictures(again).of_message(500 + number) for number in range(3)]
        assert [picture.png_sha256 for (picture,) in messages] == files
    there = Files(tmp_path / "new" / "files")
    assert all(there.read(file) for file in files)
    assert (tmp_path / "new" / "styles.toml").read_text() == "# mine\n"


async def test_a_later_backup_brings_only_what_is_new(
    data: Path, kept: Path, database: Database
) -> None:
    await a_drawing(database, 1)
    assert back_up(data, kept, 1).brought == 1
    assert back_up(data, kept, 2).brought == 0
    await a_drawing(database, 2)
    assert back_up(data, kept, 3).brought == 1


async def test_old_copies_go_and_take_along_what_only_they_needed(
    data: Path, kept: Path, database: Database
) -> None:
    old = await a_drawing(database, 1)
    new = await a_drawing(database, 2)
    back_up(data, kept, 1)
    assert await deleted(database, RequestId(1)) == (old,)
    back_up(data, kept, 2, keep=2)
    assert set(Files(kept / "files").digests()) == {old, new}
    assert back_up(data, kept, 3, keep=2).dropped == 1
    assert [copy.name for copy in storing.copies(kept)] == ["20261123-020000", "20261123-030000"]
    assert set(Files(kept / "files").digests()) == {new}


async def test_a_damaged_database_is_not_backed_up_over_a_good_one(
    data: Path, kept: Path, database: Database
) -> None:
    await a_drawing(database, 1)
    await database.close()
    back_up(data, kept, 1)
    with (data / storing.DATABASE).open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096 * 4)
    with pytest.raises(DatabaseCorrupt):
        back_up(data, kept, 2)
    assert storing.look_through(kept).copy.name == "20261123-010000"
    with pytest.raises(Missing):
        back_up(data.with_name("elsewhere"), kept, 3)


async def test_what_is_lost_at_home_is_told_and_costs_no_restore(
    data: Path, kept: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    lost, torn = await a_drawing(database, 1), await a_drawing(database, 2)
    whole = await a_drawing(database, 3)
    files = Files(data / "files")
    files.drop(lost)
    files.path(torn).write_bytes(files.read(torn)[:-1])
    assert backup(Settings(data=data), said("backup", kept)) == 0
    assert "2 files missing or damaged here" in capsys.readouterr().err
    found = storing.look_through(kept)
    assert found.whole
    assert set(found.absent) == {lost, torn}
    assert set(Files(kept / "files").digests()) == {whole}


@pytest.mark.parametrize("damage", ["flipped", "torn", "gone"])
async def test_a_damaged_backup_is_found_out_and_changes_nothing(
    data: Path,
    kept: Path,
    tmp_path: Path,
    database: Database,
    capsys: pytest.CaptureFixture[str],
    damage: str,
) -> None:
    bad, good = await a_drawing(database, 1), await a_drawing(database, 2)
    back_up(data, kept)
    file = Files(kept / "files").path(bad)
    whole = file.read_bytes()
    file.unlink()  # a link to the living file must not be written through
    if damage != "gone":
        file.write_bytes(b"X" + whole[1:] if damage == "flipped" else whole[:10])
    new = tmp_path / "new"
    assert restore(Settings(data=new), said("restore", kept)) == 1
    assert not new.exists()
    assert bad[:16] in capsys.readouterr().err
    assert restore(Settings(data=new), said("restore", kept, "--even-damaged")) == 0
    assert set(Files(new / "files").digests()) == {good}


async def test_a_backup_whose_database_is_damaged_or_too_new_is_refused(
    data: Path, kept: Path, tmp_path: Path, database: Database
) -> None:
    await a_drawing(database, 1)
    copy = back_up(data, kept).copy / storing.DATABASE
    pages = copy.read_bytes()
    copy.write_bytes(pages[: len(pages) // 2])
    with pytest.raises(DatabaseCorrupt):
        storing.look_through(kept)
    copy.write_bytes(pages)
    with closing(sqlite3.connect(copy)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(DatabaseTooNew):
        storing.look_through(kept)
    with pytest.raises(Missing):
        storing.look_through(tmp_path / "nowhere")


async def test_a_folder_in_which_a_bot_works_is_not_restored_to(
    data: Path, kept: Path, database: Database
) -> None:
    await a_drawing(database, 1)
    back_up(data, kept)
    with pytest.raises(InUse):
        storing.restore(storing.look_through(kept), data, stamp="now")
    assert await database.damage() == ()


async def test_what_was_there_before_a_restore_is_kept_beside(
    data: Path, kept: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    await a_drawing(database, 1)
    back_up(data, kept)
    await a_drawing(database, 2)
    await database.close()
    assert restore(Settings(data=data), said("restore", kept, "--check")) == 0
    assert "Nothing was changed" in capsys.readouterr().out
    assert restore(Settings(data=data), said("restore", kept)) == 0
    async with opened(data / storing.DATABASE) as now:
        assert len(await now.rows("SELECT * FROM pictures")) == 1
    [aside] = [name for name in os.listdir(data) if name.startswith("before-restore-")]
    async with opened(data / aside / storing.DATABASE) as before:
        assert len(await before.rows("SELECT * FROM pictures")) == 2


async def test_a_damaged_file_at_home_is_healed_by_a_restore(
    data: Path, tmp_path: Path, database: Database
) -> None:
    file = await a_drawing(database, 1)
    kept = tmp_path / "backups"
    back_up(data, kept)
    await database.close()
    path = Files(data / "files").path(file)
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(b"X" + whole[1:])
    storing.restore(storing.look_through(kept), data, stamp="now")
    assert Files(data / "files").read(file) == whole


async def test_no_number_that_was_given_after_the_backup_is_given_again(
    data: Path, kept: Path, tmp_path: Path, database: Database
) -> None:
    """A button in Discord names a request: after a restore it must not mean another one."""
    tickets = Tickets(database)
    await a_drawing(database, 1)
    open_request, _ = await tickets.add(asked(), [a_recipe(8)], [1.0])
    back_up(data, kept)
    later, _ = await tickets.add(asked(), [a_recipe(9)], [1.0])
    storing.restore(storing.look_through(kept), tmp_path / "new", stamp="now")
    async with opened(tmp_path / "new" / storing.DATABASE) as again:
        tickets = Tickets(again)
        fresh, [ticket] = await tickets.add(asked(), [a_recipe(9)], [1.0])
        assert fresh.id > later.id + GAP // 2
        assert ticket.job.id > GAP
        # Whether the open one was posted after the backup, nobody knows: it is looked for.
        [(_, [waiting]), _] = await tickets.replay()
        await drawn(tickets, waiting.job.id, a_picture(), Sha256("0" * 64))
        assert await tickets.undelivered() == (open_request.id,)
        assert await tickets.delivering(open_request.id) is True
        await tickets.delivered(open_request.id, 77)
        assert await tickets.undelivered() == ()


BACK_UP = """
from storage.backup import *
{prelude}
back_up(Path({data!r}), Path({kept!r}), stamp="20261123-020000", keep=2)
"""
# As between two disks, where files are copied.
NO_LINKS = """
import os
def refuse(*_): raise OSError
os.link = refuse
"""
RESTORE = """
from storage.backup import *
restore(look_through(Path({kept!r})), Path({data!r}), stamp="now")
"""


def killed_at(instant: str, program: str) -> None:
    """Run a program that dies by SIGKILL at a named instant."""
    environ = {**os.environ, "ATELIER_INSTANT": instant}
    done = subprocess.run([sys.executable, "-c", program], env=environ, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL, instant


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize(
    ("instant", "prelude"),
    [("backup.database", ""), ("file.synced", NO_LINKS), ("backup.copied", "")],
)
async def test_an_interrupted_backup_is_not_taken_for_whole(
    data: Path, kept: Path, database: Database, instant: str, prelude: str
) -> None:
    await a_drawing(database, 1)
    back_up(data, kept, 1)
    await a_drawing(database, 2)
    killed_at(instant, BACK_UP.format(data=str(data), kept=str(kept), prelude=prelude))
    assert [copy.name for copy in storing.copies(kept)] == ["20261123-010000"]
    back_up(data, kept, 2)
    found = storing.look_through(kept)
    assert (found.copy.name, found.whole) == ("20261123-020000", True)
    assert len(found.contents.files) == 2
    assert not any(name.endswith(".unfinished") for _, _, names in os.walk(kept) for name in names)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("instant", ["restore.copied", "restore.aside", "restore.named"])
async def test_an_interrupted_restore_leaves_the_one_database_or_the_other(
    data: Path, kept: Path, database: Database, instant: str
) -> None:
    await a_drawing(database, 1)
    back_up(data, kept)
    await a_drawing(database, 2)
    await database.close()
    killed_at(instant, RESTORE.format(kept=str(kept), data=str(data)))
    async with opened(data / storing.DATABASE) as now:
        assert await now.damage() == ()
        there = len(await now.rows("SELECT * FROM pictures"))
    assert there == (1 if instant == "restore.named" else 2)
    shutil.rmtree(data / "before-restore-now", ignore_errors=True)
    storing.restore(storing.look_through(kept), data, stamp="now")
    async with opened(data / storing.DATABASE) as now:
        assert len(await now.rows("SELECT * FROM pictures")) == 1


async def test_two_backups_to_one_folder_do_not_meet(
    data: Path, kept: Path, database: Database
) -> None:
    await a_drawing(database, 1)
    back_up(data, kept, 1)
    with pytest.raises(StorageError):
        back_up(data, kept, 1)
    assert storing.look_through(kept).whole


async def test_inputs_of_recipes_are_backed_up_too(
    data: Path, kept: Path, database: Database
) -> None:
    photo = Files(data / "files").keep(b"a photo", ".input")
    await Tickets(database).add(asked(), [a_recipe_from(photo)], [1.0])
    back_up(data, kept)
    assert Files(kept / "files").read(photo) == b"a photo"


def test_what_is_not_there_is_said_in_a_sentence(
    data: Path, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup(Settings(data=data), said("backup", kept)) == 2
    assert restore(Settings(data=data), said("restore", kept)) == 2
    errors = capsys.readouterr().err
    assert "nothing to back up" in errors
    assert "no backup in" in errors
    with pytest.raises(SystemExit):
        said("backup", "--keep", "0")


@pytest.mark.parametrize("left", [b"", b"nonsense" * 2000])
async def test_a_backup_replaces_a_database_that_is_beyond_repair(
    data: Path, kept: Path, database: Database, left: bytes
) -> None:
    await a_drawing(database, 1)
    back_up(data, kept)
    await database.close()
    (data / storing.DATABASE).write_bytes(left)
    (data / f"{storing.DATABASE}-wal").write_bytes(b"of another life" * 99)
    aside = storing.restore(storing.look_through(kept), data, stamp="now")
    assert aside is not None
    assert (aside / storing.DATABASE).read_bytes()[: len(left)] == left
    async with opened(data / storing.DATABASE) as now:
        assert await now.damage() == ()
        assert len(await now.rows("SELECT * FROM pictures")) == 1


# --- a backup that is somebody else's work ---


async def a_prepared_copy(database: Database, kept: Path) -> Path:
    """A copy of one drawing, closed, for a stranger to work on."""
    await a_drawing(database, 1)
    made = await asyncio.to_thread(
        storing.back_up, database.path.parent, kept, stamp="20260101-000000", keep=7
    )
    return made.copy


def told(copy: Path, sql: str, *values: str) -> None:
    with closing(sqlite3.connect(copy / storing.DATABASE)) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(sql, values)
        db.commit()


async def test_restoring_follows_no_link(database: Database, kept: Path, tmp_path: Path) -> None:
    copy = await a_prepared_copy(database, kept)
    secret = tmp_path / "config.toml"
    secret.write_text('token = "secret"', "utf-8")
    (copy / "wildcards" / "deep").mkdir(parents=True)
    (copy / "wildcards" / "animal.txt").write_text("cat\n", "utf-8")
    (copy / "wildcards" / "hello.txt").symlink_to(secret)
    (copy / "wildcards" / "deep" / "folder").symlink_to(tmp_path)
    os.mkfifo(copy / "wildcards" / "pipe.txt")
    (copy / "styles.toml").symlink_to(secret)
    found = storing.look_through(kept)
    assert not found.whole
    assert sorted(found.foreign) == [
        *("styles.toml", "wildcards/deep/folder", "wildcards/hello.txt", "wildcards/pipe.txt")
    ]
    storing.restore(found, tmp_path / "new", stamp="20260102-000000")
    brought = [p.name for p in (tmp_path / "new").rglob("*") if p.suffix in (".txt", ".toml")]
    assert brought == ["animal.txt"]


async def test_a_link_to_a_database_is_no_backup(database: Database, kept: Path) -> None:
    copy = await a_prepared_copy(database, kept)
    (copy / storing.DATABASE).rename(kept / "elsewhere")
    (copy / storing.DATABASE).symlink_to(kept / "elsewhere")
    with pytest.raises(Missing):
        storing.look_through(kept)


async def test_a_link_in_the_place_of_a_picture_is_a_missing_picture(
    database: Database, kept: Path
) -> None:
    await a_prepared_copy(database, kept)
    (file,) = (kept / storing.FILES).glob("??/*.png")
    file.rename(kept / "elsewhere")
    file.symlink_to(kept / "elsewhere")
    assert [file.stem] == list(storing.look_through(kept).missing)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON requests BEGIN UPDATE requests SET words = 'x'; END",
        "CREATE VIEW v AS SELECT words FROM requests",
        "CREATE VIRTUAL TABLE f USING fts5(words)",
        "UPDATE pictures SET png_sha256 = '../../../../victim'",
        "UPDATE pictures SET png_sha256 = upper(png_sha256)",
        "UPDATE recipes SET text = '{}'",
        "UPDATE environments SET text = '[]'",
    ],
)
async def test_a_database_that_acts_or_names_what_it_must_not_is_refused(
    database: Database, kept: Path, sql: str
) -> None:
    copy = await a_prepared_copy(database, kept)
    told(copy, sql)
    with pytest.raises(DatabaseCorrupt):
        storing.look_through(kept)


async def test_the_bot_opens_no_database_with_a_foreign_trigger(tmp_path: Path) -> None:
    async with opened(tmp_path / storing.DATABASE):
        pass
    told(tmp_path, "CREATE TRIGGER t AFTER INSERT ON requests BEGIN DELETE FROM requests; END")
    with pytest.raises(DatabaseCorrupt):
        await Database.open(tmp_path / storing.DATABASE)


def test_a_digest_that_is_a_path_names_no_file(tmp_path: Path) -> None:
    victim = tmp_path / "victim.png"
    victim.write_bytes(b"x")
    files = Files(tmp_path / "files")
    files.drop(Sha256("../" + str(victim).removesuffix(".png")))
    with pytest.raises(Missing):
        files.read(Sha256("../victim"))
    assert victim.exists()


async def test_the_owner_s_own_links_are_followed_into_the_backup(
    database: Database, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "animal.txt").write_text("cat\n", "utf-8")
    (database.path.parent / "wildcards").symlink_to(tmp_path / "lists")
    copy = await a_prepared_copy(database, kept)
    assert (copy / "wildcards" / "animal.txt").read_text("utf-8") == "cat\n"
    assert storing.look_through(kept).whole
