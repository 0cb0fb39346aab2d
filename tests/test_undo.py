"""What was deleted can be brought back for a minute, and nobody meets it meanwhile."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from bot.studio.deleting import TooLate
from bot.studio.rights import Asker
from generation.job import UserId
from storage.ids import PictureId, RequestId
from tests.given.apps import a_studio, a_wish, an_app, drawn
from tests.given.builders import ANN
from tests.given.discord_world import buttons, pictures
from tests.given.fakes import FakeWorker
from tests.given.results import answers, is_result
from tests.given.town import a_scene
from tests.given.waiting import eventually


async def taken_away(who: Any, message: Any) -> Any:
    """Press Delete; returns the private answer, when it is there and the message is not."""
    pressed = await who.press(message, "🗑")
    [told] = await answers(pressed)
    assert "Deleted" in told
    assert pressed.response.ephemeral
    assert all(m.id != message.id for m in who.messages())
    return pressed.response


@pytest.mark.usefixtures("contract")
async def test_a_deleted_picture_is_brought_back_by_whoever_deleted_it(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        env, stores = scene.env, scene.app.stores
        ben, mia = scene.visitor(env.ben, env.studio), scene.visitor(env.mia, env.studio)
        await ben.command("imagine", prompt="a red flower", count=2)
        message = await ben.sees(is_result)
        png, [first, _] = await pictures(message), await stores.pictures.of_request(RequestId(1))
        answer = await taken_away(ben, message)
        assert [b.label for b in buttons(answer)] == ["Undo"]
        assert stores.files.read(first.png_sha256) in png  # the bytes are here, and for nobody:
        told = await answers(await mia.command("reproduce", picture="1"))
        assert "I do not remember that one" in told[0]
        await ben.press(answer, "↩️")
        back = await mia.sees(is_result)
        assert back.id != message.id
        assert await pictures(back) == png
        await eventually(lambda: not buttons(answer))
        await ben.say("make it night", reply_to=back)
        await mia.sees(lambda m: is_result(m) and "made from [#1]" in m.content)
        assert len([m for m in mia.messages() if is_result(m) and "#1, #2" in m.content]) == 1


async def test_a_moderators_deletion_is_undone_by_the_moderator_alone(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        env, studio = scene.env, scene.app.studio
        ben, ann = scene.visitor(env.ben, env.studio), scene.visitor(env.ann, env.studio)
        await ben.command("imagine", prompt="a red flower")
        message = await ben.sees(is_result)
        answer = await taken_away(ann, message)
        assert not [m for m in ben.messages() if "Deleted" in m.content]
        with pytest.raises(TooLate):
            await studio.gallery.restore(Asker(id=UserId(ben.id), guild=None), RequestId(1))
        assert (await scene.app.stores.pictures.get(PictureId(1))).deleted
        await ann.press(answer, "↩️")
        await ben.sees(is_result)


async def test_after_the_minute_the_files_are_gone_and_undo_says_so(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, app = studio.world.ann, studio.app
        app.studio._deleting.undo_seconds = 0.0
        await ann.command("imagine", prompt="a red flower")
        message = await ann.sees(is_result)
        [picture] = await app.stores.pictures.of_request(RequestId(1))
        folder = app.stores.files.path(picture.png_sha256).parent
        pressed = await ann.press(message, "🗑")
        await eventually(lambda: not any(folder.iterdir()))
        await eventually(lambda: pressed.response.content and buttons(pressed.response))
        await ann.press(pressed.response, "↩️")
        await ann.sees("That minute is over")
        assert (await app.stores.pictures.get(picture.id)).deleted


async def test_the_minute_goes_on_across_a_restart(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        kept = await drawn(app, a_wish("a red flower"))
        gone = await drawn(app, a_wish("a blue boat"))
        for outcome, until in ((kept, time.time() + 3600), (gone, time.time() + 0.1)):
            await app.stores.deletions.delete(outcome.request.id, by=ANN, until=until, at=0.0)
    async with an_app(tmp_path, FakeWorker()) as app:
        files = app.stores.files
        folder = files.path(gone.pictures[0].png_sha256).parent
        await eventually(lambda: not list(folder.glob(f"{gone.pictures[0].png_sha256}*")))
        assert files.read(kept.pictures[0].png_sha256) == kept.files[0]
        await app.studio.gallery.restore(Asker(id=ANN, guild=None), kept.request.id)
        found = await app.studio.delivery.outcome(kept.request)
        assert found.files == kept.files
        assert found.returned == 1


async def test_undo_pressed_twice_posts_once(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        answer = await taken_away(ann, await ann.sees(is_result))
        [undo] = [b.custom_id for b in buttons(answer)]
        await asyncio.gather(
            *(ann.actor.click(answer, custom_id=undo) for _ in range(2)), return_exceptions=True
        )
        await ann.sees(is_result)
        await asyncio.sleep(0.2)
        assert len([m for m in ann.messages() if is_result(m)]) == 1
