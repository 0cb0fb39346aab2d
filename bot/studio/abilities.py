"""What can be done to a picture here, beside drawing from words.

Pure values; which of them a server has depends on its models (`bot.studio.changing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ability(StrEnum):
    """The names are those that `python -m bot change --stdin` reads."""

    IMG2IMG = "img2img"  # drawn over, from a picture and words
    INSTRUCT_EDIT = "instruct-edit"  # changed as an instruction says
    INPAINT = "inpaint"  # a region that is named is drawn anew, and nothing else
    OUTPAINT = "outpaint"  # more around it
    UPSCALE = "upscale"  # more pixels of the same
    VARY = "vary"  # noise between two seeds
    VIDEO = "video"  # a clip of it
    SOUND = "sound"  # a sound of it
    FORM = "form"  # the thing in three dimensions
    EXTEND = "extend"  # a clip or a sound goes on from its end
    DESCRIBE = "describe"  # looked at, and put into words


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultReach:
    """What can be made of a result here, by the buttons under it."""

    painter: bool = False  # a page is served on which masks are painted
    films: bool = False
    voices: bool = False
    forms: bool = False
    extends: bool = False  # a clip, from its end


PICTURES_ALONE = ResultReach()
