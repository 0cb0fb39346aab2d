"""Words that stand for several pictures are one request: queued or refused as a whole."""

from __future__ import annotations

from pathlib import Path

from tests.given.apps import a_studio
from tests.given.discord_world import pictures
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, labels, prompts_of
from tests.given.waiting import eventually
from tests.given.words import words_by


async def test_they_are_one_request_and_one_message(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(None)) as studio:
        ann, app = studio.world.ann, studio.app
        await ann.command("imagine", prompt="a {red, blue} {cat, dog}", assist="off")
        await ann.press(await ann.sees("4 pictures"), "🖌️ Draw all")
        message = await ann.sees(is_result)
        assert await prompts_of(message) == ["a red cat", "a red dog", "a blue cat", "a blue dog"]
        assert len(await app.stores.pictures.newest(ann.id, 10)) == 4  # type: ignore[arg-type]
        await eventually(lambda: len([m for m in ann.messages() if is_result(m)]) == 1)
        await ann.press(message, "🔁")
        again = await ann.sees(is_result, after=message)
        assert await prompts_of(again) == await prompts_of(message)
        await ann.press(message, "🎲")
        one = await ann.sees(is_result, after=again)
        assert await prompts_of(one) == ["a red cat"]
        assert "a red cat" in one.content


async def test_without_room_for_all_none_is_queued(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(
        tmp_path, worker, prompt_assist=words_by(None), max_waiting_per_person=10
    ) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a boat", count=4)
        await ann.sees(lambda m: "Cancel" in labels(m))
        await ann.command("imagine", prompt="{a,b,c,d,e,f,g,h} cat", assist="off")
        page = await ann.sees("8 pictures")
        await ann.press(page, "🖌️ Draw all")
        await ann.sees("at most")
        assert sum(s.total for s in studio.app.studio.open_requests.standings()) == 4
        worker.gate.set()
        assert len(await pictures(await ann.sees(is_result))) == 4
        await ann.press(page, "🖌️ Draw all")  # now there is room
        await ann.sees(lambda m: is_result(m) and len(m.attachments) == 8)
        assert not labels(await ann.sees("They are queued."))


async def test_more_than_a_message_shows_are_refused_with_the_number(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(None)) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a {red, blue} {cat, dog}", assist="off", count=4)
        await ann.sees("16 pictures; I take at most 10")
        assert not studio.worker.orders


async def test_another_style_for_them_is_one_for_each(tmp_path: Path) -> None:
    async with a_studio(tmp_path, prompt_assist=words_by(None)) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a {red, blue} cat", assist="off")
        await ann.press(await ann.sees("2 pictures"), "🖌️ Draw all")
        message = await ann.sees(is_result)
        await ann.press(message, "🎨")
        menu, style = (
            await ann.sees("Which style?"),
            next(iter(studio.app.studio.offers.styles)),
        )
        await ann.actor.select(menu, [style], custom_id="atelier:style:1:0")
        again = await ann.sees(is_result, after=message)
        first, second = await prompts_of(again)
        assert "red" in first
        assert "blue" in second
        assert "{" not in first + second
