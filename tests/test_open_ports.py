"""Claims about what listens: a malformed request is refused, and nobody wears a port out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.page import LivePreview
from bot.sandbox.realtime import live_env
from bot.telemetry.metrics import Metrics, serving
from generation.catalog.catalog import Catalog
from generation.fleet.cluster.weights_server import WeightsServer
from generation.fleet.doors import Door, is_this_machine, listening
from tests.given.sample_bot import quick

LONG = 60.0  # seconds, after which something hangs


async def answered(port: int, request: bytes) -> str:
    """The first line of the answer; "" when the connection was closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(LONG):
            writer.write(request)
            return (await reader.readline()).decode("latin-1").strip()
    except ConnectionError:
        return ""
    finally:
        writer.close()


def get(path: str, *headers: bytes, method: bytes = b"GET") -> bytes:
    lines = [method + b" " + path.encode() + b" HTTP/1.1", *headers, b"Connection: close", b"", b""]
    return b"\r\n".join(lines)


async def ok(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="ok")


# -- weights -------------------------------------------------------------------------------


async def test_a_token_of_any_bytes_is_a_wrong_token(tmp_path: Path) -> None:
    server = WeightsServer(Catalog([], tmp_path / "d.json"), tmp_path / "d.json")
    door = await server.open("127.0.0.1")
    port = int(door.url.rsplit(":", 1)[1])
    token = door.token.encode()
    path = "/weights/" + "a" * 64
    try:
        for given in (
            *(b"", b"Bearer", b"Bearer \xff\xfe", b"Bearer \xc3\xa9", b"Bearer \xed\xa0\x80"),
            *(b"Bearer " + token + b"\xff", b"bearer " + token, b"Basic " + token, token),
            b"x" * 4_000,
        ):
            line = await answered(port, get(path, b"Host: x", b"Authorization: " + given))
            assert " 401 " in line, given
        right = b"Authorization: Bearer " + token
        assert " 404 " in await answered(port, get(path, b"Host: x", right))
        assert " 405 " in await answered(port, get(path, b"Host: x", right, method=b"PUT"))
        for odd in ("/weights/" + "A" * 64, "/files/../../etc/passwd", "/", "/weights/" + "a" * 63):
            assert " 404 " in await answered(port, get(odd, b"Host: x", right))
    finally:
        await server.close()


# -- metrics -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        *[
            (h, True)
            for h in ("127.0.0.1", "127.0.0.1:9464", "127.9.9.9", "localhost:1", "LocalHost")
        ],
        *[(h, True) for h in ("[::1]:9464", "::1", " 127.0.0.1 ")],
        *[(h, False) for h in ("", "evil.example", "evil.example:9464", "127.0.0.1.evil.example")],
        *[(h, False) for h in ("localhost.evil", "10.0.0.1", "[::2]:1", "0.0.0.0", ":9464")],
        *[(h, False) for h in ("127.0.0.1@evil", "\udcff", "127.1", "x" * 5_000)],
    ],
)
def test_only_names_that_no_website_can_take_are_this_machine(host: str, ours: bool) -> None:
    assert is_this_machine(host) == ours


async def test_a_website_that_leads_its_name_here_reads_no_metrics() -> None:
    async with serving(Metrics(), 0) as port:
        assert port is not None
        for host in (b"Host: evil.example:%d" % port, b"Host: \xff", b"Host:", b"X: y"):
            line = await answered(port, get("/metrics", host))
            assert " 403 " in line or " 400 " in line
        assert " 200 " in await answered(port, get("/metrics", b"Host: localhost:%d" % port))
        assert " 405 " in await answered(
            port, get("/metrics", b"Host: localhost", b"Content-Length: 999999999", method=b"POST")
        )


async def test_half_requests_take_no_threads_and_leave_room_for_whole_ones() -> None:
    async with serving(Metrics(), 0) as port:
        assert port is not None
        before = threading.active_count()
        half = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        for _, writer in half:
            writer.write(b"GET /metr")
        assert " 200 " in await answered(port, get("/metrics", b"Host: 127.0.0.1"))
        # The event loop's own, which any answer may use; not one for each connection.
        assert threading.active_count() <= before + 8
        for _, writer in half:
            writer.close()


