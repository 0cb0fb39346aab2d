"""Takes the README's pictures of the sandbox: `python -m tests.given.sandbox_pictures`.

The real bot with the built-in model, in Chromium; what is drawn differs from time to time.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from bot.app import open_app
from bot.sandbox.page import LivePreview
from bot.sandbox.realtime import live_env
from bot.settings import Settings
from tests.given.browser import Browser, chromium

IMAGES = Path(__file__).parents[2] / "docs" / "img"
PICTURES = "document.querySelectorAll('.attachment-image').length"
PATIENCE_SECONDS = 180.0


def main() -> None:
    """Draw, and take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(take(Path(folder)))


async def take(folder: Path) -> None:
    """The sandbox with its data in a folder of its own."""
    settings = Settings(data=folder, progress_seconds=1.0)
    async with (
        open_app(settings) as app,
        app.on_discord() as client,
        live_env(client) as env,
        LivePreview(env) as page,
    ):
        await asyncio.to_thread(visit, page.url)


def visit(url: str) -> None:
    """A visit worth showing."""
    with chromium(IMAGES) as browser:
        browser.open(url, width=1100, height=760)
        browser.sees("Welcome to #studio")
        ask(browser, "a red flower on a blue background", screenshot="sandbox-command")
        browser.until("document.body.innerText.includes('▰')", seconds=PATIENCE_SECONDS)
        browser.until(f"{PICTURES} === 1", seconds=PATIENCE_SECONDS)
        browser.screenshot("sandbox-progress")
        browser.sees("Again", seconds=PATIENCE_SECONDS)
        browser.until(f"{PICTURES} === 1")
        four(browser, "a yellow star")
        browser.choose("#viewer-picker", "Ben")
        time.sleep(1)
        browser.scroll("#channel-timeline", -3000)
        browser.hover(".channel-message", text="a red flower", last=False)
        browser.click("[aria-label='Reply']")
        browser.type("a green flower")
        browser.press("Enter")
        browser.sees("made from #1", seconds=PATIENCE_SECONDS)
        browser.until(f"{PICTURES} === 6", seconds=PATIENCE_SECONDS)
        browser.hover("#channel-name")
        time.sleep(1)
        browser.screenshot("sandbox-conversation")


def ask(browser: Browser, prompt: str, *, screenshot: str) -> None:
    """/imagine, with the list of what else can be said."""
    browser.click("#channel-composer-input")
    browser.type("/imagine")
    browser.sees("Draw a picture from words")
    browser.press("Enter")
    browser.until("document.activeElement.dataset.option === 'prompt'")
    browser.type(prompt)
    browser.click("button", text="more")
    time.sleep(0.5)
    browser.screenshot(screenshot)
    browser.press("Escape")
    browser.click("input[data-option=prompt]")
    browser.press("Enter")


def four(browser: Browser, prompt: str) -> None:
    """/imagine with count 4."""
    browser.click("#channel-composer-input")
    browser.type("/imagine")
    browser.sees("Draw a picture from words")
    browser.press("Enter")
    browser.until("document.activeElement.dataset.option === 'prompt'")
    browser.type(prompt)
    browser.click("button", text="more")
    browser.click(".command-suggestion", text="count")
    browser.until("document.activeElement.dataset.option === 'count'")
    browser.type("4")
    browser.press("Enter")
    browser.until(f"{PICTURES} === 5", seconds=PATIENCE_SECONDS)


if __name__ == "__main__":
    main()
