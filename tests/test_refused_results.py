"""A result that Discord refuses is shown another way or held, and nobody is left waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
from simcord.backend.errors import BackendError
from simcord.http import router

from storage.tickets import RequestId
from tests.given.apps import Studio, a_studio
from tests.given.discord_world import buttons, pictures
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, labels
from tests.given.waiting import eventually

HERE = "/channels/{}/messages"


async def refusing(studio: Studio, *, status: int, code: int, times: int | None = None) -> None:
    """From now on a post in the channel ends so; then the picture is drawn."""
    env = studio.world.env
    path = HERE.format(env.studio.id)
    env.inject_error("POST", path, status=status, code=code, message="no", times=times)
    studio.worker.gate.set()


def waiting() -> FakeWorker:
    worker = FakeWorker()
    worker.gate.clear()
    return worker


async def all_told(studio: Studio) -> None:
    """The outbox is empty, and no progress message tells what is over."""
    rows = studio.app.stores.tickets
    await eventually(lambda: not studio.app.studio.open_requests.requests())
    while await rows.undelivered():
        await eventually(lambda: True)
    await eventually(lambda: not any("Cancel" in labels(m) for m in studio.world.ann.messages()))


REFUSALS = [(403, 50013), (403, 50001), (413, 40005), (400, 50035), (403, 160002), (400, 50006)]


@pytest.mark.parametrize(("status", "code"), REFUSALS)
async def test_what_the_channel_refuses_for_ever_is_shown_in_the_progress_message(
    tmp_path: Path, status: int, code: int
) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        progress = await ann.sees("a red flower")
        await refusing(studio, status=status, code=code)
        message = await ann.sees(is_result)
        assert message.id == progress.id
        await all_told(studio)
        assert len(ann.messages()) == 1
        await ann.press(message, "📄")


async def test_a_refusal_that_passes_leaves_one_picture_and_no_progress(tmp_path: Path) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        ann = studio.world.ann
        await ann.say(f"<@{studio.world.bot.user.id}> a red flower")  # type: ignore[union-attr]
        await ann.sees(lambda m: "Cancel" in labels(m))
        await refusing(studio, status=403, code=160002, times=1)
        await ann.sees(is_result)
        await all_told(studio)
        assert len([m for m in ann.messages() if is_result(m)]) == 1


async def test_what_is_too_large_becomes_smaller_and_says_so(tmp_path: Path) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        await refusing(studio, status=413, code=40005, times=1)
        message = await ann.sees(is_result)
        assert not message.attachments[0].filename.endswith(".png")
        assert "I keep the exact PNG" in message.content
        assert "/reproduce" in message.content
        stored = await studio.app.stores.pictures.get(1)  # type: ignore[arg-type]
        assert studio.app.stores.files.read(stored.png_sha256).startswith(b"\x89PNG")


def direct_messages(studio: Studio) -> list[discord.Message]:
    user = studio.world.ann.actor.user
    channel = user.dm_channel
    return list(channel.history(viewer=user)) if channel is not None else []


@pytest.fixture
def no_files() -> Iterator[set[str]]:
    """Refuse files in the channels that are put in, as where the bot may not attach any.

    The simulated Discord does not look at that permission.
    """
    closed: set[str] = set()
    dispatch = router.dispatch

    def guarded(backend: Any, method: str, path: str, *, files: Any = (), **others: Any) -> Any:
        files = list(files or ())
        if files and any(path.startswith(place) for place in closed):
            raise BackendError(403, 50013, "Missing Permissions")
        return dispatch(backend, method, path, files=files, **others)

    router.dispatch = guarded
    try:
        yield closed
    finally:
        router.dispatch = dispatch


async def close_the_channel(studio: Studio, no_files: set[str]) -> None:
    """From now on it takes words alone, and the answer's token is over; then it is drawn."""
    env = studio.world.env
    no_files.add(HERE.format(env.studio.id))
    env.inject_error("*", "/webhooks/*", status=401, code=50027, message="no", times=None)
    studio.worker.gate.set()


def open_it_again(studio: Studio, no_files: set[str]) -> None:
    no_files.clear()
    studio.world.env.backend.faults.clear()


async def test_the_owner_gets_by_direct_message_what_no_message_of_the_channel_takes(
    tmp_path: Path, no_files: set[str]
) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        await ann.sees("a red flower")
        await close_the_channel(studio, no_files)
        await ann.sees("sent it to its owner directly")
        await all_told(studio)
        (message,) = direct_messages(studio)
        assert (await pictures(message))[0].startswith(b"\x89PNG")
        assert "This belongs into" in message.content
        assert not any(m.attachments for m in ann.messages())


async def test_a_picture_of_somebody_else_that_was_drawn_again_goes_into_no_direct_message(
    tmp_path: Path, no_files: set[str]
) -> None:
    async with a_studio(tmp_path) as studio:
        ben, ann = studio.world.ben, studio.world.ann
        await ben.command("imagine", prompt="a red flower")
        theirs = await ben.sees(is_result)
        studio.worker.gate.clear()
        await ann.press(theirs, "♻️")
        await ann.sees(lambda m: "Cancel" in labels(m))
        await close_the_channel(studio, no_files)
        await ann.sees("It is done, but")
        assert not direct_messages(studio)


async def held(studio: Studio, no_files: set[str]) -> None:
    """A request whose result no place takes."""
    env = studio.world.env
    await studio.world.ann.command("imagine", prompt="a red flower")
    await studio.world.ann.sees("a red flower")
    env.inject_error(
        "POST", "/users/@me/channels", status=403, code=50007, message="no", times=None
    )
    await close_the_channel(studio, no_files)
    await studio.world.ann.sees("It is done, but")
    assert not any("Cancel" in labels(m) for m in studio.world.ann.messages())


