"""A workflow of ComfyUI's editor, as it is stored: graphs of nodes, links and widgets.

Links are arrays at the top, `[id, from, slot, to, slot, type]`, and objects in subgraphs; newer
files have objects everywhere.  A node whose type is the id of a subgraph stands for all that is in
it.  The invariant: whatever is of another shape than expected is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from generation.interchange.comfy.graph import MAX_INPUTS, MAX_NODES
from generation.interchange.comfy.json_values import index, mapping, sequence, text
from generation.interchange.imported import NotRead

BEGIN, END = "-10", "-20"  # the nodes that stand for a subgraph's inputs and outputs
MUTED, BYPASSED = 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class UiSocket:
    """An input of a node."""

    name: str
    kind: str
    link: str  # the id of the link that ends here; empty: none
    widget: str  # the name of the widget that it stands for; empty: none


@dataclass(frozen=True, slots=True, kw_only=True)
class UiNode:
    """A node of the editor."""

    id: str
    type: str
    mode: int
    inputs: Sequence[UiSocket]
    outputs: Sequence[str]  # their kinds
    values: Sequence[object] | Mapping[str, object]  # of its widgets, in order or by name
    promoted: Sequence[tuple[str, str]]  # widgets of inner nodes: node, widget
    title: str
    models: Mapping[str, str]  # addresses of files, by their names


@dataclass(frozen=True, slots=True, kw_only=True)
class UiLink:
    """A line between two nodes."""

    origin: str
    origin_slot: int
    target: str
    target_slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UiGraph:
    """The nodes of the top, or of a subgraph."""

    nodes: Mapping[str, UiNode]
    links: Mapping[str, UiLink]
    begins: Sequence[str]  # the names of a subgraph's inputs
    ends: Mapping[int, UiLink]  # what each of its outputs is given
    everywhere: Mapping[tuple[str, int], tuple[str, int]]  # links that an extension adds


@dataclass(frozen=True, slots=True, kw_only=True)
class UiWorkflow:
    """A whole workflow."""

    top: UiGraph
    inner: Mapping[str, UiGraph]  # subgraphs by their ids


def is_workflow(data: object) -> bool:
    """Whether it is a workflow of the editor."""
    return isinstance(data, dict) and isinstance(data.get("nodes"), list)


def workflow(data: Mapping[str, object]) -> UiWorkflow:
    """The workflow that these values of JSON say.  Raises NotRead."""
    inner = {}
    for said in sequence(mapping(data.get("definitions")).get("subgraphs"))[:MAX_INPUTS]:
        one = mapping(said)
        if name := text(one.get("id")):
            inner[name] = _graph(one)
    if sum(len(one.nodes) for one in inner.values()) > MAX_NODES:
        raise NotRead(f"its workflow has more than {MAX_NODES:,} nodes")
    return UiWorkflow(top=_graph(data), inner=inner)


def _graph(data: Mapping[str, object]) -> UiGraph:
    nodes = sequence(data.get("nodes"))
    if len(nodes) > MAX_NODES:
        raise NotRead(f"its workflow has more than {MAX_NODES:,} nodes")
    read = [_node(mapping(one)) for one in nodes]
    links = {}
    for said in sequence(data.get("links"))[: 4 * MAX_NODES]:
        found = _link(said)
        if found is not None:
            links[found[0]] = found[1]
    begins = [text(mapping(one).get("name")) for one in sequence(data.get("inputs"))[:MAX_INPUTS]]
    return UiGraph(
        nodes={node.id: node for node in read if node.id and node.type},
        links=links,
        begins=begins,
        ends={one.target_slot: one for one in links.values() if one.target == END},
        everywhere=_everywhere(mapping(data.get("extra")).get("ue_links")),
    )


def _node(data: Mapping[str, object]) -> UiNode:
    properties = mapping(data.get("properties"))
    values = data.get("widgets_values")
    mode = data.get("mode")
    kind = data.get("type")
    return UiNode(
        id=text(data.get("id")),
        type=kind if isinstance(kind, str) else "",
        mode=mode if isinstance(mode, int) else 0,
        inputs=[_socket(mapping(one)) for one in sequence(data.get("inputs"))[:MAX_INPUTS]],
        outputs=[
            text(mapping(one).get("type")) for one in sequence(data.get("outputs"))[:MAX_INPUTS]
        ],
        values=values if isinstance(values, (list, dict)) else (),
        promoted=[
            (text(pair[0]), text(pair[1]))
            for pair in map(sequence, sequence(properties.get("proxyWidgets"))[:MAX_INPUTS])
            if len(pair) >= 2
        ],
        title=text(data.get("title")),
        models=_models(properties),
    )


def _socket(data: Mapping[str, object]) -> UiSocket:
    widget = data.get("widget")
    name = text(data.get("name"))
    return UiSocket(
        name=name,
        kind=text(data.get("type")),
        link=text(data.get("link")),
        widget=(text(mapping(widget).get("name")) or name) if widget else "",
    )


def _link(said: object) -> tuple[str, UiLink] | None:
    if isinstance(said, list) and len(said) >= 5:
        name, origin, origin_slot, target, target_slot = said[:5]
    else:
        one = mapping(said)
        name, origin, origin_slot, target, target_slot = (
            one.get(key) for key in ("id", "origin_id", "origin_slot", "target_id", "target_slot")
        )
    first, last = index(origin_slot), index(target_slot)
    ends = text(name), text(origin), text(target)
    if not all(ends) or first is None or last is None:
        return None
    link = UiLink(origin=ends[1], origin_slot=first, target=ends[2], target_slot=last)
    return ends[0], link


def _models(properties: Mapping[str, object]) -> dict[str, str]:
    found = {}
    for said in sequence(properties.get("models"))[:100]:
        one = mapping(said)
        if (name := text(one.get("name"))) and (url := text(one.get("url"))):
            found[name] = url
    return found


def _everywhere(said: object) -> dict[tuple[str, int], tuple[str, int]]:
    """Lines of "Anything Everywhere", which are drawn nowhere."""
    found = {}
    for one in map(mapping, sequence(said)[:MAX_NODES]):
        to, slot = text(one.get("downstream")), index(one.get("downstream_slot"))
        origin, out = text(one.get("upstream")), index(one.get("upstream_slot"))
        if to and origin and slot is not None and out is not None:
            found[to, slot] = origin, out
    return found
