"""A control picture for a wish: which network looks at it, how strongly, and during which steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.studio.wishes import Wish
from generation.catalog.entry import Entry
from generation.errors import NoSuchName, OutOfRange
from generation.media.preprocessors import BY_NETWORKS, PREPROCESSORS
from generation.recipe import Adapter, Control, Input
from generation.tasks import CONTROL, CONTROLNET, MAX_CONTROLS

READY = "ready"  # in place of a preprocessor: the picture is a control picture already
# What such a picture shows, to networks that know several kinds: "ready:depth".
SHOWN = ("canny", "depth", "pose", "scribble", "normal", "segmentation", "tile", "blur", "gray")
WAYS = (*PREPROCESSORS, READY, *(f"{READY}:{shown}" for shown in SHOWN))


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedControl:
    """What a person says of a control picture."""

    net: str | None = None  # a ControlNet of the catalog; None: the first that fits the model
    how: str = READY  # one of WAYS
    strength: float = 1.0
    start: float | None = None
    end: float | None = None


def spelled_control(text: str, how: str = READY) -> AskedControl:
    """ "edges:0.8:0:0.6": a name, its strength, and from when to when.  Raises OutOfRange."""
    name, *numbers = text.strip().split(":")
    try:
        strength, start, end = (*map(float, numbers), *(None,) * 3)[:3]
    except ValueError:
        raise OutOfRange("controlnet", text, "NAME:STRENGTH:START:END") from None
    if len(numbers) > 3:
        raise OutOfRange("controlnet", text, "NAME:STRENGTH:START:END")
    strong = 1.0 if strength is None else strength
    return AskedControl(net=name or None, how=how, strength=strong, start=start, end=end)


def _mode(net: Entry, how: str) -> str | None:
    """What the picture shows, to a network that has to be told.  Raises OutOfRange."""
    mode = how.removeprefix(f"{READY}:")
    if not net.modes:
        return None
    if mode not in net.modes:
        usual = ", ".join(f"{READY}:{one}" for one in net.modes if one in SHOWN)
        raise OutOfRange("how", how, f"{usual}, or what is made of it ({', '.join(PREPROCESSORS)})")
    return mode


def controlled(wish: Wish, seen: Input, net: Entry, asked: AskedControl) -> Wish:
    """The wish with one control picture more.  Raises NoSuchName, OutOfRange."""
    inputs = wish.draft.inputs
    if sum(one.role == CONTROL for one in inputs) >= MAX_CONTROLS:
        raise OutOfRange("control pictures", MAX_CONTROLS + 1, f"at most {MAX_CONTROLS}")
    if asked.how not in WAYS:
        ready = asked.how in BY_NETWORKS  # which nothing here makes, and other programs do
        raise NoSuchName("preprocessor", asked.how, (READY,) if ready else WAYS, WAYS)
    control = Control(
        input=len(inputs),
        start=asked.start,
        end=asked.end,
        preprocessor=None if asked.how.startswith(READY) else asked.how,
        mode=_mode(net, asked.how),
    )
    adapter = Adapter(
        kind=CONTROLNET, weights=net.weights, strength=float(asked.strength), control=control
    )
    draft = replace(
        wish.draft,
        inputs=(*inputs, replace(seen, role=CONTROL)),
        adapters=(*wish.draft.adapters, adapter),
    )
    return replace(wish, draft=draft)
