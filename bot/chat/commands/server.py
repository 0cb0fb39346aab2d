"""/server: what a server's admins decide, at once and for good, each change written down.

Discord shows it to those who may manage the server; that is checked here, too, as their admins can
show it to others.  Whoever runs the bot may use it everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import AppCommandChannel, Range

from bot.chat.answers import SILENT, whisper
from bot.chat.askers import is_admin, studio_of
from bot.chat.buttons.audit import audit_view, shown_page
from bot.chat.refusals import AdminsOnly
from bot.languages.speaking import mark, tr
from bot.pages import server_pages
from bot.pages.quoting import plain
from bot.studio.servers import NO_RULES, ServerRules
from generation.errors import OutOfRange
from storage.erasures import fingerprint
from storage.servers import RuleValue, ServerRule

Interaction = discord.Interaction[Any]


class _Place(app_commands.Transformer):
    """A channel, thread, forum or category, of the kinds that Discord lets commands name."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        kinds = discord.ChannelType
        return [
            *(kinds.text, kinds.news, kinds.voice, kinds.stage_voice, kinds.forum, kinds.category),
            *(kinds.public_thread, kinds.private_thread, kinds.news_thread),
        ]

    async def transform(self, _: Interaction, value: Any, /) -> AppCommandChannel:
        place: AppCommandChannel = value
        return place


Place = app_commands.Transform[AppCommandChannel, _Place]

MOST_CHOICES = 25  # Discord's
RESTS, GOES_ON = mark("rests"), mark("goes on")


class _Server(app_commands.Group):
    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Raise AdminsOnly for anybody else."""
        if not is_admin(interaction):
            raise AdminsOnly
        return True


server = _Server(
    name="server",
    description="What is allowed in this server, and to whom (for its admins)",
    guild_only=True,
    default_permissions=discord.Permissions(manage_guild=True),
)


class Decisions:
    """What one command decides."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction, self._guild = interaction, interaction.guild_id or 0
        self.asked = self.made = 0

    async def decide(self, rule: ServerRule, subject: str, value: RuleValue | None) -> None:
        """Let a rule say this from now on; None: as usual."""
        servers = studio_of(self._interaction).servers
        by = self._interaction.user.id
        self.asked += 1
        self.made += await servers.decide(self._guild, rule, value, subject=subject, by=by)

    async def show(self, page: str) -> None:
        """Show what is decided now."""
        if self.asked and not self.made:
            page = f"{tr(server_pages.SAID_SO)}\n{page}"
        await whisper(self._interaction, page)


def _shown_rules(interaction: Interaction) -> ServerRules:
    """The same, for what is offered while somebody types: to admins alone."""
    return rules_of(interaction) if is_admin(interaction) else NO_RULES


def rules_of(interaction: Interaction) -> ServerRules:
    """What is decided where somebody asks."""
    return studio_of(interaction).servers.rules(interaction.guild_id)


