"""Everything that is a person's, given to them and erased: searched for byte by byte afterwards."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sqlite3
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.telemetry.logs import strike_out, write_log
from generation.job import UserId
from generation.media import image
from storage.bare import without_words
from storage.pictures import PictureId
from storage.tickets import RequestId
from storage.traces import TraceSearch
from tests.given.admins import make_admin
from tests.given.apps import Studio, a_studio, some_settings
from tests.given.builders import a_blue_png
from tests.given.fakes import FakeWorker
from tests.given.results import answers, is_result
from tests.given.waiting import eventually

BENS = "a zirconium lighthouse under copper rain"
BENS_CHINESE = "一座锆石灯塔在铜雨之下发光"
ANNS = "a meadow of tin marigolds at noon"

pytestmark = pytest.mark.usefixtures("quiet_afterwards")


def traces(data: Path, person: int, *texts: str) -> list[str]:
    """Where anything of somebody is left: an own search, plainer than the program's."""
    needles = [str(person).encode(way) for way in ("utf-8", "utf-16-le", "utf-16-be")]
    needles += [struct.pack("<q", person), struct.pack(">q", person)]
    for text in texts:
        needles += [text.encode(way) for way in ("utf-8", "utf-16-le", "utf-16-be")]
        needles.append(json.dumps(text)[1:-1].encode())
    found = []
    for path in sorted(data.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix in (".png", ".bare"):
            content += b"".join(_unpacked(content))
        found += [f"{path.name}: {needle[:40]!r}" for needle in needles if needle in content]
    return found


def _unpacked(data: bytes) -> Iterator[bytes]:
    for at in (match.start() for match in re.finditer(b"x[\x01\x5e\x9c\xda]", data)):
        try:
            yield zlib.decompressobj().decompress(data[at:], 1_000_000)
        except zlib.error:
            continue


async def drawn(_: Studio, person: Any, words: str, **options: Any) -> Any:
    """A result of theirs."""
    await person.command("imagine", prompt=words, **options)
    return await person.sees(lambda m: is_result(m) and words[:20] in m.content)


async def erase(studio: Studio) -> str:
    """What Ben is told when he has let everything of his be erased."""
    asked = await studio.world.ben.command("privacy delete")
    await eventually(lambda: asked.response is not None)
    await studio.world.ben.press(asked.response, "Erase everything")
    told = await studio.world.ben.sees(lambda m: "I searched" in m.content)
    return str(told.content)


async def test_everything_of_one_goes_and_everything_of_the_other_stays(tmp_path: Path) -> None:
    write_log(some_settings(tmp_path), quiet=True)
    async with a_studio(tmp_path, newcomer_days=0.0) as studio:
        here, data = studio.world, studio.app.settings.data
        make_admin(here, here.ann)
        result = await drawn(studio, here.ben, BENS, count=2, seed="7")
        await drawn(studio, here.ben, BENS_CHINESE)
        await drawn(studio, here.ben, "a copper start", image=("mine.png", a_blue_png()))
        hers = await drawn(studio, here.ann, ANNS)
        await here.ben.command("settings", negative="zirconium blur and copper haze")
        await here.ben.press(hers, "⭐")
        await here.ann.command("server weights", person=here.env.ben, weight=2.0)
        await here.ann.command("server policy", block=here.env.ben)
        await here.ann.command("server policy", unblock=here.env.ben)
        logging.getLogger("test").warning("somebody, %d, did something", here.ben.id)
        logging.getLogger("test").warning("nobody did anything")
        assert result is not None
        assert traces(data, here.ben.id, BENS)
        told = await erase(studio)
        assert "nothing of you is left" in told, told
        assert traces(data, here.ben.id, BENS, BENS_CHINESE, "zirconium blur") == []
        # Nor is a word of his among the terms of the search, which share their beginnings.
        assert traces(data, here.ben.id, "irconium", "ighthouse") == []
        # Not after the accounts are saved once more, either, nor when all is closed.
        await studio.app.studio.close()
        assert traces(data, here.ben.id, BENS, BENS_CHINESE) == []
        assert (await studio.app.stores.pictures.get(PictureId(5))).words == ANNS
        log = (data / "atelier.log").read_text()
        assert "nobody did anything" in log
        assert "did something" not in log
    assert traces(data, here.ben.id, BENS, BENS_CHINESE) == []
    async with a_studio(tmp_path) as studio:
        await drawn(studio, studio.world.ben, "something new")


async def test_what_is_just_being_written_of_one_goes_too(tmp_path: Path) -> None:
    """The accounts are written each second; a write that was on its way brings nobody back."""
    async with a_studio(tmp_path) as studio:
        here, data = studio.world, studio.app.settings.data
        privacy = studio.app.studio.privacy
        meter, erasures = privacy._meter, privacy._stores.erasures
        write, erases = meter._ledger.save, erasures.erase
        under_way, go_on, erased = (asyncio.Event() for _ in range(3))

        async def slowly(*what: Any, **more: Any) -> None:
            under_way.set()
            await go_on.wait()
            await write(*what, **more)

        async def erasing(person: UserId) -> None:
            await erases(person)
            erased.set()

        meter._ledger.save = slowly  # type: ignore[method-assign]
        erasures.erase = erasing  # type: ignore[method-assign]
        await drawn(studio, here.ben, BENS)
        await under_way.wait()
        telling = asyncio.create_task(erase(studio))
        await eventually(lambda: erased.is_set() or meter._turn._waiters)
        go_on.set()
        assert "nothing of you is left" in await telling
        assert traces(data, here.ben.id, BENS) == []


async def test_what_others_made_keeps_its_pixels_is_drawn_again_and_names_nobody(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here, stores = studio.world, studio.app.stores
        data = studio.app.settings.data
        result = await drawn(studio, here.ben, BENS, seed="7")
        await here.ann.press(result, "🔍")  # draws further around his picture
        await eventually(lambda: len(here.ann.messages()) > 1)
        made = await here.ann.sees(is_result, after=result)
        before = await stores.pictures.get(PictureId(2))
        assert before.parent == 1
        pixels = Image.open(io.BytesIO(stores.files.read(before.recipe.inputs[0].sha256)))
        told = await erase(studio)
        assert "1 picture stays as bare pixels" in told
        after = await stores.pictures.get(PictureId(2))
        assert (after.parent, after.recipe.id) == (None, before.recipe.id)
        assert stores.files.read(after.png_sha256)
        kept = stores.files.read(after.recipe.inputs[0].sha256)
        assert image.recipe_in(kept) is None
        assert Image.open(io.BytesIO(kept)).tobytes() == pixels.tobytes()
        assert traces(data, here.ben.id) == []
        await here.ann.press(made, "♻️")
        again = await here.ann.sees(lambda m: is_result(m) and m.id > made.id)
        assert "✅" in again.content


async def test_whoever_drew_with_a_shared_preset_keeps_the_picture_without_its_name(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        make_admin(studio.world, ben)
        await answers(await ben.command("preset save", name="zirconium", steps=5))
        await answers(await ben.command("preset share", name="zirconium", scope="server"))
        await answers(await ann.command("preset use", name="zirconium"))
        await ann.command("imagine", prompt=ANNS)
        assert "zirconium" in (await ann.sees(is_result)).content
        before = await studio.app.stores.tickets.request(RequestId(1))
        await studio.app.studio.privacy.erase(UserId(ben.id), [])
        left = (await studio.app.stores.tickets.request(RequestId(1))).notes
        assert left == tuple(note for note in before.notes if "zirconium" not in note)
        assert len(left) == len(before.notes) - 1
    assert not traces(tmp_path / "data", ben.id, "zirconium")


async def test_what_is_open_is_cancelled_and_nothing_can_be_asked_meanwhile(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        await here.ben.command("imagine", prompt=BENS, count=4)
        await here.ann.command("imagine", prompt=ANNS)
        await eventually(lambda: studio.app.studio.open_requests.is_drawing(RequestId(1)))
        studio.app.studio.servers.leaving.add(here.ben.id)
        said = (await answers(await here.ben.command("imagine", prompt="more")))[0]
        assert "just being erased" in said
        studio.app.studio.servers.leaving.clear()
        asked = await here.ben.command("privacy delete")
        await here.ben.press(asked.response, "Erase everything")
        worker.gate.set()
        await here.ben.sees(lambda m: "nothing of you is left" in m.content)
        await here.ann.sees(lambda m: is_result(m) and ANNS[:20] in m.content)
        assert traces(studio.app.settings.data, here.ben.id, BENS) == []


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.given.apps import an_idle_app
from tests.given.fakes import FakeWorker
from generation.job import UserId
from storage.failpoints import arm

async def main() -> None:
    async with an_idle_app(Path(sys.argv[1]), FakeWorker()) as app:
        arm(sys.argv[3])
        await app.studio.privacy.erase(UserId(int(sys.argv[2])), ["Ben"])

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "instant",
    [
        "erased.committed",
        *(
            pytest.param(slow, marks=pytest.mark.slow)
            for slow in (
                "erasing.committed",
                "erased.written",
                "erasure.files",
                "scrub.written",
                "erasure_over.written",
            )
        ),
    ],
)
async def test_an_erasure_that_is_killed_is_finished_at_the_next_start(
    tmp_path: Path, instant: str
) -> None:
    async with a_studio(tmp_path) as studio:
        data, ben = studio.app.settings.data, studio.world.ben.id
        await drawn(studio, studio.world.ben, BENS)
        await drawn(studio, studio.world.ann, ANNS)
    arguments = [sys.executable, "-W", "ignore", "-c", KILLED, str(tmp_path), str(ben), instant]
    killed = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, text=True)
    assert killed.returncode == -9, killed.stderr
    async with a_studio(tmp_path) as studio:
        assert await studio.app.stores.erasures.pending() == ()
        assert traces(data, ben, BENS) == []
        assert (await studio.app.stores.pictures.get(PictureId(2))).words == ANNS


async def test_a_block_outlives_the_one_who_is_blocked_and_names_nobody(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await drawn(studio, here.ben, BENS)
        await here.ann.command("server policy", block=here.env.ben)
        assert "nothing of you is left" in await erase(studio)
    async with a_studio(tmp_path) as studio:
        here = studio.world
        said = (await answers(await here.ben.command("imagine", prompt="again")))[0]
        assert "do not let me draw for you" in said
        make_admin(here, here.ann)
        audit = (await answers(await here.ann.command("server audit")))[0]
        assert "somebody whose data was erased blocked" in audit
        await here.ann.command("server policy", unblock=here.env.ben)
        await drawn(studio, here.ben, "again")


async def test_why_an_admin_let_drawing_rest_goes_with_them(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ben)
        await drawn(studio, here.ben, BENS)
        await here.ben.command("server pause", drawing="rests", reason="taradiddle")
        assert "nothing of you is left" in await erase(studio)
        ben = here.env.ben.id
        assert traces(studio.app.settings.data, ben, "taradiddle") == []


async def test_the_export_holds_pictures_words_settings_and_lines_about_them(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await drawn(studio, here.ben, BENS, image=("mine.png", a_blue_png()))
        await drawn(studio, here.ann, ANNS)
        await here.ben.command("settings", steps=7)
        await here.ann.command("server weights", person=here.env.ben, weight=2.0)
        asked = await here.ben.command("privacy export")
        await eventually(lambda: any("everything" in m.content for m in asked.followups))
        [sent] = [m for m in (asked.response, *asked.followups) if m.attachments]
        assert sent.id not in {m.id for m in here.ann.messages()}
        whole = zipfile.ZipFile(io.BytesIO(await sent.attachments[0].read()))
        names = whole.namelist()
        assert "pictures/1.png" in names
        assert len([name for name in names if name.startswith("uploads/")]) == 1
        recipe = image.recipe_in(whole.read("pictures/1.png"))
        assert recipe is not None
        assert recipe.prompt == BENS
        text = "".join(whole.read(n).decode() for n in names if n.startswith("facts/"))
        for expected in (BENS, "person weight", '"weight":', str(here.ben.id), '\\"steps\\":'):
            assert expected in text, expected
        assert ANNS not in text


async def test_a_long_export_comes_in_parts_and_goes_on(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await drawn(studio, here.ben, BENS, count=4)
        exports, ben = studio.app.studio.exports, UserId(here.ben.id)
        size = len(studio.app.stores.files.read((await _first(studio)).png_sha256))
        limit = 64 * 1024 + int(2.5 * size) + 6000
        parts = [part async for part in exports.parts(ben, ["Ben"], first=0, limit=limit)]
        assert len(parts) > 1
        assert all(len(part.data) <= limit for part in parts)
        rest = [part async for part in exports.parts(ben, [], first=3, limit=10**7)]
        assert zipfile.ZipFile(io.BytesIO(rest[0].data)).namelist() == [
            "pictures/3.png",
            "pictures/4.png",
        ]


async def _first(studio: Studio) -> Any:
    return await studio.app.stores.pictures.get(PictureId(1))


def test_the_search_finds_each_spelling_and_what_is_packed(tmp_path: Path) -> None:
    person, text = 123456789012345678, "ein Leuchtturm aus Zirkönium"
    spelt = {
        "digits": b"x 123456789012345678 y",
        "little": b"ab" + struct.pack("<q", person),
        "big": b"abc" + struct.pack(">q", person),
        "utf8": b"-" + text.encode(),
        "utf16": b"-" * 5 + text.encode("utf-16-le"),
        "escaped": json.dumps({"words": text}).encode(),
    }
    png = io.BytesIO()
    info = PngInfo()
    info.add_itxt("parameters", text, zip=True)
    Image.new("RGB", (8, 8)).save(png, format="PNG", pnginfo=info)
    spelt["packed"] = png.getvalue()
    search = TraceSearch(person, (text,))
    for name, content in spelt.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.bin").write_bytes(content)
        assert search.within(folder).found == (folder / "a.bin",), name
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "b.png").write_bytes(without_words(png.getvalue()))
    looked = search.within(tmp_path / "clean")
    assert (looked.files, looked.found) == (1, ())


def test_records_are_struck_out_whole_with_their_traces(tmp_path: Path) -> None:
    log = tmp_path / "atelier.log"
    log.write_text(
        "2026-01-01 00:00:00,000 INFO a: one\n"
        "2026-01-01 00:00:01,000 ERROR a: two\nTraceback\n  for 77\n"
        "2026-01-01 00:00:02,000 INFO a: three\n"
    )
    (tmp_path / "atelier.log.1").write_text('{"message": "77"}\n{"message": "78"}\n')
    assert strike_out(tmp_path, lambda record: "77" in record) == 2
    assert [line[-5:].strip() for line in log.read_text().splitlines()] == [": one", "three"]
    assert (tmp_path / "atelier.log.1").read_text() == '{"message": "78"}\n'


async def test_no_page_of_the_database_keeps_what_was_deleted(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await drawn(studio, studio.world.ben, BENS)
        await erase(studio)
        path = studio.app.stores.database.path
        assert not path.with_name(f"{path.name}-wal").stat().st_size
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
            assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
