"""An API prompt as a workflow for ComfyUI's canvas: the same nodes, with places, links and widgets.

The nodes stand in columns, each behind all that it is made of.  The invariant: read back, the
workflow is the prompt that it was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generation.interchange.comfy.widgets import widgets_of
from generation.interchange.comfy.written import ApiNodes

VERSION = 0.4  # of the format, that every frontend reads
COLUMN, ROW, WIDTH = 360, 40, 315  # pixels
SEEDS = ("seed", "noise_seed")  # behind which stands what becomes of it after a run
UPLOADS = {"LoadImage": "image", "LoadImageMask": "image"}  # with a button as their last widget

# What comes out of a node, in the order of its sockets.
OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "CheckpointLoaderSimple": ("MODEL", "CLIP", "VAE"),
    "UNETLoader": ("MODEL",),
    "CLIPLoader": ("CLIP",),
    "DualCLIPLoader": ("CLIP",),
    "TripleCLIPLoader": ("CLIP",),
    "VAELoader": ("VAE",),
    "LoraLoader": ("MODEL", "CLIP"),
    "CLIPSetLastLayer": ("CLIP",),
    "CLIPTextEncode": ("CONDITIONING",),
    "FluxGuidance": ("CONDITIONING",),
    "ConditioningZeroOut": ("CONDITIONING",),
    "ControlNetLoader": ("CONTROL_NET",),
    "ControlNetApplyAdvanced": ("CONDITIONING", "CONDITIONING"),
    "ModelSamplingDiscrete": ("MODEL",),
    "ModelSamplingFlux": ("MODEL",),
    "ModelSamplingSD3": ("MODEL",),
    "EmptyLatentImage": ("LATENT",),
    "EmptySD3LatentImage": ("LATENT",),
    "LoadImage": ("IMAGE", "MASK"),
    "LoadImageMask": ("MASK",),
    "ImageScale": ("IMAGE",),
    "VAEEncode": ("LATENT",),
    "SetLatentNoiseMask": ("LATENT",),
    "KSamplerSelect": ("SAMPLER",),
    "ManualSigmas": ("SIGMAS",),
    "KSampler": ("LATENT",),
    "SamplerCustom": ("LATENT", "LATENT"),
    "VAEDecode": ("IMAGE",),
    "SaveImage": (),
}

Json = dict[str, Any]


def workflow(prompt: ApiNodes) -> Json:
    """The prompt, to be dropped onto ComfyUI's canvas."""
    links: list[list[object]] = []
    nodes: dict[str, Json] = {}
    heights: dict[int, int] = {}
    for order, (number, said) in enumerate(prompt.items()):
        kind, inputs = str(said["class_type"]), said["inputs"]
        assert isinstance(inputs, dict)
        wires = {name: value for name, value in inputs.items() if isinstance(value, list)}
        column = 1 + max((nodes[wire[0]]["order_column"] for wire in wires.values()), default=-1)
        names = widgets_of(kind)
        size = [WIDTH, 60 + 24 * (len(names) + len(wires))]
        if kind == "CLIPTextEncode":
            size[1] += 120
        node: Json = {"id": int(number), "type": kind, "order_column": column}
        node |= {"pos": [column * COLUMN, heights.get(column, 0)], "size": size, "flags": {}}
        node |= {"order": order, "mode": 0, "inputs": [], "outputs": _outputs(kind)}
        node |= {"properties": {"Node name for S&R": kind}}
        node["widgets_values"] = _values(kind, names, inputs)
        heights[column] = heights.get(column, 0) + size[1] + ROW
        for name, wire in wires.items():
            _link(links, nodes[wire[0]], wire[1], node, name)
        nodes[number] = node
    for node in nodes.values():
        del node["order_column"]
    last = max(map(int, prompt), default=0)
    about: Json = {"last_node_id": last, "last_link_id": len(links), "nodes": [*nodes.values()]}
    return about | {"links": links, "groups": [], "config": {}, "extra": {}, "version": VERSION}


def _outputs(kind: str) -> list[Json]:
    return [
        {"name": what, "type": what, "links": [], "slot_index": slot}
        for slot, what in enumerate(OUTPUTS[kind])
    ]


def _values(kind: str, names: list[str], inputs: Mapping[str, object]) -> list[object]:
    values: list[object] = []
    for name in names:
        if name == "upload":
            values.append(UPLOADS[kind])
            continue
        values.append(inputs[name])
        if name in SEEDS:
            values.append("fixed")
    return values


def _link(links: list[list[object]], source: Json, slot: int, node: Json, name: str) -> None:
    number, what = len(links) + 1, source["outputs"][slot]["type"]
    links.append([number, source["id"], slot, node["id"], len(node["inputs"]), what])
    source["outputs"][slot]["links"].append(number)
    node["inputs"].append({"name": name, "type": what, "link": number})
