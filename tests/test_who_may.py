"""Nobody sees, starts from, stops or takes away what is another's: everybody, by every way in.

The table: relations x ways x pictures, through the real bot in a simulated Discord of two servers.
A trial leaks when a word, a seed, a prompt or a byte of the picture reaches somebody, when anything
is drawn, or when it can be told from the answer that there is such a picture.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import discord
import pytest
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from bot.chat.intake import picture_as_start
from bot.cli.direct import console
from bot.pages.apologies import expected
from bot.studio.wishes import Wish
from generation.job import UserId
from generation.media import image
from generation.recipe import needed
from storage.errors import Missing
from storage.pictures import StoredPicture
from storage.requests import Origin
from tests.given.builders import a_draft, changed
from tests.given.discord_world import buttons, pictures
from tests.given.fakes import FakeWorker
from tests.given.results import answers, is_result
from tests.given.town import ACTIONS, Scene, Visitor, a_scene
from tests.given.waiting import eventually

NEVER = 999_999  # a number that was never given

SEEDS = {
    "hidden": 424_201,
    "letter": 424_202,
    "thread": 424_203,
    "doomed": 424_204,
    "gone": 424_205,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One of Olga's pictures, and everything of it that others must not meet."""

    picture: StoredPicture
    request: int
    message: discord.Message
    png: bytes
    words: str

    def is_in(self, text: str) -> bool:
        marks = (self.words, str(self.picture.recipe.seed), self.picture.recipe.id[:16])
        return any(mark in text for mark in (*marks, self.picture.pixels_sha256[:16]))


@dataclass(slots=True, kw_only=True)
class Trials:
    """What was tried, and what leaked."""

    scene: Scene
    tried: int = 0
    leaks: list[str] = field(default_factory=list)
    blanks: dict[tuple[int, int, str], list[str]] = field(default_factory=dict)

    async def refuse(self, who: Visitor, way: str, secret: Secret) -> None:
        """Try a way; it must end as it ends for a picture that never was."""
        drawn = len(self.scene.worker.orders)
        told = await WAYS[way](who, self.scene, secret.request, secret.picture.id, secret)
        key = (who.id, who.channel.id, way)
        if key not in self.blanks:
            self.blanks[key] = await WAYS[way](who, self.scene, NEVER, NEVER, None)
        blank = self.blanks[key]
        self.tried += 1
        name = f"{who.name} by {way} at {secret.words}"
        if told != blank:
            self.leaks.append(f"{name}: told {told!r}, and of none {blank!r}")
        everything = "\n".join([*told, *(m.content for m in who.messages())])
        if secret.is_in(everything):
            self.leaks.append(f"{name}: {everything!r}")
        if len(self.scene.worker.orders) != drawn:
            self.leaks.append(f"{name}: drawn")
        for message in who.messages():
            if secret.png in await pictures(message):
                self.leaks.append(f"{name}: its bytes")


Way = Callable[[Visitor, Scene, int, int, Secret | None], Awaitable[list[str]]]


async def by_number(who: Visitor, _: Scene, __: int, picture: int, ___: Secret | None) -> list[str]:
    return await answers(await who.command("reproduce", picture=f"#{picture}"))


async def by_link(who: Visitor, _: Scene, __: int, ___: int, secret: Secret | None) -> list[str]:
    link = "https://discord.com/channels/1/2/3" if secret is None else secret.message.jump_url
    return await answers(await who.command("reproduce", picture=link))


async def by_cancel(who: Visitor, _: Scene, request: int, __: int, ___: Secret | None) -> list[str]:
    return await answers(await who.command("cancel", request=str(request)))


async def by_completion(
    who: Visitor, _: Scene, request: int, picture: int, ___: Secret | None
) -> list[str]:
    found = []
    for typed in (str(picture), f"#{picture}", "secret"):
        found += [c["name"] for c in await who.offered("reproduce", "picture", typed)]
    found += [c["name"] for c in await who.offered("cancel", "request", str(request))]
    return [name.replace(str(picture), "N") for name in found]


