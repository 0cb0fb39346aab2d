"""Pictures are found again in pages, by whoever may see them, and by nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import discord
import pytest
from simcord.results import to_discord_message

from tests.given.apps import a_studio
from tests.given.discord_world import buttons, pictures
from tests.given.results import answers, is_result, labels
from tests.given.town import Scene, Visitor, a_scene
from tests.given.waiting import eventually, everything_told


def lines(text: str) -> list[str]:
    """The words of the pictures on a page, in its order."""
    return [line.split(" ", 2)[2].split(" · ")[0] for line in text.splitlines() if line[:2] == "**"]


async def page_of(who: Any, command: str, **options: Any) -> discord.Message:
    """The page that a command answers with."""
    asked = await who.command(command, **options)
    await answers(asked)
    found: discord.Message = next(
        m for m in reversed(who.messages()) if m.content.startswith("###")
    )
    return found


async def said(who: Any, command: str, **options: Any) -> list[str]:
    """The words of the pictures on that page."""
    return lines((await page_of(who, command, **options)).content)


async def drawn(who: Any, *prompts: str, **options: Any) -> None:
    for prompt in prompts:
        before = {m.id for m in who.messages()}
        await who.command("imagine", prompt=prompt, **options)
        await who.sees(lambda m, before=before: is_result(m) and m.id not in before)


def choices_of(message: Any) -> list[str]:
    return [option.value for option in message.components[0].children[0].options]


@pytest.mark.usefixtures("contract")
async def test_a_person_s_own_pictures_come_in_pages_with_a_picture(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await drawn(ann, "a red flower", "a boat", "雪夜里的红色城市")
        await drawn(studio.world.ben, "a green hat")
        page = await page_of(ann, "history")
        assert page.content.startswith("### Your pictures")
        assert lines(page.content) == ["雪夜里的红色城市", "a boat", "a red flower"]
        [sheet] = await pictures(page)
        assert sheet.startswith(b"\xff\xd8\xff")
        assert page.id not in {m.id for m in studio.world.ben.messages()}
        assert await said(ann, "history", words="红色") == ["雪夜里的红色城市"]
        assert await said(ann, "history", words="城") == ["雪夜里的红色城市"]
        assert await said(ann, "history", words="boa") == ["a boat"]
        assert await said(ann, "history", words="boat", since="2100-01-01") == []


async def test_what_names_no_day_and_what_holds_no_word_is_said(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        [day] = await answers(await ann.command("history", since="the 40th of May"))
        assert "2026-11-01" in day
        [words] = await answers(await ann.command("history", words="***"))
        assert "words, letters or emoji" in words
        assert "7d" in await ann.complete("history", "since", "week")


@pytest.mark.usefixtures("contract")
async def test_pages_are_turned_in_their_place(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        for first in range(0, 15, 5):
            await drawn(ann, f"a boat {first}", count=5)
        page = await page_of(ann, "history", words="boat")
        assert len(lines(page.content)) == 12
        assert [f"{b.emoji}" for b in buttons(page)] == ["▶️", "📢"]
        for button in buttons(page):
            assert len(button.custom_id or "") <= 100
        await ann.press(page, "▶️")
        older = await ann.sees(lambda m: m.id == page.id and len(lines(m.content)) == 3)
        assert [f"{b.emoji}" for b in buttons(older)] == ["◀️", "📢"]
        await ann.press(older, "◀️")
        again = await ann.sees(lambda m: m.id == page.id and len(lines(m.content)) == 12)
        assert again.content == page.content


async def test_a_button_of_a_page_works_after_a_restart(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await drawn(ann, "a boat", count=8)
        await drawn(ann, "a red boat", count=8)
        [older, _] = buttons(await page_of(ann, "gallery", words="boat"))
    async with a_studio(tmp_path) as studio:
        here = studio.world.env
        button = {"type": 2, "style": 2, "label": "Older", "custom_id": older.custom_id}
        row: dict[str, Any] = {"type": 1, "components": [button]}
        kept = here.backend.create_message(
            here.studio.id, here.backend.bot_user.id, "###", components=[row]
        )
        await studio.world.ann.actor.click(
            to_discord_message(here, kept), custom_id=older.custom_id
        )
        turned = await studio.world.ann.sees(lambda m: m.id == kept.id and len(m.content) > 20)
        assert lines(turned.content) == ["a boat"] * 4


@pytest.mark.usefixtures("contract")
async def test_a_picture_is_opened_with_its_buttons_and_shared(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await drawn(ann, "a red flower")
        page = await page_of(ben, "gallery")
        await ben.choose(page, choices_of(page)[0])
        card = await ben.sees(lambda m: m.flags.ephemeral and is_result(m))
        assert "a red flower" in card.content
        await ben.press(card, "📢")
        shared = await ann.sees(lambda m: is_result(m) and f"<@{ben.id}> shares" in m.content)
        assert not shared.flags.ephemeral
        await ann.say("make it blue", reply_to=shared)
        assert is_result(await ann.sees(is_result, after=shared))


async def test_favourites_are_those_that_are_starred(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await drawn(ann, "a red flower", "a boat")
        assert await said(ben, "favourites") == []
        flower = next(m for m in ann.messages() if is_result(m))
        await ben.press(flower, "⭐")
        await ben.sees("among your favourites")
        assert await said(ben, "favourites") == ["a red flower"]
        assert "⭐ 1" in (await page_of(ann, "gallery")).content
        assert await said(ben, "gallery", where="server", starred=True) == ["a red flower"]
        assert await said(ann, "favourites") == await said(ann, "history", starred=True) == []


async def test_filters_name_whose_and_by_what(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await drawn(ann, "a red flower")
        await drawn(ben, "a red hat")
        assert await said(ann, "gallery", words="red") == ["a red hat", "a red flower"]
        assert await said(ann, "gallery", mine=True) == ["a red flower"]
        assert await said(ann, "gallery", where="server", person=ben.actor) == ["a red hat"]
        assert len(await said(ann, "gallery", where="server", model="tiny")) == 2
        assert await said(ann, "gallery", where="server", model="no such model") == []
        assert await said(ann, "gallery", where="server", style="watercolor") == []
        assert len(await said(ann, "gallery", where="server", since="today", until="today")) == 2
        assert await said(ann, "gallery", where="server", until="yesterday") == []


# -- rights ------------------------------------------------------------------------------------


async def a_hidden_picture(scene: Scene) -> Visitor:
    """Olga has drawn in #hidden, in #studio and in her direct messages."""
    olga = scene.visitor(scene.env.olga, scene.env.hidden)
    await drawn(olga, "a hidden flower")
    await drawn(scene.visitor(scene.env.olga, scene.env.studio), "an open flower")
    await drawn(scene.visitor(scene.env.olga, None), "a secret flower")
    await everything_told(scene.app)
    return olga


