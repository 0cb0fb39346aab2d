"""Fills a scene up to the length that its dialect wants, from the grammar of scenes.

    "A red fox lies in the snow." + compose(...) ─▶ as many more sentences as it takes

The invariant: the writer's own sentences stay and come first; what is added agrees with them as
it agrees with the wish, and nothing is added to a scene that is long enough.
"""

from __future__ import annotations

from dataclasses import replace

from prompting.reading.facts import facts
from prompting.reading.prose import length, together
from prompting.reading.scene import read_scene
from prompting.scenery.composing import Composed, compose
from prompting.slots import Slots, WishText
from prompting.speaking.order import Order

_ROUNDS = 3  # times that the grammar is asked: what it says may be said already
# What a scene has settled, so that the grammar decides nothing else.
_SETTLED = frozenset({"time", "weather", "light", "mood", "place"})


def composed(wish: WishText, order: Order, seed: int) -> Composed:
    """What the grammar adds to a wish in an order's dialect and style."""
    return compose(
        wish,
        order.lexicon,
        order.dialect,
        seed,
        style=f"{order.style.en}, {order.style.tags}" if order.style else "",
        began=order.began,
    )


def filled(slots: Slots, order: Order, seed: int) -> Slots:
    """The slots with more of a scene, where they tell too little for a dialect of prose."""
    if not order.dialect.words:
        return slots
    for at in range(_ROUNDS):
        lacking = order.dialect.words[0] - length(order.speak(slots).prompt)
        if lacking <= 0:
            break
        found = composed(_settled(slots, order), order, _derived(seed, at)).details
        more = _needed(_agreeing(found, slots, order), lacking, slots)
        slots = replace(slots, scene=together((slots.scene, *more), order.language).strip())
    return slots


def _settled(slots: Slots, order: Order) -> WishText:
    """The wish, with what its scene says of place, hour, weather, light and mood."""
    own = order.wish.words if order.language == order.wish.language else slots.subject
    scene = facts(slots.scene, order.lexicon, order.language)
    words = [text for key, text in scene.words.items() if scene.kinds.get(key) in _SETTLED]
    comma = "，" if order.language == "zh" else ", "
    text = comma.join((own.rstrip(" .。"), *words))
    return WishText(text=text, language=order.language)


def _agreeing(more: tuple[str, ...], slots: Slots, order: Order) -> tuple[str, ...]:
    """Those of the sentences that could stand behind the scene had its writer told them."""
    scene = read_scene(
        together((slots.scene, *more), order.language),
        order.wish,
        order.lexicon,
        language=order.language,
        subject=slots.subject,
        styles=order.media,
    )
    return tuple(phrase for phrase in more if phrase in scene.sentences)


def _needed(more: tuple[str, ...], lacking: int, slots: Slots) -> tuple[str, ...]:
    """As many as are lacking; a writer tells of the place first, and of camera and mood least."""
    if not slots.scene:
        return more
    wanted: set[str] = set()
    for phrase in reversed(more):
        if sum(map(length, wanted)) >= lacking:
            break
        wanted.add(phrase)
    return tuple(phrase for phrase in more if phrase in wanted)


def _derived(seed: int, at: int) -> int:
    return seed if at == 0 else (seed * 31 + at) & 0x7FFFFFFF
