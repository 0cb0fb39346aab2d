"""The bot's own pages as somebody meets them: with a finger on a phone, with a mouse at a desk."""

from __future__ import annotations

import asyncio
import io
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import discord
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from generation.job import UserId
from tests.given.apps import Studio
from tests.given.browser import CHROMIUM, Browser, chromium
from tests.given.discord_world import pictures
from tests.given.results import is_result
from tests.given.visiting_pages import (
    SERVED,
    a_flower,
    a_link,
    a_served_studio,
    a_wall,
    some_pictures,
    white_in,
)
from tests.given.visits import SCREENSHOTS
from tests.given.waiting import LONG, everything_told

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium)"),
]

Area = NDArray[np.bool_]
Point = tuple[float, float]
READY = "document.querySelector('#stage').dataset.ready === 'yes'"
DONE = "document.querySelector('.notice h1') !== null"
NEXT_FRAME = """new Promise((told) => requestAnimationFrame(() =>
  requestAnimationFrame(() => told(stage.dataset.view))))"""
SIDE = 128  # of the pictures here


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """Where the picture lies in the window."""

    scale: float
    left: float
    top: float

    def at(self, x: float, y: float) -> Point:
        """The window's point over that point of the picture."""
        return self.left + x * self.scale, self.top + y * self.scale


def lying(browser: Browser) -> Lying:
    scale, left, top = (float(n) for n in browser.js(NEXT_FRAME).split())
    x, y = browser.js("(({x, y}) => [x, y])(stage.getBoundingClientRect())")
    return Lying(scale=scale, left=left + x, top=top + y)


def brush(browser: Browser) -> float:
    """How wide it is, in pixels of the picture."""
    return float(browser.js("document.querySelector('#size-said').textContent.split(' ')[0]"))


def resize(browser: Browser, step: int) -> None:
    browser.js(f"size.value = {step}; size.dispatchEvent(new Event('input'))")


def stroke(*points: Point, width: float, side: int = SIDE) -> Area:
    """What lies within half a brush of a line through these points of a picture."""
    y, x = np.mgrid[0:side, 0:side] + 0.5
    found = np.zeros((side, side), dtype=bool)
    pairs = list(itertools.pairwise(points)) or [(points[0], points[0])]
    for (ax, ay), (bx, by) in pairs:
        length = (bx - ax) ** 2 + (by - ay) ** 2
        along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / (length or 1)
        along = np.clip(along, 0, 1)
        away = np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay))
        found |= away <= width / 2
    return found


def edge(area: Area) -> Area:
    """The pixels that have one of the other kind beside them."""
    found = np.zeros_like(area)
    for across, down in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)):
        found |= np.roll(area, (down, across), (0, 1)) != area
    return found


def check_same(mask: bytes, expected: Area) -> None:
    """Within a pixel at the edge, and exactly elsewhere."""
    area = np.asarray(white_in(mask)) >= 128
    assert area.shape == expected.shape
    assert not ((area != expected) & ~edge(expected)).any()
    assert expected.any()


class Visitor:
    """Somebody who opens one link after the other in a browser."""

    def __init__(self, browser: Browser, links: Sequence[str], *, phone: bool) -> None:
        self.browser, self._links, self.phone = browser, iter(links), phone

    def next_link(self) -> str:
        return next(self._links)

    def opens(self, url: str | None = None) -> Lying:
        browser, url = self.browser, url or next(self._links)
        if self.phone:
            browser.be_a_phone()
            browser.visit(url)
        else:
            browser.open(url, width=1280, height=800)
        browser.until(READY)
        return lying(browser)

    def uses(self, words: str = "") -> None:
        browser = self.browser
        if words:
            browser.click("#words")
            browser.paste(words)
        if self.phone:
            browser.tap("#use")
        else:
            browser.click("#use")
        browser.until(DONE)
        browser.sees("The picture comes into the conversation")
        assert browser.js("window.refused") == []


async def visiting(
    studio: Studio, script: Callable[[Visitor], list[Area]], *, links: int, phone: bool
) -> None:
    """Open pages in a browser, and find exactly the masks that the script says it painted."""
    flower = await a_flower(studio)
    given = [await a_link(studio.world.ann, flower)]
    while len(given) < links:
        before = set(given)
        url = await a_link(studio.world.ann, flower)
        if url not in before:
            given.append(url)
    expected: list[Area] = []

    def in_browser() -> None:
        with chromium(SCREENSHOTS) as browser:
            browser.note_refusals()
            expected.extend(script(Visitor(browser, given, phone=phone)))
            assert browser.complaints == []

    await asyncio.to_thread(in_browser)
    await kept_masks(studio, expected)


