"""Where a link of a workflow begins, past all that is no node to the server.

A reroute, a bypassed node, Set and Get, a subgraph's edge: each leads on to another link, until it
is an output of a node that runs, a value, or nothing.  The invariant: a link that leads in a circle
begins nowhere, and each is followed once, however many nodes ask.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation.interchange.comfy.graph import GraphLink
from generation.interchange.comfy.scopes import UiScope, key_of
from generation.interchange.comfy.workflow import BEGIN, BYPASSED, MUTED, UiLink, UiNode

REROUTES = ("Reroute", "ReroutePrimitive|pysssss", "Reroute (rgthree)", "SetNode")
_ANY = ("*", "")


@dataclass(frozen=True, slots=True)
class GivenValue:
    """A value that is no output of any node."""

    value: object


class LinkSources:
    """The beginnings of links, each found once."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str, int, str], GraphLink | GivenValue | None] = {}

    def of(self, scope: UiScope, node: UiNode, slot: int) -> GraphLink | GivenValue | None:
        """What an input of a node is given by another; None: nothing."""
        socket = node.inputs[slot]
        link = scope.graph.links.get(socket.link) if socket.link else None
        if link is None and (added := scope.graph.everywhere.get((node.id, slot))) is not None:
            link = UiLink(origin=added[0], origin_slot=added[1], target=node.id, target_slot=slot)
        return self._origin(scope, link, socket.kind) if link is not None else None

    def _origin(self, scope: UiScope, link: UiLink, kind: str) -> GraphLink | GivenValue | None:
        passed: list[tuple[int, str, int, str]] = []
        here, found = set[tuple[int, str, int, str]](), None
        while True:
            place = id(scope), link.origin, link.origin_slot, kind
            if place in self._found:
                found = self._found[place]
                break
            if place in here:
                break
            here.add(place)
            passed.append(place)
            step = _step(scope, link, kind)
            if not isinstance(step, tuple):
                found = step
                break
            scope, link = step
        self._found |= dict.fromkeys(passed, found)
        return found


_Step = tuple[UiScope, UiLink]


def _step(scope: UiScope, link: UiLink, kind: str) -> _Step | GraphLink | GivenValue | None:
    if link.origin == BEGIN:
        return _outside(scope, link.origin_slot)
    node = scope.graph.nodes.get(link.origin)
    if node is None or node.mode == MUTED:
        return None
    return _behind(scope, node, link.origin_slot, kind)


def _behind(
    scope: UiScope, node: UiNode, slot: int, kind: str
) -> _Step | GraphLink | GivenValue | None:
    """What an output of a node of the editor leads to."""
    if node.mode == BYPASSED:
        passed = _passed(node, slot, kind)
        return _along(scope, node, passed) if passed is not None else None
    if node.type in REROUTES:
        return _along(scope, node, 0)
    if node.type == "PrimitiveNode":
        return GivenValue(next(iter(scope.value_of(node).values()), None))
    if node.type == "GetNode":
        at: UiScope | None = scope
        while at is not None:
            if (setter := at.setters.get(key_of(node))) is not None:
                return _along(at, setter, 0)
            at = at.parent
        return None
    if (inner := scope.inner.get(node.id)) is not None:
        link = inner.graph.ends.get(slot)
        return (inner, link) if link is not None else None
    return GraphLink(f"{scope.path}{node.id}", slot)


def _along(scope: UiScope, node: UiNode, slot: int) -> _Step | None:
    """Along the link that ends at an input."""
    if slot >= len(node.inputs):
        return None
    link = scope.graph.links.get(node.inputs[slot].link)
    return (scope, link) if link is not None else None


def _outside(scope: UiScope, slot: int) -> _Step | GivenValue | None:
    """What an input of a subgraph is given by whoever uses it."""
    if scope.user is None or scope.parent is None or slot >= len(scope.graph.begins):
        return None
    name = scope.graph.begins[slot]
    for number, socket in enumerate(scope.user.inputs):
        if socket.name == name:
            step = _along(scope.parent, scope.user, number)
            if step is not None:
                return step
    return GivenValue(scope.given[name]) if name in scope.given else None


def _passed(node: UiNode, slot: int, kind: str) -> int | None:
    """The input that a bypassed node passes on through an output."""
    kinds = [socket.kind for socket in node.inputs]
    gives = node.outputs[slot] if slot < len(node.outputs) else ""
    wanted = kind or gives
    if wanted in _ANY:
        return slot if slot < len(kinds) else 0
    if slot < len(kinds) and _fits(kinds[slot], gives) and _fits(kinds[slot], wanted):
        return slot
    if wanted in kinds:
        return kinds.index(wanted)
    fitting = (n for n, one in enumerate(kinds) if _fits(one, gives) and _fits(one, wanted))
    return next(fitting, None)


def _fits(one: str, other: str) -> bool:
    if one in _ANY or other in _ANY:
        return True
    return not {k.casefold() for k in one.split(",")}.isdisjoint(
        k.casefold() for k in other.split(",")
    )