async def begun(interaction: Interaction) -> Decisions:
    """The answer is promised to the one who asks."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    return Decisions(interaction)


@server.command(name="policy", description="Who and what is refused; shows it when left empty")
@app_commands.describe(
    block="A person who draws nothing here from now on, their buttons included",
    unblock="A person who may draw here again",
    refuse="A word or phrase that is not drawn here, in any spelling",
    accept="A word or phrase that was refused and may be drawn again",
    age_restricted_only="Whether what is not for everybody is shown in such channels only",
    private_pictures="Whether pictures may be drawn that one person alone sees",
)
async def policy(
    interaction: Interaction,
    block: discord.User | None = None,
    unblock: discord.User | None = None,
    refuse: Range[str, 1, 100] | None = None,
    accept: Range[str, 1, 100] | None = None,
    private_pictures: bool | None = None,
    age_restricted_only: bool | None = None,
) -> None:
    """Change what was given, then show everything."""
    changes = await begun(interaction)
    if block is not None:
        await changes.decide(ServerRule.BLOCKED, str(block.id), True)
    if unblock is not None:
        await changes.decide(ServerRule.BLOCKED, str(unblock.id), None)
        unnamed = fingerprint(interaction.guild_id or 0, unblock.id)  # if their data was erased
        await changes.decide(ServerRule.BLOCKED, unnamed, None)
    if refuse is not None:
        await changes.decide(ServerRule.WORD, plain(refuse), True)
    if accept is not None:
        await changes.decide(ServerRule.WORD, _refused_already(interaction, accept), None)
    if private_pictures is not None:
        await changes.decide(ServerRule.PRIVATE, "", None if private_pictures else False)
    safety = studio_of(interaction).safety
    if age_restricted_only is not None:
        wanted = True if age_restricted_only and safety.classifier() else None
        await changes.decide(ServerRule.MARKED, "", wanted)
    await changes.show(server_pages.policy_page(rules_of(interaction), classifier=safety.name))


def _refused_already(interaction: Interaction, typed: str) -> str:
    words = rules_of(interaction).subjects(ServerRule.WORD)
    typed = plain(typed)
    for word in words:
        if word.casefold() == typed.casefold():
            return word
    raise OutOfRange(tr("word"), typed, tr("one of those that are refused here"))


@policy.autocomplete("accept")
async def _refused_words(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    return _choices((word, word) for word in _shown_rules(interaction).subjects(ServerRule.WORD)
                    if typed.casefold() in word.casefold())  # fmt: skip


@server.command(name="channels", description="Where pictures are drawn; shows it when left empty")
@app_commands.describe(
    allow="A channel, forum or category to draw in; with the first, all others are closed",
    forbid="One that was allowed",
    spoiler="Where pictures are hidden until somebody clicks them",
    no_spoiler="Where they are shown again",
)
async def channels(
    interaction: Interaction,
    allow: Place | None = None,
    forbid: Place | None = None,
    spoiler: Place | None = None,
    no_spoiler: Place | None = None,
) -> None:
    """Change what was given, then show everything."""
    changes = await begun(interaction)
    for place, rule, value in (
        (allow, ServerRule.CHANNEL, True),
        (forbid, ServerRule.CHANNEL, None),
        (spoiler, ServerRule.SPOILER, True),
        (no_spoiler, ServerRule.SPOILER, None),
    ):
        if place is not None:
            await changes.decide(rule, str(place.id), value)
    await changes.show(server_pages.channels_page(rules_of(interaction)))


@server.command(name="pause", description="Let drawing rest here, or go on; shows it when empty")
@app_commands.describe(
    drawing="What waits keeps its place, what has begun is finished", reason="What people are told"
)
@app_commands.choices(
    drawing=[app_commands.Choice(name=name, value=name) for name in (RESTS, GOES_ON)]
)
async def pause(
    interaction: Interaction,
    drawing: str | None = None,
    reason: Range[str, 1, 300] | None = None,
) -> None:
    """Rest, or go on."""
    changes = await begun(interaction)
    if drawing == RESTS or (drawing is None and reason is not None):
        await changes.decide(ServerRule.REST, "", plain(reason or ""))
    elif drawing == GOES_ON:
        await changes.decide(ServerRule.REST, "", None)
    await changes.show(server_pages.rest_page(rules_of(interaction)))


@server.command(name="styles", description="Styles that are not offered here")
@app_commands.describe(hide="A style to offer no more", offer="One to offer again")
async def styles(
    interaction: Interaction, hide: str | None = None, offer: str | None = None
) -> None:
    """Hide one, offer one again, show which are hidden."""
    changes = await begun(interaction)
    library = studio_of(interaction).offers.styles
    if hide is not None:
        await changes.decide(ServerRule.STYLE, library.find(hide).name, True)
    if offer is not None:
        hidden = rules_of(interaction).subjects(ServerRule.STYLE)
        name = offer if offer in hidden else library.find(offer).name
        await changes.decide(ServerRule.STYLE, name, None)
    hidden = rules_of(interaction).subjects(ServerRule.STYLE)
    await changes.show(server_pages.hidden_page(ServerRule.STYLE, hidden))


@styles.autocomplete("hide")
async def _styles_here(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    rules = rules_of(interaction)
    return _choices(
        (f"{style.en} · {style.zh}", style.key)
        for style in studio_of(interaction).offers.styles.values()
        if rules.offers_style(style.name) and typed.lower() in f"{style.en} {style.zh}".lower()
    )


@styles.autocomplete("offer")
async def _styles_hidden(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    hidden = _shown_rules(interaction).subjects(ServerRule.STYLE)
    return _choices((name, name) for name in hidden if typed.lower() in name.lower())


@server.command(name="models", description="Models that are not offered here")
@app_commands.describe(hide="A model to offer no more", offer="One to offer again")
async def models(
    interaction: Interaction, hide: str | None = None, offer: str | None = None
) -> None:
    """Hide one, offer one again, show which are hidden."""
    changes = await begun(interaction)
    catalog = studio_of(interaction).offers.catalog
    if hide is not None:
        entry = catalog.find(hide)
        await changes.decide(ServerRule.MODEL, entry.weights.sha256, entry.name)
    if offer is not None:
        hidden = _hidden_models(interaction)
        sha256 = hidden[offer] if offer in hidden else catalog.find(offer).weights.sha256
        await changes.decide(ServerRule.MODEL, sha256, None)
    await changes.show(server_pages.hidden_page(ServerRule.MODEL, _hidden_models(interaction)))


def _hidden_models(interaction: Interaction) -> dict[str, str]:
    """The sha256 of each hidden model, by its name."""
    said = rules_of(interaction).by_rule.get(ServerRule.MODEL, {})
    return {str(name): sha256 for sha256, name in said.items()}


@models.autocomplete("hide")
async def _models_here(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    rules = rules_of(interaction)
    return _choices(
        (entry.name, entry.name if len(entry.name) <= 100 else entry.short)
        for entry in studio_of(interaction).offers.checkpoints()
        if rules.offers_model(entry.weights.sha256) and typed.lower() in entry.name.lower()
    )


@models.autocomplete("offer")
async def _models_hidden(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    hidden = _hidden_models(interaction) if is_admin(interaction) else {}
    return _choices((name, name) for name in hidden if typed.lower() in name.lower())


@server.command(name="audit", description="What was decided and done here: who, when, what")
@app_commands.describe(page="Which page, ten lines on each, the newest first")
async def audit(interaction: Interaction, page: Range[int, 1, 100_000] = 1) -> None:
    """A page of the log."""
    text, number, pages = await shown_page(interaction, page - 1)
    view = audit_view(number, pages)
    await interaction.response.send_message(
        text, view=view, ephemeral=True, allowed_mentions=SILENT
    )
    view.stop()  # its buttons are heard without that


def _choices(found: Iterable[tuple[str, str]]) -> list[app_commands.Choice[str]]:
    offered = [
        app_commands.Choice(name=plain(name, 100) or "?", value=value)
        for name, value in found
        if len(value) <= 100
    ]
    return offered[:MOST_CHOICES]