def by_menu(command: str, *, ours: bool) -> Way:
    async def way(who: Visitor, scene: Scene, request: int, _: int, __: Secret | None) -> list[str]:
        author = scene.env.backend.bot_user.id if ours else scene.env.robot.id
        message = scene.forged(who.channel, request, by=author)
        return await answers(await who.menu(command, message))

    return way


def by_button(action: str, *, ours: bool) -> Way:
    async def way(who: Visitor, scene: Scene, request: int, _: int, __: Secret | None) -> list[str]:
        author = scene.env.backend.bot_user.id if ours else scene.env.robot.id
        message = scene.forged(who.channel, request, by=author)
        if action == "style":
            return await answers(await who.choose(message, "watercolor"))
        return await answers(await who.click(message, f"atelier:{action}:{request}"))

    return way


async def by_reply(
    who: Visitor, scene: Scene, request: int, _: int, __: Secret | None
) -> list[str]:
    message = scene.forged(who.channel, request, by=scene.env.backend.bot_user.id)
    said = await who.say("make it night", reply_to=message)
    answer = await who.sees(lambda m: m.author.bot and m.id > said.id)
    return [answer.content]


WAYS: dict[str, Way] = {
    "number": by_number,
    "link": by_link,
    "/cancel": by_cancel,
    "autocomplete": by_completion,
    "a reply to an unknown message of the bot": by_reply,
    "menu: show recipe, another bot's message": by_menu("Show recipe", ours=False),
    "menu: start from, another bot's message": by_menu("Start from this picture", ours=False),
    "menu: show recipe, unknown message of the bot": by_menu("Show recipe", ours=True),
    **{f"button {a}, another bot's message": by_button(a, ours=False) for a in ACTIONS},
    **{f"button {a}, unknown message of the bot": by_button(a, ours=True) for a in ACTIONS},
    "style menu, unknown message of the bot": by_button("style", ours=True),
}
HERE_ONLY = frozenset(way for way in WAYS if way.startswith(("menu", "a reply")))  # in simcord
# Of another bot's message it is enough that none is believed.
PLAIN = tuple(w for w in WAYS if "button" not in w or "another" not in w or "recipe" in w)


async def noted(scene: Scene, message: discord.Message) -> StoredPicture:
    """The first picture of a message, as soon as it is known which message shows it."""
    while not (found := await scene.app.stores.pictures.of_message(message.id)):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return found[0]


