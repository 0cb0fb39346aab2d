"""What the admins of a server decide, as they and the others meet it on Discord."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.pages.replies import progress
from storage.tickets import RequestId
from tests.given.admins import make_admin
from tests.given.apps import Studio, a_studio
from tests.given.builders import a_model_folder
from tests.given.fakes import FakeWorker
from tests.given.results import answers, is_result, labels
from tests.given.waiting import eventually


def any_result(place: Any, viewer: Any) -> bool:
    return any(map(is_result, place.history(viewer=viewer)))


async def told(studio: Studio, name: str, **options: Any) -> str:
    """What Ann, who is an admin, is answered."""
    [text, *_] = await answers(await studio.world.ann.command(name, **options))
    return text


async def test_only_admins_decide_and_whoever_runs_the_bot(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        assert "server policy" not in here.ben.actor.available_commands(here.env.studio)
        # Discord's admins may show the command to anybody: then we look ourselves.
        studio.client.owners = {here.ann.id}
        make_admin(here, here.ben)
        assert (
            "Blocked people: nobody" in (await answers(await here.ben.command("server policy")))[0]
        )


async def test_a_blocked_person_is_refused_kindly_with_commands_words_and_buttons(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await here.ben.command("imagine", prompt="a red flower")
        result = await here.ben.sees(is_result)
        await told(studio, "server policy", block=here.env.ben)
        no = "admins of this server do not let me draw for you"
        assert no in (await answers(await here.ben.command("imagine", prompt="a cat")))[0]
        assert no in (await answers(await here.ben.press(result, "🎲")))[0]
        said = await here.ben.say("make it blue", reply_to=result)
        await here.ben.sees(no, after=said)
        assert await here.ben.complete("imagine", "style", "") == []
        assert no not in (await answers(await here.ben.command("help")))[0]
        await told(studio, "server policy", unblock=here.env.ben)
        await here.ben.command("imagine", prompt="a cat")
        await here.ben.sees(lambda m: is_result(m) and "a cat" in m.content)


@pytest.mark.parametrize(
    ("refused", "typed"), [("gore", "lots of G.0.R.E here"), ("血腥", "一只血腥的猫")]
)
async def test_words_are_refused_in_any_spelling_and_in_chinese(
    tmp_path: Path, refused: str, typed: str
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        assert refused in await told(studio, "server policy", refuse=refused)
        said = await answers(await here.ben.command("imagine", prompt=typed))
        assert "a word that is not drawn on this server" in said[0]
        message = await here.ben.say(f"<@{here.bot.user.id}> {typed}")  # type: ignore[union-attr]
        await here.ben.sees("a word that is not drawn", after=message)
        await told(studio, "server policy", accept=refused)
        await here.ben.command("imagine", prompt=typed)
        await here.ben.sees(is_result)


async def test_pictures_are_drawn_in_the_allowed_channels_and_their_threads(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        guild = here.env.guild_handle
        art = guild.create_category("art")
        easel = guild.create_text_channel("easel", category=art)
        forum = guild.create_forum_channel("shows")
        thread = here.env.backend.create_thread(easel.id, "sketches", owner_id=here.ben.id)
        await told(studio, "server channels", allow=art)
        text = await told(studio, "server channels", allow=forum)
        assert f"<#{art.id}>" in text
        said = await answers(await here.ben.command("imagine", prompt="a cat"))
        assert f"<#{art.id}>" in said[0]
        assert f"<#{forum.id}>" in said[0]
        post = here.env.backend.create_thread(forum.id, "show", owner_id=here.ben.id)
        places = [
            easel,
            next(c for c in easel.threads if c.id == thread.id),
            next(c for c in forum.threads if c.id == post.id),
        ]
        for place in places:
            await here.ben.actor.slash(place, "imagine", prompt=f"a cat in {place.name}")
            await eventually(partial(any_result, place, here.ben.actor))


async def test_pictures_are_spoilers_where_the_admins_say_so(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await here.ben.command("imagine", prompt="a cat")
        assert not (await here.ben.sees(is_result)).attachments[0].is_spoiler()
        await told(studio, "server channels", spoiler=here.env.studio)
        await here.ben.command("imagine", prompt="a dog")
        result = await here.ben.sees(lambda m: is_result(m) and "a dog" in m.content)
        assert result.attachments[0].is_spoiler()
        await here.ben.press(result, "🎲")  # its message is known, whatever its file is called
        await here.ben.sees(is_result, after=result)


async def test_a_hidden_model_and_style_are_neither_offered_nor_drawn(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    a_model_folder(tmp_path / "models", "other")
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await told(studio, "server models", hide="tiny")
        await told(studio, "server styles", hide="ink-wash")
        assert "tiny" not in await here.ben.complete("imagine", "model", "")
        assert "ink-wash" not in await here.ben.complete("imagine", "style", "ink")
        named = await answers(await here.ben.command("imagine", prompt="a cat", model="tiny"))
        assert "`tiny` is not offered in this server" in named[0]
        styled = await answers(await here.ben.command("imagine", prompt="a cat", style="ink-wash"))
        assert "`ink-wash` is not offered in this server" in styled[0]
        for kind, name in (("model", "tiny"), ("style", "ink-wash")):
            kept = await answers(await here.ben.command("settings", **{kind: name}))
            assert f"`{name}` is not offered in this server" in kept[0]
        # It was the usual one: whoever names none is drawn with another.
        await here.ben.command("imagine", prompt="a cat")
        assert "`other`" in (await here.ben.sees(is_result)).content


async def test_all_models_of_a_comparison_are_those_that_the_server_offers(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    a_model_folder(tmp_path / "models", "other")
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await told(studio, "server models", hide="tiny")
        [plan, *_] = await answers(await here.ben.command("compare", prompt="a cat", model="all"))
        assert "other" in plan
        assert "tiny" not in plan


async def test_drawing_rests_and_what_waits_keeps_its_place_over_a_restart(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await here.ben.command("imagine", prompt="begun")
        await eventually(lambda: studio.app.studio.open_requests.is_drawing(RequestId(1)))
        await here.ben.command("imagine", prompt="first")
        await here.ann.command("imagine", prompt="second")
        assert "Drawing rests here (cleaning)" in await told(
            studio, "server pause", drawing="rests", reason="cleaning"
        )
        standing = studio.app.studio.open_requests.standing(RequestId(2))
        assert standing is not None
        assert "Drawing rests in this server: cleaning" in progress(standing, 0.0)
        said = await answers(await here.ben.command("imagine", prompt="third"))
        assert "Drawing rests in this server at present: cleaning" in said[0]
        worker.gate.set()
        await here.ben.sees(lambda m: is_result(m) and "begun" in m.content)
        await asyncio.sleep(0.1)
        assert [order.recipe.prompt for order in worker.orders] == ["begun"]
    worker = FakeWorker()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await asyncio.sleep(0.1)
        assert worker.orders == []
        await told(studio, "server pause", drawing="goes on")
        await eventually(lambda: len(worker.orders) == 2)
        assert [order.recipe.prompt for order in worker.orders] == ["first", "second"]


async def test_a_request_that_rests_can_be_cancelled(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await here.ben.command("imagine", prompt="begun")
        await here.ben.command("imagine", prompt="waits")
        await told(studio, "server pause", reason="cleaning")
        progress = await here.ben.sees("waits")
        await here.ann.press(progress, "✋")
        await here.ben.sees(lambda m: "waits" in m.content and not labels(m))
        await told(studio, "server pause", drawing="goes on")
        worker.gate.set()
        await here.ben.sees(is_result)
        assert "cancelled request 2" in await told(studio, "server audit")


async def test_every_change_is_one_line_of_the_log_with_before_and_after(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        await here.ben.command("imagine", prompt="a cat")
        result = await here.ben.sees(is_result)
        await here.ann.press(result, "🗑")
        await told(studio, "server policy", block=here.env.ben)
        assert "It was so already" in await told(studio, "server policy", block=here.env.ben)
        await told(studio, "server policy", unblock=here.env.ben)
        text = await told(studio, "server audit")
        lines = [line.partition(": ")[2] for line in text.splitlines()[1:]]
        assert lines == [
            f"<@{here.ben.id}> blocked: yes → as usual",
            f"<@{here.ben.id}> blocked: as usual → yes",
            f"deleted the pictures of request 1, of <@{here.ben.id}>",
        ]
        assert text.count(f"<@{here.ann.id}>") == 3


async def test_the_log_is_turned_page_by_page_and_survives_a_restart(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        make_admin(studio.world, studio.world.ann)
        for number in range(12):
            await told(studio, "server policy", refuse=f"word{number}")
    async with a_studio(tmp_path) as studio:
        here = studio.world
        make_admin(here, here.ann)
        shown = (await here.ann.command("server audit")).response
        assert "12 lines, page 1 of 2" in shown.content
        assert "word11" in shown.content
        turned = await here.ann.press(shown, "▶️")
        assert "page 2 of 2" in (await here.ann.sees("page 2 of 2")).content
        assert turned is not None
        assert "word0" in await told(studio, "server policy")
