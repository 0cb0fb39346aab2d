"""Which of several pictures the buttons below them are about: the select, and the message after it.

The choice stands in the message: in the select, and as a number in each button about one picture.
Invariant: a press is about the picture that the presser's own message showed when they pressed,
whoever picks another one in that moment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import discord

from bot.chat.askers import asker_of
from bot.chat.buttons.picture_button import picture_in, picture_of
from bot.chat.buttons.request_button import heard
from bot.chat.components import request_in
from bot.chat.readers import SpeaksToPresser
from bot.languages.speaking import tr
from bot.pages.best_page import scored
from bot.pages.choosing import star_label
from bot.pages.sheet_page import option_label
from bot.studio.studio import Studio
from storage.pictures import PictureId, StoredPicture
from storage.tickets import RequestId

Interaction = discord.Interaction[Any]

_NO_LABELS: Mapping[PictureId, str] = MappingProxyType({})

_BUTTON = re.compile(r"(atelier:([a-z-]+):[0-9]+)(:[0-9]+)?")


class PickPicture(
    SpeaksToPresser,
    discord.ui.DynamicItem[discord.ui.Select[Any]],
    template=r"atelier:pick:(?P<request>.*)",
):
    """ "Picture 1" to "Picture 8", under a result of several."""

    def __init__(
        self,
        request: RequestId,
        pictures: Sequence[StoredPicture] = (),
        labels: Mapping[PictureId, str] = _NO_LABELS,
    ) -> None:
        super().__init__(
            discord.ui.Select(
                custom_id=f"atelier:pick:{request}",
                options=[
                    discord.SelectOption(
                        label=tr("Picture {n} of {count}", n=place, count=len(pictures)),
                        value=str(picture.id),
                        description=_described(picture, labels.get(picture.id)),
                        default=place == 1,
                    )
                    for place, picture in enumerate(pictures, 1)
                ],
            )
        )
        self.request = request

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The select as it was used."""
        return cls(request_in(match["request"]))

    async def callback(self, interaction: Interaction) -> None:
        """Let the buttons be about that picture, or say why not."""
        await heard(interaction, self.request, self._pick)

    async def _pick(self, interaction: Interaction, studio: Studio) -> None:
        asker = asker_of(interaction)
        drawn = await studio.gallery.of_request(asker, self.request)
        picture = picture_of(drawn, self.request, picture_in(self.item.values[0])).id
        [stars] = await studio.stars.stars(asker, [picture])
        assert interaction.message is not None  # `heard` has looked at it
        await interaction.response.edit_message(
            view=about(interaction.message, picture, stars=stars)
        )


def _described(picture: StoredPicture, label: str | None) -> str:
    """What tells it from the others: its place on a sheet, or its seed."""
    if label is not None:
        return option_label(picture, label)
    parts = (f"#{picture.id}", tr("seed {n}", n=picture.recipe.seed), scored(picture))
    return " · ".join(filter(None, parts))


def about(message: discord.Message, picture: PictureId, *, stars: int) -> discord.ui.View:
    """The message's components, with the buttons about one picture being about this one."""
    view = discord.ui.View.from_message(message, timeout=None)
    for item in view.children:
        if isinstance(item, discord.ui.Select) and item.custom_id.startswith("atelier:pick:"):
            for option in item.options:
                option.default = option.value == str(picture)
        elif isinstance(item, discord.ui.Button) and item.custom_id is not None:
            found = _BUTTON.fullmatch(item.custom_id)
            if found is not None and found[3]:
                item.custom_id = f"{found[1]}:{picture}"
            if found is not None and found[2] == "star":
                item.label = star_label(stars)
    # discord.py would keep it for ever, to hear what the buttons' own classes hear.
    view.stop()
    return view
