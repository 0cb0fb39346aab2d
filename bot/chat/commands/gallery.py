"""/history, /favourites and /gallery: pictures found again, in pages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import discord
from discord import app_commands
from discord.app_commands import Range

from bot.chat.answers import now
from bot.chat.askers import studio_of
from bot.chat.buttons.gallery import show_gallery
from bot.chat.commands import choices
from bot.chat.commands.options import Style
from bot.languages.speaking import mark
from bot.studio.days import first_moment, last_moment
from bot.studio.gallery_pages import GalleryAsked, Shelf, check_words
from generation.errors import NoSuchName
from generation.job import UserId
from prompting.errors import UnknownName

Interaction = discord.Interaction[Any]
SearchWords = Range[str, 1, 100]
Day = Range[str, 1, 40]
ModelName = Range[str, 1, 100]
C = TypeVar("C", bound=Callable[..., object])


def filters(callback: C) -> C:
    """The command's function, its options described and offered."""
    described = {
        "words": mark('Words of wishes and prompts; "quoted" as they stand, -word without it'),
        "person": mark("Who drew them"),
        "mine": mark("Only your own"),
        "starred": mark("Only your favourites"),
        "model": mark("Drawn by this model, or by one whose name begins so"),
        "style": mark("In this style"),
        "since": mark("Drawn on this day or later (UTC): 2026-11-01, yesterday, 7d"),
        "until": mark("Drawn on this day or earlier (UTC)"),
    }
    offered = {
        "model": choices.models_of_all,
        "style": choices.styles,
        "since": choices.days,
        "until": choices.days,
    }
    has = callback.__annotations__.keys()
    callback = app_commands.describe(**{k: v for k, v in described.items() if k in has})(callback)
    return app_commands.autocomplete(**{k: v for k, v in offered.items() if k in has})(callback)


@app_commands.command(name="history", description="Your own pictures, the newest first")
@filters
async def history(
    interaction: Interaction,
    words: SearchWords | None = None,
    model: ModelName | None = None,
    style: Style | None = None,
    since: Day | None = None,
    until: Day | None = None,
    starred: bool = False,
) -> None:
    """For the one who asks."""
    said = {"words": words, "model": model, "style": style, "since": since, "until": until}
    await _show(interaction, Shelf.OWN, {**said, "starred": starred})


@app_commands.command(name="favourites", description="The pictures that you have starred")
@filters
async def favourites(
    interaction: Interaction,
    words: SearchWords | None = None,
    person: discord.User | None = None,
    model: ModelName | None = None,
    style: Style | None = None,
    since: Day | None = None,
    until: Day | None = None,
) -> None:
    """For the one who asks."""
    said = {"words": words, "model": model, "style": style, "since": since, "until": until}
    await _show(interaction, Shelf.FAVOURITES, {**said, "person": person})


@app_commands.command(
    name="gallery", description="Pictures of this channel or server, the newest first"
)
@filters
@app_commands.describe(where="Of this channel, or of all channels here that you can read")
@app_commands.choices(
    where=[
        app_commands.Choice(name="this channel", value=Shelf.CHANNEL.value),
        app_commands.Choice(name="this server", value=Shelf.SERVER.value),
    ]
)
@app_commands.guild_only()
async def gallery(
    interaction: Interaction,
    where: str = Shelf.CHANNEL.value,
    words: SearchWords | None = None,
    person: discord.User | None = None,
    mine: bool = False,
    starred: bool = False,
    model: ModelName | None = None,
    style: Style | None = None,
    since: Day | None = None,
    until: Day | None = None,
) -> None:
    """For the one who asks."""
    said = {"words": words, "model": model, "style": style, "since": since, "until": until}
    more = {"person": person, "mine": mine, "starred": starred}
    await _show(interaction, Shelf(where), {**said, **more})


async def _show(interaction: Interaction, shelf: Shelf, said: Mapping[str, Any]) -> None:
    """The newest page.  Raises OutOfRange for what is no day, and for words without a letter."""
    asked = GalleryAsked(
        shelf=shelf,
        guild=interaction.guild_id,
        channel=interaction.channel_id or 0,
        words=said["words"] or "",
        model=_model(interaction, said["model"]),
        style=_style(interaction, said["style"]),
        person=_person(interaction, said),
        starred_by=UserId(interaction.user.id) if said.get("starred") else None,
        since=first_moment(said["since"], now=now(), option="since") if said["since"] else None,
        until=last_moment(said["until"], now=now(), option="until") if said["until"] else None,
    )
    check_words(asked.words)
    await show_gallery(interaction, asked)


def _person(interaction: Interaction, said: Mapping[str, Any]) -> UserId | None:
    if said.get("mine"):
        return UserId(interaction.user.id)
    person = said.get("person")
    return UserId(person.id) if person is not None else None


def _model(interaction: Interaction, typed: str | None) -> str:
    """The name that stands in recipes; of a model that is not here any more, as it is typed."""
    with contextlib.suppress(NoSuchName):
        return studio_of(interaction).offers.catalog.find(typed).name if typed else ""
    return typed or ""


def _style(interaction: Interaction, typed: str | None) -> str:
    with contextlib.suppress(UnknownName):
        return studio_of(interaction).offers.styles.named(typed).name if typed else ""
    return typed or ""
