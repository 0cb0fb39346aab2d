"""Claims about the gallery in a browser: it shows what its person may see, and nothing else."""

from __future__ import annotations

import asyncio
import html
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from bot.studio.rights import Access
from bot.web import recent
from bot.web.looking import SECONDS
from bot.web.recent import RecentSight
from storage.servers import ServerRule
from tests.given.apps import a_studio
from tests.given.builders import a_model_folder
from tests.given.other_media import SOLID, Doodler, known, makers
from tests.given.results import is_result, labels
from tests.given.visiting_pages import a_flower, a_served_studio, a_wall, some_pictures
from tests.given.waiting import everything_told
from tests.given.web_pages import Browsing, Seen, browsing


def numbers(page: Seen) -> list[int]:
    """The pictures on a wall, in their order."""
    return [int(n) for n in re.findall(r'<span class="number">#(\d+)', page.text)]


def addresses(page: Seen) -> list[str]:
    return [html.unescape(src) for src in re.findall(r'<img src="([^"]+)"', page.text)]


async def fetched(browser: Browsing, url: str, address: str) -> Seen:
    base = url.split("/gallery/", maxsplit=1)[0]
    return await browser.get(f"{base}/{address.replace('../', '')}")


@pytest.mark.usefixtures("contract")
async def test_the_wall_shows_what_the_person_may_see_the_newest_first(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        await some_pictures(studio)
        url = await a_wall(studio.world.ann)
        page = await browser.get(url)
        assert page.status == 200
        assert numbers(page) == [3, 2, 1]
        assert 'alt="a blue boat"' in page.text
        assert page.text.count('loading="lazy"') == 3
        for address in addresses(page):
            small = await fetched(browser, url, address)
            assert (small.status, small.headers["Content-Type"]) == (200, "image/webp")
            whole = await fetched(browser, url, address.removesuffix("/small"))
            assert (whole.status, whole.headers["Content-Type"]) == (200, "image/png")
            assert whole.body.startswith(b"\x89PNG")
        assert not studio.world.faults


FILTERS: tuple[tuple[dict[str, str], list[int]], ...] = (
    ({"shelf": "channel"}, [3, 2, 1]),
    ({"shelf": "server"}, [3, 2, 1]),
    ({"shelf": "own"}, [1]),
    ({"shelf": "favourites"}, [3]),
    ({"shelf": "channel", "mine": "1"}, [1]),
    ({"shelf": "channel", "starred": "1"}, [3]),
    ({"shelf": "channel", "words": "boat"}, [3]),
    ({"shelf": "channel", "words": "flower -night"}, [1]),
    ({"shelf": "channel", "words": "?!"}, []),
    ({"shelf": "channel", "words": "boat", "model": "tiny"}, [3]),
    ({"shelf": "channel", "model": "other"}, []),
    ({"shelf": "channel", "style": "watercolour"}, []),
    ({"shelf": "channel", "since": "2020-01-01", "until": "2100-01-01"}, [3, 2, 1]),
    ({"shelf": "channel", "until": "2020-01-01"}, []),
    ({"shelf": "channel", "since": "no day"}, [3, 2, 1]),
    ({"shelf": "nonsense", "before": "-7", "after": "x"}, [3, 2, 1]),
    ({"shelf": "channel", "before": "3"}, [2, 1]),
    ({"shelf": "channel", "after": "1"}, [3, 2]),
)


async def test_filters_leave_out_what_they_say(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        ann = studio.world.ann
        await some_pictures(studio)
        await ann.press(await ann.sees(is_result), "⭐")
        url = await a_wall(ann)
        for query, expected in FILTERS:
            page = await browser.get(url, params=query)
            assert (page.status, numbers(page)) == (200, expected), query
            assert ('role="status"' in page.text) == (not expected), query


async def test_the_button_leads_to_what_was_asked_for_in_chat(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        await some_pictures(studio)
        page = await browser.get(await a_wall(studio.world.ann, words="boat"))
        assert numbers(page) == [3]
        assert 'value="boat"' in page.text
        assert numbers(await browser.get(await a_wall(studio.world.ben, "history"))) == [3, 2]


async def test_pages_hold_each_picture_once(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        last = await a_flower(studio)
        for _ in range(4):
            await studio.world.ann.command("imagine", prompt="a boat", count=8, size="64x64")
            last = await studio.world.ann.sees(is_result, after=last)
        await everything_told(studio.app)
        url = await a_wall(studio.world.ann)
        first = await browser.get(url)
        older = html.unescape(re.findall(r'rel="next" href="([^"]+)"', first.text)[0])
        second = await browser.get(f"{url.rpartition('/')[0]}/{older}")
        assert sorted(numbers(first) + numbers(second)) == list(range(1, 34))
        newer = html.unescape(re.findall(r'rel="prev" href="([^"]+)"', second.text)[0])
        assert numbers(await browser.get(f"{url.rpartition('/')[0]}/{newer}")) == numbers(first)


async def test_a_picture_is_shown_with_its_recipe_and_its_family(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        await some_pictures(studio)
        url = await a_wall(studio.world.ann)
        for number in (1, 2):
            page = await browser.get(f"{url}/{number}")
            assert page.status == 200
            tree = page.text.partition('<ul class="tree">')[2]
            assert re.findall(r"#(\d)</span>", tree) == ["1", "2"]
            assert re.findall(r'href="(\d)" aria-current="page"', tree) == [str(number)]
        assert "a red flower" in page.text
        assert "<dt>seed</dt><dd>7</dd>" in page.text
        alone = await browser.get(f"{url}/3")
        assert "nothing was made of it yet" in alone.text


async def test_who_is_kicked_sees_only_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "SECONDS", 0.0)  # what a page may be late
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        env = studio.world.env
        await some_pictures(studio)
        url = await a_wall(studio.world.ben, where="server")
        page = await browser.get(url)
        assert numbers(page) == [3, 2, 1]
        annes = next(a for a in addresses(page) if "small" in a and a == addresses(page)[2])
        env.guild_handle.remove_member(env.ben)
        assert numbers(await browser.get(url)) == []
        assert (await fetched(browser, url, annes)).status == 404
        assert (await browser.get(f"{url}/1")).status == 404
        assert numbers(await browser.get(url, params={"shelf": "own"})) == [3, 2]
        family = await browser.get(f"{url}/2")
        assert "#1</span>" not in family.text
        tree = family.text.partition('class="family"')[2].partition("</section>")[0]
        assert "nothing was made of it yet" in tree
        assert "flower" not in tree


async def test_what_is_deleted_is_on_no_wall_and_no_address_shows_it(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        flower = await a_flower(studio)
        url = await a_wall(studio.world.ben)
        [address] = addresses(await browser.get(url))
        await studio.world.ann.press(flower, "🗑️")
        assert numbers(await browser.get(url)) == []
        assert (await fetched(browser, url, address)).status == 404
        assert (await browser.get(f"{url}/1")).status == 404


async def test_links_end_and_open_nothing_else(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        await some_pictures(studio)
        url = await a_wall(studio.world.ann)
        [one, two, _] = addresses(await browser.get(url))
        signed = url.rpartition("/")[2]
        base = url.partition("/gallery/")[0]
        picture = one.split("/")[-2]
        for path in (
            *(f"/picture/{signed}", f"/paint/{signed}", f"/gallery/{picture}"),
            *(f"/gallery/{signed[:-2]}", f"/gallery/{signed}/../../static/x", "/gallery/"),
        ):
            assert (await browser.get(f"{base}{path}")).status == 404, path
        assert (await browser.get(f"{url}/99999999999999999999")).status == 404
        assert one != two
        assert studio.app.web is not None
        links, began = studio.app.web.links, studio.app.web.links.clock()
        links.clock = lambda: began + SECONDS + 1
        for late in (await browser.get(url), await fetched(browser, url, one)):
            assert late.status == 410


async def test_blocked_people_see_no_page(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        await some_pictures(studio)
        url = await a_wall(studio.world.ben)
        env = studio.world.env
        await studio.app.studio.servers.decide(
            env.guild_handle.id,
            ServerRule.BLOCKED,
            True,
            subject=str(studio.world.ben.id),
            by=studio.world.ann.id,
        )
        assert (await browser.get(url)).status == 422


async def test_what_a_server_hides_until_a_click_is_blurred_until_then(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        await a_flower(studio)
        await everything_told(studio.app)
        url = await a_wall(studio.world.ann)
        assert 'class="veiled"' not in (await browser.get(url)).text
        env = studio.world.env
        await studio.app.studio.servers.decide(
            env.guild_handle.id,
            ServerRule.SPOILER,
            True,
            subject=str(env.studio.id),
            by=studio.world.ann.id,
        )
        assert 'class="veiled"' in (await browser.get(url)).text
        assert 'class="veiled"' not in (await browser.get(f"{url}/1")).text


async def test_words_of_people_are_words_on_the_page(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
        await studio.world.ann.command("imagine", prompt=evil, size="128x128")
        await studio.world.ann.sees(is_result)
        await everything_told(studio.app)
        url = await a_wall(studio.world.ann)
        for page in (
            await browser.get(url, params={"shelf": "own", "words": "alert", "model": evil}),
            await browser.get(url),
            await browser.get(f"{url}/1", params={"words": evil}),
        ):
            assert page.status == 200
            assert "<script>" not in page.text
            assert "<img src=x" not in page.text


async def test_without_pages_nothing_leads_to_them(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await a_flower(studio)
        await studio.world.ann.command("gallery")
        answer = await studio.world.ann.sees("Pictures of this channel")
        assert "In the browser" not in labels(answer)


async def test_a_page_is_one_question_to_discord_for_each_channel() -> None:
    class Slow:
        asked = 0
        may = Access(views=True)

        async def access(self, person: int, guild: int, channel: int) -> Access:  # noqa: ARG002
            self.asked += 1
            await asyncio.sleep(0)
            return self.may

    now, slow = [0.0], Slow()
    sight = RecentSight(slow, clock=lambda: now[0])
    assert all(a.views for a in await asyncio.gather(*(sight.access(1, 2, 3) for _ in range(30))))
    assert slow.asked == 1
    await sight.access(1, 2, 4)
    await sight.access(9, 2, 3)
    assert slow.asked == 3
    slow.may, now[0] = Access(views=False), 4.9
    assert (await sight.access(1, 2, 3)).views
    now[0] = 5.0
    assert not (await sight.access(1, 2, 3)).views


async def test_where_discord_does_not_answer_nothing_is_remembered() -> None:
    class Silent:
        fails = True

        async def access(self, person: int, guild: int, channel: int) -> Access:  # noqa: ARG002
            if self.fails:
                raise OSError("silence")
            return Access(views=True)

    silent = Silent()
    sight = RecentSight(silent, clock=lambda: 0.0)
    with pytest.raises(OSError, match="silence"):
        await sight.access(1, 2, 3)
    silent.fails = False
    assert (await sight.access(1, 2, 3)).views


async def test_a_form_turns_on_its_page_unless_somebody_wants_no_motion(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    makers(tmp_path / "models", SOLID)
    async with a_served_studio(tmp_path, Doodler()) as studio, browsing("") as browser:
        with known(studio.app.studio.offers.catalog):
            await studio.world.ann.command("model3d", prompt="a red cube", resolution=24)
            await studio.world.ann.sees(is_result)
            url = await a_wall(studio.world.ann)
            page = await browser.get(f"{url}/1")
            [turning] = [one for one in addresses(page) if one.endswith("/turning")]
            assert "prefers-reduced-motion" in page.text
            seen = await fetched(browser, url, turning)
            assert (seen.status, seen.headers["Content-Type"]) == (200, "image/webp")
            with Image.open(io.BytesIO(seen.body)) as shown:
                assert getattr(shown, "n_frames", 1) > 8
            whole = await fetched(browser, url, turning.removesuffix("/turning"))
            assert whole.body.startswith(b"glTF")


async def test_a_picture_does_not_turn(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        await some_pictures(studio)
        url = await a_wall(studio.world.ann)
        page = await browser.get(url)
        small = addresses(page)[0]
        other = await fetched(browser, url, small.replace("/small", "/turning"))
        assert other.status == 404
