"""Somebody who paints a mask: from the button under a picture to what the page sends."""

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
