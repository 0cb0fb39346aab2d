"""Claims about the mask painter: one link, one mask, one request of the person it was made for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.chat.commands.help import installed
from bot.pages.help_pages import Topic, help_page
from bot.web.painting import MAX_BODY, MAX_MASK, SECONDS
from generation.job import UserId
from generation.media import masks
from generation.tasks import Task
from tests.given.apps import a_studio
from tests.given.discord_world import buttons, pictures
from tests.given.results import is_result, labels, recipe_of
from tests.given.visiting_pages import a_flower, a_link, a_served_studio, a_square, linked, sent
from tests.given.waiting import eventually, everything_told
from tests.given.web_pages import browsing

FULL = a_square(box=(0, 0, 128, 128))
EMPTY = a_square(box=(0, 0, 0, 0))


@pytest.mark.usefixtures("contract")
async def test_a_painted_mask_becomes_that_persons_request_in_that_channel(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        ben = studio.world.ben
        first = await a_flower(studio)
        url = await a_link(ben, first)
        page = await browser.get(url)
        assert page.status == 200
        assert "Use this mask" in page.text
        assert (await browser.get(f"{url}/picture")).body == (await pictures(first))[0]
        answer = await browser.post(url, **sent(a_square(), "a hat"))
        assert answer.status == 200, answer.text
        assert "The picture comes into the conversation" in answer.text
        result = await ben.sees(is_result, after=first)
        recipe = await recipe_of(result)
        assert recipe.task is Task.INPAINT
        assert (recipe.prompt, recipe.seed) == ("a hat", 7)
        [mask] = [item.sha256 for item in recipe.inputs if item.role == "mask"]
        assert studio.app.stores.files.read(mask) == masks.attached(a_square())
        await everything_told(studio.app)
        [stored] = await studio.app.stores.pictures.of_message(result.id)
        assert (stored.owner, stored.channel) == (ben.id, studio.world.env.studio.id)
        assert stored.parent == 1
        assert not studio.world.faults


async def test_without_words_the_part_is_drawn_in_the_pictures_own(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        first = await a_flower(studio)
        url = await a_link(studio.world.ann, first)
        await browser.post(url, **sent(a_square(), "  "))
        recipe = await recipe_of(await studio.world.ann.sees(is_result, after=first))
        assert recipe.prompt == "a red flower"


async def test_the_link_is_told_to_nobody_else(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio:
        first = await a_flower(studio)
        url = await a_link(studio.world.ben, first)
        assert all(url not in repr(m.components) for m in studio.world.ann.messages())
        log = tmp_path / "data" / "atelier.log"
        assert not log.exists() or url not in log.read_text()


async def test_a_link_works_once_also_after_a_restart(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        first = await a_flower(studio)
        url = await a_link(studio.world.ann, first)
        assert (await browser.post(url, **sent(a_square()))).status == 200
        await studio.world.ann.sees(is_result, after=first)
        for again in (await browser.get(url), await browser.post(url, **sent(a_square()))):
            assert again.status == 410
            assert "It works once" in again.text
        assert (await browser.get(f"{url}/picture")).status == 410
        count = len(studio.worker.orders)
    async with a_served_studio(tmp_path) as studio:
        assert studio.app.web is not None
        path = url.partition("/paint/")[2]
        async with browsing(f"{studio.app.web.address}/paint/") as browser:
            assert (await browser.get(path)).status == 410
            assert (await browser.post(path, **sent(a_square()))).status == 410
        assert count == 2
        assert studio.worker.orders == []


async def test_two_presses_at_once_are_one_request(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        first = await a_flower(studio)
        url = await a_link(studio.world.ann, first)
        both = await asyncio.gather(*(browser.post(url, **sent(a_square())) for _ in range(4)))
        assert sorted(seen.status for seen in both) == [200, 410, 410, 410]
        await studio.world.ann.sees(is_result, after=first)
        assert len(studio.worker.orders) == 2


@pytest.mark.parametrize(
    ("mask", "status", "told"),
    [
        (sent(EMPTY), 422, "black everywhere"),
        (sent(FULL), 422, "white everywhere"),
        (sent(a_square(64)), 422, "another size than the picture"),
        (sent(b"no picture at all"), 422, "I cannot use that picture"),
        (sent(b"\x89PNG\r\n\x1a\n" + bytes(100)), 422, "I cannot use that picture"),
        (sent(b""), 400, "is no mask of this page"),
        ({"data": b"{"}, 400, "is no mask of this page"),
        ({"json": [1]}, 400, "is no mask of this page"),
        ({"json": {"mask": 7}}, 400, "is no mask of this page"),
        ({"json": {"mask": "äöü"}}, 400, "is no mask of this page"),
        ({"json": {"mask": "AAAA", "words": {}}}, 400, "is no mask of this page"),
        (sent(a_square(), "x" * 6001), 413, "More was sent"),
        (sent(bytes(MAX_MASK + 1)), 413, "More was sent"),
        ({"data": bytes(MAX_BODY + 1)}, 413, "More was sent"),
    ],
    ids=[
        *("empty", "full", "size", "words", "torn", "nothing", "half", "list", "number"),
        *("letters", "object", "long", "mask too large", "body too large"),
    ],
)
async def test_what_is_no_mask_draws_nothing_and_leaves_the_link_as_it_was(
    tmp_path: Path, mask: dict[str, Any], status: int, told: str
) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        first = await a_flower(studio)
        url = await a_link(studio.world.ann, first)
        refused = await browser.post(url, **mask)
        assert refused.status == status
        assert told in refused.text
        assert len(studio.worker.orders) == 1
        assert (await browser.post(url, **sent(a_square()))).status == 200
        await studio.world.ann.sees(is_result, after=first)


async def test_a_link_ends_with_its_quarter_of_an_hour(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        url = await a_link(studio.world.ann, await a_flower(studio))
        assert studio.app.web is not None
        links = studio.app.web.links
        links.clock = lambda: time.time() + SECONDS - 60
        assert (await browser.get(url)).status == 200
        links.clock = lambda: time.time() + SECONDS + 1
        for seen in (
            await browser.get(url),
            await browser.get(f"{url}/picture"),
            await browser.post(url, **sent(a_square())),
        ):
            assert seen.status == 410
            assert "Ask for a new one" in seen.text


async def test_a_link_that_was_changed_is_none(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        url = await a_link(studio.world.ann, await a_flower(studio))
        base, _, signed = url.rpartition("/")
        other = signed[:10] + ("A" if signed[10] != "A" else "B") + signed[11:]
        for path in (other, signed[:-10], "x", f"{signed}/../../static/painter.js/picture"):
            seen = await browser.get(f"{base}/{path}")
            assert seen.status == 404, path
        assert (await browser.post(f"{base}/{other}", **sent(a_square()))).status == 404
        assert len(studio.worker.orders) == 1


async def test_who_may_no_longer_see_the_channel_paints_nothing_in_it(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        env, first = studio.world.env, await a_flower(studio)
        bens = await a_link(studio.world.ben, first)
        env.guild_handle.remove_member(env.ben)
        for seen in (
            await browser.get(bens),
            await browser.get(f"{bens}/picture"),
            await browser.post(bens, **sent(a_square())),
        ):
            assert seen.status == 403
            assert "You do not see that channel any more" in seen.text
        assert len(studio.worker.orders) == 1


async def test_a_picture_that_is_gone_is_not_painted_on(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        first = await a_flower(studio)
        bens = await a_link(studio.world.ben, first)
        await studio.world.ann.press(first, "🗑️")
        await eventually(lambda: first.id not in [m.id for m in studio.world.ann.messages()])
        for seen in (
            await browser.get(bens),
            await browser.get(f"{bens}/picture"),
            await browser.post(bens, **sent(a_square())),
        ):
            assert seen.status == 404


async def test_inpaint_without_a_mask_leads_to_the_page_with_its_words(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        ann, first = studio.world.ann, await a_flower(studio)
        await ann.command("inpaint", prompt="a hat & a red scarf", picture="1")
        url = linked(await ann.sees(lambda m: linked(m) is not None, after=first))
        assert url is not None
        assert url.endswith("#words=a%20hat%20%26%20a%20red%20scarf")
        assert (await browser.get(url)).status == 200
        await ann.command("inpaint", prompt="x" * 600, picture="1")
        long = linked(await ann.sees(lambda m: linked(m) not in (None, url), after=first))
        assert long is not None
        assert "#" not in long
        await ann.command("inpaint", prompt="a hat", picture="99")
        await ann.sees("I do not remember that one")
        assert len(studio.worker.orders) == 1


async def test_in_direct_messages_it_is_asked_there(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        user = studio.world.env.ann.user
        await user.slash("imagine", prompt="a boat", size="128x128")

        def mine() -> list[discord.Message]:
            return [m for m in user.dm_channel.history(viewer=user) if is_result(m)]

        await eventually(mine)
        await user.click(mine()[0], custom_id=paints(mine()[0]))

        def links() -> list[str]:
            shown = user.dm_channel.history(viewer=user)
            return [url for m in shown if (url := linked(m)) is not None]

        await eventually(links)
        page = await browser.get(links()[0])
        assert page.status == 200
        assert (await browser.post(links()[0], **sent(a_square()))).status == 200
        await eventually(lambda: len(mine()) == 2)


@pytest.mark.usefixtures("contract")
async def test_what_is_made_of_a_private_picture_is_private_too(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        ann, ben = studio.world.ann, studio.world.ben
        await ben.command("imagine", prompt="a secret cat", private=True, size="128x128")
        secret = await ben.sees(is_result)
        before = [m.id for m in ann.messages()]
        url = await a_link(ben, secret)
        answer = await browser.post(url, **sent(a_square(), "a secret hat"))
        assert "The picture comes to you alone" in answer.text
        user = studio.world.env.ben.user
        await eventually(lambda: [m for m in user.dm_channel.history(viewer=user) if is_result(m)])
        assert [m.id for m in ann.messages()] == before
        await everything_told(studio.app)
        newest = await studio.app.stores.pictures.newest(UserId(ben.id), 5)
        assert [picture.guild for picture in newest] == [None, None]


def paints(message: discord.Message) -> str:
    [found] = [b.custom_id for b in buttons(message) if str(b.emoji) == "🖌️"]
    return str(found)


async def test_the_page_speaks_the_persons_language(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio, browsing("") as browser:
        first = await a_flower(studio)
        studio.world.ben.reads("zh-CN")
        url = await a_link(studio.world.ben, first)
        page = await browser.get(url)
        assert '<html lang="zh-CN">' in page.text
        assert "使用这个遮罩" in page.text
        assert "不是这个页面的遮罩" in (await browser.post(url, data=b"x")).text


async def test_without_a_page_nothing_offers_it(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        assert "Paint a mask" not in labels(await a_flower(studio))
        assert "Paint a mask" not in help_page(Topic.BUTTONS, installed(studio.app.studio))


async def test_a_button_of_better_days_says_that_the_page_is_off(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio:
        first = await a_flower(studio)
        assert "Paint a mask" in labels(first)
        assert "Paint a mask" in help_page(Topic.BUTTONS, installed(studio.app.studio))
        assert studio.app.web is not None
        studio.app.web.address = None
        await studio.world.ann.press(first, "🖌️")
        await studio.world.ann.sees("My page for painting is off")


async def test_whoever_looks_after_the_server_is_told_where_the_pages_are(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio:
        assert studio.app.web is not None
        await studio.world.ben.command("status")
        answer = await studio.world.ben.sees("How full this machine is")
        assert "My own pages" not in answer.content
        await studio.world.ann.command("status")
        answer = await studio.world.ann.sees("My own pages in a browser are at")
        assert str(studio.app.web.address) in answer.content