async def secret_of(
    scene: Scene, olga: Visitor, key: str, *, after: discord.Message | None = None
) -> Secret:
    words = f"secret wish {key}"
    await olga.command("imagine", prompt=words, seed=str(SEEDS[key]))
    message = await olga.sees(lambda m: is_result(m) and words in m.content, after=after)
    picture = await noted(scene, message)
    [request] = {
        int((b.custom_id or "").rpartition(":")[2]) for b in buttons(message) if b.label == "Again"
    }
    [png] = await pictures(message)
    return Secret(picture=picture, request=request, message=message, png=png, words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The town with Olga's secrets in it."""

    scene: Scene
    secrets: dict[str, Secret]
    thread: Any

    def at(self, actor: Any, channel: Any) -> Visitor:
        return self.scene.visitor(actor, channel)


@asynccontextmanager
async def staged(folder: Path, worker: FakeWorker | None = None) -> AsyncIterator[Stage]:
    async with a_scene(folder, worker) as scene:
        env = scene.env
        thread = env.a_private_thread(env.olga, env.mia)
        await asyncio.sleep(0.05)
        places = {"hidden": env.hidden, "thread": thread, "doomed": env.doomed, "gone": env.studio}
        secrets = {
            key: await secret_of(scene, scene.visitor(env.olga, place), key)
            for key, place in {**places, "letter": None}.items()
        }
        await scene.visitor(env.olga, env.studio).click(
            secrets["gone"].message, f"atelier:delete:{secrets['gone'].request}"
        )
        await eventually(lambda: not any(map(is_result, env.studio.history(viewer=env.olga))))
        env.guild_handle.remove_member(env.kit_here)
        env.backend.delete_channel(env.doomed.id)
        await asyncio.sleep(0.05)
        yield Stage(scene=scene, secrets=secrets, thread=thread)


@pytest.mark.usefixtures("contract")
async def test_who_views_the_channel_now_may_see_and_draw_again_and_no_more(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        env, hidden = stage.scene.env, stage.secrets["hidden"]
        mia = stage.at(env.mia, env.studio)
        for options in (
            {"picture": f"#{hidden.picture.id}"},
            {"picture": hidden.message.jump_url},
            {"picture": stage.secrets["thread"].message.jump_url},
            {"file": ("theirs.png", hidden.png)},
        ):
            newest = mia.messages()[-1]
            await mia.command("reproduce", **options)
            shown = await mia.sees("IDENTICAL", after=newest)
            assert "#" not in shown.content.rpartition("IDENTICAL")[2]  # not for all of #studio
        near = stage.at(env.mia, env.hidden)
        assert "secret" in (await answers(await near.press(hidden.message, "📄")))[0]
        told = await answers(await near.press(hidden.message, "🗑"))
        assert told[-1:] == ["Only its owner or a moderator can delete another person's picture."]
        env.backend.set_overwrite(
            env.hidden.id,
            Overwrite(target_id=env.mia.id, type=OverwriteType.MEMBER, allow=0, deny=1024),
        )
        await asyncio.sleep(0.05)
        told = await answers(await mia.command("reproduce", picture=f"#{hidden.picture.id}"))
        assert "I do not remember that one" in told[0]


async def test_the_owner_keeps_the_recipe_of_what_was_deleted_and_nobody_its_bytes(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        env, gone = stage.scene.env, stage.secrets["gone"]
        olga = stage.at(env.olga, env.studio)
        await olga.command("reproduce", picture=str(gone.picture.id))
        shown = await olga.sees(lambda m: is_result(m) and "IDENTICAL" in m.content)
        assert await pictures(shown) == [gone.png]
        again = Wish(origin=place_of(olga), draft=a_draft(prompt="x"))
        with pytest.raises(Missing, match="file"):
            await stage.scene.app.studio.requests.submit(picture_as_start(gone.picture, again))


def place_of(who: Visitor) -> Origin:
    return replace(console(), owner=UserId(who.id), guild=None, channel=who.channel.id)


async def test_a_waiting_request_is_ended_by_its_owner_and_moderators_of_its_channel_alone(
    tmp_path: Path,
) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with a_scene(tmp_path, worker) as scene:
        env, open_requests = scene.env, scene.app.studio.open_requests
        for _ in range(2):
            await scene.visitor(env.olga, env.hidden).command("imagine", prompt="secret wish")
        await eventually(lambda: len(open_requests.requests()) == 2)
        first, second = open_requests.requests()
        for actor, channel in (
            *((env.dan, place) for place in (env.other, None)),
            *((env.ann, None), (env.ben, env.studio), (env.mia, env.studio), (env.cem, env.other)),
        ):
            who = scene.visitor(actor, channel)
            told = await answers(await who.command("cancel", request=str(first)))
            kinds = ("I do not remember", "Only its owner or a moderator")
            assert told[0].startswith(kinds), (who.name, told)
            assert len(open_requests.requests()) == 2
        ann = scene.visitor(env.ann, env.studio)
        assert await answers(await ann.command("cancel", request=str(first))) == [
            "Cancelled 1 request."
        ]
        olga = scene.visitor(env.olga, None)  # from anywhere
        await olga.command("cancel", request=f"#{second}")
        await eventually(lambda: not open_requests.requests())


async def test_a_png_tells_nothing_of_a_private_picture_but_what_it_holds(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        env, hidden = stage.scene.env, stage.secrets["hidden"]
        cem = stage.at(env.cem, env.other)
        await cem.command("reproduce", file=("found.png", hidden.png))
        shown = await cem.sees(lambda m: is_result(m))
        # From the file alone, as if nobody had ever drawn it here.
        assert f"#{hidden.picture.id}" not in shown.content
        assert "the file" in shown.content
        drawn = await noted(stage.scene, shown)
        assert (drawn.reproduces, drawn.parent) == (None, None)


async def test_a_recipe_from_outside_starts_from_no_bytes_that_are_anothers(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        env, scene, hidden = stage.scene.env, stage.scene, stage.secrets["hidden"]
        near = stage.at(env.mia, env.hidden)
        await near.say("make it night", reply_to=hidden.message)
        made = await near.sees(lambda m: is_result(m) and "at night" in m.content)
        recipe = image.recipe_in((await pictures(made))[0])
        assert recipe is not None
        almost = changed(recipe, prompt="x", seed=5)
        data = image.png(bytes(3 * needed(almost.canvas).pixels), almost)
        drawn = len(scene.worker.orders)
        for who in (stage.at(env.cem, env.other), stage.at(env.ben, env.studio)):
            told = await answers(await who.command("reproduce", file=("x.png", data)))
            assert "I no longer keep the file" in told[0]
        assert len(scene.worker.orders) == drawn
        mia = stage.at(env.mia, env.studio)  # who may see what it starts from
        await mia.command("reproduce", file=("x.png", data))
        await mia.sees(lambda m: is_result(m))


async def test_nothing_new_is_drawn_from_what_somebody_has_deleted(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        env = scene.env
        olga, ben = scene.visitor(env.olga, env.studio), scene.visitor(env.ben, env.studio)
        await olga.command("imagine", prompt="a red flower")
        first = await olga.sees(is_result)
        await ben.say("make it night", reply_to=first)
        second = await ben.sees(is_result, after=first)
        assert "made from [#1]" in second.content
        await olga.press(first, "🗑")
        await eventually(lambda: all(m.id != first.id for m in ben.messages()))
        told = await answers(await ben.press(second, "🎲"))
        assert "I no longer keep the file" in told[0]
        recipe = await answers(await ben.press(second, "📄"))
        assert "#1" not in recipe[0]
        await ben.press(second, "♻️")  # the same pixels once more are Ben's own
        await ben.sees("IDENTICAL", after=second)


@pytest.mark.parametrize(
    "odd", ["9" * 19, "9" * 40, "-1", "0", "²", "\u0661", "\uff11", "1e3", "0x1"]
)
async def test_odd_numbers_end_in_a_sentence(tmp_path: Path, odd: str) -> None:
    async with a_scene(tmp_path) as scene:
        env = scene.env
        ben = scene.visitor(env.ben, env.studio)
        link = f"https://discord.com/channels/1/2/{odd}"
        tries = [
            await ben.command("reproduce", picture=odd),
            await ben.command("reproduce", picture=f"#{odd}"),
            await ben.command("reproduce", picture=link),
            await ben.command("cancel", request=odd),
        ]
        forged = scene.forged(env.studio, odd, by=env.backend.bot_user.id)
        tries += [await ben.click(forged, f"atelier:{action}:{odd}") for action in ACTIONS]
        tries.append(await ben.choose(forged, "watercolor"))
        tries.append(await ben.menu("Show recipe", forged))
        for one in tries:
            [told] = await answers(one)
            assert "Something went wrong" not in told
        assert not scene.worker.orders
        faults = [getattr(fault, "original", fault) for fault in env.faults]
        assert [fault for fault in faults if not expected(fault)] == []


async def test_outsiders_meet_nothing_of_anybodys_by_any_way(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        env, trials = stage.scene.env, Trials(scene=stage.scene)
        outsiders: Sequence[tuple[Visitor, str]] = (
            # who does not view the channel, was kicked, is of another server or its administrator
            (stage.at(env.ben, env.studio), "hidden thread letter doomed gone"),
            (stage.at(env.kit, env.other), "hidden gone"),
            (stage.at(env.cem, env.other), "hidden letter"),
            (stage.at(env.dan, env.other), "hidden letter thread gone"),
            (stage.at(env.dan, None), "hidden"),
            # a moderator here: not direct messages, nor what is deleted or in no channel
            (stage.at(env.ann, env.studio), "letter doomed gone"),
            (stage.at(env.mia, env.studio), "letter gone"),
        )
        for who, keys in outsiders:
            for key in keys.split():
                for way in PLAIN if trials.tried > len(WAYS) else WAYS:
                    if not (who.direct and way in HERE_ONLY):
                        await trials.refuse(who, way, stage.secrets[key])
        assert trials.leaks == [], "\n".join(trials.leaks)
        assert trials.tried > 300
        for key, secret in stage.secrets.items():
            kept = await stage.scene.app.stores.pictures.get(secret.picture.id)
            assert kept.deleted is (key == "gone")
