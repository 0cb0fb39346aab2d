"""/server weekly: where and when the best of each week is posted."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.commands.server import begun, rules_of
from bot.chat.places import NoPlaceToPost, lacking
from bot.pages.server_pages import WEEKDAYS, weekly_page
from bot.studio.weekly import WeeklyTime
from storage.servers import ServerRule

Interaction = discord.Interaction[Any]

USUAL = WeeklyTime(channel=0, weekday=6, hour=18)


@app_commands.command(
    name="weekly", description="A post of the week's most starred pictures; shows it when empty"
)
@app_commands.describe(
    channel="Where it is posted: with what everybody there may see",
    weekday="On which day; Sunday when left out",
    hour="At which hour of that day (UTC); 18 when left out",
    off="No longer",
)
@app_commands.choices(
    weekday=[app_commands.Choice(name=day, value=number) for number, day in enumerate(WEEKDAYS)]
)
async def weekly(
    interaction: Interaction,
    channel: discord.TextChannel | None = None,
    weekday: Range[int, 0, 6] | None = None,
    hour: Range[int, 0, 23] | None = None,
    off: bool = False,
) -> None:
    """Change what was given, then show it."""
    changes = await begun(interaction)
    now = WeeklyTime.of(rules_of(interaction))
    place = channel.id if channel is not None else now.channel if now else interaction.channel_id
    if off:
        await changes.decide(ServerRule.WEEKLY, "", None)
    elif (channel, weekday, hour) != (None, None, None):
        there = interaction.client.get_channel(place or 0)
        if missing := lacking(there):
            raise NoPlaceToPost(missing)
        before = now or USUAL
        time = WeeklyTime(
            channel=place or 0,
            weekday=before.weekday if weekday is None else weekday,
            hour=before.hour if hour is None else hour,
        )
        await changes.decide(ServerRule.WEEKLY, "", str(time))
    await changes.show(weekly_page(rules_of(interaction)))
