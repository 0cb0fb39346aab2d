"""Which media there are, and which of them a recipe or a file is of."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress

from PIL.Image import Image

from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.media.audio import AUDIO
from generation.media.image import IMAGE
from generation.media.medium import Medium
from generation.media.mesh import MESH
from generation.media.video import VIDEO
from generation.recipe import Recipe

Media = Mapping[str, Medium]  # by their names

MEDIA: Media = {medium.name: medium for medium in (IMAGE, VIDEO, AUDIO, MESH)}


def medium_of(recipe: Recipe, media: Media = MEDIA) -> Medium:
    """What its task makes; of tasks that make images, what its family makes of them."""
    making, known = recipe.task.needs.medium, FAMILIES.get(recipe.family)
    if making == IMAGE.name and known is not None:
        making = known.architecture.medium
    return media[making]


def still_of(file: bytes, media: Media = MEDIA) -> bytes:
    """A picture of a file that is kept here: a clip's middle frame, of a picture itself.

    Raises BadPicture.
    """
    medium = _of_file(file, media)
    return file if medium is None or medium.still is None else _png(medium.still(file))


def several_of(file: bytes, count: int, media: Media = MEDIA) -> list[bytes]:
    """So many pictures of a clip that is kept here, and one of what stands still.

    Raises BadPicture.
    """
    medium = _of_file(file, media)
    if medium is None or medium.several is None:
        return [still_of(file, media)]
    return [_png(one) for one in medium.several(file, count)]


def _of_file(file: bytes, media: Media) -> Medium | None:
    for medium in media.values():
        with suppress(OutOfRange):  # a recipe that this version cannot read is in no file of ours
            if medium.still is not None and medium.recipe_in(file) is not None:
                return medium
    return None


def _png(picture: Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def carried(file: bytes, media: Media = MEDIA) -> tuple[Recipe, Medium] | None:
    """The recipe inside a file of ours, and the file's medium; None: there is no recipe in it.

    Raises OutOfRange when there is one that this version cannot read, and BadPicture.
    """
    for medium in media.values():
        if (recipe := medium.recipe_in(file)) is not None:
            return recipe, medium
    return None
