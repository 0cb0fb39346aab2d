"""Lineage: a picture, what it was made of, what that was made of, and what changed at each step.

    #15 from #12: red → blue; seed, size, model stay
    #12 from #9: + at night; seed, size, model stay
    #9, drawn from words: a red flower

Pure.  Invariant: a picture that the reader may not see is not named, and nothing of it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bot.languages.speaking import tr
from bot.pages.differences import change_of
from bot.pages.quoting import quoted
from storage.pictures import StoredPicture

STEP = 300  # characters of what changed at a step
WORDS = 160  # of what the first was drawn from


def lineage_page(line: Sequence[StoredPicture], *, limit: int = 1900) -> str:
    """The steps, the newest first; "" where there is none.

    `line` is the picture, its parent, and so on, as far as the reader may see them.
    """
    if len(line) < 2:
        return ""
    steps = [
        tr("{new} from {old}: {step}", new=_link(new), old=named(old), step=step(old, new))
        for new, old in pairwise(line)
    ]
    last = line[-1]
    began = f"{_link(last)}, {_beginning(last)}"
    while steps and len("\n".join(("", *steps, began))) > limit:
        steps.pop()
        began = tr("… and it began with {picture}", picture=named(last))
    return "\n".join((tr("**How it came about**"), *steps, began))


def named(picture: StoredPicture) -> str:
    """The picture's number, which leads to its message where it is shown."""
    link = link_to(picture)
    return f"[#{picture.id}]({link})" if link else f"#{picture.id}"


def link_to(picture: StoredPicture) -> str:
    """The address of the message that shows it; "" where none does."""
    if picture.message is None or picture.deleted or not picture.channel:
        return ""  # an answer that one person alone saw is in no channel
    place = picture.guild if picture.guild is not None else "@me"
    return f"https://discord.com/channels/{place}/{picture.channel}/{picture.message}"


def step(old: StoredPicture, new: StoredPicture) -> str:
    """What one picture has otherwise than that which it was made of, in a line."""
    said = change_of(old.recipe, new.recipe)
    return said if len(said) <= STEP else said[: STEP - 1] + "…"


def _link(picture: StoredPicture) -> str:
    return f"**{named(picture)}**"


def _beginning(first: StoredPicture) -> str:
    words = quoted(first.recipe.prompt, WORDS)
    if first.parent is not None:
        return tr("which was made of others before it")
    made, drawn = tr("made from another picture"), tr("drawn from words")
    how = made if first.recipe.inputs else drawn
    return f"{how}: {words}" if words else how
