"""What people do in Discord, and what they see: the real bot, a doodling worker."""

from __future__ import annotations

import asyncio
import itertools
import time
from hashlib import sha256
from pathlib import Path

import discord
import pytest

from bot.chat.listening import hear
from bot.dispatch.audience import Shown
from bot.studio.shares import Tiers
from generation.errors import OutOfMemory
from generation.job import UserId
from generation.media import image
from generation.recipe import needed
from generation.tasks import Task
from storage.tickets import RequestId
from tests.given.apps import a_studio
from tests.given.builders import a_blue_png, a_lora, a_model_folder, an_environment
from tests.given.discord_world import buttons, pictures
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, labels, recipe_of
from tests.given.waiting import eventually


@pytest.mark.usefixtures("contract")
async def test_imagine_ends_in_an_ordinary_message_with_picture_settings_and_buttons(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower", seed="7", steps=5)
        message = await here.ann.sees(is_result)
        assert message.interaction_metadata is None
        assert "a red flower" in message.content
        assert "`7`" in message.content
        assert "5 steps" in message.content
        assert labels(message)[:4] == ["Again", "Subtle", "Strong", "Upscale"]
        assert labels(message)[4:9] == ["Edit", "Zoom out", "Star", "Recipe", "Reproduce"]
        recipe = await recipe_of(message)
        assert (recipe.prompt, recipe.seed, needed(recipe.sampling).steps) == ("a red flower", 7, 5)
        assert not here.faults


async def test_the_progress_message_is_gone_when_the_result_is_there(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("imagine", prompt="a red flower")
        await studio.world.ann.sees(is_result)
        await eventually(lambda: len(studio.world.ann.messages()) == 1)


@pytest.mark.usefixtures("contract")
async def test_progress_shows_place_step_and_a_cancel_button(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="first")
        await here.ben.command("imagine", prompt="second")
        waiting = await here.ben.sees("second")
        assert "Queued" in waiting.content
        assert "<t:" in waiting.content
        assert labels(waiting) == ["Cancel"]
        worker.gate.set()
        await here.ben.sees(is_result)


async def test_four_pictures_have_consecutive_seeds_and_one_message(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("imagine", prompt="a boat", seed="40", count=4)
        message = await studio.world.ann.sees(is_result)
        recipes = [image.recipe_in(png) for png in await pictures(message)]
        assert [r.seed for r in recipes if r] == [40, 41, 42, 43]


@pytest.mark.usefixtures("contract")
async def test_again_draws_other_seeds_and_reproduce_the_same_pixels(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", seed="7")
        first = await ann.sees(is_result)
        await ann.press(first, "🎲")
        second = await ann.sees(is_result, after=first)
        before, after = await recipe_of(first), await recipe_of(second)
        assert after.seed != before.seed
        assert after.prompt == before.prompt
        await ann.press(first, "♻️")
        third = await ann.sees("IDENTICAL", after=second)
        assert (await pictures(third))[0] == (await pictures(first))[0]


async def test_reproduce_takes_a_number_a_link_and_a_file(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        first = await ann.sees(is_result)
        png = (await pictures(first))[0]
        for options in ({"picture": "#1"}, {"picture": first.jump_url}, {"file": ("1.png", png)}):
            newest = ann.messages()[-1]
            await ann.command("reproduce", **options)
            await ann.sees("IDENTICAL", after=newest)


async def test_a_picture_from_another_server_is_reproduced_from_its_file_alone(
    tmp_path: Path,
) -> None:
    async with a_studio(tmp_path / "there") as studio:
        await studio.world.ann.command("imagine", prompt="a red flower")
        png = (await pictures(await studio.world.ann.sees(is_result)))[0]
    async with a_studio(tmp_path / "here") as studio:
        ann = studio.world.ann
        await ann.command("reproduce", file=("theirs.png", png))
        await ann.sees("IDENTICAL")
        studio.worker.brush = b"another"
        newest = ann.messages()[-1]
        await ann.command("reproduce", file=("theirs.png", png))
        message = await ann.sees(is_result, after=newest)
        # The first drawing here is remembered, so a second one that differs is our own fault.
        assert "DIVERGED" in message.content
        await ann.command("reproduce", file=("photo.png", a_blue_png()))
        await ann.sees("carries no recipe of mine")


async def test_a_diverging_picture_is_called_so(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        first = await ann.sees(is_result)
        studio.worker.brush = b"another"
        await ann.press(first, "♻️")
        await ann.sees("DIVERGED", after=first)


async def test_another_machine_is_said_to_be_elsewhere_and_how(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        first = await ann.sees(is_result)
        studio.worker.brush = b"another"
        studio.worker.environment = an_environment(torch="9.9.9")
        await studio.worker.start()
        await ann.press(first, "♻️")
        message = await ann.sees("ELSEWHERE", after=first)
        assert "9.9.9" in message.content


async def test_the_recipe_button_tells_only_the_one_who_asks(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower", seed="7")
        message = await here.ann.sees(is_result)
        shown = await here.ben.press(message, "📄")
        text = await here.ben.sees("sampler")
        assert "a red flower" in text.content
        assert not [m for m in here.ann.messages() if "sampler" in m.content and "```" in m.content]
        assert shown is not None


async def test_only_the_owner_or_a_moderator_deletes(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower")
        message = await here.ben.sees(is_result)
        await here.ben.press(message, "🗑")
        await here.ben.sees("Only its owner or a moderator")
        assert any(m.id == message.id for m in here.ben.messages())
        await here.ben.command("imagine", prompt="a blue boat")
        second = await here.ann.sees(is_result, after=message)
        await here.ann.press(second, "🗑")
        await eventually(lambda: all(m.id != second.id for m in here.ann.messages()))
        assert not await studio.app.stores.pictures.newest(UserId(here.ben.id), 5)


async def test_a_running_request_can_be_cancelled_by_its_owner_only(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        await here.ben.command("imagine", prompt="a blue boat", count=3)
        progress = await here.ben.sees("a blue boat")
        await eventually(lambda: worker.orders)
        await here.ben.press(progress, "✋")
        await here.ben.sees("Cancelled")
        await eventually(lambda: not studio.app.studio.open_requests.standings())
        assert not any(is_result(m) for m in here.ben.messages())


async def test_somebody_elses_request_is_not_theirs_to_cancel(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower")
        progress = await here.ben.sees("a red flower")
        await here.ben.press(progress, "✋")
        await here.ben.sees("Only its owner or a moderator")
        worker.gate.set()
        await here.ann.sees(is_result)


async def test_cancel_ends_all_of_ones_own(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="mine")
        await here.ben.command("imagine", prompt="his")
        await here.ann.command("cancel")
        await here.ann.sees("Cancelled 1 request")
        worker.gate.set()
        message = await here.ben.sees(is_result)
        assert "his" in message.content


@pytest.mark.usefixtures("contract")
async def test_the_queue_shows_who_waits_and_ones_own_words_only(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        page = await here.ann.command("queue")
        assert "Nobody is waiting" in page.response.content
        await here.ann.command("imagine", prompt="a red flower")
        await here.ben.command("imagine", prompt="a blue boat")
        await eventually(lambda: len(studio.app.studio.open_requests.requests()) == 2)
        await here.ann.press(page.response, "Look again")
        await eventually(lambda: "1 waiting" in page.response.content)
        shown = page.response.content
        assert "a red flower" in shown
        assert "a blue boat" not in shown
        assert f"<@{here.ben.id}>" in shown
        worker.gate.set()
        assert not here.faults


async def test_settings_fill_the_gaps_and_are_checked(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("settings", steps=6, size="64x96", seed_mode="increment")
        await ann.sees("seed mode")
        await ann.command("imagine", prompt="one", seed="10")
        first = await ann.sees(is_result)
        await ann.command("imagine", prompt="two")
        second = await ann.sees(is_result, after=first)
        recipe = await recipe_of(second)
        assert (
            needed(recipe.sampling).steps,
            needed(recipe.canvas).width,
            needed(recipe.canvas).height,
            recipe.seed,
        ) == (6, 64, 96, 11)
        await ann.command("settings", sampler="no such thing")
        await ann.sees("I know no sampler")


@pytest.mark.usefixtures("contract")
async def test_a_reply_to_a_picture_starts_from_it_and_names_its_parent(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await ann.command("imagine", prompt="a red flower", seed="3", steps=7, cfg=5.5)
        first = await ann.sees(is_result)
        asked = await ben.say("make it night", reply_to=first)
        second = await ben.sees(is_result, after=asked)
        recipe = await recipe_of(second)
        assert recipe.task is Task.EDIT
        assert (recipe.described, recipe.seed) == ("a red flower, at night", 3)
        assert recipe.inputs[0].sha256 == sha256((await pictures(first))[0]).hexdigest()
        assert studio.worker.orders[-1].inputs == ((await pictures(first))[0],)
        assert "made from [#1]" in second.content
        assert second.reference is not None
        assert second.reference.message_id == asked.id


async def test_a_number_chooses_among_the_pictures_of_a_message(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", count=3)
        first = await ann.sees(is_result)
        await ann.say("2: make it night", reply_to=first)
        second = await ann.sees(is_result, after=first)
        assert (await recipe_of(second)).described == "a red flower, at night"
        assert studio.worker.orders[-1].inputs == ((await pictures(first))[1],)


async def test_an_upload_with_a_mention_is_drawn_from_in_its_shape(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        me = studio.world.bot.user
        assert me is not None
        photo = a_blue_png(200, 100)
        await here.ann.say(f"<@{me.id}> as a painting", files=[("p.png", photo)])
        message = await here.ann.sees(is_result)
        recipe = await recipe_of(message)
        assert "painting" in recipe.prompt
        assert needed(recipe.canvas).width > needed(recipe.canvas).height
        assert studio.worker.orders[-1].inputs == (photo,)


async def test_imagine_with_an_image_and_denoise(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        photo = a_blue_png()
        await ann.command("imagine", prompt="a painting", image=("p.png", photo), denoise=0.4)
        recipe = await recipe_of(await ann.sees(is_result))
        assert (recipe.task, needed(recipe.sampling).denoise) == (Task.IMAGE_TO_IMAGE, 0.4)


async def test_control_says_that_nothing_here_looks_at_a_picture(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("control", prompt="a cat", image=("p.png", a_blue_png()), how="canny")
        await ann.sees("No ControlNet here is for")


async def test_a_mention_alone_draws_from_words(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        me = studio.world.bot.user
        assert me is not None
        await studio.world.ann.say(f"<@{me.id}> a red flower")
        assert (await recipe_of(await studio.world.ann.sees(is_result))).prompt == "a red flower"


async def test_other_peoples_talk_is_left_alone(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        said = await here.ann.say("what a nice day")
        await here.ben.say("indeed", reply_to=said)
        await asyncio.sleep(0.3)
        assert len(here.ann.messages()) == 2


async def test_a_reply_to_a_message_without_a_picture_is_answered_kindly(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        me = here.bot.user
        assert me is not None
        said = await here.ben.say("hello")
        await here.ann.say(f"<@{me.id}> make it night", reply_to=said)
        await here.ann.sees("I cannot use that picture")


async def test_a_reply_to_a_deleted_message_is_answered_kindly(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower")
        first = await here.ann.sees(is_result)
        reply = await here.ben.say("make it night", reply_to=first)
        await here.ben.sees(is_result, after=reply)
        await here.ann.actor.delete(first)
        # The event of a reply to a message that was deleted in the same moment.
        late = here.bot.get_channel(reply.channel.id)
        assert isinstance(late, discord.TextChannel)
        seen = await late.fetch_message(reply.id)
        assert seen.reference is not None
        seen.reference.resolved = None
        seen.id = reply.id
        await hear(here.bot, studio.app.studio, Tiers(), seen)
        await here.ben.sees("the message you answer is gone")


@pytest.mark.usefixtures("contract")
async def test_a_message_menu_opens_a_form_and_draws(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        first = await ann.sees(is_result)
        form = await ann.menu("Start from this picture", first)
        await ann.submit(form, "make it night", "0,5")
        recipe = await recipe_of(await ann.sees(is_result, after=first))
        assert (recipe.prompt, needed(recipe.sampling).denoise) == ("a red flower, at night", 0.5)
        form = await ann.menu("Start from this picture", first)
        await ann.submit(form, "make it night", "nan")
        await ann.sees("denoise must be")


async def test_the_recipe_menu_works_on_results_and_says_no_elsewhere(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower")
        await ann.menu("Show recipe", await ann.sees(is_result))
        await ann.sees("sampler")
        await ann.menu("Show recipe", await ann.say("hello"))
        await ann.sees("I do not remember that one")


async def test_autocomplete_offers_names_and_sizes_that_work(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        assert await ann.complete("imagine", "sampler", "dpmpp_2m", prompt="a") != []
        assert "karras" in await ann.complete("imagine", "scheduler", "kar", prompt="a")
        assert "tiny" in await ann.complete("imagine", "model", "ti", prompt="a")
        for size in await ann.complete("imagine", "size", "", prompt="a"):
            newest = ann.messages()[-1] if ann.messages() else None
            await ann.command("imagine", prompt="a", size=size, steps=1)
            recipe = await recipe_of(await ann.sees(is_result, after=newest))
            assert size == f"{needed(recipe.canvas).width}x{needed(recipe.canvas).height}"


async def test_impossible_wishes_end_in_a_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        for options, words in (
            ({"model": "sd99"}, "I know no model"),
            ({"sampler": "eulr"}, "Did you mean"),
            ({"size": "100x100"}, "multiple of 8"),
            ({"size": "9999x9999"}, "pixels"),
            ({"size": "huge"}, "such as"),
            ({"prompt": "   "}, "at least one word"),
            ({"image": ("a.png", b"not a picture")}, "I cannot use that picture"),
            ({"image": ("a.png", a_blue_png(1, 1))}, "I cannot use that picture"),
        ):
            await ann.command("imagine", **{"prompt": "a flower", **options})
            await ann.sees(words)
        assert not studio.worker.orders


async def test_a_lora_is_chosen_by_name_and_strength(tmp_path: Path) -> None:
    a_model_folder(tmp_path / "models")
    a_lora(tmp_path / "models", "ink")
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        assert "ink" in await ann.complete("imagine", "lora", "in", prompt="a")
        await ann.command("imagine", prompt="a flower", lora="ink:0.5")
        (adapter,) = (await recipe_of(await ann.sees(is_result))).adapters
        assert (adapter.kind, adapter.weights.name, adapter.strength) == ("lora", "ink", 0.5)
        await ann.command("imagine", prompt="a flower", lora="inc")
        await ann.sees("I know no LoRA called `inc`")


async def test_mentions_in_a_prompt_ping_nobody(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt=f"@everyone <@{here.ben.id}> a flower")
        message = await here.ann.sees(is_result)
        assert not message.mention_everyone
        assert here.ben.id not in [m.id for m in message.mentions]
        assert "@everyone" not in message.content


async def test_a_full_line_is_refused_with_a_number(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker, max_waiting_per_person=2) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="one", count=2)
        await eventually(lambda: worker.orders)
        await ann.command("imagine", prompt="two", count=2)
        await ann.sees("of at most 2 jobs waiting")
        worker.gate.set()


async def test_a_job_that_fails_says_why_and_the_next_one_is_drawn(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.failures["a huge thing"] = OutOfMemory(2**34, 2**30)
    async with a_studio(tmp_path, worker) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a huge thing")
        await ann.sees("did not fit into the memory")
        await ann.command("imagine", prompt="a small thing")
        assert "a small thing" in (await ann.sees(is_result)).content


async def test_buttons_work_after_a_restart(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        await studio.world.ann.command("imagine", prompt="a red flower", seed="5")
        first = await studio.world.ann.sees(is_result)
        ids = [b.custom_id for b in buttons(first)]
    async with a_studio(tmp_path) as studio:
        # The simulated Discord has forgotten the message; the button's id says everything.
        ann = studio.world.ann
        await ann.command("reproduce", picture="1")
        shown = await ann.sees("IDENTICAL")
        assert ids[0] == "atelier:again:1"
        await ann.press(shown, "🎲")
        await ann.sees(is_result, after=shown)


@pytest.mark.parametrize("failure", [None, OutOfMemory(2**34, 2**30)], ids=["drawn", "failed"])
async def test_a_result_that_was_posted_unnoticed_is_found_and_not_posted_again(
    tmp_path: Path, failure: OutOfMemory | None
) -> None:
    worker = FakeWorker()
    if failure is not None:
        worker.failures["a red flower"] = failure
    async with a_studio(tmp_path, worker) as studio:
        ann, app = studio.world.ann, studio.app
        await ann.command("imagine", prompt="a red flower")
        message = await ann.sees(lambda m: "Again" in labels(m))
        await eventually(lambda: len(ann.messages()) == 1)
        request = await app.stores.tickets.request(RequestId(1))
        outcome = await app.studio.delivery.outcome(request)
        found = await studio.client.announcer.deliver(outcome, perhaps_posted=True)
        assert found == Shown(message=message.id, channel=message.channel.id)
        assert len(ann.messages()) == 1


@pytest.mark.slow
async def test_progress_edits_are_three_seconds_apart(tmp_path: Path) -> None:
    async with a_studio(tmp_path, FakeWorker(step_seconds=0.2)) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower", steps=50)
        seen: list[tuple[float, str]] = []
        while not any(is_result(m) for m in here.ann.messages()):
            text = here.ann.messages()[0].content
            if not seen or seen[-1][1] != text:
                seen.append((time.monotonic(), text))
            await asyncio.sleep(0.02)
        drawing = [moment for moment, text in seen if "/50" in text]
        assert len(drawing) >= 3
        assert min(b - a for a, b in itertools.pairwise(drawing)) > 2.9


async def test_discord_refusing_for_a_while_loses_nothing(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_studio(tmp_path, worker) as studio:
        here = studio.world
        await here.ann.command("imagine", prompt="a red flower")
        here.env.inject_error("POST", "/channels/*/messages", status=500)
        worker.gate.set()
        await here.ann.sees(is_result)
        await eventually(lambda: len(here.ann.messages()) == 1)
