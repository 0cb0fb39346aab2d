"""Files that say how a picture was made, dropped into the conversation: their cards.

    a mention or a reply, without words or with "recipe"     the card, as an answer
    the menu "Show recipe" of somebody's picture, /import    the card, for the asker alone
    words with a .json or .txt file                          drawn: the words win over the file's

Invariant: nothing is kept of a file by looking at it; a button of a card names the message that the
file came with, and reads it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import discord

from bot.chat.askers import ChatHost
from bot.chat.intake import Attachments, Sent, bytes_of, found_in
from bot.pages.imported_page import imported_page
from bot.studio.importing import Brought, beside, read_and_matched
from bot.studio.studio import Studio
from bot.studio.wishes import Wish
from generation.draft import UNSAID
from generation.interchange.imported import NotRead
from storage.requests import Origin

# What people say who want to know, and not a picture of these words; and who want it drawn.
ASKING = frozenset(
    """recipe|show recipe|the recipe|settings|the settings|what settings|which settings|
    parameters|the parameters|params|metadata|read this|read it|info|png info|prompt|the prompt|
    what prompt|what is the prompt|what was the prompt|whats the prompt|workflow|
    how was this made|how was it made|how was this drawn|how did you make this|
    配方|设置|参数|提示词|读取|怎么画的|怎么做的|这是怎么画的|工作流|提示词是什么""".replace(
        "\n    ", ""
    ).split("|")
)
DRAWING = frozenset(
    """use this recipe|use recipe|use this|import|import this|draw this|draw it|draw the same|same|
    use this workflow|run this|run it|导入|使用这个配方|用这个配方|用这个|画这个|照这个画|运行|
    """.replace("\n    ", "").split("|")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """A file that came with a message, and what it says; `place` is its number there."""

    place: int
    name: str
    brought: Brought

    @property
    def page(self) -> str:
        """The card's text."""
        return imported_page(self.brought)


def asks_how(words: str) -> bool:
    """Whether the words ask how a picture was made, and for nothing else."""
    return _folded(words) in ASKING


def wants_it(words: str) -> bool:
    """Whether they want what came with them, whatever it is, or are none."""
    return _folded(words) in DRAWING


def _folded(words: str) -> str:
    plain = words.casefold().replace("'", "").replace("’", "")
    return " ".join(plain.split()).strip(" ?!.。？！")


async def first_read(files: Sequence[Sent], studio: Studio, guild: int | None) -> ReadFile:
    """The first of the files that says how a picture was made, for whoever asks in that server.

    Raises NotRead, BadPicture.
    """
    failed: NotRead | None = None
    for place, sent in enumerate(files):
        try:
            return await read_sent(sent, studio, guild, place)
        except NotRead as error:
            failed = failed or error
    raise failed or NotRead("no file came with it")


async def read_sent(sent: Sent, studio: Studio, guild: int | None, place: int = 0) -> ReadFile:
    """What one file says.  Raises NotRead, BadPicture."""
    async with studio.opening.room():
        data = await bytes_of(sent)
        rules = studio.servers.rules(guild)
        found = await read_and_matched(data, studio.offers, rules.offers_model)
    return ReadFile(place=place, name=sent.filename, brought=found)


# In place of words, for those of the file.
ITS_OWN = ("-", "–", "—", ".", "=")


async def with_file(sent: Sent, wish: Wish, studio: Studio) -> Wish:
    """The wish with the settings of a file that was named beside its words.

    Raises NotRead, BadPicture.
    """
    found = await read_sent(sent, studio, wish.origin.guild)
    if (wish.draft.words.prompt or "").strip() in ITS_OWN:
        words = replace(wish.draft.words, prompt=None)
        wish = replace(wish, draft=replace(wish.draft, words=words))
    return beside(wish, found.brought)


async def with_text_file(wish: Wish, came: Attachments, studio: Studio) -> tuple[Wish, Attachments]:
    """The wish with the settings of a text or JSON file that came with its words, if any has some.

    What came, without it.
    """
    for sent in came.texts:
        try:
            found = await read_sent(sent, studio, wish.origin.guild)
        except NotRead:
            continue
        others = tuple(name for name in came.others if name != sent.filename)
        return beside(wish, found.brought), replace(came, others=others)
    return wish, came


def wish_of(found: Brought, origin: Origin) -> Wish:
    """What the button of a card asks for: the file as it is, by another model where need be."""
    return beside(Wish(origin=origin, draft=UNSAID), found)


def draws(found: Brought) -> bool:
    """Whether there is anything to draw, and what to draw it with."""
    words = found.imported.draft.words.prompt
    return bool(words or found.imported.recipe) and (
        not found.lacks_its_model or found.instead is not None
    )


async def files_of(client: discord.Client, channel: int, message: int) -> Attachments:
    """What came with a message whose card is pressed.  Raises discord.NotFound."""
    host: ChatHost = client  # type: ignore[assignment]  # the bot's own
    known = host.seen.of(message)
    if known is not None and known.files:
        return known
    place = client.get_partial_messageable(channel)
    return found_in(await place.fetch_message(message))
