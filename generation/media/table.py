"""Which media there are, and which of them a recipe or a file is of."""

from __future__ import annotations

from collections.abc import Mapping

from generation.families.family import FAMILIES
from generation.media.image import IMAGE
from generation.media.medium import Medium
from generation.recipe import Recipe

Media = Mapping[str, Medium]  # by their names

MEDIA: Media = {medium.name: medium for medium in (IMAGE,)}


def medium_of(recipe: Recipe, media: Media = MEDIA) -> Medium:
    """What its family makes; images, where that family is not known any more."""
    known = FAMILIES.get(recipe.family)
    return media[known.architecture.medium if known is not None else IMAGE.name]


def carried(file: bytes, media: Media = MEDIA) -> tuple[Recipe, Medium] | None:
    """The recipe inside a file of ours, and the file's medium; None: there is no recipe in it.

    Raises OutOfRange when there is one that this version cannot read, and BadPicture.
    """
    for medium in media.values():
        if (recipe := medium.recipe_in(file)) is not None:
            return recipe, medium
    return None
