"""All buttons, and one for what is none of them."""

from __future__ import annotations

import re
from typing import Any, Self

import discord

from bot.chat.buttons.audit import AuditPage
from bot.chat.buttons.card import SharePicture
from bot.chat.buttons.confirming import No, Yes
from bot.chat.buttons.crossing import Animate, FrameOf, GoOn, MakeForm, Voice
from bot.chat.buttons.deleting import Delete, Undo
from bot.chat.buttons.gallery import OpenPicture, SharePage, TurnPage
from bot.chat.buttons.importing import DrawImported
from bot.chat.buttons.painting import PaintMask
from bot.chat.buttons.picking import PickPicture
from bot.chat.buttons.presets import SavePreset
from bot.chat.buttons.progress import CancelButton
from bot.chat.buttons.request_button import RequestButton
from bot.chat.buttons.reshaping import MorePixels, VaryStrongly, VarySubtly, ZoomOut
from bot.chat.buttons.result import (
    Again,
    Back,
    EditWords,
    NewWords,
    NotMeant,
    OwnWords,
    RecipeOf,
    Reproduce,
    ShareWithAll,
    ShowPicture,
)
from bot.chat.buttons.stars import Star
from bot.chat.buttons.styles import OtherStyle, StyleMenu
from bot.chat.buttons.waiting_line import LookAgain
from bot.chat.readers import SpeaksToPresser
from bot.chat.refusals import apologise
from storage.errors import Missing

Interaction = discord.Interaction[Any]


_OF_REQUESTS: tuple[type[RequestButton], ...] = (
    Again,
    VarySubtly,
    VaryStrongly,
    MorePixels,
    ZoomOut,
    Animate,
    Voice,
    MakeForm,
    GoOn,
    FrameOf,
    EditWords,
    PaintMask,
    Back,
    NotMeant,
    RecipeOf,
    Reproduce,
    SavePreset,
    ShowPicture,
    Star,
    Delete,
    Undo,
    ShareWithAll,
    NewWords,
    OtherStyle,
    OwnWords,
    SharePicture,
    CancelButton,
)
_OF_PAGES = (AuditPage, TurnPage, SharePage, OpenPicture)
_ACTIONS = "|".join(button.action for button in _OF_REQUESTS)


class Unheard(
    SpeaksToPresser,
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"atelier:(?!(?:{_ACTIONS}|pick|audit|import|page|post|open|yes|no):|style:[^:]*:|(?:queue|help)$).*",
):
    """A component of no release of ours, or of one that is forgotten."""

    def __init__(self, custom_id: str) -> None:
        super().__init__(discord.ui.Button(label="?", custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _: Interaction, __: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The component as it was pressed."""
        return cls(match[0])

    async def callback(self, interaction: Interaction) -> None:
        """Say so."""
        await apologise(interaction, Missing("component", self.custom_id))


BUTTONS: tuple[type[discord.ui.DynamicItem[Any]], ...] = (
    LookAgain,
    *_OF_PAGES,
    DrawImported,
    *_OF_REQUESTS,
    PickPicture,
    StyleMenu,
    Yes,
    No,
    Unheard,
)
