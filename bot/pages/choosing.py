"""What lists offer to choose from: sizes of a model, and pictures, a line each.

Pure.
"""

from __future__ import annotations

from bot.languages.speaking import tr
from bot.pages.quoting import plain
from generation.draft import Draft
from generation.errors import OutOfRange
from generation.families import sizes
from generation.families.family import FAMILIES
from storage.pictures import StoredPicture


def size_choices(family_name: str, typed: str = "") -> tuple[tuple[str, str], ...]:
    """Sizes to offer for a family, as (label, value): its shapes, or what was typed as it fits."""
    from bot.studio.wishes import SHAPES, shape, sized

    family = FAMILIES[family_name]
    shapes = {name: shape(family, *ratio) for name, ratio in SHAPES.items()}
    offered = [(f"{tr(name)} {w}x{h}", f"{w}x{h}") for name, (w, h) in shapes.items()]
    found = [o for o in offered if all(part in o[0] for part in typed.lower().split())]
    if found:
        return tuple(found)
    try:
        said = sized(Draft(), typed, family).canvas
    except OutOfRange:
        return tuple(offered)
    across, down = sizes.nearest(said.width or 1, said.height or 1, family)
    size = f"{across}x{down}"
    same = (across, down) == (said.width, said.height)
    return ((size if same else tr("{size}, the nearest that fits", size=size), size),)


def picture_choice(picture: StoredPicture) -> str:
    """One line for a list of pictures to choose from (Discord allows 100 characters)."""
    seed = tr("(seed {seed})", seed=picture.recipe.seed)
    return f"#{picture.id} {plain(picture.words, 70)} {seed}"[:100]


def star_label(stars: int) -> str:
    """What stands beside a picture's star."""
    return f"{stars}" if stars else tr("Star")
