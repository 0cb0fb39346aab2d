"""The simulated Discord: real time, real rules, and nothing left behind."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import discord
import psutil
import pytest
from simcord.backend.errors import SetupError
from simcord.preview import _markdown, _messages

from bot.sandbox.live import live
from bot.sandbox.page import LivePreview
from bot.sandbox.realtime import KEPT_MESSAGES, LOGGED, live_env
from bot.sandbox.repairs import REPAIRS, WELCOME, repaired
from bot.sandbox.speed import HASHING, PARSING, remember_markdown
from generation.starter.words import OBJECT_WORDS
from tests.given.discord_world import NotSeen, buttons, pictures, world
from tests.given.sample_bot import SampleBot, quick

PNG = b"\x89PNG\r\n\x1a\n and more"


async def test_progress_is_edited_in_real_time_while_the_worker_works() -> None:
    async with world(SampleBot(seconds=2.0, edit_every=0.0)) as here:
        began = time.monotonic()
        asked = await here.ann.command("imagine", prompt="owl")
        assert asked.response.content == "Queued with 20 steps."
        assert not any(m.attachments for m in here.ben.messages()), "it waited for the work"
        seen = set()
        while not any(m.attachments for m in here.ben.messages()):
            seen |= {m.content for m in here.ben.messages()}
            await asyncio.sleep(0.01)
        assert any("step" in text for text in seen), "nobody could see it being worked on"
        edits = [str(body) for _, body in here.requests("PATCH") if "step" in str(body)]
        assert len(set(edits)) == 10
        assert time.monotonic() - began > 1.9, "time was not real"
        assert not here.faults


async def test_what_is_answered_late_is_answered_late_by_one_measure() -> None:
    """A test's Discord waits for slow machines, and takes what it waited for."""
    async with world(quick()) as here:
        waits = here.env.ACKNOWLEDGE_SECONDS
        began = here.env.backend.now_iso()
        asked = here.env.backend.new_interaction(
            2, here.env.studio.id, here.env.ann.id, here.env.guild_handle.id
        )
        ends = (datetime.fromisoformat(at) for at in (began, asked.initial_response_deadline))
        begun, late = ends
        assert waits - 1 < (late - begun).total_seconds() < waits + 10
        assert waits > 30


async def test_everything_a_person_can_do_reaches_the_bot() -> None:
    bot = quick()
    async with world(bot) as here:
        await here.ann.command("imagine", prompt="owl", image=("mine.png", PNG))
        owl = await here.ann.sees(lambda m: m.attachments)
        assert bot.received == [PNG]
        assert (await pictures(owl))[0].startswith(b"\x89PNG")
        assert [b.label for b in buttons(owl)] == ["Again", "Change"]

        await here.ben.press(owl, "🎲")
        again = await here.ben.sees(lambda m: m.attachments, after=owl)
        form = await here.ben.press(again, "Change")
        assert form.modal["title"] == "Other words"
        await here.ben.submit(form, "a cat")
        cat = await here.ben.sees(lambda m: m.attachments and "a cat" in m.content)
        await here.ben.choose(cat, "pixel art")
        await here.ben.sees("a cat, pixel art")

        assert await here.ann.complete("imagine", "style", "oil", prompt="x") == ["oil painting"]
        looked = await here.ann.menu("Look closer", owl)
        assert looked.ephemeral
        assert "picture.png" in looked.response.content
        assert not here.faults


async def test_a_reply_that_pings_carries_its_words_and_files_without_the_privileged_intent() -> (
    None
):
    bot = quick()
    assert not bot.intents.message_content
    async with world(bot) as here:
        await here.ann.command("imagine", prompt="owl")
        owl = await here.ann.sees(lambda m: m.attachments)
        await here.ben.say("at night", reply_to=owl)
        night = await here.ben.sees(lambda m: m.attachments and "at night" in m.content)
        assert night.reference is not None
        await here.ben.say("like this", reply_to=owl, files=[("b.png", PNG)])
        await here.ben.sees("like this** for")
        assert bot.received == [PNG]

        before = len(here.ben.messages())
        await here.ben.say("a word among people", files=[("c.png", PNG)])
        await asyncio.sleep(0.2)
        assert len(here.ben.messages()) == before + 1, "the bot read what Discord would not show it"


