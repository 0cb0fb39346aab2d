"""Which sampler of a graph is meant, and what lies upstream of a node.

From what is saved the way leads back to the sampler next to it; if that one goes on from what
another left (base and refiner, a second pass at more pixels), further back to where the picture
began: the first pass is the picture's, the others are steps of their own.  Walks keep a set of
where they were: the invariant is that each is linear in the graph, circles or not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from generation.interchange.comfy.canvas import counts_frames
from generation.interchange.comfy.graph import Graph, GraphLink, GraphNode
from generation.interchange.comfy.json_values import number
from generation.interchange.comfy.sampling import sampled
from generation.interchange.comfy.values import GraphValues

_SEEN_FIRST = ("Save", "Preview")  # beginnings of types whose inputs people look at
# Inputs that lead to the picture which a pass goes on from.
_PICTURES = (
    *("latent_image", "latent", "samples", "samples1", "av_latent", "video_latent"),
    *("pixels", "image", "images", "input", "upscaled_image", "destination"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerPasses:
    """The samplers that made a picture."""

    main: GraphNode
    others: tuple[GraphNode, ...]


def is_sampler(node: GraphNode) -> bool:
    """Whether it takes noise away."""
    links = node.links()
    if "sampler" in links and "sigmas" in links:
        return True
    if "sampler_name" in node.inputs and "steps" in node.inputs:
        return bool(links.keys() & {"model", "latent_image", "positive", "image", "pipe"})
    return "KSampler" in node.type and "latent_image" in links


def ends(graph: Graph) -> list[GraphNode]:
    """The nodes that nothing goes on from, the saving ones first."""
    used = {link.node for node in graph.nodes.values() for link in node.links().values()}
    kinds: tuple[list[GraphNode], ...] = ([], [], [])
    for node in graph.nodes.values():
        place = next((n for n, one in enumerate(_SEEN_FIRST) if node.type.startswith(one)), 2)
        if node.links() and (place < 2 or node.id not in used):
            kinds[place].append(node)
    return [node for kind in kinds for node in kind]


def upstream(values: GraphValues, start: GraphNode) -> Iterator[GraphNode]:
    """The node and all that it is made of, the nearest first, by the switches as they stand."""
    yield from _upstream(values, start, {start.id})


def _upstream(values: GraphValues, start: GraphNode, seen: set[str]) -> Iterator[GraphNode]:
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        yield node
        for link in _taken(values, node):
            found = values.origin(link)
            if found is not None and found[0].id not in seen:
                seen.add(found[0].id)
                waiting.append(found[0])


def _taken(values: GraphValues, node: GraphNode) -> Iterator[GraphLink]:
    """The links of a node, and those of the values that its switches ask for."""
    passed = values.chosen(node)
    if isinstance(passed, GraphLink):
        yield passed
    elif passed is None:
        yield from node.links().values()


def used(values: GraphValues) -> frozenset[str]:
    """The ids of all nodes that something is made of which is saved or looked at."""
    found: set[str] = set()
    waiting = ends(values.graph)
    while waiting:
        node = waiting.pop()
        if node.id in found:
            continue
        found.add(node.id)
        for link in _taken(values, node):
            origin = values.origin(link)
            waiting += [origin[0]] if origin is not None else []
    return frozenset(found)


def passes(values: GraphValues) -> SamplerPasses | None:
    """The sampler that began the picture, and all others; None: nothing is sampled."""
    every = [node for node in values.graph.nodes.values() if is_sampler(node)]
    if not every:
        return None
    last = _last(values) or every[0]
    main = _first(values, last)
    return SamplerPasses(main=main, others=tuple(one for one in every if one.id != main.id))


def _last(values: GraphValues) -> GraphNode | None:
    """The sampler that is next to what is saved."""
    seen: set[str] = set()  # from earlier ends, behind which there is none
    for end in ends(values.graph):
        if end.id in seen:
            continue
        seen.add(end.id)
        found = next((node for node in _upstream(values, end, seen) if is_sampler(node)), None)
        if found is not None:
            return found
    return None


def _first(values: GraphValues, last: GraphNode) -> GraphNode:
    """The pass that the last one goes back to."""
    seen = {last.id}
    at, waiting = last, deque([(last, False)])
    while waiting:
        node, encoded = waiting.popleft()
        for link in _begun_with(node):
            found = values.origin(link)
            if found is None or found[0].id in seen:
                continue
            seen.add(found[0].id)
            if is_sampler(found[0]):
                # A picture of which all is drawn anew is none that it goes on from.
                if encoded and redrawn(values, at) >= 1.0:
                    continue
                at, waiting, encoded = found[0], deque(), False
            waiting.append((found[0], encoded or "pixels" in found[0].inputs))
    return at


def _begun_with(node: GraphNode) -> Iterator[GraphLink]:
    if counts_frames(node):
        return  # a clip is begun here, whoever drew its first picture
    for name, link in node.links().items():
        if name in _PICTURES or name.startswith("images."):
            yield link


def redrawn(values: GraphValues, node: GraphNode) -> float:
    """How much of what it begins with a sampler draws anew."""
    denoise = number(sampled(values, node).denoise)
    return 1.0 if denoise is None else denoise
