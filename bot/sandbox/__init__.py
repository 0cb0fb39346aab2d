"""The same bot in a simulated Discord: no token, no network.

    realtime   SimCord's world, run in real time (live_env)
    person     somebody in it, for scripts: the demo and the tests
    page       its preview page, kept fresh while the bot works
    server     the page's files, with our repairs
    live       `make run` without a token
    demo       `make demo`: a scripted conversation, kept by transcript and transcript_page

Invariant: nothing outside this package knows that it exists; the bot has no seam for it.
"""

import logging


def _load_simcord() -> None:
    """Import simcord in silence: it makes a client without intents to look at, which complains."""
    discord = logging.getLogger("discord")
    level = discord.level
    discord.setLevel(logging.ERROR)
    try:
        import simcord  # noqa: F401
    finally:
        discord.setLevel(level)


_load_simcord()
