"""What an input of a node is given, where that is a number, a text or a choice.

Numbers and texts come from nodes that hold them, that put them together, and that choose between
them.  The invariant: each output is worked out once, within bounds, a circle gives nothing, and
what nobody can know before it is run (a picture's size, a chat model's words) is None.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

from generation.interchange.comfy.arithmetic import reckoned
from generation.interchange.comfy.graph import Graph, GraphLink, GraphNode
from generation.interchange.comfy.json_values import number, text, whole

MAX_DEPTH = 100  # of nodes behind each other
MAX_LETTERS = 200_000  # of a text that is put together
MAX_MADE = 20_000_000  # of all of them

# What the node that only holds a value may call it.
_HELD = ("value", "seed", "noise_seed", "string", "text", "int", "float", "number", "Number")
_JOINS = re.compile(r"concat|join", re.IGNORECASE)  # in the types of packs
_TEXTS = re.compile(r"text|string|prompt|input|value", re.IGNORECASE)
_PLACE = re.compile(r"\{([a-z])(?::\.([0-9])f)?\}")
_SIDES = re.compile(r"\s*([0-9]{1,4})\s*[:x]\s*([0-9]{1,4})")
_STEP = 8  # pixels, where a node says no other


class GraphValues:
    """The values of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._known: dict[GraphLink, object] = {}
        self._asked: set[GraphLink] = set()
        self._origins: dict[GraphLink, tuple[GraphNode, int] | None] = {}
        self._room = MAX_MADE

    def of(self, node: GraphNode, *names: str) -> object:
        """What the first of these inputs that is there is given; None: nobody can know."""
        for name in names:
            if name in node.inputs:
                return self.given(node.inputs[name])
        return None

    def given(self, value: object) -> object:
        """The value, past all links."""
        if not isinstance(value, GraphLink):
            return value
        if value in self._known:
            return self._known[value]
        if value in self._asked or len(self._asked) >= MAX_DEPTH:
            return None
        self._asked.add(value)
        try:
            found = self._made(value)
        finally:
            self._asked.discard(value)
        self._room -= len(found) if isinstance(found, str) else 0
        if self._room < 0:
            found = None
        self._known[value] = found
        return found

    def origin(self, link: GraphLink | None) -> tuple[GraphNode, int] | None:
        """The node that a link begins at, past switches and reroutes."""
        seen: set[GraphLink] = set()
        found: tuple[GraphNode, int] | None = None
        while link is not None and link not in seen:
            if link in self._origins:
                found = self._origins[link]
                break
            seen.add(link)
            node = self.graph.nodes.get(link.node)
            if node is None:
                break
            if (passed := self.chosen(node)) is None:
                found = node, link.slot
                break
            link = passed if isinstance(passed, GraphLink) else None
        self._origins |= dict.fromkeys(seen, found)
        return found

    def chosen(self, node: GraphNode) -> object:
        """What a node that only chooses, or passes on, gives; None: it is no such node."""
        inputs = node.inputs
        if "on_true" in inputs or "on_false" in inputs:
            on = self.of(node, "switch", "boolean", "condition")
            names = ("on_true", "on_false") if _is_on(on) else ("on_false", "on_true")
            return next((inputs[name] for name in names if name in inputs), None)
        if "Reroute" in node.type or node.type in ("PreviewAny", "ShowText|pysssss"):
            return next(iter(node.links().values()), None)
        if "Any Switch" in node.type:
            return next(iter(node.links().values()), None)
        if node.type.endswith("Switch") and "select" in inputs:
            return inputs.get(f"input{whole(self.of(node, 'select'))}")
        return None

    def _made(self, link: GraphLink) -> object:
        node = self.graph.nodes.get(link.node)
        if node is None:
            return None
        if (passed := self.chosen(node)) is not None:
            return self.given(passed)
        if (make := _MAKERS.get(node.type)) is not None:
            return make(self, node, link.slot)
        if "MathExpression" in node.type:
            return _formula(self, node, link.slot)
        if _JOINS.search(node.type):
            return _put_together(self, node)
        if not node.links() or node.type.startswith("Primitive"):
            return _held(node)
        return None


