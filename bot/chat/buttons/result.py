"""The buttons under a result: what can be made of it, and of each of its pictures.

Picture 1 of 4          which of several the rows below are about (`bot.chat.buttons.picking`)
🎲 🔀 ⬆️ ↩️               something new of the picture
✏️ 🔍 ⭐ 📄 🖌️            changing it, keeping it, what it is, and painting on it
♻️ ✨ 🎨 💾 🎬           the result as a whole, its settings by a name, and the picture in motion
🔁 💬 🔊 🧊 🗑️           all again, the person's own words, and what else can be made of it

Under a clip, a sound and a form stand those of them that it can be asked, and of a clip ⏩ and 🎞️.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.chat.answers import whisper, whisper_recipes
from bot.chat.askers import asker_of, is_away, origin_of
from bot.chat.buttons.crossing import further
from bot.chat.buttons.deleting import Delete
from bot.chat.buttons.forms.editing import edit_form
from bot.chat.buttons.forms.meant import meant_form
from bot.chat.buttons.painting import PaintMask
from bot.chat.buttons.picking import PickPicture
from bot.chat.buttons.picture_button import NUMBERS, PictureButton
from bot.chat.buttons.presets import SavePreset
from bot.chat.buttons.progress import begin
from bot.chat.buttons.request_button import RequestButton
from bot.chat.buttons.reshaping import MorePixels, VaryStrongly, VarySubtly, ZoomOut
from bot.chat.buttons.stars import Star
from bot.chat.buttons.styles import OtherStyle
from bot.chat.places import VIEW, NoPlaceToPost, check_place
from bot.chat.showing_again import files_of, show_again, show_alone
from bot.languages.speaking import mark, tr
from bot.studio import lines
from bot.studio.abilities import PICTURES_ALONE, ResultReach
from bot.studio.studio import Studio
from generation.media.table import medium_of
from generation.tasks import IMAGE, VIDEO
from storage.errors import Missing
from storage.pictures import PictureId, StoredPicture
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]


class Again(PictureButton, template=rf"atelier:again:{NUMBERS}"):
    """🎲, under a result."""

    label, emoji, action = mark("Again"), "🎲", "again"
    style = discord.ButtonStyle.primary

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same wish, other seeds: of one picture, or of all."""
        origin = origin_of(interaction)
        await begin(
            interaction, lambda: studio.requests.again(self.request, origin, only=self.picture)
        )


class EditWords(PictureButton, template=rf"atelier:edit:{NUMBERS}"):
    """✏️, under a result."""

    label, emoji, action = mark("Edit"), "✏️", "edit"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """A form with all that was said of the picture, to be changed."""
        picture = await self.shown(interaction, studio)
        await interaction.response.send_modal(edit_form(picture))


class RecipeOf(PictureButton, template=rf"atelier:recipe:{NUMBERS}"):
    """📄, under a result."""

    label, emoji, action = mark("Recipe"), "📄", "recipe"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """What decides the pixels, for the one who asks."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        pictures = await studio.gallery.of_request(asker_of(interaction), self.request)
        if self.picture is not None:
            pictures = tuple(p for p in pictures if p.id == self.picture)
        if not pictures:
            raise Missing("request", self.request)
        await whisper_recipes(interaction, pictures)


class Reproduce(PictureButton, template=rf"atelier:reproduce:{NUMBERS}"):
    """♻️, under a result."""

    label, emoji, action = mark("Reproduce"), "♻️", "reproduce"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Draw the picture again and compare."""
        origin = origin_of(interaction)
        await begin(
            interaction,
            lambda: studio.requests.reproduce_one(self.request, origin, only=self.picture),
        )


class ShowPicture(PictureButton, template=rf"atelier:show:{NUMBERS}"):
    """🖼️, under a contact sheet, on which pictures are small."""

    label, emoji, action = mark("Show"), "🖼️", "show"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The picture itself, for the one who asks, with its buttons."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        picture = await self.shown(interaction, studio)
        reach = studio.offers.reach
        view = result_view(picture.request, (picture,), alone=True, reach=reach)
        await show_alone(interaction, picture, view, await files_of(interaction, picture))


class NewWords(RequestButton, template=r"atelier:words:(?P<request>.*)"):
    """✨, under a result."""

    label, emoji, action = mark("New wording"), "✨", "words"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same wish and seeds, other words for it."""
        origin = origin_of(interaction)
        await begin(interaction, lambda: studio.requests.reword(self.request, origin))


class OwnWords(RequestButton, template=r"atelier:own:(?P<request>.*)"):
    """💬, under a result in other words."""

    label, emoji, action = mark("My words only"), "💬", "own"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """The same seeds, the person's own words unchanged."""
        origin = origin_of(interaction)
        await begin(interaction, lambda: studio.requests.reword(self.request, origin, own=True))


