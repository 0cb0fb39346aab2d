"""What a sampler begins with: an empty latent of a size, or a picture, all of it or a part.

    EmptyLatentImage · VAEEncode(image) · SetLatentNoiseMask(samples, mask) · RepeatLatentBatch ...

The invariant: a size is one that stands in the graph as numbers; that of a picture which is not
here is a gap.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from generation.interchange.comfy.graph import GraphLink, GraphNode
from generation.interchange.comfy.json_values import text, whole
from generation.interchange.comfy.values import GraphValues

MAX_NODES = 500  # behind each other
LENGTHS = frozenset({"length", "num_frames", "video_frames"})
_SIDES = re.compile(r"\s*([0-9]{2,5})\s*[x×]\s*([0-9]{2,5})")

_ONWARD = (
    *("samples", "latent_image", "latent", "samples1", "av_latent", "video_latent"),
    *("pixels", "image", "images", "input", "destination", "source_video"),
    *("images.image_1", "images.image0", "images.image_0", "image1", "video"),
)


@dataclass(slots=True, kw_only=True)
class LatentStart:
    """What a picture is begun with."""

    width: int | None = None
    height: int | None = None
    batch: int = 1
    picture: str = ""  # the name of the file, where there is one
    encoded: bool = False  # it begins with a picture
    masked: bool = False  # of which a part is drawn anew
    padded: bool = False  # or which is drawn further
    enlarged: bool = False  # or which was given more pixels first
    nodes: list[GraphNode] = field(default_factory=list)


def begun(values: GraphValues, link: GraphLink | None) -> LatentStart:
    """What lies at the beginning of a latent."""
    found = LatentStart()
    seen: set[str] = set()
    while link is not None and len(seen) < MAX_NODES:
        origin = values.origin(link)
        if origin is None or origin[0].id in seen:
            break
        node, slot = origin
        seen.add(node.id)
        found.nodes.append(node)
        _look(values, node, found)
        if node.type.startswith("LoadImage"):
            found.picture = text(node.inputs.get("image"))
        link = _onward(node, slot)
    return found


def counts_frames(node: GraphNode) -> bool:
    """Whether it says how many frames are made, and of what size."""
    return {"width", "height"} <= node.inputs.keys() and not LENGTHS.isdisjoint(node.inputs)


def picture_behind(values: GraphValues, link: GraphLink | None) -> LatentStart:
    """The same, of a link that gives a picture."""
    found = begun(values, link)
    found.encoded = True
    return found


def _onward(node: GraphNode, _slot: int) -> GraphLink | None:
    links = node.links()
    # "Select" of a batch, and nodes that know a picture by a name of their own.
    return next((links[name] for name in _ONWARD if name in links), None)


def _look(values: GraphValues, node: GraphNode, found: LatentStart) -> None:
    links = node.links()
    if node.type.startswith(("VAEEncode", "InstructPixToPix", "Inpaint")) or "pixels" in links:
        found.encoded = True
    if "mask" in links and (found.encoded or "samples" in links):
        found.masked = True
    if node.type == "ImagePadForOutpaint":
        found.padded = True
    if "upscale_model" in links:
        found.enlarged = True
    if found.width is None and not found.enlarged:
        found.width, found.height = size_of(values, node)
    count = whole(values.of(node, "batch_size", "amount")) if "Latent" in node.type else None
    if count is not None and 1 < count < 10_000:
        found.batch = count


def size_of(values: GraphValues, node: GraphNode) -> tuple[int | None, int | None]:
    """The size that a node says, where it says both sides."""
    names = ("resize_type.width", "width", "empty_latent_width", "target_width")
    width = whole(values.of(node, *names))
    height = whole(values.of(node, *(name.replace("width", "height") for name in names)))
    if width is None and (sides := _SIDES.match(text(values.of(node, "dimensions", "resolution")))):
        width, height = int(sides[1]), int(sides[2])
    if width is None or height is None or min(width, height) <= 0:
        return None, None
    return width, height