def _held(node: GraphNode) -> object:
    """What a node holds that holds one thing."""
    for name in _HELD:
        if name in node.inputs:
            return node.inputs[name]
    texts = [value for value in node.inputs.values() if isinstance(value, str)]
    return texts[0] if len(texts) == 1 else None


def _put_together(values: GraphValues, node: GraphNode) -> object:
    """The texts of a node, in the order of its inputs; what stands between them has a name."""
    between, texts = "", []
    for name, value in node.inputs.items():
        found = values.given(value)
        if name in ("delimiter", "separator"):
            between = found if isinstance(found, str) else ""
        elif isinstance(found, str) and found and _TEXTS.match(name):
            texts.append(found)
    told = between.join(texts)
    return told if len(told) <= MAX_LETTERS else None


def _is_on(value: object) -> bool:
    return value.strip().lower() in ("true", "1", "on") if isinstance(value, str) else bool(value)


def _formula(values: GraphValues, node: GraphNode, slot: int) -> object:
    said = values.of(node, "expression")
    names: dict[str, float] = {}
    for name, value in node.inputs.items():
        found = number(values.given(value))
        if found is not None:
            names[name.removeprefix("values.")] = int(found) if found.is_integer() else found
    found = reckoned(said, names) if isinstance(said, str) else None
    if found is None:
        return None
    kinds: tuple[Callable[[float], object], ...] = (float, int, bool)
    if node.type != "ComfyMathExpression":
        kinds = (int, float, bool)
    return kinds[slot](found) if slot < len(kinds) else None


def _converted(values: GraphValues, node: GraphNode, slot: int) -> object:
    found = number(values.of(node, "value"))
    return found if found is None or slot == 0 else int(found)


def _joined(values: GraphValues, node: GraphNode, _slot: int) -> object:
    both = [text(values.of(node, name)) for name in ("string_a", "string_b")]
    between = text(values.of(node, "delimiter"))
    whole_text = between.join(both)
    return whole_text if len(whole_text) <= MAX_LETTERS else None


def _replaced(values: GraphValues, node: GraphNode, _slot: int) -> object:
    where, what, by = (values.of(node, name) for name in ("string", "find", "replace"))
    if not (isinstance(where, str) and isinstance(what, str) and isinstance(by, str)):
        return None
    if len(where) + where.count(what) * len(by) > MAX_LETTERS:
        return None
    return where.replace(what, by) if what else where


def _formatted(values: GraphValues, node: GraphNode, _slot: int) -> object:
    form = values.of(node, "f_string")
    if not isinstance(form, str) or len(form) > MAX_LETTERS:
        return None
    missing = False

    def fill(place: re.Match[str]) -> str:
        nonlocal missing
        value = values.of(node, f"values.{place[1]}")
        missing = missing or value is None
        if place[2] and (found := number(value)) is not None:
            return f"{found:.{place[2]}f}"
        return text(value)[:MAX_LETTERS]

    pieces = [_PLACE.sub(fill, piece) for piece in form.replace("}}", "\0").split("{{")]
    told = "{".join(pieces).replace("\0", "}")
    return None if missing or len(told) > MAX_LETTERS else told


def _combined(values: GraphValues, node: GraphNode, slot: int) -> object:
    return values.of(node, "choice" if slot == 0 else "index")


def _resolution(values: GraphValues, node: GraphNode, slot: int) -> object:
    """A side of a picture of a shape, of so many times 1024 x 1024 pixels."""
    shape = _SIDES.match(text(values.of(node, "aspect_ratio")))
    millions = number(values.of(node, "megapixels"))
    step = whole(values.of(node, "multiple_of")) or _STEP
    if shape is None or millions is None or not 0 < millions < 1000 or not 0 < step < 1000:
        return None
    sides = int(shape[1]), int(shape[2])
    if 0 in sides or slot > 1:
        return None
    scale = math.sqrt(millions * 2**20 / (sides[0] * sides[1]))
    return round(sides[slot] * scale / step) * step


_MAKERS: Mapping[str, Callable[[GraphValues, GraphNode, int], object]] = {
    "ComfyNumberConvert": _converted,
    "StringConcatenate": _joined,
    "StringReplace": _replaced,
    "StringFormat": _formatted,
    "CustomCombo": _combined,
    "ResolutionSelector": _resolution,
}
