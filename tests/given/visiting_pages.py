"""Somebody who visits the bot's own pages: how they get a link, and what a page sends."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord
from PIL import Image

from tests.given.apps import Studio, a_studio
from tests.given.builders import encoded
from tests.given.discord_world import SimulatedPerson, buttons
from tests.given.fakes import FakeWorker
from tests.given.results import is_result
from tests.given.waiting import everything_told

SERVED: dict[str, Any] = {"web_on": True, "web_port": 0}


@asynccontextmanager
async def a_served_studio(folder: Path, worker: FakeWorker | None = None) -> AsyncIterator[Studio]:
    """The bot in a simulated Discord, with its own pages."""
    async with a_studio(folder, worker, **SERVED) as studio:
        yield studio


async def a_flower(studio: Studio) -> discord.Message:
    """A picture of Ann's, 128 by 128."""
    await studio.world.ann.command("imagine", prompt="a red flower", seed="7", size="128x128")
    return await studio.world.ann.sees(is_result)


def linked(message: Any) -> str | None:
    """Where a button of it leads."""
    return next((b.url for b in buttons(message) if b.url is not None), None)


async def a_link(person: SimulatedPerson, result: discord.Message) -> str:
    """What the person gets for 🖌️ under a result."""
    await person.press(result, "🖌️")
    answer = await person.sees(lambda m: linked(m) is not None, after=result)
    url = linked(answer)
    assert url is not None
    return url


async def a_wall(person: SimulatedPerson, command: str = "gallery", **options: object) -> str:
    """Where the button under a page of the gallery leads."""
    last = person.messages()[-1]
    await person.command(command, **options)
    answer = await person.sees(lambda m: linked(m) is not None, after=last)
    url = linked(answer)
    assert url is not None
    return url


async def some_pictures(studio: Studio) -> None:
    """#1 a red flower of Ann's, #2 what Ben made of it, #3 a blue boat of Ben's."""
    first = await a_flower(studio)
    await studio.world.ben.say("make it night", reply_to=first)
    second = await studio.world.ben.sees(is_result, after=first)
    await studio.world.ben.command("imagine", prompt="a blue boat", size="128x128")
    await studio.world.ben.sees(is_result, after=second)
    await everything_told(studio.app)


def a_square(side: int = 128, box: tuple[int, int, int, int] = (32, 32, 96, 96)) -> bytes:
    """A mask."""
    mask = Image.new("L", (side, side))
    mask.paste(255, box)
    return encoded(mask)


def sent(mask: bytes, words: str = "") -> dict[str, Any]:
    """What the page sends, as aiohttp takes it."""
    return {"json": {"mask": base64.b64encode(mask).decode(), "words": words}}


def white_in(mask: bytes) -> Image.Image:
    """A mask that was kept, as black and white."""
    return Image.open(io.BytesIO(mask)).convert("L")
