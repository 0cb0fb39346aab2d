"""A prompt of ComfyUI: what its server runs.  Nodes by their ids, with values and links.

    {"3": {"class_type": "KSampler", "inputs": {"seed": 5, "model": ["4", 0]}}}

Ids are texts: those inside of a subgraph are "66:54".  The invariant: a graph has at most MAX_NODES
nodes, and nothing is said of whether its links lead anywhere, or in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from generation.interchange.comfy.json_values import index, mapping
from generation.interchange.imported import NotRead

MAX_NODES = 100_000
MAX_INPUTS = 2_000  # of a node

_LITERAL = "__value__"  # around a list that is none of a link


@dataclass(frozen=True, slots=True)
class GraphLink:
    """What an output of another node gives."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A node, with what its inputs hold: a `Link`, or any value of JSON."""

    id: str
    type: str
    inputs: Mapping[str, object]
    title: str = ""

    def links(self) -> Mapping[str, GraphLink]:
        """Those of its inputs that are links."""
        return {name: value for name, value in self.inputs.items() if isinstance(value, GraphLink)}

    def link(self, *names: str) -> GraphLink | None:
        """The first of these inputs that is a link."""
        for name in names:
            if isinstance(value := self.inputs.get(name), GraphLink):
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The nodes, in the order in which they stand there."""

    nodes: Mapping[str, GraphNode]
    # Beside the graph: where files that it names can be had, by their names.
    addresses: Mapping[str, str] = field(default_factory=dict)
    # What is said already of what could not be taken over: of dynamic prompts.
    rolled: tuple[tuple[str, str, str], ...] = ()  # node, as it stood there, as it was taken

    def origin(self, link: GraphLink | None) -> GraphNode | None:
        """The node that a link begins at, if it is there."""
        return self.nodes.get(link.node) if link is not None else None


def is_prompt(data: object) -> TypeGuard[dict[str, object]]:
    """Whether it is a prompt of the server: every value of it is a node."""
    if not isinstance(data, dict) or not data:
        return False
    nodes = [one for one in data.values() if isinstance(one, dict) and "class_type" in one]
    # Sites put something of their own beside.
    return bool(nodes) and len(nodes) >= len(data) - 3


def of_prompt(data: Mapping[str, object]) -> Graph:
    """The graph of a prompt.  Raises NotRead."""
    if len(data) > MAX_NODES:
        raise NotRead(f"its workflow has more than {MAX_NODES:,} nodes")
    nodes = {}
    for name, said in data.items():
        node = mapping(said)
        kind = node.get("class_type")
        if not isinstance(kind, str):
            continue
        inputs = list(mapping(node.get("inputs")).items())[:MAX_INPUTS]
        title = mapping(node.get("_meta")).get("title")
        nodes[str(name)] = GraphNode(
            id=str(name),
            type=kind,
            inputs={key: _value(value) for key, value in inputs},
            title=title if isinstance(title, str) else "",
        )
    return Graph(nodes=nodes)


def _value(value: object) -> object:
    if isinstance(value, list) and len(value) == 2:
        node, slot = value
        if isinstance(node, str) and (number := index(slot)) is not None:
            return GraphLink(node, number)
    if isinstance(value, dict) and value.keys() == {_LITERAL}:
        return value[_LITERAL]
    return value


def prompt_of(graph: Graph) -> dict[str, object]:
    """The graph as the server takes it: JSON."""
    return {
        node.id: {
            "class_type": node.type,
            "inputs": {name: _spelled(value) for name, value in node.inputs.items()},
            "_meta": {"title": node.title or node.type},
        }
        for node in graph.nodes.values()
    }


def _spelled(value: object) -> object:
    if isinstance(value, GraphLink):
        return [value.node, value.slot]
    return {_LITERAL: value} if isinstance(value, list) else value
