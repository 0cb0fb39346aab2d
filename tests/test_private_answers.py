"""Pictures that one person alone sees: until they share them, over restarts, by every way in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import discord

from bot.chat.askers import is_away, is_private
from bot.studio.rights import Asker
from generation.job import UserId
from storage.pictures import PictureId
from storage.tickets import RequestId
from tests.given.admins import make_admin
from tests.given.apps import Studio, a_studio
from tests.given.fakes import FakeWorker
from tests.given.results import answers, is_result, labels
from tests.given.waiting import eventually


async def a_private_one(studio: Studio, words: str = "a secret cat", **options: Any) -> Any:
    """Ben's private picture, as he sees it."""
    await studio.world.ben.command("imagine", prompt=words, private=True, **options)
    return await studio.world.ben.sees(lambda m: is_result(m) and words in m.content)


async def test_a_private_picture_is_seen_by_its_owner_alone(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        result = await a_private_one(studio, count=2)
        assert result.flags.ephemeral
        assert "Share" in labels(result)
        assert here.ann.messages() == []
        # Nor by its number, though she moderates the channel that it was asked in.
        make_admin(here, here.ann)
        for command, options in (("show", {"picture": "1"}), ("reproduce", {"picture": "1"})):
            said = await answers(await here.ann.command(command, **options))
            assert "I do not remember that one" in said[0]


async def test_progress_and_what_is_made_of_it_is_private_too(tmp_path: Path) -> None:
    worker = FakeWorker()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        result = await a_private_one(studio)
        worker.gate.clear()
        await here.ben.press(result, "🎲")
        progress = await here.ben.sees(lambda m: labels(m) == ["Cancel"])
        assert progress.flags.ephemeral
        worker.gate.set()
        again = await here.ben.sees(is_result, after=result)
        assert again.flags.ephemeral
        form = await here.ben.press(again, "✏️")
        await here.ben.submit(form, "a secret dog", "", "7", "", "")
        await here.ben.sees(lambda m: is_result(m) and "a secret dog" in m.content)
        assert here.ann.messages() == []
        requests = [await studio.app.stores.tickets.request(RequestId(n)) for n in (1, 2, 3)]
        assert all(request.origin.private for request in requests)


async def test_commands_that_name_a_private_picture_answer_privately_too(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        before = await a_private_one(studio)
        for command in ("vary", "reproduce", "upscale", "edit"):
            said = {"change": "at night"} if command == "edit" else {}
            await here.ben.command(command, picture="1", **said)
            made = await here.ben.sees(lambda m: bool(m.attachments), after=before)
            assert made.flags.ephemeral, command
            before = made
        assert here.ann.messages() == []


async def test_a_private_picture_is_compared_privately(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        before = await a_private_one(studio)
        await here.ben.command("compare", pictures="1", steps="3, 4")
        await here.ben.press(await here.ben.sees(lambda m: "Draw all" in labels(m)), "Draw all")
        sheet = await here.ben.sees(lambda m: bool(m.attachments), after=before)
        assert sheet.flags.ephemeral
        assert here.ann.messages() == []


async def test_share_posts_it_for_all_and_its_buttons_go_on_working(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        result = await a_private_one(studio)
        await here.ben.press(result, "📣")
        shared = await here.ann.sees(is_result)
        assert "a secret cat" in shared.content
        assert "Share" not in labels(shared)
        said = (await answers(await here.ann.command("show", picture="1")))[0]
        assert "#1" in said
        assert "for all to see already" in (await answers(await here.ben.press(result, "📣")))[0]
        await here.ben.press(result, "🎲")
        await here.ann.sees(is_result, after=shared)


async def test_what_is_shared_while_it_is_being_said_is_posted_for_all(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, tickets = studio.world, studio.app.stores.tickets
        noted, asker = tickets.posted, Asker(id=UserId(here.ben.id), guild=here.env.guild_handle.id)

        async def shared_before(request: RequestId, *where: int, **more: int) -> None:
            tickets.posted = noted  # type: ignore[method-assign]
            assert await studio.app.studio.gallery.share(asker, request)
            await noted(request, *where, **more)

        tickets.posted = shared_before  # type: ignore[assignment]
        await here.ben.command("imagine", prompt="a secret cat", private=True)
        result = await here.ben.sees(lambda m: is_result(m) and m.flags.ephemeral)
        shown = await here.ann.sees(is_result)
        assert shown.id != result.id
        await eventually(lambda: not studio.app.studio.delivery.busy)
        picture = await studio.app.stores.pictures.get(PictureId(1))
        assert picture.message == shown.id
        # The answer that Ben had keeps its buttons.
        await here.ben.press(result, "🎲")
        await here.ben.sees(is_result, after=shown)
        assert not here.faults


async def test_share_works_after_a_restart(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await a_private_one(studio)
        asker = studio.world.ben.id
    async with a_studio(tmp_path) as studio:
        guild = studio.world.env.guild_handle.id
        await studio.app.studio.gallery.share(Asker(id=UserId(asker), guild=guild), RequestId(1))
        await studio.world.ann.sees(is_result)


async def test_what_was_asked_privately_before_a_restart_comes_by_direct_message(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        await studio.world.ben.command("imagine", prompt="a secret cat", private=True)
        await eventually(lambda: studio.app.studio.open_requests.is_open(RequestId(1)))
    async with a_studio(tmp_path) as studio:
        await eventually(lambda: bool(_direct(studio)))
        assert "a secret cat" in _direct(studio)[0].content
        assert studio.world.ann.messages() == []
        picture = await studio.app.stores.pictures.get(PictureId(1))
        assert picture.guild is None


def _direct(studio: Studio) -> list[Any]:
    user = studio.world.env.ben.user
    return list(user.dm_channel.history()) if user.dm_channel is not None else []


async def test_a_cancelled_private_wish_says_so_and_tells_nobody_else(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        await here.ben.command("imagine", prompt="a secret cat", private=True)
        progress = await here.ben.sees("a secret cat")
        await here.ben.press(progress, "✋")
        worker.gate.set()
        await here.ben.sees(lambda m: "Cancelled" in m.content or "cancelled" in m.content)
        assert here.ann.messages() == []


async def test_admins_may_want_everything_seen(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        text = (await answers(await here.ann.command("server policy", private_pictures=False)))[0]
        assert "Private pictures: no" in text
        said = await answers(await here.ben.command("imagine", prompt="a cat", private=True))
        assert "In this server all see what is drawn" in said[0]
        await here.ben.command("imagine", prompt="a cat")
        await here.ann.sees(is_result)


async def test_direct_messages_are_for_those_whom_the_owner_lets(tmp_path: Path) -> None:
    async with a_studio(tmp_path, direct_messages=False) as studio:
        tree = studio.client.tree
        assert tree.allowed_contexts.dm_channel is False
        assert tree.allowed_installs.user is False
    async with a_studio(tmp_path, user_installs=True) as studio:
        tree = studio.client.tree
        assert tree.allowed_contexts.dm_channel is True
        assert tree.allowed_contexts.private_channel is True
        assert tree.allowed_installs.user is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What Discord says of an interaction's place."""

    guild_id: int | None
    by_person: bool
    by_guild: bool
    direct: bool = False
    extras: dict[str, bool] = field(default_factory=dict)

    @property
    def context(self) -> Any:
        return SimpleNamespace(dm_channel=self.direct)

    def is_user_integration(self) -> bool:
        return self.by_person

    def is_guild_integration(self) -> bool:
        return self.by_guild


def test_where_somebody_brought_the_bot_along_they_alone_see_what_it_draws() -> None:
    foreign = Brought(guild_id=5, by_person=True, by_guild=False)
    group = Brought(guild_id=None, by_person=True, by_guild=False)
    at_home = Brought(guild_id=5, by_person=True, by_guild=True)
    direct = Brought(guild_id=None, by_person=True, by_guild=False, direct=True)
    places = [cast("discord.Interaction[Any]", one) for one in (foreign, group, at_home, direct)]
    assert [is_away(one) for one in places] == [True, True, False, False]
    assert [is_private(one) for one in places] == [True, True, False, False]
