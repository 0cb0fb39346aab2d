"""How soon a page of a gallery is there, among many pictures, in the simulated Discord."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image

from bot.app import App, open_app
from bot.sandbox.person import SimulatedPerson
from bot.sandbox.realtime import LiveEnv, live_env
from bot.studio.gallery_pages import PAGE
from bot.trials.bench.figure import Figure, Ground, nearly_all
from bot.trials.bench.talking import PATIENCE
from generation.media.table import MEDIA
from storage.ids import LARGEST, PictureId
from storage.trials.crowd import crowd

PICTURES = 100_000
PAGES = 10  # that are turned
SIDE = 1024  # pixels of a picture
TARGET = 1000.0  # ms


async def pages(ground: Ground) -> tuple[Figure, ...]:
    """Turn pages of a server's gallery, whose thumbnails are to be made; then once more."""
    async with (
        open_app(ground.for_many_jobs) as app,
        app.on_discord() as client,
        live_env(client) as env,
    ):
        ann = SimulatedPerson(env, env.ann)
        await ann.command("imagine", prompt="a red flower")
        await ann.sees(lambda m: "seed" in m.content, seconds=PATIENCE)
        await _filled(app)
        fresh = await _turned(ann)
        kept = await _turned(ann)
    size = f"{PAGE} pictures of {SIDE}x{SIDE} a page, {PAGES} pages among {PICTURES:,} pictures"
    return (
        nearly_all(
            "a page of the gallery whose thumbnails are to be made",
            fresh,
            95,
            TARGET,
            name="gallery_page_first",
            how=size,
        ),
        nearly_all(
            "a page of the gallery that somebody looked at before",
            kept,
            95,
            TARGET,
            name="gallery_page_again",
            how=size,
        ),
    )


async def _filled(app: App) -> None:
    """A crowd, of which the newest have files."""
    database, files = app.stores.database, app.stores.files
    (like,) = await database.rows("SELECT max(id) AS id FROM pictures")
    await crowd(database, PictureId(like["id"]), PICTURES)
    async with database.transaction("bench") as db:
        await db.execute("UPDATE found_down_to SET picture = ?", (LARGEST,))
        await db.execute("DELETE FROM found")
    while await app.stores.index.fill():
        pass
    newest = await database.rows(
        "SELECT id FROM pictures ORDER BY id DESC LIMIT ?", ((PAGES + 1) * PAGE,)
    )
    suffix = MEDIA["image"].suffix
    digests = [files.keep(_photo(number), suffix) for number in range(len(newest))]
    async with database.transaction("bench") as db:
        await db.executemany(
            "UPDATE pictures SET png_sha256 = ? WHERE id = ?",
            [(digest, row["id"]) for digest, row in zip(digests, newest, strict=True)],
        )


def _photo(seed: int) -> bytes:
    """A PNG that is as large as those of photographs: soft shapes, and grain upon them."""
    dice = np.random.default_rng(seed)
    soft = Image.fromarray(dice.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    shapes = np.asarray(soft.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = dice.integers(-3, 4, shapes.shape, dtype=np.int16)
    out = io.BytesIO()
    picture = Image.fromarray(np.clip(shapes + grain, 0, 255).astype(np.uint8))
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


async def _turned(ann: SimulatedPerson) -> Sequence[float]:
    """Seconds from each press to its page; the first is asked for by the command."""
    seconds = []
    last, began = ann.messages()[-1], time.perf_counter()
    await ann.command("gallery", where="server")
    page = await ann.sees("###", after=last, seconds=PATIENCE)
    seconds.append(time.perf_counter() - began - LiveEnv.GRACE_SECONDS)
    for _ in range(PAGES - 1):
        before, began = page.content, time.perf_counter()
        await ann.press(page, "▶️")
        while page.content == before:
            await asyncio.sleep(0.005)
            page = next(m for m in ann.messages() if m.id == page.id)
        seconds.append(time.perf_counter() - began - LiveEnv.GRACE_SECONDS)
    return seconds
