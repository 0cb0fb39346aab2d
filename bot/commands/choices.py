"""What autocomplete offers.  Every answer comes from memory or one indexed query: Discord waits
for at most three seconds, and people for less."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import discord
from discord import app_commands

from bot import replies
from bot.answers import asker_of, studio_of
from bot.quoting import plain
from bot.wishes import OWN_VAE
from generation import names
from generation.errors import NoSuchName
from generation.families import FAMILIES
from generation.sigmas import SAMPLERS, SCHEDULERS

MOST = 25  # Discord's limit

Interaction = discord.Interaction[Any]
Choices = list[app_commands.Choice[str]]


async def models(interaction: Interaction, typed: str) -> Choices:
    """Checkpoints of the catalog."""
    entries = studio_of(interaction).drafting.checkpoints()
    return [
        app_commands.Choice(
            name=plain(f"{e.name} · {FAMILIES[e.family].title}", 100), value=e.name[:100]
        )
        for e in entries
        if _matches(typed, e.name)
    ][:MOST]


async def samplers(_: Interaction, typed: str) -> Choices:
    """Samplers, by ComfyUI's names or A1111's."""
    return _named(SAMPLERS, typed, names.sampler_title, names.sampler)


async def schedulers(_: Interaction, typed: str) -> Choices:
    """Schedulers, by ComfyUI's names or A1111's."""
    return _named(SCHEDULERS, typed, names.scheduler_title, names.scheduler)


async def loras(interaction: Interaction, typed: str) -> Choices:
    """LoRAs by name; what was typed before the last comma stays."""
    before, comma, last = typed.rpartition(",")
    kept = f"{before}{comma} " if comma else ""
    found = [
        app_commands.Choice(
            name=plain(f"{kept}{entry.name}", 100), value=f"{kept}{entry.name}"[:100]
        )
        for entry in studio_of(interaction).drafting.loras()
        if _matches(last, entry.name)
    ]
    return found[:MOST]


async def vaes(interaction: Interaction, typed: str) -> Choices:
    """VAEs by name, those that fit the chosen model, and the model's own."""
    drafting = studio_of(interaction).drafting
    family = drafting.family_of(getattr(interaction.namespace, "model", None))
    own = app_commands.Choice(name="the model's own", value=OWN_VAE)
    found = [
        app_commands.Choice(
            name=plain(entry.title, 100) or entry.name[:100], value=entry.name[:100]
        )
        for entry in drafting.vaes()
        if entry.fits(family) and _matches(typed, f"{entry.name} {entry.title}")
    ]
    return [*([own] if _matches(typed, own.name) else []), *found][:MOST]


async def styles(interaction: Interaction, typed: str) -> Choices:
    """The style library, by its English or Chinese name."""
    found = [
        app_commands.Choice(name=f"{style.en} · {style.zh}"[:100], value=style.name)
        for style in studio_of(interaction).drafting.styles.values()
        if _matches(typed, f"{style.en} {style.zh} {style.name}")
    ]
    return found[:MOST]


async def sizes(interaction: Interaction, typed: str) -> Choices:
    """Shapes in the size of the model that would draw; any other WxH or W:H may be typed."""
    studio = studio_of(interaction)
    chosen = getattr(interaction.namespace, "model", None)
    if chosen is None:
        chosen = (await studio.preferences(interaction.user.id)).model
    offered = replies.size_choices(studio.drafting.family_of(chosen), typed)
    return [app_commands.Choice(name=name, value=value) for name, value in offered][:MOST]


async def pictures(interaction: Interaction, typed: str) -> Choices:
    """The person's newest pictures."""
    newest = await studio_of(interaction).newest_of(asker_of(interaction), 50)
    choices = [(replies.picture_choice(p), str(p.id)) for p in newest]
    return [app_commands.Choice(name=n, value=v) for n, v in choices if _matches(typed, n)][:MOST]


async def requests(interaction: Interaction, typed: str) -> Choices:
    """The person's open requests."""
    studio = studio_of(interaction)
    mine = [s for s in studio.board.standings() if s.owner == interaction.user.id]
    labels = [(f"{plain(s.words, 80)} ({s.done}/{s.total})", str(s.request)) for s in mine]
    offered = [app_commands.Choice(name=n[:100], value=v) for n, v in labels if _matches(typed, n)]
    return offered[:MOST]


def _named(
    ours: Sequence[str],
    typed: str,
    title: Callable[[str], str],
    meaning: Callable[[str], object],
) -> Choices:
    """Names of ours by any name; what is typed as another program spells it stays as it is."""
    labels = {name: f"{name} · {title(name)}" for name in ours}
    found = [
        app_commands.Choice(name=label, value=name)
        for name, label in labels.items()
        if _matches(typed, label)
    ]
    if not found and typed:
        with contextlib.suppress(NoSuchName):
            meaning(typed)
            found = [app_commands.Choice(name=typed[:100], value=typed[:100])]
    return found[:MOST]


def _matches(typed: str, name: str) -> bool:
    return all(word in name.lower() for word in typed.lower().split())
