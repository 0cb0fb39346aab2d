"""Which styles stand in which menu below a picture: by their groups, what the model knows first.

Pure.  Invariant: a message has at most five menus and a menu at most 25 styles, as Discord allows;
what does not fit is left out last, and can still be typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.languages.speaking import mark, spoken, tr
from generation.families.family import has_few_words
from prompting.speaking.styles import Style

MENUS, OPTIONS = 5, 25  # Discord's limits

OWN = mark("Styles of this server")
TAUGHT = mark("Known best")
# What the built-in model was trained with; other styles come near these, or do little.
TAUGHT_TO_STARTER = ("watercolor", "flat", "line-art", "pixel-art")


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleList:
    """A menu: its heading, and what there is to choose."""

    heading: str
    styles: tuple[Style, ...]


def menus(styles: Sequence[Style], family: str) -> tuple[StyleList, ...]:
    """The menus for a picture that was drawn by a model of that family."""
    groups: dict[str, list[Style]] = {TAUGHT: [], OWN: []}
    for style in styles:
        groups.setdefault(TAUGHT if taught(style, family) else style.group or OWN, []).append(style)
    lists = [
        StyleList(heading=tr(heading), styles=tuple(found[at : at + OPTIONS]))
        for heading, found in groups.items()
        for at in range(0, len(found), OPTIONS)
    ]
    while len(lists) > MENUS:
        pairs = range(len(lists) - 1)
        least = min(pairs, key=lambda at: len(lists[at].styles) + len(lists[at + 1].styles))
        joined = _joined(lists[least], lists[least + 1])
        if len(joined.styles) > OPTIONS:
            return tuple(lists[:MENUS])
        lists[least : least + 2] = [joined]
    return tuple(lists)


def taught(style: Style, family: str) -> bool:
    """Whether the model was trained with that very style, as far as we know."""
    return has_few_words(family) and style.name in TAUGHT_TO_STARTER


def called(style: Style) -> str:
    """A style's name in the reader's language, of the two that the library has."""
    return style.zh if spoken().startswith("zh") and style.zh else style.en


def other_name(style: Style) -> str:
    """The name in the library's other language."""
    return style.zh if called(style) == style.en else ""


def question(family: str) -> str:
    """What is asked above the menus."""
    asked = tr("Which style? The seed and the wording stay.")
    if not has_few_words(family):
        return asked
    taught_first = tr(
        "-# The built-in model was taught four styles, which come first; of the others it can show "
        "little."
    )
    return f"{asked}\n{taught_first}"


def _joined(one: StyleList, other: StyleList) -> StyleList:
    heading = one.heading if one.heading == other.heading else f"{one.heading} · {other.heading}"
    return StyleList(heading=heading, styles=(*one.styles, *other.styles))
