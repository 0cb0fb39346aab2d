"""A workflow unfolded: each use of a subgraph is a scope of its own, within the one that uses it.

A widget of an inner node may be promoted: then a value for it is kept with the node that uses the
subgraph, and counts instead of the inner one.  The invariant: all scopes together have at most
MAX_NODES nodes, and a subgraph that contains itself is used once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generation.interchange.comfy.graph import MAX_NODES
from generation.interchange.comfy.widgets import values_of
from generation.interchange.comfy.workflow import BEGIN, UiGraph, UiNode, UiWorkflow
from generation.interchange.imported import NotRead

MAX_DEPTH = 24
_HERE = "-1"  # in a list of promoted widgets: an input of the node itself


@dataclass(slots=True, kw_only=True, eq=False)
class UiScope:
    """A use of a graph."""

    path: str  # in front of the ids of its nodes: "66:54:"
    graph: UiGraph
    parent: UiScope | None
    user: UiNode | None  # the node of the parent that stands for it
    depth: int
    of: frozenset[str]  # the subgraphs that it is within
    inner: dict[str, UiScope] = field(default_factory=dict)
    setters: dict[str, UiNode] = field(default_factory=dict)
    # What counts instead of the values of its nodes, and of its own inputs.
    instead: dict[str, dict[str, object]] = field(default_factory=dict)
    given: dict[str, object] = field(default_factory=dict)

    def value_of(self, node: UiNode) -> dict[str, object]:
        """The values of a node's widgets, as they count here."""
        return values_of(node) | self.instead.get(node.id, {})


def unfolded(workflow: UiWorkflow) -> list[UiScope]:
    """All scopes, the outer ones first.  Raises NotRead."""
    top = UiScope(path="", graph=workflow.top, parent=None, user=None, depth=0, of=frozenset())
    scopes: list[UiScope] = []
    waiting, count = deque([top]), 0
    while waiting:
        scope = waiting.popleft()
        scopes.append(scope)
        count += len(scope.graph.nodes) + 1
        if count > MAX_NODES:
            raise NotRead(f"its workflow has more than {MAX_NODES:,} nodes")
        scope.setters = dict(_setters(scope.graph))
        for node in scope.graph.nodes.values():
            graph = workflow.inner.get(node.type)
            if graph is None or node.type in scope.of or scope.depth >= MAX_DEPTH:
                continue
            inner = UiScope(
                path=f"{scope.path}{node.id}:",
                graph=graph,
                parent=scope,
                user=node,
                depth=scope.depth + 1,
                of=scope.of | {node.type},
            )
            _promote(inner, node, scope)
            scope.inner[node.id] = inner
            waiting.append(inner)
    return scopes


def _setters(graph: UiGraph) -> Iterator[tuple[str, UiNode]]:
    for node in graph.nodes.values():
        if node.type == "SetNode" and (name := key_of(node)):
            yield name, node


def key_of(node: UiNode) -> str:
    """What a SetNode and its GetNodes are joined by."""
    values = node.values
    first = next(iter(values.values() if isinstance(values, Mapping) else values), None)
    return first if isinstance(first, str) else ""


def _promote(inner: UiScope, user: UiNode, outer: UiScope) -> None:
    """Give a scope the values that are kept for it outside."""
    values = user.values
    if isinstance(values, Mapping):
        inner.given.update(values)
    elif values:
        by_list = len(values) == len(user.promoted)
        where = user.promoted if by_list else [(_HERE, name) for name in _bound(inner.graph)]
        for (node, widget), value in zip(where, values, strict=False):
            if node == _HERE:
                inner.given[widget] = value
            else:
                inner.instead.setdefault(node, {})[widget] = value
    inner.given.update(outer.instead.get(user.id, {}))


def _bound(graph: UiGraph) -> list[str]:
    """The inputs of a subgraph that end at a widget within it."""
    ends: set[int] = set()
    for link in graph.links.values():
        target = graph.nodes.get(link.target)
        sockets = target.inputs if link.origin == BEGIN and target else ()
        if link.target_slot < len(sockets) and sockets[link.target_slot].widget:
            ends.add(link.origin_slot)
    return [name for slot, name in enumerate(graph.begins) if slot in ends]