async def test_a_gallery_shows_what_its_reader_may_see_and_no_more(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        olga, env = await a_hidden_picture(scene), scene.env
        mia, ben = scene.visitor(env.mia, env.studio), scene.visitor(env.ben, env.studio)
        assert await said(mia, "gallery", where="server") == ["an open flower", "a hidden flower"]
        assert await said(ben, "gallery", where="server") == ["an open flower"]
        assert await said(ben, "gallery", where="server", words="hidden") == []
        assert await said(ben, "gallery", where="server", person=env.olga) == ["an open flower"]
        assert await said(mia, "gallery") == ["an open flower"]
        everything = ["a secret flower", "an open flower", "a hidden flower"]
        assert await said(olga, "history") == everything
        # A private answer, and direct messages, are on no page of a channel, be it one's own.
        assert "a secret flower" not in await said(olga, "gallery", where="server")
        assert await said(scene.visitor(env.olga, None), "history") == everything
        elsewhere = scene.visitor(env.kit, env.other)
        assert await said(elsewhere, "gallery", where="server") == []


async def test_whoever_leaves_a_channel_sees_its_pictures_no_longer(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await a_hidden_picture(scene)
        env = scene.env
        mia = scene.visitor(env.mia, env.studio)
        page = await page_of(mia, "gallery", where="server")
        hidden = choices_of(page)[-1]
        flower = next(m for m in scene.visitor(env.mia, env.hidden).messages() if is_result(m))
        await mia.actor.click(flower, custom_id=star_id(flower))
        assert await said(mia, "favourites") == ["a hidden flower"]
        env.backend.delete_overwrite(env.hidden.id, env.mia.id)
        assert await said(mia, "gallery", where="server") == ["an open flower"]
        assert await said(mia, "favourites") == []
        opened = await mia.choose(page, hidden)
        assert "hidden" not in " ".join(await answers(opened))
        # Their own stay theirs.
        own = scene.visitor(env.olga, env.studio)
        env.backend.delete_overwrite(env.hidden.id, env.olga.id)
        assert "a hidden flower" in await said(own, "history")


def star_id(message: Any) -> str:
    return next(b.custom_id or "" for b in buttons(message) if str(b.emoji) == "⭐")


async def test_a_shared_page_holds_what_everybody_there_may_see(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await a_hidden_picture(scene)
        env = scene.env
        olga = scene.visitor(env.olga, env.studio)
        page = await page_of(olga, "history")
        assert len(lines(page.content)) == 3
        await olga.press(page, "📢")
        public = await olga.sees(lambda m: m.content.startswith("###") and not m.flags.ephemeral)
        assert lines(public.content) == ["an open flower"]
        [sheet] = await pictures(public)
        assert sheet not in await pictures(page)
        # In #hidden everybody may see both.
        inside = scene.visitor(env.olga, env.hidden)
        page = await page_of(inside, "gallery", where="server")
        await inside.press(page, "📢")
        public = await inside.sees(lambda m: m.content.startswith("###") and not m.flags.ephemeral)
        assert lines(public.content) == ["an open flower", "a hidden flower"]


async def test_a_picture_that_not_all_may_see_is_shared_by_its_owner_alone(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await a_hidden_picture(scene)
        env = scene.env
        for actor, shares in ((env.mia, False), (env.olga, True)):
            who = scene.visitor(actor, env.studio)
            page = await page_of(who, "gallery", where="server", words="hidden")
            await who.choose(page, choices_of(page)[0])
            card = await who.sees(
                lambda m: m.flags.ephemeral and "Share" in labels(m) and is_result(m)
            )
            [answer] = (await answers(await who.press(card, "📢")))[-1:]
            assert ("in the channel now" in answer) == shares
        ben = scene.visitor(env.ben, env.studio)
        [shared] = [m for m in ben.messages() if "a hidden flower" in m.content]
        assert buttons(shared) == []  # which would tell him of no such picture


async def test_a_list_in_a_strangers_message_opens_nothing(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        await a_hidden_picture(scene)
        env = scene.env
        mia = scene.visitor(env.mia, env.studio)
        number = choices_of(await page_of(mia, "gallery", where="server"))[0]
        option = {"label": "1", "value": number}
        menu = {"type": 3, "custom_id": "atelier:open:1", "options": [option]}
        row: dict[str, Any] = {"type": 1, "components": [menu]}
        forged = env.backend.create_message(env.studio.id, env.robot.id, "look", components=[row])
        said = await answers(await mia.choose(to_discord_message(env, forged), number))
        assert "flower" not in " ".join(said)


async def test_a_page_is_in_the_reader_s_language(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await drawn(ann, "一只猫")
        ann.reads("zh-CN")
        page = await page_of(ann, "history", words="猫", since="7天", until="今天")
        title, filters, line = page.content.splitlines()
        assert title == "### 你的图"
        assert "从" in filters
        assert "一只猫" in line
        assert [b.label for b in buttons(page)] == ["分享"]
        [empty] = (await page_of(ann, "history", words="狗")).content.splitlines()[2:]
        assert "什么也没找到" in empty


async def test_pictures_of_an_adult_channel_are_found_in_adult_channels_only(
    tmp_path: Path,
) -> None:
    async with a_scene(tmp_path) as scene:
        olga, env = await a_hidden_picture(scene), scene.env
        age_restricted(env, env.hidden.id)
        outside = scene.visitor(env.olga, env.studio)
        assert "a hidden flower" not in await said(outside, "history")
        assert await said(outside, "gallery", where="server") == ["an open flower"]
        assert "a hidden flower" in await said(olga, "history")
        assert "a hidden flower" in await said(olga, "gallery", where="server")


def age_restricted(env: Any, channel: int) -> None:
    """As Discord would say of the channel; simcord knows no such mark."""
    env.bot.get_channel(channel).nsfw = True


async def test_what_is_deleted_is_on_no_page_and_its_thumbnail_goes(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await drawn(ann, "a red flower", "a boat")
        await page_of(ann, "history")
        folder = studio.app.stores.files.folder
        assert len(list(folder.glob("??/*.thumbnail"))) == 2
        flower = next(m for m in ann.messages() if is_result(m))
        studio.app.studio._deleting.undo_seconds = 0.05
        await ann.press(flower, "🗑")
        assert await said(ann, "history") == ["a boat"]
        await eventually(lambda: len(list(folder.glob("??/*.thumbnail"))) == 1)


async def test_the_thumbnails_take_bounded_room(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await drawn(studio.world.ann, "a red flower", "a boat", "a hat")
        await page_of(studio.world.ann, "history")
        files = studio.app.stores.files
        found = list(files.folder.glob("??/*.thumbnail"))
        sizes = [path.stat().st_size for path in found]
        assert files.thin_thumbnails(max(sizes)) == 2
        [left] = files.folder.glob("??/*.thumbnail")
        assert left.read_bytes()[8:12] == b"WEBP"