async def test_a_silent_connection_is_not_kept() -> None:
    runner, port = await listening(Door(ok, connections=2, patience=0.05), "127.0.0.1", 0)
    try:
        async with asyncio.timeout(LONG):
            for half in (b"", b"GET / HTTP/1.1\r\nHost: "):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(half)
                with contextlib.suppress(ConnectionError):
                    assert not await reader.read(1)
                writer.close()
    finally:
        await runner.cleanup()


async def test_whoever_has_a_whole_request_is_heard_beside_a_hundred_halves() -> None:
    door = Door(ok, connections=4, patience=LONG)
    runner, port = await listening(door, "127.0.0.1", 0)
    try:
        held = []
        for _ in range(100):
            held.append(await asyncio.open_connection("127.0.0.1", port))
            held[-1][1].write(b"GET /")
        assert " 200 " in await answered(port, get("/", b"Host: x"))
        assert len(door._kept) <= 4
        for _, writer in held:
            writer.close()
    finally:
        await runner.cleanup()


async def test_who_is_being_answered_is_not_closed_for_another() -> None:
    may_answer, asked = asyncio.Event(), asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        asked.set()
        await may_answer.wait()
        return await ok(request)

    runner, port = await listening(Door(slow, connections=1), "127.0.0.1", 0)
    try:
        first = asyncio.create_task(answered(port, get("/", b"Host: x")))
        await asked.wait()
        assert await answered(port, get("/", b"Host: x")) == ""
        may_answer.set()
        assert " 200 " in await first
    finally:
        await runner.cleanup()


# -- the sandbox ---------------------------------------------------------------------------


async def test_no_body_makes_the_sandbox_stumble() -> None:
    async with live_env(quick()) as env, LivePreview(env) as page, aiohttp.ClientSession() as http:
        address, secret = page.url.split("#")
        knows = {"X-Simcord-Capability": secret}
        context = page._open_page(env.ann.id, None).id
        message = (await env.ann.send(env.studio, "hello")).id
        sends = {**knows, "X-Simcord-Context": context, "X-Sandbox": "send"}
        said = len(env.studio.history(viewer=env.ann))

        async def post(path: str, headers: dict[str, str], data: Any) -> int:
            async with http.post(address + path, headers=headers, data=data) as answer:
                await answer.read()
                return answer.status

        def form(payload: str) -> aiohttp.FormData:
            data = aiohttp.FormData()
            data.add_field("payload", payload)
            data.add_field("file", b"x", filename="a.png")
            return data

        nested = (
            b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n"
            b'Content-Disposition: form-data; name="payload"\r\n\r\n'
            b"--c\r\n\r\nx\r\n--c--\r\n--b--\r\n"
        )
        multipart = {"Content-Type": "multipart/form-data; boundary=b"}
        app = {**sends, "X-Sandbox": "app"}
        bodies: list[tuple[dict[str, str], Any]] = [
            *[(sends, form(text)) for text in ("[" * 100_000, "[]", "null", '"x"', "7", "{", "")],
            *[(sends, form(text)) for text in ('{"content": NaN}', '{"content": 1e999}')],
            (sends, form('{"content": "\\ud800"}')),
            (sends, form('{"\\udfff": 1}')),
            (sends, form("\x00\x01")),
            (sends, form('{"content": "x", "message_id": "../../x"}')),
            (sends, form('{"content": "x", "message_id": "' + "9" * 400 + '"}')),
            (sends, form('{"content": "x", "message_id": ' + "9" * 5_000 + "}")),
            (sends, form('{"content": "x", "message_id": [1]}')),
            (sends, b"x"),
            (sends, b""),
            ({**sends, **multipart}, nested),
            ({**sends, **multipart}, b"--b\r\n"),
            ({**sends, "X-Sandbox": "__class__"}, form("{}")),
            (app, form(json.dumps({"message_id": str(message), "command": "no such"}))),
            (app, form(json.dumps({"message_id": str(message)}))),
            (app, form("{}")),
        ]
        for headers, body in bodies:
            assert 400 <= await post("api/action", headers, body) < 500, body
        plain = {**knows, "X-Simcord-Context": context, "Content-Type": "application/json"}
        for text in ("[" * 100_000, "7", "[]", '{"content": "\\ud800"}', '{"kind": {}}', "{", ""):
            for path in ("api/action", "api/pages"):
                assert await post(path, plain, text) < 500, (path, text[:20])
        assert len(env.studio.history(viewer=env.ann)) == said
        assert await post("api/action", sends, form('{"content": "still here"}')) == 200
