"""/server limits and /server weights: how much people may ask for, and who comes how soon.

/stats quota: what is left of it for whoever asks.
"""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import whisper
from bot.chat.askers import origin_of, studio_of
from bot.chat.commands.server import begun, rules_of
from bot.languages.speaking import tr
from bot.pages.allowance_pages import limits_page, quota_page, weights_page
from bot.studio.quotas import Limit
from generation.errors import OutOfRange
from storage.servers import ServerRule

Interaction = discord.Interaction[Any]

Number = Range[int, 0, 1_000_000]
HEAVIEST, LIGHTEST = 10.0, 0.1  # times the usual weight


@app_commands.command(
    name="limits", description="How much a role may ask for; shows it when left empty"
)
@app_commands.describe(
    role="Whom it is for; @everyone: all. Of several roles the largest number counts",
    pictures_per_day="Pictures a day; 0: no limit",
    pictures_per_week="Pictures a week; 0: no limit",
    minutes_per_day="Minutes of the device a day; 0: no limit",
    minutes_per_week="Minutes of the device a week; 0: no limit",
    open_requests="Requests at a time; 0: no limit",
    longer_side="Pixels of the longer side; 0: no limit",
    steps="Steps; 0: no limit",
    count="Pictures in a request; 0: no limit",
    clear="Forget what was said of the role first",
)
async def limits(
    interaction: Interaction,
    role: discord.Role | None = None,
    pictures_per_day: Number | None = None,
    pictures_per_week: Number | None = None,
    minutes_per_day: Number | None = None,
    minutes_per_week: Number | None = None,
    open_requests: Number | None = None,
    longer_side: Number | None = None,
    steps: Number | None = None,
    count: Number | None = None,
    clear: bool = False,
) -> None:
    """Change what was given of a role, then show everything."""
    changes = await begun(interaction)
    given = {
        Limit.PICTURES_DAY: pictures_per_day,
        Limit.PICTURES_WEEK: pictures_per_week,
        Limit.MINUTES_DAY: minutes_per_day,
        Limit.MINUTES_WEEK: minutes_per_week,
        Limit.OPEN: open_requests,
        Limit.SIDE: longer_side,
        Limit.STEPS: steps,
        Limit.COUNT: count,
    }
    said = {str(limit): float(number) for limit, number in given.items() if number is not None}
    if role is not None and (said or clear):
        before = rules_of(interaction).value(ServerRule.LIMIT, str(role.id))
        kept = dict(before) if isinstance(before, dict) and not clear else {}
        await changes.decide(ServerRule.LIMIT, str(role.id), (kept | said) or None)
    elif said or clear:
        raise OutOfRange(tr("role"), tr("nothing"), tr("whom that is for"))
    await changes.show(limits_page(rules_of(interaction)))


@app_commands.command(name="weights", description="Who is drawn for how long while several wait")
@app_commands.describe(
    role="A role that weighs more or less than others",
    person="A person who does",
    weight="1 as all others, 2 twice as long, 0.5 half; left out: as whoever runs the bot decided",
)
async def weights(
    interaction: Interaction,
    role: discord.Role | None = None,
    person: discord.User | None = None,
    weight: Range[float, LIGHTEST, HEAVIEST] | None = None,
) -> None:
    """Change what was given, then show everything."""
    changes = await begun(interaction)
    if role is not None:
        await changes.decide(ServerRule.ROLE_WEIGHT, str(role.id), weight)
    if person is not None:
        await changes.decide(ServerRule.PERSON_WEIGHT, str(person.id), weight)
    if weight is not None and role is None and person is None:
        raise OutOfRange(tr("role"), tr("nothing"), tr("whom that is for"))
    await changes.show(weights_page(rules_of(interaction)))


@app_commands.command(
    name="quota", description="How much you may still ask for here, and until when"
)
async def quota(interaction: Interaction) -> None:
    """For the one who asks."""
    quotas = await studio_of(interaction).quotas.standing(origin_of(interaction))
    await whisper(interaction, quota_page(quotas))
