"""How the bot answers an interaction: in time, once, and kindly when it failed.

begin(interaction, asking)     submit, then show the progress to all
accepted(interaction, work)    what work returns, with the asker told in time that it goes on
whisper(interaction, text)     an answer that the asker alone sees
apologise(interaction, error)  the one place where a failed command or button ends
place_of(interaction)          who asks, and where the answer belongs

Invariant: what is refused is seen by the asker alone, with what was typed.  Discord lets an answer
be public or private once and for ever, so nothing public is said before the wish is accepted.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import discord

from bot.chat.places import NoPlaceToPost, check_place
from bot.pages import replies
from bot.pages.apologies import apology_for, expected
from bot.pages.quoting import code
from bot.pages.recipe_page import recipe_page
from bot.studio.rights import Asker
from bot.studio.shares import Requester, Tiers
from bot.studio.studio import Studio
from bot.studio.wishes import Origin
from bot.telemetry.logs import wordless
from generation.job import UserId
from storage.errors import AskedBefore
from storage.pictures import StoredPicture
from storage.tickets import Request, RequestId

log = logging.getLogger(__name__)

SILENT = discord.AllowedMentions.none()

# Most wishes are accepted or refused within it, and a person does not wonder yet; Discord waits
# three seconds for a first answer.
QUICK_SECONDS = 0.35

ACKNOWLEDGED = 40060  # Discord's code: somebody, we ourselves, has answered it

T = TypeVar("T")


class ChatHost(Protocol):
    """What commands and buttons need of the client."""

    @property
    def studio(self) -> Studio: ...

    @property
    def moderator_permission(self) -> str: ...

    @property
    def tiers(self) -> Tiers: ...

    def remember_answer(
        self, request: RequestId, interaction: discord.Interaction[Any]
    ) -> None: ...


def studio_of(interaction: discord.Interaction[Any]) -> Studio:
    """The studio that the client was built with."""
    host: ChatHost = interaction.client
    return host.studio


def place_of(interaction: discord.Interaction[Any]) -> Origin:
    """Who asks, and where the answer belongs."""
    host: ChatHost = interaction.client
    return Origin(
        owner=UserId(interaction.user.id),
        share=host.tiers.share(person(interaction.user, interaction.guild_id)),
        guild=interaction.guild_id,
        channel=interaction.channel_id or 0,
        reply_to=None,
        locale=str(interaction.locale),
        source=interaction.id,
    )


def asker_of(interaction: discord.Interaction[Any]) -> Asker:
    """Who asks, for `bot.studio.rights`."""
    return Asker(id=UserId(interaction.user.id), guild=interaction.guild_id)


def person(user: discord.User | discord.Member, guild: int | None) -> Requester:
    """What decides out of whose part of the device somebody is paid."""
    roles: set[str] = set()
    pending = False
    if isinstance(user, discord.Member):
        roles = {text for role in user.roles for text in (role.name, str(role.id))}
        pending = user.pending
    age = now() - user.created_at.timestamp()
    return Requester(guild=guild, roles=roles, account_age=age, pending=pending)


def is_moderator(interaction: discord.Interaction[Any]) -> bool:
    """Whether the person has the permission that the owner chose for moderators."""
    host: ChatHost = interaction.client
    return bool(getattr(interaction.permissions, host.moderator_permission))


async def begin(
    interaction: discord.Interaction[Any],
    asking: Callable[[], Coroutine[Any, Any, Request]],
    cancel_view: Callable[[int], discord.ui.View],
) -> None:
    """Submit, and show the progress to all once the wish is accepted."""
    check_place(interaction)
    studio = studio_of(interaction)
    request = await accepted(interaction, asking())
    host: ChatHost = interaction.client
    host.remember_answer(request.id, interaction)
    standing = studio.open_requests.standing(request.id)
    text = replies.progress(standing, now()) if standing else "🖼️"
    message = await _show(interaction, request.id, text, cancel_view(request.id))
    if message is None:
        return
    await studio.messages.say_progress_is(request.id, message.id)


async def accepted(interaction: discord.Interaction[Any], work: Coroutine[Any, Any, T]) -> T:
    """What the work returns.  Where it takes long, the asker alone sees that it goes on."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=QUICK_SECONDS)
        if not task.done():
            await _say_it_goes_on(interaction)
        return await task
    finally:
        task.cancel()


async def _say_it_goes_on(interaction: discord.Interaction[Any]) -> None:
    # The wish is worth more than this sign of life.
    with contextlib.suppress(discord.HTTPException):
        if not interaction.response.is_done():
            await interaction.response.defer(ephemeral=True, thinking=True)
        if not studio_of(interaction).device.known:
            await interaction.edit_original_response(content=replies.STARTING)


async def _show(
    interaction: discord.Interaction[Any], request: RequestId, text: str, view: discord.ui.View
) -> discord.PartialMessage | None:
    """The progress of a request where all see it: the answer, or an ordinary message."""
    channel: discord.PartialMessageable = interaction.client.get_partial_messageable(
        interaction.channel_id or 0, guild_id=interaction.guild_id
    )
    if not interaction.response.is_done():
        # The request is queued: whatever is wrong with the answer, an ordinary message does.
        with contextlib.suppress(discord.HTTPException):
            sent = await interaction.response.send_message(text, view=view, allowed_mentions=SILENT)
            return channel.get_partial_message(sent.message_id or 0)
    answered = interaction.message
    if _changes_its_message(interaction) and answered and not answered.flags.ephemeral:
        with contextlib.suppress(discord.HTTPException):
            await interaction.edit_original_response(
                content=text, view=view, allowed_mentions=SILENT
            )
            return channel.get_partial_message(answered.id)
    try:
        posted = await channel.send(text, view=view, allowed_mentions=SILENT)
    except discord.HTTPException as error:
        log.warning("progress is shown to the asker alone: %s", error)
        with contextlib.suppress(discord.HTTPException):
            await whisper_about(interaction, request, text, view)
        return None
    with contextlib.suppress(discord.HTTPException):
        if not _changes_its_message(interaction):
            await interaction.delete_original_response()
    return channel.get_partial_message(posted.id)


