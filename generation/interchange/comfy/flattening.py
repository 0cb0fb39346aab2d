"""A workflow of the editor -> the prompt that it sends to the server when it is run.

What is no node to the server goes: notes, reroutes, primitives, Set and Get, muted and bypassed
nodes, and the nodes that stand for subgraphs.  A link begins where all these lead to.  The
invariant: the result is a graph as `graph.of_prompt` gives it.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.interchange.comfy.dynamic import settled
from generation.interchange.comfy.graph import Graph, GraphLink, GraphNode
from generation.interchange.comfy.scopes import UiScope, unfolded
from generation.interchange.comfy.sources import LinkSources
from generation.interchange.comfy.workflow import BYPASSED, MUTED, UiNode, UiWorkflow

NOTES = ("Note", "MarkdownNote", "Label (rgthree)", "Fast Groups Bypasser (rgthree)")
_VIRTUAL = ("Reroute", "PrimitiveNode", "SetNode", "GetNode", *NOTES)


def flattened(workflow: UiWorkflow) -> Graph:
    """The prompt of a workflow.  Raises NotRead."""
    nodes: dict[str, GraphNode] = {}
    addresses: dict[str, str] = {}
    notes: dict[str, str] = {}
    rolled: list[tuple[str, str, str]] = []
    sources = LinkSources()
    for scope in unfolded(workflow):
        for node in scope.graph.nodes.values():
            for name, address in node.models.items():
                addresses.setdefault(name, address)
            if node.type in NOTES:
                notes |= noted(node)
            if node.type in _VIRTUAL or node.mode in (MUTED, BYPASSED):
                continue
            if node.id in scope.inner or not _runs(scope):
                continue
            made = _node(scope, node, sources, rolled)
            nodes[made.id] = made
    return Graph(nodes=nodes, addresses=notes | addresses, rolled=tuple(rolled))


def _runs(scope: UiScope) -> bool:
    at: UiScope | None = scope
    while at is not None and at.user is not None:
        if at.user.mode in (MUTED, BYPASSED):
            return False
        at = at.parent
    return True


def noted(node: UiNode) -> Mapping[str, str]:
    """Addresses of files that stand in a note."""
    found: dict[str, str] = {}
    for value in node.values if not isinstance(node.values, Mapping) else ():
        for word in value[:100_000].split() if isinstance(value, str) else ():
            at = word.find("https://")
            address = word[at:].rstrip(").,>\"'") if at >= 0 else ""
            name = address.partition("?")[0].rpartition("/")[2]
            if "." in name and len(address) < 500:
                found.setdefault(name, address.replace("/blob/", "/resolve/"))
    return found


def _node(
    scope: UiScope, node: UiNode, sources: LinkSources, rolled: list[tuple[str, str, str]]
) -> GraphNode:
    inputs: dict[str, object] = dict(scope.value_of(node))
    for slot, socket in enumerate(node.inputs):
        found = sources.of(scope, node, slot)
        name = socket.widget or socket.name
        if isinstance(found, GraphLink):
            inputs[name] = found
        elif found is not None:
            inputs[name] = found.value
    name = f"{scope.path}{node.id}"
    if "TextEncode" in node.type:
        for key, value in inputs.items():
            if isinstance(value, str):
                said, chosen = settled(value)
                inputs[key] = said
                rolled += [(name, value, said)] if chosen else []
    return GraphNode(id=name, type=node.type, inputs=inputs, title=node.title)
