"""A whole conversation about one picture, on a phone, with the models that ship."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from bot.app import App, open_app
from bot.settings import Settings
from storage.ids import PictureId
from tests.given.browser import CHROMIUM, Browser
from tests.given.visits import PICTURES, READY, visit

SLOW_SECONDS = 600.0  # the first picture loads a model, on whatever machine this is

# What is said to the newest picture, and what the channel shows thereupon.
WALK = (
    ("make it blue", "made from #1: blue; seed, size stay"),
    ("now at night", "made from #2: night; seed, size, model stay"),
    ("turn it into a fish", "made from #3: a fish; seed, size, model stay"),
    ("undo", "Back to #3. Nothing is lost"),
    ("as pixel art", "made from #3: pixel-art; words, seed, size stay"),
    ("what seed?", "#5: seed 7 · size 128x128"),
    ("thanks!", "💛"),
    ("zoom out", "made from #5: more all around; words, seed, model stay"),
    ("2x bigger", "made from #6: 2 times as large"),
    ("another one", "It was only made larger"),
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (apt-get install chromium)"),
]


async def test_a_picture_is_talked_about_on_a_phone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", cpu_workers=1)
    async with open_app(settings) as app, app.on_discord() as client:
        await visit(client, talk)
        cat, blue, night, fish, pixels, further, larger = await drawn(app, count=7)
    assert middle(cat)[0] > middle(cat)[2] + 60  # red
    assert middle(blue)[2] > middle(blue)[0] + 60
    assert brightness(night) < brightness(blue) / 2
    assert brightness(fish) < brightness(blue) / 2  # it is night still
    assert brightness(pixels) < brightness(blue) / 2
    assert all(one.size == (128, 128) for one in (fish, pixels, further))
    assert larger.size == (256, 256)


def talk(browser: Browser) -> None:
    browser.resize(width=390, height=900)
    browser.until(f"innerWidth === 390 && {READY}")
    browser.click("#channel-composer-input")
    browser.paste("/imagine a red cat on a grass field seed:7")
    browser.until("document.querySelector('input[data-option=seed]')?.value === '7'")
    browser.press("Enter")
    browser.until(f"{PICTURES} === 1", seconds=SLOW_SECONDS)
    for number, (words, seen) in zip(itertools.count(51), WALK, strict=False):
        reply_to_the_newest_picture(browser, words)
        browser.sees(seen, seconds=SLOW_SECONDS)
        browser.until(READY)
        browser.screenshot(f"{number}-talk-{words.strip('?!').replace(' ', '-')}")
        assert browser.js("document.documentElement.scrollWidth <= innerWidth"), words
    shown = browser.js("document.querySelector('#channel-message-list').innerText")
    assert "low quality, blurry" not in shown  # the usual negative prompt once, if at all
    assert "never saw" not in shown  # every word of it is one that the models know
    assert "seed 0" not in shown  # of what is only enlarged
    browser.click("button", text="Undo", last=True)
    browser.sees("Back to #6")
    browser.until(READY)
    browser.click("button", text="Edit", last=True)
    browser.sees("What it must not show")
    browser.screenshot("61-talk-form")


def reply_to_the_newest_picture(browser: Browser, words: str) -> None:
    """Among all messages it alone is marked, as buttons of older ones look alike."""
    browser.until(READY)
    browser.js("""
        document.querySelectorAll('[data-newest]').forEach((m) => delete m.dataset.newest);
        [...document.querySelectorAll('.channel-message')]
          .findLast((m) => m.querySelector('.attachment-image')).dataset.newest = '';
    """)
    browser.hover("[data-newest]")
    browser.click("[data-newest] [aria-label='Reply']")
    browser.sees("Replying to Atelier")
    browser.type(words)
    browser.press("Enter")


async def drawn(app: App, *, count: int) -> list[Image.Image]:
    """The pictures of the conversation, in their order."""
    found: list[Image.Image] = []
    for number in range(1, count + 1):
        picture = await app.stores.pictures.get(PictureId(number))
        found.append(Image.open(io.BytesIO(app.stores.files.read(picture.png_sha256))))
    return found


def middle(picture: Image.Image) -> list[float]:
    """The mean colour of the thing: of a quarter of the picture."""
    width, height = picture.size
    box = (width * 3 // 8, height * 3 // 8, width * 5 // 8, height * 5 // 8)
    return ImageStat.Stat(picture.convert("RGB").crop(box)).mean


def brightness(picture: Image.Image) -> float:
    """How bright the place is: the upper corners."""
    width, height = picture.size
    grey = picture.convert("L")
    boxes = ((0, 0, width // 6, height // 2), (width * 5 // 6, 0, width, height // 2))
    return sum(ImageStat.Stat(grey.crop(box)).mean[0] for box in boxes) / 2
