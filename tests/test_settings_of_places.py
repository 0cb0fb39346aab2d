"""Settings of a person, a channel and a server: the nearer counts, and each says whose it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from generation.recipe import needed
from storage.people import Level, Preferences, SeedMode
from storage.requests import Circumstances
from tests.given.admins import make_admin
from tests.given.apps import Studio, a_studio, a_wish, an_app, drawn
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, recipe_of


async def steps_of_the_next(studio: Studio, **options: object) -> int:
    ann = studio.world.ann
    newest = ann.messages()[-1] if ann.messages() else None
    await ann.command("imagine", prompt="a flower", **options)
    recipe = await recipe_of(await ann.sees(is_result, after=newest))
    return needed(recipe.sampling).steps


async def test_the_nearer_counts_and_the_page_says_whose_each_value_is(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        make_admin(studio.world, ann)
        usual = await steps_of_the_next(studio)
        await ann.command("settings", scope="server", steps=5, cfg=4.0)
        assert (await ann.sees("The settings of this server")).content.count("**steps** 5") == 1
        assert await steps_of_the_next(studio) == 5
        await ann.command("settings", scope="channel", steps=6, style="ink-wash")
        await ann.sees("The settings of this channel")
        assert await steps_of_the_next(studio) == 6
        await ann.command("settings", steps=7)
        page = await ann.sees("What you draw with here")
        assert "**steps** 7 · yours" in page.content
        assert "**cfg** 4 · this server's" in page.content
        assert "**style** ink-wash · this channel's" in page.content
        assert "**model** tiny · the bot's" in page.content
        assert "**sampler** dpmpp_2m · usual for" in page.content
        assert await steps_of_the_next(studio) == 7
        assert await steps_of_the_next(studio, steps=8) == 8
        assert usual not in (5, 6, 7, 8)


async def test_what_is_forgotten_counts_no_more(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("settings", scope="channel", steps=6, size="64x96")
        await ann.sees("The settings of this channel")
        await ann.command("settings", steps=7, count=2)
        await ann.sees("**steps** 7 · yours")
        await ann.command("settings", forget="steps")
        page = await ann.sees(lambda m: "**steps** 6 · this channel's" in m.content)
        assert "**count** 2 · yours" in page.content
        await ann.command("settings", scope="channel", reset=True)
        await ann.sees("None: everybody draws with their own")
        await ann.command("settings", reset=True)
        page = await ann.sees(lambda m: "**count** 1" in m.content)
        assert "this channel's" not in page.content
        assert "yours" not in page.content.partition("-#")[0]


async def test_only_who_decides_there_changes_a_channels_and_a_servers(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann, ben = studio.world.ann, studio.world.ben
        await ben.command("settings", scope="channel", steps=6)
        await ben.sees("those who moderate this channel")
        await ben.command("settings", scope="server", steps=6)
        await ben.sees("this server's admins")
        await ben.command("settings", scope="channel")
        await ben.sees("The settings of this channel")
        assert "steps" not in ben.messages()[-1].content
        await ann.command("settings", scope="channel", steps=6)
        await ann.sees("**steps** 6")
        await ben.command("settings")
        await ben.sees("**steps** 6 · this channel's")


async def test_the_seed_mode_decides_the_next_seed_of_again_too(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("settings", seed_mode="increment")
        await ann.sees("**seed mode** increment")
        await ann.command("imagine", prompt="one", seed="10")
        message = await ann.sees(is_result)
        seeds = [(await recipe_of(message)).seed]
        for _ in range(2):
            await ann.press(message, "🎲")
            message = await ann.sees(is_result, after=message)
            seeds.append((await recipe_of(message)).seed)
        await ann.command("imagine", prompt="two")
        message = await ann.sees(is_result, after=message)
        seeds.append((await recipe_of(message)).seed)
        assert seeds == [10, 11, 12, 13]
        await ann.command("settings", seed_mode="fixed")
        await ann.sees("**last seed here** `13`")
        await ann.press(message, "🎲")
        message = await ann.sees(is_result, after=message)
        assert (await recipe_of(message)).seed == 13
        assert "your seed mode is fixed" in message.content
        await ann.command("settings", seed_mode="randomize")
        await ann.sees("**seed mode** randomize (control_after_generate)")
        await ann.press(message, "🎲")
        message = await ann.sees(is_result, after=message)
        assert "fixed" not in message.content, "that was said of another one"


async def test_seeds_are_counted_in_each_place_and_after_a_restart(tmp_path: Path) -> None:
    async def seed_in(channel: int, seed: int | None = None) -> int:
        async with an_app(tmp_path, FakeWorker()) as app:
            wish = a_wish(seed=seed)
            mine = await app.studio.defaults.of(wish.origin.owner)
            mode = SeedMode.DECREMENT
            await app.studio.defaults.keep(wish.origin.owner, replace(mine, seed_mode=mode))
            here = replace(wish, origin=replace(wish.origin, channel=channel))
            request = await app.studio.requests.submit(here)
            [ticket] = await app.stores.tickets.of_request(request.id)
            return ticket.job.recipe.seed

    assert await seed_in(0, 50) == 50
    assert await seed_in(0) == 49
    assert await seed_in(1) != 48, "another place counts from its own"
    assert await seed_in(0) == 48


async def test_a_thread_has_the_settings_of_its_channel(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        await app.studio.defaults.keep(7, Preferences(steps=5), level=Level.CHANNEL)
        wish = a_wish()
        seen = Circumstances(within=(8, 7))
        thread = replace(wish, origin=replace(wish.origin, seen=seen))
        assert needed((await drawn(app, thread)).pictures[0].recipe.sampling).steps == 5
        await app.studio.defaults.keep(0, Preferences(steps=4), level=Level.CHANNEL)
        assert needed((await drawn(app, thread)).pictures[0].recipe.sampling).steps == 4