async def shown_once(studio: Studio) -> None:
    ann = studio.world.ann
    message = await ann.sees(is_result)
    await all_told(studio)
    await eventually(lambda: not any("It is done" in m.content for m in ann.messages()))
    await eventually(lambda: not any("keep trying" in m.content for m in ann.messages()))
    assert [m.id for m in ann.messages() if is_result(m)] == [message.id]


async def test_what_is_held_is_shown_when_its_owner_asks_for_anything(
    tmp_path: Path, no_files: set[str]
) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        await held(studio, no_files)
        open_it_again(studio, no_files)
        page = await studio.world.ann.command("queue")
        assert "is done, but" in page.response.content
        await shown_once(studio)


async def test_what_is_held_is_shown_when_a_permission_changes(
    tmp_path: Path, no_files: set[str]
) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        await held(studio, no_files)
        open_it_again(studio, no_files)
        guild = studio.world.env.guild_handle
        guild.create_text_channel("another")
        await shown_once(studio)


async def test_a_progress_message_that_a_crash_left_unnoted_is_taken_away(tmp_path: Path) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        here, app = studio.world, studio.app
        await here.ann.command("imagine", prompt="a red flower")
        left = await here.ann.sees(lambda m: "Cancel" in labels(m))
        async with app.stores.tickets._database.transaction("test") as db:
            # As if the bot had died before it noted it, and an hour passed.
            await db.execute(
                "UPDATE requests SET progress_message = NULL, created = created - 3600"
            )
        studio.worker.gate.set()
        await here.ann.sees(is_result)
        await eventually(lambda: left.id not in [m.id for m in here.ann.messages()])


async def test_a_progress_message_that_comes_after_the_result_is_taken_away(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here, app = studio.world, studio.app
        await here.ann.command("imagine", prompt="a red flower")
        await here.ann.sees(is_result)
        await all_told(studio)
        late = await here.env.bot.get_channel(here.env.studio.id).send("🖼️")
        await app.studio.messages.say_progress_is(RequestId(1), late.id)
        await eventually(lambda: late.id not in [m.id for m in here.ann.messages()])
        assert len([m for m in here.ann.messages() if is_result(m)]) == 1


async def test_what_is_held_is_shown_after_a_restart(tmp_path: Path, no_files: set[str]) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        await held(studio, no_files)
        no_files.clear()
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.sees(is_result)


async def test_a_deleted_progress_message_and_a_closed_channel_end_in_a_direct_message(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        await ann.actor.delete(await ann.sees("a red flower"))
        env = studio.world.env
        env.inject_error("*", "/webhooks/*", status=401, code=50027, message="no", times=None)
        await refusing(studio, status=403, code=50013)
        await eventually(lambda: direct_messages(studio))
        await all_told(studio)


async def test_the_answer_takes_what_channel_and_progress_message_refuse(tmp_path: Path) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        ann, env = studio.world.ann, studio.world.env
        await ann.command("imagine", prompt="a red flower")
        progress = await ann.sees("a red flower")
        path = f"{HERE.format(env.studio.id)}/*"
        env.inject_error("PATCH", path, status=403, code=50001, message="no", times=None)
        await refusing(studio, status=403, code=50001)
        message = await ann.sees(is_result)
        assert message.id == progress.id


async def test_while_discord_does_not_answer_the_progress_message_has_no_dead_button(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        await ann.sees("a red flower")
        await refusing(studio, status=503, code=0)
        message = await ann.sees("I keep trying")
        assert not buttons(message)
        studio.world.env.backend.faults.clear()
        await shown_once(studio)


async def test_cancelling_is_told_even_where_the_edit_is_refused(tmp_path: Path) -> None:
    async with a_studio(tmp_path, waiting(), progress_seconds=60.0) as studio:
        ann, env = studio.world.ann, studio.world.env
        await ann.command("imagine", prompt="a red flower")
        await ann.sees("a red flower")
        path = f"{HERE.format(env.studio.id)}/*"
        env.inject_error("PATCH", path, status=403, code=50001, message="no", times=None)
        await ann.command("cancel")
        await ann.sees("✋ Cancelled.")


def only_words(studio: Studio, **denied: bool) -> Any:
    """A channel in which everybody, and so the bot, lacks that."""
    guild = studio.world.env.guild_handle
    overwrites = {guild.default_role: discord.PermissionOverwrite(**denied)}
    return guild.create_text_channel("elsewhere", overwrites=overwrites)


@pytest.mark.parametrize("missing", ["attach_files", "read_message_history"])
async def test_a_mention_is_declined_before_it_is_drawn_where_a_picture_may_not_be_posted(
    tmp_path: Path, missing: str
) -> None:
    async with a_studio(tmp_path) as studio:
        env, ann = studio.world.env, studio.world.ann
        place = only_words(studio, **{missing: False})
        await ann.actor.send(place, f"<@{studio.world.bot.user.id}> a red flower")  # type: ignore[union-attr]
        messages = env.backend.messages[place.id]
        await eventually(lambda: any("I lack" in m.content for m in messages.values()))
        assert not studio.worker.orders


async def test_where_the_bot_may_not_even_speak_it_says_so_directly(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, guild = studio.world.ann, studio.world.env.guild_handle
        place = guild.create_text_channel(
            "quiet",
            overwrites={
                guild.default_role: discord.PermissionOverwrite(send_messages=False),
                ann.actor: discord.PermissionOverwrite(send_messages=True),
            },
        )
        await ann.actor.send(place, f"<@{studio.world.bot.user.id}> a red flower")  # type: ignore[union-attr]
        await eventually(lambda: direct_messages(studio))
        assert "Send Messages" in direct_messages(studio)[0].content
        assert not studio.worker.orders
