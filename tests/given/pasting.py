"""A wish into whose prompt another program's settings were pasted."""

from __future__ import annotations

from bot.studio.pasting import WithSettings, filled_in, pasted_in
from bot.studio.wishes import Wish
from generation.families.model_family import Family


def unpasted(wish: Wish, usual: Family, model: str) -> tuple[Wish, tuple[str, ...]]:
    """The wish with them, as a model of that family draws it where no file of theirs is here."""
    return filled_in(WithSettings(wish=wish, imported=pasted_in(wish)), usual, model)