async def kept_masks(studio: Studio, expected: list[Area]) -> None:
    """Each picture that was painted on has one of these masks, in their order."""
    await eventually_drawn(studio, 1 + len(expected))
    newest = await studio.app.stores.pictures.newest(UserId(studio.world.ann.id), 50)
    painted = sorted((one for one in newest if one.recipe.inputs), key=lambda one: one.request)
    for picture, area in zip(painted, expected, strict=True):
        [mask] = [item.sha256 for item in picture.recipe.inputs if item.role == "mask"]
        check_same(studio.app.stores.files.read(mask), area)


async def eventually_drawn(studio: Studio, count: int) -> None:
    """Raises TimeoutError."""
    async with asyncio.timeout(LONG):
        while len(studio.worker.orders) < count:  # noqa: ASYNC110  # a test polls
            await asyncio.sleep(0.02)
    await everything_told(studio.app)


async def test_a_finger_paints_on_a_phone(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio:
        await visiting(studio, with_a_finger, links=3, phone=True)


def with_a_finger(visitor: Visitor) -> list[Area]:
    return [
        a_stroke_of(visitor, kind="touch"),
        zoomed_by_two_fingers(visitor),
        second_finger_draws_nothing(visitor),
    ]


async def test_a_mouse_a_pen_and_keys_paint_at_a_desk(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio:
        await visiting(studio, at_a_desk, links=6, phone=False)


def at_a_desk(visitor: Visitor) -> list[Area]:
    return [
        a_stroke_of(visitor, kind="mouse"),
        a_stroke_of(visitor, kind="mouse", pen=True),
        undone_erased_and_inverted(visitor),
        zoomed_by_the_wheel(visitor),
        by_keys(visitor),
        kept_over_a_reload(visitor),
    ]


def a_stroke_of(visitor: Visitor, *, kind: str, pen: bool = False) -> Area:
    here, browser = visitor.opens(), visitor.browser
    resize(browser, 70)
    points = [(30.0, 30.0), (80.0, 40.0), (90.0, 90.0)]
    browser.drag(*(here.at(x, y) for x, y in points), kind=kind, pen=pen)
    browser.screenshot(f"41-painted-by-{'pen' if pen else kind}")
    width = brush(browser)
    assert width > 15
    visitor.uses("a hat")
    browser.screenshot(f"42-sent-by-{'pen' if pen else kind}")
    return stroke(*points, width=width)


def zoomed_by_two_fingers(visitor: Visitor) -> Area:
    """After a pinch the brush is where the finger is."""
    before, browser = visitor.opens(), visitor.browser
    x, y = before.at(64, 64)
    browser.fingers(
        [(x - 30, y), (x + 30, y)], [(x - 60, y), (x + 60, y)], [(x - 90, y + 20), (x + 90, y + 20)]
    )
    here = lying(browser)
    assert here.scale == pytest.approx(3 * before.scale, rel=0.05)
    assert near(here.at(64, 64), (x, y + 20), within=3)
    points = [(50.0, 60.0), (75.0, 66.0)]
    browser.drag(*(here.at(px, py) for px, py in points), kind="touch")
    browser.screenshot("43-zoomed-by-fingers")
    width = brush(browser)
    visitor.uses()
    return stroke(*points, width=width)


def near(one: Point, other: Point, *, within: float) -> bool:
    return bool(np.hypot(one[0] - other[0], one[1] - other[1]) <= within)


def second_finger_draws_nothing(visitor: Visitor) -> Area:
    """A first finger that was there for a moment before the second left no trace."""
    here, browser = visitor.opens(), visitor.browser
    resize(browser, 60)
    (ax, ay), (bx, by) = here.at(20, 20), here.at(100, 100)
    browser._ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[touch(ax, ay, 0)])
    browser._ask(
        "Input.dispatchTouchEvent",
        type="touchStart",
        touchPoints=[touch(ax, ay, 0), touch(bx, by, 1)],
    )
    browser._ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert browser.js("document.querySelector('#use').disabled")
    browser.tap("#zoom-fit")
    here = lying(browser)
    browser.drag(here.at(64, 30), here.at(64, 100), kind="touch")
    width = brush(browser)
    visitor.uses()
    return stroke((64, 30), (64, 100), width=width)


def touch(x: float, y: float, number: int) -> dict[str, float]:
    return {"x": x, "y": y, "id": number}


def undone_erased_and_inverted(visitor: Visitor) -> Area:
    here, browser = visitor.opens(), visitor.browser
    resize(browser, 80)
    width = brush(browser)
    first, second = [(20.0, 30.0), (110.0, 30.0)], [(20.0, 80.0), (110.0, 80.0)]
    hole = [(64.0, 10.0), (64.0, 118.0)]
    browser.drag(*(here.at(x, y) for x, y in first))
    browser.drag(*(here.at(x, y) for x, y in second))
    browser.press("z", ctrl=True)
    browser.click("#undo")
    assert browser.js("document.querySelector('#undo').disabled")
    browser.click("#redo")
    browser.press("y", ctrl=True)
    assert browser.js("document.querySelector('#redo').disabled")
    browser.click("#clear")
    browser.click("#undo")
    browser.click("#eraser")
    resize(browser, 50)
    thin = brush(browser)
    browser.drag(*(here.at(x, y) for x, y in hole))
    browser.click("#invert")
    browser.screenshot("44-erased-and-inverted")
    visitor.uses()
    painted = stroke(*first, width=width) | stroke(*second, width=width)
    return ~(painted & ~stroke(*hole, width=thin))


def zoomed_by_the_wheel(visitor: Visitor) -> Area:
    """What is under the mouse stays there, and is what is painted; the other tool moves it."""
    before, browser = visitor.opens(), visitor.browser
    where = before.at(100, 30)
    browser.scroll("#stage", -300, at=where)
    here = lying(browser)
    assert here.scale == pytest.approx(before.scale * np.exp(0.75), rel=0.02)
    assert near(here.at(100, 30), where, within=3)
    browser.click("#hand")
    browser.drag(where, (where[0] - 60, where[1] + 40))
    moved = lying(browser)
    assert near((moved.left, moved.top), (here.left - 60, here.top + 40), within=0.01)
    browser.click("#zoom-out")
    here = lying(browser)
    browser.click("#brush")
    browser.drag(here.at(90, 30), here.at(100, 40))
    width = brush(browser)
    browser.screenshot("45-zoomed-by-the-wheel")
    visitor.uses()
    return stroke((90, 30), (100, 40), width=width)


def by_keys(visitor: Visitor) -> Area:
    """Who has no pointer paints, too."""
    browser = visitor.browser
    visitor.opens()
    browser.js("stage.focus()")
    width = brush(browser)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        browser._ask("Input.dispatchKeyEvent", type="keyDown", key=key, code=key)
    browser._ask("Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", text=" ")
    step = max(1.0, width / 3)
    visitor.uses()
    return stroke((SIDE / 2 + 2 * step, SIDE / 2 + step), width=width)


def kept_over_a_reload(visitor: Visitor) -> Area:
    browser, signed = visitor.browser, visitor.next_link()
    here = visitor.opens(f"{signed}#words=a%20hat")
    assert browser.js("document.querySelector('#words').value") == "a hat"
    browser.drag(here.at(30, 100), here.at(90, 100))
    width = brush(browser)
    url = browser.js("location.href")
    assert url == signed
    visitor.opens(url)
    browser.sees("% painted")
    visitor.uses()
    browser.visit(url)
    browser.sees("This link was used")
    browser.screenshot("46-used")
    return stroke((30, 100), (90, 100), width=width)


async def test_an_empty_mask_a_forged_link_and_one_that_ends_say_what_to_do(tmp_path: Path) -> None:
    async with a_served_studio(tmp_path) as studio:
        flower = await a_flower(studio)
        url = await a_link(studio.world.ann, flower)
        assert studio.app.web is not None
        links, made = studio.app.web.links, time.time()

        def in_browser() -> None:
            with chromium(SCREENSHOTS) as browser:
                visitor = Visitor(browser, [], phone=True)
                here = visitor.opens(url)
                browser.drag(here.at(30, 30), here.at(60, 60), kind="touch")
                browser.tap("#invert")
                browser.tap("#invert")
                browser.tap("#undo")
                browser.tap("#undo")
                browser.tap("#undo")
                assert browser.js("document.querySelector('#use').disabled")
                resize(browser, 100)
                browser.drag(here.at(60, 60), here.at(61, 60), kind="touch")
                browser.tap("#eraser")
                browser.drag(here.at(60, 60), here.at(61, 60), kind="touch")
                browser.tap("#use")
                browser.sees("paint over what is to change")
                browser.visit(url[:-3])
                browser.sees("This is no link of mine")
                # While it is open, the link's time ends: ten seconds after this, however long all
                # of the above took.
                ahead = made - time.time() + 15 * 60 - 10
                links.clock = lambda: time.time() + ahead
                visitor.opens(url)
                browser.sees("Press 🖌️ under the picture again for a new one")
                assert browser.js("document.querySelector('#use').disabled")
                browser.screenshot("47-over")
                links.clock = lambda: time.time() + 16 * 60
                browser.visit(url)
                browser.sees("This link is over")
                browser.screenshot("48-expired")

        await asyncio.to_thread(in_browser)
        assert len(studio.worker.orders) == 1


LOADED = """[...document.images].length > 0 && [...document.images].every(
  (image) => image.complete && image.naturalWidth > 0)"""


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
async def test_the_gallery_is_looked_through(tmp_path: Path, phone: bool) -> None:
    async with a_served_studio(tmp_path) as studio:
        await some_pictures(studio)
        annes = await a_wall(studio.world.ann)
        bens = await a_wall(studio.world.ben, "history")

        def in_browser() -> None:
            with chromium(SCREENSHOTS) as browser:
                browser.note_refusals()
                if phone:
                    browser.be_a_phone()
                else:
                    browser.resize(1280, 800)
                look_through(browser, annes, "phone" if phone else "desk")
                browser.visit(bens)
                assert numbers_on(browser) == ["#3", "#2"]
                assert browser.complaints == []

        await asyncio.to_thread(in_browser)


def look_through(browser: Browser, url: str, name: str) -> None:
    touch = browser.tap if name == "phone" else browser.click
    browser.visit(url)
    browser.until(LOADED)
    assert numbers_on(browser) == ["#3", "#2", "#1"]
    assert browser.js("document.images[0].alt") == "a blue boat"
    assert browser.js("document.documentElement.scrollWidth <= innerWidth")
    browser.screenshot(f"51-gallery-{name}")
    touch("#words")
    browser.paste("flower")
    browser.press("Enter")
    browser.until("document.querySelectorAll('.wall li').length === 2")
    touch(".wall a", text="#2")
    browser.until("document.querySelector('.tree') !== null")
    browser.until(LOADED)
    family = "[...document.querySelectorAll('.tree .number')].map((n) => n.textContent)"
    assert browser.js(family) == ["#1", "#2"]
    here = "document.querySelector('.tree [aria-current] .number')?.textContent"
    assert browser.js(here) == "#2"
    assert browser.js("document.documentElement.scrollWidth <= innerWidth")
    browser.screenshot(f"52-picture-{name}")
    touch(".tree a", text="#1")
    browser.until(f"{here} === '#1'")
    touch(".top .button")
    browser.until("document.querySelectorAll('.wall li').length === 2")
    assert browser.js("document.querySelector('#words').value") == "flower"
    assert browser.js("window.refused") == []


def numbers_on(browser: Browser) -> list[str]:
    found = browser.js("[...document.querySelectorAll('.wall .number')].map((n) => n.textContent)")
    return [str(number) for number in found]


async def test_the_picture_comes_back_with_nothing_else_changed(tmp_path: Path) -> None:
    """The real worker with the built-in model: beyond the mask every pixel is as it was."""
    from bot.app import open_app
    from bot.settings import Settings
    from tests.given.discord_world import world

    settings = Settings(data=tmp_path, device="cpu", assist="off", **SERVED)
    async with open_app(settings) as app, app.on_discord() as client, world(client) as here:
        await here.ann.command("imagine", prompt="a red flower", seed="7", size="128x128", steps=6)
        first = await here.ann.sees(is_result, seconds=300)
        url = await a_link(here.ann, first)
        places: list[Any] = []

        def in_browser() -> None:
            with chromium(SCREENSHOTS) as browser:
                browser.note_refusals()
                visitor = Visitor(browser, [url], phone=True)
                lies = visitor.opens()
                resize(browser, 80)
                browser.drag(lies.at(64, 40), lies.at(64, 60), kind="touch")
                places.append(stroke((64, 40), (64, 60), width=brush(browser)))
                visitor.uses("a blue flower")

        await asyncio.to_thread(in_browser)
        second = await here.ann.sees(is_result, after=first, seconds=300)
        before, after = [await pixels_of(message) for message in (first, second)]
        changed = (before != after).any(axis=2)
        # The recipe softens the edge by some pixels.
        assert changed[places[0]].mean() > 0.8
        grown = places[0]
        for _ in range(24):
            grown = grown | edge(grown)
        assert not changed[~grown].any()
        assert (~grown).mean() > 0.3
        assert not here.faults


async def pixels_of(message: discord.Message) -> NDArray[Any]:
    [png] = await pictures(message)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)
