"""Claims about the port of the bot's own pages: what it says, and what it never does."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.web import server
from bot.web.answers import HEADERS, values
from bot.web.links import LinkExpired, LinkPurpose, LinkUsed
from bot.web.server import STATIC, Route, body_of
from storage.errors import Missing
from tests.given.apps import an_idle_app
from tests.given.fakes import FakeWorker
from tests.given.web_pages import a_visitor, browsing, served


def route(path: str, raises: Exception, method: str = "GET") -> Route:
    async def fail(_: web.BaseRequest, __: re.Match[str]) -> web.StreamResponse:
        raise raises

    return Route(method=method, path=re.compile(path), answer=fail)


async def take(request: web.BaseRequest, _: re.Match[str]) -> web.StreamResponse:
    return values({"bytes": len(await body_of(request, 1000))})


TAKES = Route(method="POST", path=re.compile("/takes"), answer=take)


async def test_every_answer_is_strict() -> None:
    routes = [TAKES, route("/gone", LinkExpired()), route("/bug", ValueError("x"))]
    async with served(routes) as (_, visitor):
        for seen in (
            await visitor.get("/static/atelier.css"),
            await visitor.get("/nothing"),
            await visitor.get("/gone"),
            await visitor.get("/bug"),
            await visitor.post("/takes", data=b"x"),
            await visitor.post("/takes", data=b"x" * 1001),
        ):
            for name, value in HEADERS.items():
                assert seen.headers[name] == value
            assert "Set-Cookie" not in seen.headers
            assert "Access-Control-Allow-Origin" not in seen.headers


def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not re.search(r"https?:|\*|data:", policy)
    assert "frame-ancestors 'none'" in policy


def test_our_files_come_from_here_alone() -> None:
    """No address of another site, and nothing that a policy without inline would refuse."""
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//\w+\.\w+|@import|\beval\(|new Function", text), path.name
        assert re.fullmatch(r"[a-z.]+", path.name)


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../server.py", "/static/..%2fserver.py", "/static/%2e%2e/server.py"),
        *("/static/", "/static/nothing.js", "/static//etc/passwd", "/static/atelier.css/..", "/"),
        *("/%00", "/paint/", "/paint/../static/atelier.css%00", "/" + "a" * 5000),
    ],
)
async def test_no_address_leads_out_of_the_pages(path: str) -> None:
    async with served() as (pages, _):
        assert pages.address is not None
        port = int(pages.address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        said = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        assert said.split(b" ")[1] in (b"400", b"404")
        assert b"root:" not in said
        assert b"import" not in said


async def test_only_what_a_route_answers_is_answered() -> None:
    async with served([TAKES]) as (_, visitor):
        for method in ("GET", "PUT", "DELETE", "OPTIONS", "PATCH"):
            assert (await visitor.ask(method, "/takes")).status == 405
        assert (await visitor.ask("HEAD", "/static/atelier.css")).status == 200
        assert (await visitor.post("/static/atelier.css")).status == 405


async def test_a_body_is_bounded_whatever_it_says_of_its_length() -> None:
    async def endless() -> object:
        while True:
            yield b"x" * 500

    async with served([TAKES]) as (_, visitor):
        assert (await visitor.post("/takes", data=b"x" * 1000)).text == '{"bytes": 1000}'
        assert (await visitor.post("/takes", data=b"x" * 1001)).status == 413
        assert (await visitor.post("/takes", data=endless())).status == 413


async def test_a_link_that_is_over_says_so_and_what_to_do() -> None:
    routes = [route("/old", LinkExpired()), route("/used", LinkUsed(), "POST")]
    async with served(routes) as (_, visitor):
        seen = await visitor.get("/old")
        assert seen.status == 410
        assert "This link is over" in seen.text
        assert "Ask for a new one" in seen.text
        seen = await visitor.post("/used")
        assert seen.status == 410
        assert '"over": true' in seen.text
        assert "It works once" in seen.text


async def test_what_may_not_be_seen_is_told_as_what_never_was() -> None:
    routes = [route("/one", Missing("picture", 1)), route("/two", Missing("picture", 2))]
    async with served(routes) as (_, visitor):
        one, two = await visitor.get("/one"), await visitor.get("/two")
        assert one.status == two.status == 404
        assert one.text.replace("#1", "#2") == two.text


async def test_a_bug_is_not_shown_to_the_visitor() -> None:
    async with served([route("/bug", ValueError("a secret"))]) as (_, visitor):
        seen = await visitor.get("/bug")
        assert seen.status == 500
        assert "secret" not in seen.text
        assert "Nothing is lost" in seen.text


async def test_a_page_speaks_as_the_browser_asks() -> None:
    async with served() as (_, visitor):
        seen = await visitor.get("/nothing", headers={"Accept-Language": "zh-TW,zh;q=0.9"})
        assert '<html lang="zh-CN">' in seen.text
        assert "这里什么也没有" in seen.text
        seen = await visitor.get("/nothing", headers={"Accept-Language": "x" * 4000})
        assert '<html lang="en-US">' in seen.text


async def test_a_port_that_is_taken_leaves_a_bot_without_pages() -> None:
    async with served() as (pages, _):
        assert pages.address is not None
        port = int(pages.address.rpartition(":")[2])
        other = server.WebPages(pages.links, listen="127.0.0.1", port=port, address="https://x.y")
        async with other.serving(()) as found:
            assert found is None
            assert other.address is None


async def test_the_pages_are_off_unless_the_owner_wants_them(tmp_path: Path) -> None:
    async with an_idle_app(tmp_path / "off", FakeWorker()) as app, app.on_discord() as client:
        assert client.web is None
        assert not (tmp_path / "off" / "data" / "links.key").exists()


async def test_the_pages_come_and_go_with_the_bot(tmp_path: Path) -> None:
    async with an_idle_app(tmp_path, FakeWorker(), web_on=True, web_port=0) as app:
        assert app.web is not None
        async with app.on_discord() as client:
            assert client.web is app.web
            assert app.web.address is not None
            async with browsing(app.web.address) as visitor:
                assert (await visitor.get("/static/icon.svg")).status == 200
        assert app.web.address is None


async def test_links_begin_as_the_owner_says(tmp_path: Path) -> None:
    elsewhere: dict[str, Any] = {
        "web_on": True,
        "web_port": 0,
        "web_address": "https://a.example/b",
    }
    async with an_idle_app(tmp_path, FakeWorker(), **elsewhere) as app, app.on_discord():
        assert app.web is not None
        assert app.web.address == "https://a.example/b"
        link = app.web.link(LinkPurpose.PAINT, a_visitor(), 7, seconds=60)
        assert link.startswith("https://a.example/b/paint/")
