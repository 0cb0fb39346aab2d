"""How soon a button of a message with a hundred thousand pictures after it is answered."""

from __future__ import annotations

import time

from bot.app import open_app
from bot.sandbox.person import SimulatedPerson
from bot.sandbox.realtime import LiveEnv, live_env
from bot.trials.bench.figure import Figure, Ground, nearly_all
from bot.trials.bench.talking import PATIENCE
from storage.ids import PictureId
from storage.trials.crowd import crowd

SINCE = 100_000  # pictures
PRESSES = 60
FACES = "⭐", "📄", "🎲"  # written, read, asked anew


async def pressing(ground: Ground) -> tuple[Figure, ...]:
    """Draw a picture, have a hundred thousand drawn since, and press the old one's buttons."""
    seconds = []
    async with (
        open_app(ground.for_many_jobs) as app,
        app.on_discord() as client,
        live_env(client) as env,
    ):
        ann = SimulatedPerson(env, env.ann)
        await ann.command("imagine", prompt="a red flower")
        old = await ann.sees(lambda m: "seed" in m.content, seconds=PATIENCE)
        database = app.stores.database
        (like,) = await database.rows("SELECT max(id) AS id FROM pictures")
        await crowd(database, PictureId(like["id"]), SINCE)
        for number in range(PRESSES):
            began = time.perf_counter()
            await ann.press(old, FACES[number % len(FACES)])
            seconds.append(time.perf_counter() - began - LiveEnv.GRACE_SECONDS)
    return (
        nearly_all(
            f"a button acknowledged {SINCE:,} pictures later",
            seconds,
            95,
            150.0,
            name="old_button_acknowledged",
            how=f"{PRESSES} presses of {', '.join(FACES)}",
        ),
    )