async def test_an_ephemeral_answer_is_seen_by_its_person_only() -> None:
    async with world(quick()) as here:
        await here.ann.command("whoami")
        await here.ben.command("whoami")
        assert [m.content for m in here.ann.messages()] == ["You are Ann, a moderator"]
        assert [m.content for m in here.ben.messages()] == ["You are Ben"]


async def test_people_and_channel_are_the_same_at_every_start() -> None:
    ids = []
    for _ in range(2):
        async with live_env(quick()) as env:
            ids.append((env.guild_handle.id, env.studio.id, env.ann.id, env.ben.id))
    assert ids[0] == ids[1]


async def test_what_is_not_seen_is_told_with_the_channel() -> None:
    async with world(quick()) as here:
        await here.ann.say("hello")
        with pytest.raises(NotSeen, match="hello"):
            await here.ann.sees("something else", seconds=0.1)
        with pytest.raises(SetupError):
            await here.ann.command("nosuchcommand")


async def test_a_handler_that_never_ends_is_ended_with_the_world() -> None:
    bot = quick()

    async def for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    bot.on_message = for_ever  # type: ignore[assignment]
    async with world(bot) as here:
        await here.ann.say("hello")
        await asyncio.sleep(0)
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_the_world_stays_small_however_much_happens_in_it() -> None:
    async with live_env(quick()) as env, LivePreview(env) as page:
        env.ORPHAN_SECONDS = 0.0
        ann = page._open_page(env.ann.id, None)
        channel = env.bot.get_channel(env.studio.id)
        for number in range(KEPT_MESSAGES * 2):
            picture = discord.File(io.BytesIO(PNG + bytes([number % 256, number // 256])), "a.png")
            await channel.send(f"{number}", file=picture)
            page.freshen(ann.id) if number % 20 == 0 else None
        await asyncio.sleep(0.01)
        env.trim()
        page.freshen(ann.id)
        kept = env.studio.history()
        assert len(kept) == KEPT_MESSAGES
        assert kept[-1].content == f"{KEPT_MESSAGES * 2 - 1}"
        assert len(env.backend.cdn._blobs) <= KEPT_MESSAGES + 1
        assert len(env.backend.transcript) <= LOGGED
        assert len(page._blobs) <= 60
        assert len(ann.assets) <= 60


@pytest.mark.slow
async def test_a_full_window_is_shown_several_times_faster_for_what_is_remembered() -> None:
    async with live_env(quick()) as env, LivePreview(env) as page:
        ann = page._open_page(env.ann.id, None)
        channel = env.bot.get_channel(env.studio.id)
        noise = os.urandom(2**18)
        for number in range(50):
            text = f"**prompt {number}** for <@{env.ann.id}>\n`seed {number}` · 20 steps · cfg 4"
            picture = discord.File(io.BytesIO(PNG + noise + bytes([number])), "a.png")
            await channel.send(text, file=picture)

        async def milliseconds() -> float:
            taken = []
            for number in range(10):
                await channel.send(f"{number}")
                began = time.perf_counter()
                page.freshen(ann.id)
                taken.append(time.perf_counter() - began)
            return statistics.median(taken) * 1000

        await milliseconds()
        remembered = await milliseconds()
        ours = [(module, module.markdown_tokens) for module in PARSING]
        for module in PARSING:
            module.markdown_tokens = _markdown.markdown_tokens
        for module in HASHING:
            module.hashlib = hashlib
        computed = await milliseconds()
        for module, tokens in ours:
            module.markdown_tokens = tokens
    print(f"\na snapshot of 50 messages: {computed:.1f} ms, remembered {remembered:.1f} ms")
    assert remembered < computed / 2


async def test_live_tells_its_address_and_ends_soon() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(live(quick(), say=told.put_nowait))
    assert "http://127.0.0.1:" in await told.get()
    serving.cancel()
    await asyncio.wait({serving}, timeout=30)  # only what hangs takes longer
    assert serving.cancelled()
    assert [t for t in asyncio.all_tasks() if t is not asyncio.current_task()] == []


async def test_a_taken_port_is_said_and_another_one_found() -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        serving = asyncio.create_task(live(quick(), port=port, say=told.put_nowait))
        assert f"{port} is taken" in await told.get()
        assert f":{port}/" not in await told.get()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_the_page_needs_its_secret() -> None:
    import aiohttp

    async with live_env(quick()) as env, LivePreview(env) as page, aiohttp.ClientSession() as http:
        address, secret = page.url.split("#")
        async with http.get(address + "api/state") as refused:
            assert refused.status == 401
        async with http.get(address, headers={"Host": "evil.example"}) as refused:
            assert refused.status == 403
        headers = {"X-Simcord-Capability": secret, "X-Sandbox": "send"}
        async with http.post(
            address + "api/action", headers=headers | {"Origin": "http://evil"}
        ) as r:
            assert r.status == 401


def test_every_repair_of_the_page_finds_its_place() -> None:
    from importlib.resources import files

    static = files("simcord.preview") / "static"
    for path in {repair.path for repair in REPAIRS}:
        text = (static / (path[1:] or "index.html")).read_text("utf-8")
        fixed = repaired(path, text)
        assert all(repair.new in fixed for repair in REPAIRS if repair.path == path), path


@pytest.mark.parametrize(
    "text",
    ["**a** _b_ `c` <t:1700000000:R>", "> quote\n-# small\n# title", "<@5> https://x.test ||s||"],
)
def test_what_is_remembered_is_what_would_have_been_computed(text: str) -> None:
    context = {"users": {"5": "Ann"}}
    plain = _markdown.markdown_tokens(text, "message", context=context)
    remember_markdown()
    for _ in range(2):
        tokens = _messages.markdown_tokens(text, "message", context=context)
        assert tokens == plain
        tokens.clear()  # the page writes into what it is given
    other = _messages.markdown_tokens(text, "message", context={"users": {"5": "Ben"}})
    assert (other == plain) == ("<@5>" not in text)


async def test_the_page_shows_edits_deletions_and_ephemeral_answers_at_its_next_look() -> None:
    async with live_env(quick()) as env, LivePreview(env) as page:
        ann = page._open_page(env.ann.id, None)

        def shown() -> list[str]:
            page.freshen(ann.id)
            messages = page._page_payload(ann)["messages"].values()
            return [message["content"] for message in messages]

        channel = env.bot.get_channel(env.studio.id)
        message = await channel.send("one")
        assert shown() == ["one"]
        revision = ann.revision
        page.freshen(ann.id)
        assert ann.revision == revision, "a snapshot although nothing happened"
        await message.edit(content="two")
        assert shown() == ["two"]
        await message.delete()
        assert shown() == []
        await env.ann.slash(env.studio, "whoami")
        assert shown() == ["You are Ann, a moderator"]


async def test_a_mention_typed_by_name_is_a_mention() -> None:
    async with live_env(quick()) as env, LivePreview(env) as page:
        bot = env.backend.bot_user.id
        assert page._with_mentions("@Atelier make it blue") == f"<@{bot}> make it blue"
        assert page._with_mentions("@atelier, hi @Ben") == f"<@{bot}>, hi <@{env.ben.id}>"
        assert page._with_mentions("me@atelier.example") == "me@atelier.example"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_sandbox_cleanly_and_soon(how: signal.Signals) -> None:
    program = (
        "import asyncio; from bot.sandbox.live import live;"
        "from tests.given.sample_bot import SampleBot;"
        "asyncio.run(live(SampleBot(), say=lambda text: print(text, flush=True)))"
    )
    serving = subprocess.Popen(
        # audioop: discord.py imports what Python 3.13 no longer has.
        [
            sys.executable,
            "-W",
            "default::ResourceWarning",
            "-W",
            "ignore:'audioop':DeprecationWarning",
            "-c",
            program,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    with serving:
        assert serving.stdout is not None
        assert "127.0.0.1" in serving.stdout.readline()
        painters = psutil.Process(serving.pid).children()
        assert painters
        serving.send_signal(how)
        _, complaints = serving.communicate(timeout=30)  # only what hangs takes longer
    assert serving.returncode == 0
    assert not any(painter.is_running() for painter in painters)
    assert complaints == ""


def test_the_welcome_says_what_the_built_in_model_can_draw() -> None:
    assert all(thing in WELCOME for thing in OBJECT_WORDS)
    assert "/help" in WELCOME