class Back(PictureButton, template=rf"atelier:back:{NUMBERS}"):
    """↩️, under a result that a reply made of another picture."""

    label, emoji, action = mark("Undo"), "↩️", "back"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Show what was before once more; nothing is drawn, and nothing lost."""
        await interaction.response.defer()
        asker, message = asker_of(interaction), interaction.message
        before = await studio.changes.before(asker, await self.shown(interaction, studio))
        assert message is not None  # `heard` has looked at it
        reach = studio.offers.reach
        view = result_view(before.request, (before,), alone=True, reach=reach)
        await show_again(message, before.id, lines.back_to(before.id), view, studio, asker)


class NotMeant(PictureButton, template=rf"atelier:meant:{NUMBERS}"):
    """✏️, under a result that a reply made of another picture."""

    label, emoji, action = mark("Not what I meant"), "✏️", "meant"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """A form with what was said and what was made of it."""
        picture = await self.shown(interaction, studio)
        request = await studio.gallery.request(asker_of(interaction), self.request)
        if request.revision is None:
            raise Missing("request", self.request)
        await interaction.response.send_modal(meant_form(picture, request.revision))


class ShareWithAll(RequestButton, template=r"atelier:share:(?P<request>.*)"):
    """📣, under a result that one person alone sees."""

    label, emoji, action = mark("Share"), "📣", "share"

    async def press(self, interaction: Interaction, studio: Studio) -> None:
        """Post it where it was asked, as an ordinary result."""
        if is_away(interaction):
            raise NoPlaceToPost((VIEW,))
        check_place(interaction)
        studio.servers.admits(origin_of(interaction))
        await interaction.response.defer(ephemeral=True, thinking=True)
        shared = await studio.gallery.share(asker_of(interaction), self.request)
        await whisper(interaction, tr(SHARED if shared else SHARED_BEFORE))


MOST_IN_A_ROW = 5  # as Discord has it
SHARED = mark("It is posted here for all to see.")
SHARED_BEFORE = mark("It is for all to see already.")


def result_view(
    request: RequestId,
    pictures: Sequence[StoredPicture],
    *,
    worded: bool = False,
    changed: bool = False,
    replied: bool = False,
    alone: bool = False,
    reach: ResultReach = PICTURES_ALONE,
    private: bool = False,
    labels: Mapping[PictureId, str] | None = None,
) -> discord.ui.View:
    """The buttons under a result; `worded` when other words than the person's were drawn.

    `changed`: they were made of another picture, which can be shown again; `replied`: by a reply,
    which may have been understood otherwise.  `alone`: of what may be several, one is shown.
    `reach`: what can be made of it here.
    `private`: one person alone sees them, and may share them.

    Of several pictures the first is picked at first, and its number stands in the buttons about it.
    `labels`: what tells them apart on a sheet that compares them; their words are no one's alone.
    """
    many = len(pictures) > 1
    one = pictures[0].id if many or alone else None
    medium = medium_of(pictures[0].recipe).name
    last: list[discord.ui.Item[Any]] = [
        *([_whole_again(request)] if many else []),
        *([OwnWords(request)] if worded else []),
        *([NotMeant(request, one)] if replied else []),
        *([ShareWithAll(request)] if private else []),
    ]
    again = [Again(request, one), VarySubtly(request, one), VaryStrongly(request, one)]
    larger = [MorePixels(request, one)] if medium in (IMAGE, VIDEO) else []
    back = [Back(request, one)] if changed else []
    other = further(request, one, medium, reach)
    rows: tuple[list[discord.ui.Item[Any]], ...] = (
        [PickPicture(request, pictures, labels or {})] if many else [],
        [*again, *larger, *back],
        [*_about_it(request, one, medium, reach), *(other if medium == VIDEO else [])],
        [
            Reproduce(request, one),
            *(_of_words(request, one, on_sheet=labels is not None) if medium == IMAGE else []),
            SavePreset(request, one),
            *(other[:1] if medium == IMAGE else []),
        ],
        last,
    )
    if medium == IMAGE:
        last += other[1 : MOST_IN_A_ROW - len(last)]
    rows[4 if last or len(rows[3]) == MOST_IN_A_ROW else 3].append(Delete(request))
    return _in_rows(rows)


def _about_it(
    request: RequestId, one: PictureId | None, medium: str, reach: ResultReach
) -> list[discord.ui.Item[Any]]:
    """Changing it, keeping it, and what it is."""
    kept = [Star(request, one), RecipeOf(request, one)]
    if medium != IMAGE:
        return list(kept)
    painting = [PaintMask(request, one)] if reach.painter else []
    return [EditWords(request, one), ZoomOut(request, one), *kept, *painting]


def _whole_again(request: RequestId) -> Again:
    """🔁, beside what is about one of several."""
    whole = Again(request)
    whole.item.label, whole.item.emoji = tr("All again"), "🔁"
    whole.item.style = discord.ButtonStyle.secondary
    return whole


def _of_words(
    request: RequestId, one: PictureId | None, *, on_sheet: bool
) -> list[discord.ui.Item[Any]]:
    """Other words for all of them; of a sheet, whose words may be what differs, the picture."""
    if on_sheet:
        return [ShowPicture(request, one)]
    return [NewWords(request), OtherStyle(request)]


def _in_rows(rows: Sequence[Sequence[discord.ui.Item[Any]]]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for line, row in enumerate(filter(None, rows)):
        for item in row:
            item.row = line
            view.add_item(item)
    return view


def failure_view(request: RequestId) -> discord.ui.View:
    """The button under a result without a picture; it also tells later whose result it is."""
    view = discord.ui.View(timeout=None)
    view.add_item(Again(request))
    return view
