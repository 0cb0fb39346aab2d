"""A picture as /show tells of it: its words, settings and stars, and how it came about.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.languages.speaking import mark, tr
from bot.pages.lineage_page import lineage_page, named
from bot.pages.quoting import quoted
from bot.pages.replies import MAX_CONTENT, settings_line
from storage.pictures import StoredPicture

WORDS = 300  # characters of what it shows
GONE = mark("Its file is gone; `/reproduce` draws it again from its recipe.")


def picture_page(line: Sequence[StoredPicture], *, stars: int, there: bool) -> str:
    """A picture with its settings, its stars and its lineage; `line` begins with it.

    `there`: whether its file is.
    """
    picture = line[0]
    recipe = picture.recipe
    head = f"**{named(picture)}** {quoted(recipe.described, WORDS)}".rstrip()
    facts = " · ".join((settings_line(recipe), *_starred(stars)))
    gone = "" if there else tr(GONE)
    above = "\n".join(filter(None, (head, facts, gone)))
    return "\n".join(filter(None, (above, lineage_page(line, limit=MAX_CONTENT - 1 - len(above)))))


def _starred(stars: int) -> tuple[str, ...]:
    return (f"⭐ {stars}",) if stars else ()
