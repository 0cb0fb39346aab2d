"""What a sampler is told: words, guidance, pictures to look at, and networks that look at one.

Conditioning comes from text encoders, through nodes that add to it, in one lane (`conditioning`) or
in two at once (`positive`, `negative`, by their slots).  The invariant: each node is asked once in
each lane, and what two encoders are told is kept apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from generation.interchange.comfy.canvas import picture_behind
from generation.interchange.comfy.graph import GraphLink, GraphNode
from generation.interchange.comfy.json_values import number
from generation.interchange.comfy.values import MAX_LETTERS, GraphValues
from generation.interchange.comfy.walking import upstream

POSITIVE, NEGATIVE = "positive", "negative"
MAX_NODES = 1_000
MAX_WRITERS = 4
MAX_PICTURES = 64

# Where the words stand in a node that encodes them; of several the first that says something.
_WORDS = (
    *("populated_text", "text", "prompt", "user_prompt", "t5xxl", "text_g", "clip_l", "text_l"),
    *("clip_g", "llama", "bert", "mt5xl", "tags", "caption", "style"),
)
_LANE = (
    *("conditioning", "conditioning_1", "conditioning_2", "conditioning_to"),
    *("conditioning_from", "cond1", "cond2"),
)
_ADDED = ("conditioning_2", "conditioning_from")
_LOOKED_AT = ("image", "image1", "image2", "image3", "vae_pixels")


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlUse:
    """A network that looks at a picture."""

    node: GraphNode  # that applies it
    network: GraphLink
    strength: float | None
    start: float | None
    end: float | None
    picture: str


@dataclass(slots=True, kw_only=True)
class Conditioned:
    """What one lane is told."""

    words: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # that an encoder beside is told
    guidance: float | None = None
    zero: bool = False  # nothing, spelled as zeros
    references: list[str] = field(default_factory=list)  # names of pictures
    by_words: bool = False  # the text encoder looks at them, too
    steering: list[ControlUse] = field(default_factory=list)
    pictured: bool = False  # the picture to be changed is laid beside the noise
    masked: bool = False
    combined: list[str] = field(default_factory=list)  # types of nodes that put words together
    written: list[GraphNode] = field(default_factory=list)  # chat models that write the words
    encoders: list[GraphNode] = field(default_factory=list)
    nodes: dict[str, GraphNode] = field(default_factory=dict)


def told(values: GraphValues, link: GraphLink | None, lane: str) -> Conditioned:
    """What lies behind a link of conditioning."""
    found = Conditioned()
    waiting = [link] if link is not None else []
    while waiting and len(found.nodes) < MAX_NODES:
        origin = values.origin(waiting.pop())
        if origin is None or origin[0].id in found.nodes:
            continue
        node, slot = origin
        found.nodes[node.id] = node
        if node.type == "ConditioningZeroOut":
            found.zero = True
            continue
        links = node.links()
        _look(values, node, found)
        if POSITIVE in links or NEGATIVE in links:
            side = NEGATIVE if slot == 1 else POSITIVE
            waiting += [links[side]] if side in links else []
            continue
        on = [links[name] for name in _LANE if name in links]
        if any(name in links for name in _ADDED):
            found.combined.append(node.type)
        if not on:
            _encoded(values, node, slot, lane, found)
        waiting += reversed(on)
    return found


def _look(values: GraphValues, node: GraphNode, found: Conditioned) -> None:
    """What a node adds to words."""
    links = node.links()
    if len(found.steering) + len(found.references) >= MAX_PICTURES:
        return
    guidance = number(values.of(node, "guidance"))
    if guidance is not None and found.guidance is None:
        found.guidance = guidance
    if (network := node.link("control_net")) is not None:
        found.steering.append(
            ControlUse(
                node=node,
                network=network,
                strength=number(values.of(node, "strength")),
                start=number(values.of(node, "start_percent")),
                end=number(values.of(node, "end_percent")),
                picture=picture_behind(values, links.get("image")).picture,
            )
        )
        return
    if "mask" in links and "pixels" in links:
        found.masked = True
    elif node.type.startswith("InstructPixToPix"):
        found.pictured = True
    elif "latent" in links and "Reference" in node.type:
        found.references.append(picture_behind(values, links["latent"]).picture)
    for name, one in links.items():
        if name.startswith("images.") or (name in _LOOKED_AT and "TextEncode" in node.type):
            found.references.append(picture_behind(values, one).picture)
            found.by_words = True


def _encoded(
    values: GraphValues, node: GraphNode, slot: int, lane: str, found: Conditioned
) -> None:
    """The words of a node that encodes them."""
    found.encoders.append(node)
    names: tuple[str, ...] = _WORDS
    if "negative_prompt" in node.inputs and (slot == 1 or lane == NEGATIVE):
        names = ("negative_prompt",)
    elif isinstance(node.inputs.get(POSITIVE), str):
        names = (lane,)
    said = [_words(values, node, name, found) for name in names if name in node.inputs]
    told_words = list(dict.fromkeys(one for one in said if one.strip()))
    if not said:
        return
    found.words.append(told_words[0] if told_words else "")
    found.others += told_words[1:]


def _words(values: GraphValues, node: GraphNode, name: str, found: Conditioned) -> str:
    value = values.of(node, name)
    room = MAX_LETTERS - sum(map(len, found.words)) - sum(map(len, found.others))
    if isinstance(value, str):
        return value[: max(0, room)]
    origin = values.origin(node.link(name))
    if origin is None or len(found.written) == MAX_WRITERS:
        return ""
    # Somebody's words went through a chat model, or through what only a run can tell.
    writer: GraphNode | None = None
    own, any_text = "", ""
    for one in upstream(values, origin[0]):
        if "prompt" in one.inputs and "clip" in one.inputs and writer is None:
            writer = one
        for held in ("value", "text", "string", "prompt"):
            said = one.inputs.get(held)
            if not isinstance(said, str):
                continue
            if one.type.startswith("Primitive") or one is writer:
                own = max(own, said, key=len)
            any_text = max(any_text, said, key=len)
    found.written.append(writer or origin[0])
    return (own if own.strip() else any_text)[: max(0, room)]
