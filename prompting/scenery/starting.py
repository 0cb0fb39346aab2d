"""Where the built-in image model may put a thing that a wish leaves nowhere.

The invariant: the place is one that the model was trained with, the wish names none, and the thing
is of another colour than the place.
"""

from __future__ import annotations

from random import Random

from prompting.scenery.gist import Gist
from prompting.speaking.captions import vocabulary

_NIGHT, _FIELD, _SEA = "in the night sky", "in a grass field", "at sea"
_SUNSET, _SNOW = "at sunset", "in the snow"
_HOMES = {
    "fish": (_SEA,),
    "boat": (_SEA, _SUNSET),
    "moon": (_NIGHT,),
    "star": (_NIGHT,),
    "heart": (_SUNSET, _NIGHT),
    "cup": (_SUNSET,),
}
_USUAL = (_FIELD, _SUNSET, _SNOW)
# Colours in which a thing is hardly seen there.
_ALIKE = {
    _NIGHT: {"black", "blue", "purple"},
    _FIELD: {"green"},
    _SEA: {"blue"},
    _SUNSET: {"orange", "red", "pink", "yellow"},
    _SNOW: {"white"},
}


def starter_place(gist: Gist, dice: Random) -> str:
    """The place; empty where there is one, or none that fits."""
    known = vocabulary()
    placed = gist.places or gist.settled or "background" in gist.words or gist.denied
    things = [known.objects[word] for word in sorted(gist.words) if word in known.objects]
    if placed or len(set(things)) != 1 or gist.words & (known.places.keys() | known.styles.keys()):
        return ""
    colours = {known.colours[word] for word in gist.words if word in known.colours}
    homes = [place for place in _HOMES.get(things[0], _USUAL) if not colours & _ALIKE[place]]
    return dice.choice(homes) if homes else ""
