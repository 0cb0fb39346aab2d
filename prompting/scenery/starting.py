"""Where the built-in image model may put a thing that a wish leaves nowhere.

The invariant: the place is one that the model was trained with, the wish names none, and the thing
is of another colour than the place.
"""

from __future__ import annotations

from random import Random

from prompting.scenery.gist import Gist
from prompting.speaking.captions import vocabulary


def starter_place(gist: Gist, dice: Random) -> str:
    """The place; empty where there is one, or none that fits."""
    known = vocabulary()
    placed = gist.places or gist.settled or "background" in gist.words or gist.denied
    things = [known.objects[word] for word in sorted(gist.words) if word in known.objects]
    if placed or len(set(things)) != 1 or gist.words & (known.places.keys() | known.styles.keys()):
        return ""
    colours = {known.colours[word] for word in gist.words if word in known.colours}
    places = known.homes.get(things[0], known.homes["other"])
    homes = [place for place in places if not colours & known.hides[place]]
    return dice.choice(homes) if homes else ""
