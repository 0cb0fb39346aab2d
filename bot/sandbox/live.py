"""`make run` without a token: the real bot in the browser, for hours, on this machine only."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import discord

from bot.sandbox.page import LivePreview
from bot.sandbox.realtime import live_env


async def live(
    bot: discord.Client,
    *,
    port: int = 0,
    open_browser: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the bot in a simulated Discord until cancelled, or SIGINT or SIGTERM comes.

    The page is at 127.0.0.1 only.  Port 0 takes a free one; `say` is told the address.
    The bot is closed at the end.
    """
    if not _is_free(port):
        say(f"Port {port} is taken by another program; taking a free one.")
        port = 0
    # Whoever reads the address may stop us at once, so the handlers come before it.
    with _until_told_to_stop() as stop:
        async with live_env(bot) as env, LivePreview(env, port=port) as page:
            say(f"The sandbox is open at {page.url}")
            if open_browser:
                await asyncio.to_thread(webbrowser.open, page.url)
            await stop.wait()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does, or a port that was in use a moment ago would seem taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def _until_told_to_stop() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set (where the platform lets a loop handle signals)."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except (NotImplementedError, RuntimeError):  # Windows; or not the main thread
            continue
        handled.append(number)
    try:
        yield stop
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
