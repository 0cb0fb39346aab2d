"""What can be seen in a picture of the starter's world, as a clause that the starter understands.

    {object: cat, colour: red, background: sea, style: outline, count: two, ...}
    -> "two red cats at sea, outline"

Invariant: each attribute that differs from the usual is said, in a word of `starter.words`; what is
usual (one, of medium size, in the middle) is silent; and nothing at all is said of what is no
picture of that world.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.starter.words import PLAIN, SCENERY_WORDS

SOMETHING_ELSE = "something else"
SURE_ENOUGH = 0.7  # with it, 2.4 % of its own pictures are held for none

_MANY = {"fish": "fish"}
_PLACES = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
}


def told(seen: Mapping[str, str], *, sure: float, beyond: float) -> str:
    """The clause, or nothing where nobody can tell.

    `sure`: how likely the least likely of what is seen is; `beyond`: how far from all that was
    learned the picture lies, as a share of how far its own lie.
    """
    if seen["object"] == SOMETHING_ELSE or beyond > 1 or sure < SURE_ENOUGH:
        return ""
    return sentence(seen)


def sentence(seen: Mapping[str, str]) -> str:
    """The clause; `seen` has object, colour, background and style, and what else is known."""
    count, size = seen.get("count", "one"), seen.get("size", "medium")
    noun = seen["object"] if count == "one" else _MANY.get(seen["object"], f"{seen['object']}s")
    # Several are small by themselves: there would be no room.
    adjective = f"{size} " if size != "medium" and count == "one" else ""
    thing = f"{adjective}{seen['colour']} {noun}"
    thing = f"{_article(thing)} {thing}" if count == "one" else f"{count} {thing}"
    place = _PLACES.get(seen.get("place", "middle"), "")
    return f"{' '.join(filter(None, (thing, _behind(seen['background']), place)))}, {seen['style']}"


def _article(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"


def _behind(background: str) -> str:
    if background in SCENERY_WORDS:
        return SCENERY_WORDS[background][0]
    phrase = PLAIN[0].format(background)
    return phrase.replace(" a ", f" {_article(background)} ", 1)
