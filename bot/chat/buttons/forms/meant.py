"""✏️ Not what I meant: a reply that was understood otherwise, said again or put right by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord

from bot.chat.askers import origin_of, studio_of
from bot.chat.buttons.answering import carry_out
from bot.chat.buttons.forms.form import DENOISE_ENDS, FormField, form, written_in
from bot.languages.speaking import tr
from bot.studio.changing import Answer, Underway
from bot.studio.revisor import Reply
from bot.studio.rewriting import rewritten, written_of
from bot.studio.rights import Asker
from storage.errors import Missing
from storage.ids import number_in
from storage.pictures import PictureId, StoredPicture
from storage.revisions import Revision

Interaction = discord.Interaction[Any]

LONGEST = 2000  # letters of a reply, as in a message


def meant_form(picture: StoredPicture, revision: Revision) -> discord.ui.Modal:
    """The form with what was said, and what was made of it."""
    made = written_of(picture.recipe)
    fields = [
        FormField(
            name="reply",
            label=tr("Say again what should change"),
            hint=tr("It is understood anew, of the picture before"),
            value=revision.typed[:LONGEST],
            several_lines=True,
            longest=LONGEST,
        ),
        FormField(
            name="prompt",
            label=tr("Or put right what it shows"),
            hint=tr("As it was understood; it is drawn word by word"),
            value=made.prompt,
            several_lines=True,
        ),
        FormField(
            name="strength",
            label=tr("How much is redrawn ({low} to {high})", **DENOISE_ENDS),
            hint=tr("Less keeps more of the picture before"),
            value=made.strength,
            longest=5,
        ),
    ]
    return form(tr("Not what I meant"), f"atelier:form:meant:{picture.id}", fields)


async def meant(interaction: Interaction, of: str) -> None:
    """Draw what the form says, in place of the picture that was not meant."""
    studio, origin = studio_of(interaction), origin_of(interaction)
    typed, asker = written_in(interaction), Asker.of(origin)

    async def asking() -> Sequence[Answer]:
        number = number_in(of)
        if number is None:
            raise Missing("picture", of)
        picture = await studio.gallery.picture(asker, PictureId(number))
        request = await studio.gallery.request(asker, picture.request)
        said, revision = typed.get("reply", "").strip(), request.revision
        if said and revision is not None and said != revision.typed[:LONGEST].strip():
            before = await studio.changes.before(asker, picture)
            return await studio.changes.reply(Reply(origin=origin, words=said), (before,))
        made = written_of(picture.recipe)
        by_hand = replace(
            made,
            prompt=typed.get("prompt", "").strip() or made.prompt,
            strength=typed.get("strength", "").strip() or made.strength,
        )
        base = revision.base if revision is not None else ""
        wish = rewritten(picture, by_hand, origin, base=base)
        return (Underway(request=await studio.requests.submit(wish)),)

    await carry_out(interaction, asking)
