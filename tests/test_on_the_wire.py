"""The real bot on a real socket: outages and limits of rate lose nothing and double nothing.

Everything here goes through discord.py's own HTTP and gateway; each request is held to Discord's
document (`there.api.broken`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.chat.client import Atelier
from bot.chat.gateway import CannotJoin
from tests.given.apps import an_idle_app
from tests.given.fakes import FakeWorker
from tests.given.wire.discord import (
    APPLICATION,
    CHANNEL,
    GUILD,
    PLACE,
    WireDiscord,
    a_guild,
    connected,
    on_the_wire,
)

MESSAGES = rf"/channels/{CHANNEL}/messages$"
IDENTIFY, RESUME = 2, 6


@asynccontextmanager
async def a_bot_at(there: WireDiscord, folder: Path, **settings: Any) -> AsyncIterator[Atelier]:
    async with (
        an_idle_app(folder, FakeWorker(), **settings) as app,
        app.on_discord() as client,
        connected(client) as joining,
    ):
        assert client.is_ready(), joining
        yield client
    assert there.api.broken == []


def is_result(message: dict[str, Any]) -> bool:
    return bool(message["attachments"]) and "seed" in message["content"]


async def test_a_mention_is_answered_with_a_picture(tmp_path: Path) -> None:
    async with on_the_wire() as there, a_bot_at(there, tmp_path):
        await there.mention("a red flower")
        result = await there.sees(is_result)
        assert "a red flower" in result["content"]
        posted = there.api.requests("POST", MESSAGES)[-1]
        assert posted.files["files[0]"].startswith(b"\x89PNG")


async def test_a_command_is_acknowledged_and_answered(tmp_path: Path) -> None:
    async with on_the_wire() as there, a_bot_at(there, tmp_path):
        token = await there.command("imagine", prompt="a red flower")
        await there.sees(is_result)
        (first,) = there.api.requests("POST", f"/{token}/callback")
        assert first.status == 200


async def test_what_is_said_during_an_outage_is_heard_once(tmp_path: Path) -> None:
    """Opcode 7 and a closed connection: resumed, so nothing is missed and nothing comes twice."""
    async with on_the_wire() as there, a_bot_at(there, tmp_path):
        await there.gateway.ask_to_reconnect()
        await there.mention("a red flower")  # before it is back
        await there.gateway.until_told(RESUME, 1)
        await there.sees(is_result)
        await there.gateway.close(4000)
        await there.mention("a blue cup")
        await there.gateway.until_told(RESUME, 2)
        await there.see(is_result, 2)
        assert len(there.gateway.told(IDENTIFY)) == 1
        results = [m for m in there.api.messages.values() if is_result(m)]
        assert ["red" in m["content"] for m in results] == [True, False]


async def test_a_session_that_is_gone_is_begun_anew_and_what_waits_is_shown(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.gate.clear()
    async with (
        on_the_wire() as there,
        an_idle_app(tmp_path, worker) as app,
        app.on_discord() as client,
        connected(client),
    ):
        await there.mention("a red flower")
        await there.sees(lambda message: "a red flower" in message["content"])
        await there.gateway.invalidate(resumable=False)
        await there.gateway.until_told(IDENTIFY, 2)
        worker.gate.set()
        await there.sees(is_result)


async def test_a_connection_that_says_nothing_is_taken_for_dead_and_resumed(tmp_path: Path) -> None:
    async with on_the_wire(beat_seconds=0.05) as there:
        async with an_idle_app(tmp_path, FakeWorker()) as app, app.on_discord() as client:
            client._connection.heartbeat_timeout = 0.2
            async with connected(client):
                there.gateway.deaf = True
                await there.gateway.until_told(RESUME, 1)
                there.gateway.deaf = False
                await there.mention("a red flower")
                await there.sees(is_result)
        assert 4000 in there.gateway.closed  # not 1000, which would end the session
        assert len(there.gateway.told(IDENTIFY)) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (4004, "does not take this token"),
        (4010, "shards = 0"),
        (4011, "shards = 0"),
        (4012, "Update the program"),
        (4013, "Update the program"),
        (4014, "Message Content Intent"),
    ],
)
async def test_a_refusal_for_good_says_what_to_do(tmp_path: Path, code: int, said: str) -> None:
    async with on_the_wire(refuses=code) as there, an_idle_app(tmp_path, FakeWorker()) as app:
        async with app.on_discord() as client, connected(client) as joining:
            with pytest.raises(CannotJoin, match=said):
                await asyncio.wait_for(asyncio.shield(joining), 30)
        assert there.api.broken == []


async def test_a_token_that_was_never_one_says_what_to_do(tmp_path: Path) -> None:
    async with on_the_wire() as there, an_idle_app(tmp_path, FakeWorker()) as app:
        there.api.fail("GET", "/users/@me", 401)
        async with app.on_discord() as client, connected(client) as joining:
            with pytest.raises(CannotJoin, match="does not know this token"):
                await joining


async def test_a_result_under_a_limit_of_rate_is_posted_once(tmp_path: Path) -> None:
    async with on_the_wire() as there, a_bot_at(there, tmp_path):
        there.api.limit("POST", MESSAGES, 0.05)
        await there.mention("a red flower")
        await there.sees(is_result)
        there.api.limit("POST", MESSAGES, 0.05, everywhere=True)
        await there.mention("a blue cup")
        assert len(await there.see(is_result, 2)) == 2
        assert 429 in {one.status for one in there.api.requests("POST", MESSAGES)}


async def test_a_result_in_an_outage_is_posted_once(tmp_path: Path) -> None:
    """Whether the request had its effect or not: the nonce says that it is the same message."""
    async with on_the_wire() as there, a_bot_at(there, tmp_path):
        there.api.fail("POST", MESSAGES, 500, after=True)
        there.api.fail("POST", MESSAGES, 502)
        await there.mention("a red flower")
        await there.sees(is_result)
        await there.mention("a blue cup")
        assert len(await there.see(is_result, 2)) == 2


async def test_commands_are_told_when_they_change_and_not_otherwise(tmp_path: Path) -> None:
    async with on_the_wire() as there:

        def told() -> int:
            return len(there.api.requests("PUT", "/commands$"))

        async with a_bot_at(there, tmp_path):
            assert told() == 1
        async with a_bot_at(there, tmp_path):
            assert told() == 1
        place = f"/applications/{APPLICATION}"
        there.api.commands[place] = there.api.commands[place][1:]  # somebody took one away
        async with a_bot_at(there, tmp_path):
            assert told() == 2
        async with a_bot_at(there, tmp_path, guild=GUILD):
            assert there.api.commands[place] == []  # else each stands there twice
            assert len(there.api.commands[f"{place}/guilds/{GUILD}"]) > 10


@pytest.mark.slow  # Discord wants five seconds between two beginnings
async def test_two_shards_share_the_servers(tmp_path: Path) -> None:
    guilds = [a_guild(GUILD), a_guild(801 << 22, PLACE | {"id": "901"})]
    async with (
        on_the_wire(guilds=guilds, needs_shards=2) as there,
        a_bot_at(there, tmp_path, shards=2) as client,
    ):
        begun = [said["shard"] for said in there.gateway.told(IDENTIFY)]
        assert begun == [[0, 2], [1, 2]]
        assert len(client.guilds) == 2
        await there.mention("a red flower")
        await there.sees(is_result)


@pytest.mark.slow
async def test_as_many_shards_as_discord_advises(tmp_path: Path) -> None:
    async with on_the_wire() as there:
        there.api.shards = 3
        async with a_bot_at(there, tmp_path, shards=0):
            assert len(there.gateway.told(IDENTIFY)) == 3


async def test_beginnings_that_are_used_up_are_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Discord takes the token of whoever begins more often than a thousand times a day."""
    async with on_the_wire() as there:
        there.api.beginnings, there.api.reset_seconds = 0, 0.2
        async with a_bot_at(there, tmp_path):
            assert "waiting 0 s until it counts anew" in caplog.text
            await there.mention("a red flower")
            await there.sees(is_result)
