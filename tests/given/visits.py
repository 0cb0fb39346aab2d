"""A visit to the sandbox's page, in a browser.

The screenshots are kept under var/screenshots for people to look at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import discord

from bot.sandbox.page import LivePreview
from bot.sandbox.realtime import LiveEnv, live_env
from tests.given.browser import Browser, chromium

SCREENSHOTS = Path(__file__).parents[2] / "var" / "screenshots"
PICTURES = "document.querySelectorAll('.attachment-image').length"
READY = "window.simcordPreview.ready"  # the page does one thing at a time
OPEN = "window.simcordPreview && !document.querySelector('#channel-composer').hidden"


async def visit(bot: discord.Client, script: Callable[[Browser], None]) -> None:
    """Open the page of that bot in a browser and do what the script says."""
    async with live_env(bot) as env:
        await visit_of(env, script, seen="Welcome to #studio")


async def visit_of(env: LiveEnv, script: Callable[[Browser], None], *, seen: str) -> None:
    """The same in a world that stands already, and shows that text."""

    def in_browser(url: str) -> None:
        with chromium(SCREENSHOTS) as browser:
            browser.open(url)
            browser.until(OPEN)
            browser.sees(seen)
            # It tells the server its size at first, and does one thing at a time.
            status = "document.querySelector('#action-status').textContent"
            browser.until(f"{status}.includes('Viewport updated')")
            browser.js("window.notReloaded = true")
            script(browser)
            assert browser.js("window.notReloaded"), "the page was loaded again"
            assert browser.complaints == []

    async with LivePreview(env) as page:
        await asyncio.to_thread(in_browser, page.url)
        assert list(env.faults) == []
