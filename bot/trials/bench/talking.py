"""How late the bot's event loop is while pictures are drawn, and how late people are answered.

The real bot in the simulated Discord: its loop also carries that Discord, which a real one's would
not, so the real figures are a little better.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.app import App, default_model, open_app
from bot.dispatch.meanwhile import meanwhile
from bot.sandbox.person import SimulatedPerson
from bot.sandbox.realtime import LiveEnv, live_env
from bot.trials.bench.figure import Figure, Ground, nearly_all, percentile
from bot.trials.bench.keeping import somebody
from generation.draft import Draft, DraftWords, complete

QUEUED = 200
PEOPLE = 40
INTERACTIONS = 120
PICTURES = 8
TICK = 0.005  # seconds
PATIENCE = 240.0


async def talking(ground: Ground) -> tuple[Figure, ...]:
    """Draw for one person and watch the loop; then queue 200 jobs and run commands."""
    async with (
        open_app(ground.for_many_jobs) as app,
        app.on_discord() as client,
        live_env(client) as env,
    ):
        ann = SimulatedPerson(env, env.ann)
        async with _ticking() as quiet:
            await ann.command("imagine", prompt="a red flower", count=PICTURES)
            await ann.sees(lambda m: len(m.attachments) == PICTURES, seconds=PATIENCE)
        await _fill(app, env)
        async with _ticking() as busy:
            answered = [await _answered(ann, number) for number in range(INTERACTIONS)]
        left = len(app.studio.open_requests.requests())
    return (
        nearly_all(
            "event loop late while the worker renders",
            quiet,
            99,
            50.0,
            name="event_loop_lag",
            how=f"{len(quiet)} ticks over {PICTURES} pictures with progress and previews",
        ),
        nearly_all(
            f"interaction acknowledged with {QUEUED} queued jobs",
            answered,
            99,
            500.0,
            name="interaction_acknowledged",
            how=f"{INTERACTIONS} of /imagine, /queue, /settings and autocomplete; loop late "
            f"{percentile(busy, 99) * 1000:.0f} ms (p99); {left} requests still open at the end",
        ),
    )


async def _answered(person: SimulatedPerson, number: int) -> float:
    """Seconds until one interaction is acknowledged."""
    began = time.perf_counter()
    match number % 4:
        case 0:
            await person.command("queue")
        case 1:
            await person.complete("imagine", "sampler", "dpm", prompt="a")
        case 2:
            await person.command("settings")
        case _:
            await person.command("imagine", prompt=f"a red flower {number}")
    return time.perf_counter() - began - LiveEnv.GRACE_SECONDS


async def _fill(app: App, env: LiveEnv) -> None:
    """Two hundred jobs of forty people."""
    ready = await app.workers[0].start()
    model = default_model(app.settings, app.catalog)
    device = ready.environment.device
    for number in range(QUEUED):
        place = somebody(5000 + number % PEOPLE, env.guild_handle.id, env.studio.id)
        recipe = complete(
            Draft(words=DraftWords(prompt=f"flower {number}")), model, seed=number, device=device
        )
        await app.studio.requests.queue_up(place, [recipe], words=recipe.prompt)


@asynccontextmanager
async def _ticking() -> AsyncIterator[list[float]]:
    """How many seconds late each tick of the loop came, while the block runs."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            late.append(max(0.0, time.perf_counter() - due))

    async with meanwhile(tick(), "tick"):
        yield late
