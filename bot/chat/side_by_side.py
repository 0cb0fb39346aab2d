"""Pictures side by side in the channel, where a reply asks for them.

Invariant: a picture that not everybody in the channel may see is not shown there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import discord

from bot.chat.saying import say
from bot.chat.uploads import USUAL_LIMIT
from bot.languages.amounts import all_of
from bot.languages.speaking import mark, tr
from bot.pages.contact_sheet import encoded
from bot.pages.side_by_side import side_by_side_page, side_by_side_sheet
from bot.studio.asked_to_compare import AskedComparison, asked_to_compare
from bot.studio.comparing import MOST, ComparedPicture
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from bot.studio.which import NotThatMany
from storage.pictures import PictureId, StoredPicture

NOTHING_BESIDE = mark(
    "Beside which one? Say `compare with #12`, or reply so to a message with several pictures."
)


async def compared_beside(
    message: discord.Message,
    words: str,
    ours: Sequence[StoredPicture],
    picked: PictureId | None,
    studio: Studio,
    asker: Asker,
) -> bool:
    """Show what a reply to these pictures wants side by side; False: it wants something else."""
    asked = asked_to_compare(words)
    if asked is None:
        return False
    numbers = meant_by(asked, ours, picked)
    if len(numbers) < 2:
        await say(message, tr(NOTHING_BESIDE))
        return True
    compared = await studio.comparisons.side_by_side(asker, numbers)
    hidden = await _not_for_all(compared, message.channel.id, studio, asker)
    if hidden:
        which = all_of(f"#{number}" for number in hidden)
        said = tr("Not everybody here may see {which}. `/compare` shows you alone.", which=which)
        await say(message, said)
        return True
    limit: int = getattr(message.guild, "filesize_limit", USUAL_LIMIT)
    file = await asyncio.to_thread(side_by_side_file, compared, limit)
    await say(message, side_by_side_page(compared), files=(file,))
    return True


async def _not_for_all(
    compared: Sequence[ComparedPicture], channel: int, studio: Studio, asker: Asker
) -> list[PictureId]:
    """Those that are not for everybody in the channel; in direct messages all are for one."""
    if asker.guild is None:
        return []
    pages, numbers = studio.gallery_pages, [one.picture.id for one in compared]
    seen = {one.id for one in await pages.everybodys(asker, channel, numbers)}
    return [
        one.picture.id
        for one in compared
        if one.picture.id not in seen or await pages.too_adult(asker, one.picture, channel)
    ]


def meant_by(
    asked: AskedComparison, ours: Sequence[StoredPicture], picked: PictureId | None
) -> list[PictureId]:
    """The pictures that are meant, in their order; of one alone, also what it was made of.

    Raises NotThatMany.
    """
    for place in asked.places:
        if not 1 <= place <= len(ours):
            raise NotThatMany(place, len(ours))
    here = [ours[place - 1].id for place in asked.places]
    named = [PictureId(number) for number in asked.numbers]
    if named and not here:
        here = [next((one.id for one in ours if one.id == picked), ours[0].id)]
    if not named and not here:
        first = sorted(ours, key=lambda one: one.id != picked)
        here = [one.id for one in first][:MOST]
    if len(here) == 1 and not named:
        alone = next(one for one in ours if one.id == here[0])
        here = [*([alone.parent] if alone.parent is not None else []), *here]
    return list(dict.fromkeys((*here, *named)))


def side_by_side_file(compared: Sequence[ComparedPicture], limit: int) -> tuple[str, bytes]:
    """The sheet as a file within the limit: its name and its bytes."""
    suffix, data = encoded(side_by_side_sheet(compared), limit)
    return f"side-by-side{suffix}", data
