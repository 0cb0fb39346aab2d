"""Words find pictures, in any script, and nobody finds what is not theirs to see."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from generation.job import UserId
from storage.database import Database
from storage.deletions import Deletions
from storage.favourites import Favourites
from storage.found import FoundPage, Reach, SearchIndex, Sought, forget_found
from storage.ids import PictureId
from storage.pictures import Pictures
from storage.terms import asked as asked_for
from storage.tickets import Tickets
from tests.given.builders import changed
from tests.given.released import FIRST
from tests.given.stored import (
    ANN,
    BEN,
    RECIPE,
    a_digest,
    a_picture,
    asked,
    database,
    drawn,
    opened,
)

__all__ = ["database"]

HERE = 20  # the channel in which `asked` asks
EVERYTHING = Reach(own=None, channels=frozenset({HERE}))


async def a_drawing(
    database: Database,
    words: str,
    *,
    owner: UserId = ANN,
    prompt: str | None = None,
    at: float = 1.0,
    pixels: int = 1,
) -> PictureId:
    """A picture that somebody asked for in these words."""
    tickets = Tickets(database)
    recipe = changed(RECIPE, prompt=prompt if prompt is not None else words)
    _, (ticket,) = await tickets.add(asked(owner, words=words), [recipe], [1.0])
    picture = a_picture(recipe, pixels=pixels)
    return await drawn(tickets, ticket.job.id, picture, a_digest(pixels), at=at)


async def found(database: Database, words: str, within: Reach = EVERYTHING) -> list[PictureId]:
    page = await SearchIndex(database).page(Sought(words=words), within, limit=50)
    return list(page.pictures)


WISHES = {
    "a red flower in a glass vase": ("flower", "FLOW", "vase red", '"red flower"', "glass -cat"),
    "a cat, ｆｕｌｌ width, café, long_hair": ("full", "cafe", "CAFÉ", "long_hair", "long hair"),
    "雪夜里的红色城市，一只猫": ("雪夜", "红色", "色", "猫", "红色城市", "里的红色城", '"红色"'),
    "夜の富士山と桜": ("富士", "桜", "-ふ 夜", "の富士山"),
    "고양이가 있는 방": ("고양이", "양이", "방"),
    "แมวสีแดง 4k": ("สีแดง", "แมว 4k", "4K"),
    "Кошка в городе 🐈 🌃": ("кошк", "ГОРОД", "🐈", "🌃 кошка"),
}


@pytest.mark.parametrize("wish", WISHES)
async def test_a_picture_is_found_by_words_of_its_wish(database: Database, wish: str) -> None:
    pictures = {each: await a_drawing(database, each) for each in WISHES}
    for words in WISHES[wish]:
        assert pictures[wish] in await found(database, words), words


@pytest.mark.parametrize(
    "words", ['"flower red"', "lower", "flower -vase", "红城", "色红", "-猫 红色", "🌃🐈", "night"]
)
async def test_what_a_wish_does_not_say_finds_nothing(database: Database, words: str) -> None:
    for wish in WISHES:
        await a_drawing(database, wish)
    assert await found(database, words) == []


async def test_a_picture_is_found_by_the_words_it_was_drawn_from(database: Database) -> None:
    number = await a_drawing(database, "猫", prompt="a cosy cat on a window sill")
    assert await found(database, "window") == await found(database, "猫") == [number]


ODD = (
    *(
        '"',
        '""',
        "'",
        "*",
        "-",
        "--",
        "()",
        "AND",
        "a OR",
        "NOT",
        "NEAR(a b",
        "words:a",
        "^a",
        "a*b",
    ),
    *("{words} : x", "🌸🌸", "\\", "%_%", "a\x00b", "\ud800", "; DROP TABLE found", "+a +b", "“”"),
    *("-猫", '-"', "a" * 5000, "猫" * 5000, " ".join(map(str, range(3000))), "\u200b", "ﷺ", "ß İ"),
)


@pytest.mark.parametrize("words", ODD, ids=range(len(ODD)))
async def test_nothing_that_people_type_is_an_error(database: Database, words: str) -> None:
    await a_drawing(database, "a red flower")
    terms = asked_for(words)
    assert all(term.startswith('"') for term in (*terms.wanted, *terms.unwanted))
    assert set(await found(database, words)) <= {PictureId(1)}


async def test_words_without_a_term_find_nothing_and_no_words_find_all(database: Database) -> None:
    number = await a_drawing(database, "a red flower")
    assert await found(database, "***") == []
    assert await found(database, " ") == [number]


async def test_only_own_pictures_and_those_of_the_channels_are_found(database: Database) -> None:
    anns = await a_drawing(database, "a red flower")
    bens = await a_drawing(database, "a red hat", owner=BEN)
    nowhere: frozenset[int] = frozenset()
    assert await found(database, "red", Reach(own=ANN)) == [anns]
    assert await found(database, "red", Reach(own=BEN, channels=frozenset({99}))) == [bens]
    assert await found(database, "red", Reach(own=None, channels=nowhere)) == []
    assert await found(database, "red", EVERYTHING) == [bens, anns]
    hidden = replace(EVERYTHING, own=ANN, never=frozenset({HERE}))
    assert await found(database, "red", hidden) == []


async def test_what_is_shown_elsewhere_or_nowhere_is_its_owner_s_alone(database: Database) -> None:
    number, tickets = await a_drawing(database, "a red flower"), Tickets(database)
    for message, channel in ((5, HERE), (6, 555)):
        await tickets.posted((await tickets.undelivered())[0], message, channel)
        there = [number] if channel == HERE else []
        assert await found(database, "red", EVERYTHING) == there
        assert await found(database, "red", Reach(own=None, channels=frozenset({555}))) == []
        assert await found(database, "red", Reach(own=ANN)) == [number]
    await tickets.posted((await tickets.undelivered())[0], 7, HERE)
    assert await found(database, "red", EVERYTHING) == [number]
    await tickets.taken_away([7])
    assert await found(database, "red", EVERYTHING) == []
    assert await found(database, "red", Reach(own=ANN)) == [number]


async def test_what_is_withheld_is_its_owner_s_alone(database: Database) -> None:
    number = await a_drawing(database, "a red flower")
    assert await found(database, "red", EVERYTHING) == [number]
    await Pictures(database).withhold(number)
    assert await found(database, "red", EVERYTHING) == []
    assert await found(database, "red", Reach(own=ANN)) == [number]


async def test_every_filter_leaves_out_the_others(database: Database) -> None:
    early = await a_drawing(database, "a red flower", at=100.0)
    late = await a_drawing(database, "a red flower", owner=BEN, at=200.0)
    await Favourites(database).toggle(BEN, early, at=1.0)
    index = SearchIndex(database)

    async def by(**sought: object) -> tuple[PictureId, ...]:
        return (await index.page(Sought(**sought), EVERYTHING, limit=9)).pictures  # type: ignore[arg-type]

    assert await by(person=BEN) == (late,)
    assert await by(since=150.0) == await by(since=200.0) == (late,)
    assert await by(until=200.0) == (early,)
    assert await by(since=300.0) == await by(until=50.0) == ()
    assert await by(starred_by=BEN) == (early,)
    assert await by(starred_by=ANN) == ()
    assert await by(model="start") == (late, early)
    assert await by(model="other") == await by(style="watercolor") == await by(model="*") == ()


async def test_pages_go_back_and_forth_without_a_gap(database: Database) -> None:
    numbers = [await a_drawing(database, "a red flower") for _ in range(7)][::-1]
    index = SearchIndex(database)

    async def page(**cursor: PictureId) -> FoundPage:
        return await index.page(Sought(words="red"), EVERYTHING, limit=3, **cursor)

    first = await page()
    assert first == FoundPage(pictures=tuple(numbers[:3]), older=True, newer=False)
    second = await page(before=first.pictures[-1])
    assert second == FoundPage(pictures=tuple(numbers[3:6]), older=True, newer=True)
    last = await page(before=second.pictures[-1])
    assert last == FoundPage(pictures=tuple(numbers[6:]), older=False, newer=True)
    assert await page(after=last.pictures[0]) == second
    assert await page(after=second.pictures[0]) == first
    # What was drawn meanwhile moves no page.
    await a_drawing(database, "a red flower")
    assert await page(before=first.pictures[-1]) == second
    assert (await page(after=second.pictures[0])).newer


async def test_what_is_deleted_is_not_found_until_it_is_brought_back(database: Database) -> None:
    number, deletions = await a_drawing(database, "a red flower"), Deletions(database)
    request = (await Tickets(database).undelivered())[0]
    await deletions.delete(request, by=ANN, until=50.0, at=0.0)
    assert await found(database, "red", Reach(own=ANN)) == []
    await deletions.restore(request, by=ANN, now=10.0)
    assert await found(database, "red", Reach(own=ANN)) == [number]


async def test_after_its_minute_no_word_of_it_is_in_the_index_s_bytes(tmp_path: Path) -> None:
    """The words of a deleted picture are unusual: "zyxwv" is a term of nothing else."""
    path = tmp_path / "atelier.db"
    async with opened(path) as database:
        kept = [await a_drawing(database, f"a red flower {number}") for number in range(40)]
        gone = await a_drawing(database, "zyxwv 鑫淼焱")
        [*_, request] = await Tickets(database).undelivered()
        await Deletions(database).delete(request, by=ANN, until=0.0, at=0.0)
        await Deletions(database).let_go(now=1.0)
        await SearchIndex(database).scrub()
        # What the request and the recipe still say, for its owner, is another's to erase.
        async with database.transaction("erased") as db:
            await db.execute("UPDATE requests SET words = '' WHERE id = ?", (request,))
            await db.execute("UPDATE recipes SET text = replace(text, 'zyxwv 鑫淼焱', '')")
        assert await found(database, "red") == kept[::-1]
        assert gone not in await found(database, "")
    raw = path.read_bytes()  # with its log, which is folded in at the end
    for term in ("zyxwv", "鑫淼", "淼焱"):
        assert term.encode() not in raw, term


async def test_a_picture_can_be_taken_out_for_good(database: Database) -> None:
    number = await a_drawing(database, "a red flower")
    async with database.transaction("forget") as db:
        assert await forget_found(db, [number, 999]) == 1
    assert await found(database, "red") == []


async def test_pictures_of_an_earlier_release_are_found_after_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "atelier.sqlite3"
    shutil.copyfile(FIRST.folder / "atelier.sqlite3", path)
    async with opened(path) as database:
        there = await database.rows("SELECT id, owner FROM pictures WHERE deleted = 0 ORDER BY id")
        index = SearchIndex(database)
        assert there
        assert not await index.filled()
        fresh = await a_drawing(database, "a red flower")
        while await index.fill():
            pass
        assert await index.filled()
        for owner in {row["owner"] for row in there}:
            own = [row["id"] for row in there if row["owner"] == owner]
            mine = await index.page(Sought(), Reach(own=UserId(owner)), limit=99)
            assert [number for number in mine.pictures if number != fresh] == own[::-1]
        row = await database.row("SELECT count(*) AS all_of_them FROM found")
        assert row is not None
        assert row["all_of_them"] == len(there) + 1
