"""What was drawn in some days: counted once, by model and style, for those whom it concerns."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from bot.languages.speaking import speaking_to
from bot.pages.history_page import NOTHING, history_page
from bot.pages.history_plot import draw_history
from bot.studio.histories import DayOfWaits, History
from bot.studio.rights import Asker
from generation.job import UserId
from storage.tallies import Tally
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import ANN, BEN
from tests.given.fakes import FakeWorker
from tests.given.results import is_result

HERE = 77
PLACE = replace(a_wish().origin, guild=HERE)


def a_history(*tallies: Tally, **changes: object) -> History:
    whole = History(until=1.79e9, days=7, own=False, tallies=tallies, waits=(), people=())
    return replace(whole, **changes)  # type: ignore[arg-type]


def a_tally(pictures: int, *, day: int = 6, model: str = "tiny", style: str = "") -> Tally:
    return Tally(day=day, model=model, style=style, pictures=pictures)


async def test_a_servers_pictures_are_counted_for_its_members_and_private_ones_are_not(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        for owner, private in ((ANN, False), (BEN, False), (BEN, True)):
            origin = replace(PLACE, owner=owner, private=private)
            await drawn(app, replace(a_wish(), origin=origin))
        await drawn(app, a_wish(owner=BEN))  # elsewhere
        histories, here = app.studio.histories, Asker(id=ANN, guild=HERE)
        of_server = await histories.of(here, 7, mine=False, moderates=False)
        assert (of_server.pictures, of_server.own, of_server.people) == (2, False, ())
        assert of_server.tallies == (Tally(day=6, model="tiny", style="", pictures=2),)
        mine = await histories.of(here, 7, mine=True, moderates=False)
        assert (mine.pictures, mine.own) == (1, True)
        alone = await histories.of(Asker(id=BEN, guild=None), 7, mine=False, moderates=True)
        assert (alone.pictures, alone.own, alone.people) == (3, True, ())


async def test_what_is_older_than_the_days_is_not_counted(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        await drawn(app, a_wish())
        picture = (await app.stores.pictures.newest(ANN, 1))[0]
        tallies, week = app.stores.tallies, 7 * 86_400.0
        for since, days in ((picture.drawn_at + 1.0, []), (picture.drawn_at - 5 * week / 7, [5])):
            found = await tallies.pictures(since=since, days=7, person=ANN, guild=None)
            assert [tally.day for tally in found] == days
        before = picture.drawn_at - 3 * week
        found = await tallies.pictures(since=before, days=30, person=ANN, guild=None)
        assert [tally.day for tally in found] == [21]


def test_the_page_names_what_was_drawn_with_and_persons_where_they_are_told() -> None:
    page = history_page(
        a_history(
            a_tally(2, day=1),
            a_tally(1, model="other", style="watercolor"),
            people=((UserId(5), 90.0),),
        )
    )
    assert "The pictures of this server, the last 7 days" in page
    assert "**3**, on 2 of 7 days" in page
    assert "🧩 tiny 2 · other 1" in page
    assert "🎨 watercolor 1" in page
    assert "1 <@5>: 1.5 min" in page
    assert history_page(a_history()) == NOTHING


def test_there_is_a_panel_for_each_thing_that_is_known() -> None:
    tallies = [a_tally(n + 1, day=n % 7, model=f"m{n}") for n in range(9)]
    plain = height_of(a_history(*tallies))
    whole = a_history(
        *tallies,
        a_tally(3, style="watercolor"),
        waits=(DayOfWaits(day=6, p50=0.0, p95=20_000.0), DayOfWaits(day=7, p50=1.0, p95=2.0)),
        people=((UserId(5), 90.0),),
    )
    assert height_of(whole) == 4 * plain


def height_of(history: History) -> int:
    return Image.open(io.BytesIO(draw_history(history))).height


@pytest.mark.parametrize("name", ["名字很长的模型", "модель", r"a $\nope$ with _signs_"])
def test_names_are_drawn_as_they_are(name: str, recwarn: pytest.WarningsRecorder) -> None:
    with speaking_to("zh-CN"):
        assert draw_history(a_history(a_tally(1, model=name), a_tally(1, style=name)))
    assert not recwarn.list  # matplotlib warns of letters that it lacks


async def test_people_ask_for_it_where_they_are(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await ann.command("stats pictures")
        await ann.sees("Nothing was drawn in these days")
        await ben.command("imagine", prompt="a red flower")
        await ben.sees(is_result)
        await ann.command("stats pictures", days=7)
        page = await ann.sees("The pictures of this server, the last 7 days")
        assert page.attachments[0].filename == "pictures.png"
        assert f"1 <@{ben.id}>" in page.content  # she moderates
        await ben.command("stats pictures", mine=True)
        own = await ben.sees("Your pictures of the last 30 days")
        assert "<@" not in own.content