def _changes_its_message(interaction: discord.Interaction[Any]) -> bool:
    """Whether a button was acknowledged without an answer of its own."""
    return interaction.response.type is discord.InteractionResponseType.deferred_message_update


async def whisper(
    interaction: discord.Interaction[Any],
    text: str,
    *,
    view: discord.ui.View | None = None,
    file: tuple[str, bytes] | None = None,
) -> int:
    """Answer the asker alone, or in the answer that was promised.  Returns the message's id."""
    files = [discord.File(io.BytesIO(file[1]), filename=file[0])] if file else []
    shown: dict[str, Any] = {"allowed_mentions": SILENT}
    if not interaction.response.is_done():
        shown |= {"view": view} if view else {}
        sent = await interaction.response.send_message(text, files=files, ephemeral=True, **shown)
        return sent.message_id or 0
    if interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
        edited = await interaction.edit_original_response(
            content=text, attachments=files, view=view, **shown
        )
        return edited.id
    shown |= {"view": view} if view else {}
    said = await interaction.followup.send(text, files=files, ephemeral=True, wait=True, **shown)
    return int(said.id)


async def whisper_about(
    interaction: discord.Interaction[Any],
    request: RequestId,
    text: str,
    view: discord.ui.View,
) -> None:
    """Answer the asker alone with components about a request."""
    with studio_of(interaction).messages.answering(request) as note:
        await note(await whisper(interaction, text, view=view))


async def whisper_recipes(
    interaction: discord.Interaction[Any], pictures: Sequence[StoredPicture]
) -> None:
    """What decides the pixels of each, for the asker alone, who was promised an answer."""
    for picture in pictures:
        text, file = recipe_page(picture)
        files = [discord.File(io.BytesIO(file[1]), filename=file[0])] if file else []
        await interaction.followup.send(text, files=files, ephemeral=True, allowed_mentions=SILENT)


async def apologise(interaction: discord.Interaction[Any], error: BaseException) -> None:
    """Tell the person in one sentence, and give back what they typed; the log has the cause."""
    while isinstance(error, discord.app_commands.CommandInvokeError):
        error = error.original
    if isinstance(error, AskedBefore) or getattr(error, "code", None) == ACKNOWLEDGED:
        log.info("Discord said it twice: %s", error)
        return
    typed, platform = typed_in(interaction), place_apology(error)
    if expected(error) or isinstance(error, NoPlaceToPost):
        log.info("declined: %s", error)
    elif isinstance(error, discord.app_commands.AppCommandError):
        log.info("declined: %s", type(error).__name__)  # its text quotes what was typed
    else:
        log.error("an interaction failed", exc_info=wordless(error, typed))
    text, file = replies.with_what_was_typed(platform or apology_for(error), typed)
    with contextlib.suppress(discord.HTTPException):
        await whisper(interaction, text, file=file)


def typed_in(interaction: discord.Interaction[Any]) -> str:
    """What a person typed into a command or a form, to be typed again; "" for a button."""
    data: Any = interaction.data or {}
    if interaction.type is discord.InteractionType.modal_submit:
        return "\n".join(_fields(data.get("components", ())))
    options = [o for o in data.get("options", ()) if o["type"] in _TYPED and "value" in o]
    if not options:
        return ""
    said = " ".join(f"{option['name']}: {option['value']}" for option in options)
    return f"/{data['name']} {said}"


_TYPED = frozenset(
    kind.value
    for kind in (
        discord.AppCommandOptionType.string,
        discord.AppCommandOptionType.integer,
        discord.AppCommandOptionType.number,
        discord.AppCommandOptionType.boolean,
    )
)


def _fields(components: Any) -> list[str]:
    """What stands in the fields of a form, in their order."""
    found: list[str] = []
    for part in components:
        inner = part.get("components") or filter(None, [part.get("component")])
        found += _fields(inner) or ([part["value"]] if part.get("value") else [])
    return found


def place_apology(error: BaseException) -> str | None:
    """The sentence for an error of the platform, or of the place; None for any other."""
    match error:
        case NoPlaceToPost():
            names = ", ".join(f"*{name}*" for name in error.missing)
            return f"I may not post pictures here: I lack {names}. A moderator can grant that."
        case discord.app_commands.CommandOnCooldown():
            return f"One moment, please: try again in {error.retry_after:.0f} s."
        case discord.app_commands.CheckFailure():
            return "You are not allowed to do that here."
        case discord.app_commands.TransformerError():
            return f"I cannot read {code(str(error.value), 80)} as {error.type.name}."
        case discord.app_commands.CommandNotFound():
            return "I no longer have that command; please restart Discord to see the present ones."
        case discord.Forbidden():
            return "I am not allowed to post here. A moderator can give me the permission."
        case discord.NotFound():
            return "That message is gone."
        case discord.DiscordServerError():
            return "Discord did not answer. Nothing is lost; please try again in a minute."
    return None


def now() -> float:
    """The time that Discord's timestamps count from."""
    return datetime.now(UTC).timestamp()
