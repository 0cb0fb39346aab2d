"""The files that a graph names: of what kind, how strongly they count, and where they can be had.

A file is whatever a node names by one of the words below, or by a name that ends as weights do.
LoRAs stand in the line of the model, the nearest to the sampler last.  The invariant: each file
that any node names is wanted, and those that nothing goes on from are said to be idle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from generation.interchange.comfy.graph import Graph, GraphLink, GraphNode
from generation.interchange.comfy.json_values import number
from generation.interchange.comfy.values import GraphValues

MAX_CHAIN = 2_000

# Words of inputs -> what the file is here; a node's type may say another thing.
_KINDS: Mapping[str, str] = {
    "unet_name": "checkpoint",
    "ckpt_name": "checkpoint",
    "model_path": "checkpoint",
    "lora_name": "lora",
    "vae_name": "vae",
    "clip_name": "text encoder",
    "text_encoder": "text encoder",
    "control_net_name": "controlnet",
    "style_model_name": "style model",
    "hypernetwork_name": "hypernetwork",
    "gligen_name": "gligen",
}
_BY_TYPE: tuple[tuple[str, str], ...] = (
    ("CLIPVision", "clip vision"),
    ("LTXVAudioVAE", "vae"),
    ("UpscaleModel", "upscaler"),
    ("ModelPatch", "model patch"),
    ("LoraLoader", "lora"),
    ("StyleModel", "style model"),
    ("ControlNet", "controlnet"),
    ("VAELoader", "vae"),
    ("CLIPLoader", "text encoder"),
    ("UNETLoader", "checkpoint"),
    ("UnetLoader", "checkpoint"),
    ("Checkpoint", "checkpoint"),
)
_WEIGHTS = re.compile(r"[^\n]{1,400}\.(?:safetensors|sft|ckpt|pth?|gguf|onnx|bin)", re.IGNORECASE)
_COUNTED = re.compile(r"(.*?)_?\d+")
_NUMBERED = re.compile(r"lora(?:_name)?_(\d+)")
_NONE = ("none", "pixel_space", "baked vae", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file that a node names."""

    node: GraphNode
    kind: str
    name: str
    address: str
    strength: float | None
    of_words: float | None  # of a LoRA in the text encoder, where that is another


def named(values: GraphValues) -> Iterator[NamedFile]:
    """Every file of a graph."""
    for node in values.graph.nodes.values():
        for key, value in node.inputs.items():
            if isinstance(value, dict) and "lora" in value:
                yield from _stacked(values.graph, node, value)
                continue
            said = values.given(value) if isinstance(value, GraphLink) and _is_word(key) else value
            if not isinstance(said, str) or said.strip().lower() in _NONE:
                continue
            if (kind := _kind(node, key, said)) is not None:
                yield _named(values, node, key, kind, said)


def _is_word(key: str) -> bool:
    return _stem(key) in _KINDS or key == "model_name"


def _stem(key: str) -> str:
    counted = _COUNTED.fullmatch(key)
    return counted[1] if counted else key


def _kind(node: GraphNode, key: str, said: str) -> str | None:
    """What the file is; None: the text is none."""
    by_type = next((kind for part, kind in _BY_TYPE if part in node.type), None)
    if (kind := _KINDS.get(_stem(key))) is not None:
        apart = by_type if by_type in ("clip vision",) or "AudioVAE" in node.type else None
        return apart or kind
    if _WEIGHTS.fullmatch(said.strip()) is None:
        return None
    if _NUMBERED.fullmatch(key):
        return "lora"
    return by_type or "model"


def _named(values: GraphValues, node: GraphNode, key: str, kind: str, said: str) -> NamedFile:
    strength = of_words = None
    if kind == "lora":
        place = _NUMBERED.fullmatch(key)
        names = (f"strength_{place[1]}", f"model_weight_{place[1]}") if place else ()
        strength = number(
            values.of(node, *names, "strength_model", "lora_model_strength", "strength")
        )
        clip = number(values.of(node, "strength_clip", "lora_clip_strength"))
        of_words = clip if clip != strength else None
    return NamedFile(
        node=node,
        kind=kind,
        name=said,
        address=_address(values.graph, said),
        strength=strength,
        of_words=of_words,
    )


def _stacked(graph: Graph, node: GraphNode, said: Mapping[str, object]) -> Iterator[NamedFile]:
    """rgthree's rows: {"on": true, "lora": "ink.safetensors", "strength": 0.8}."""
    name = said.get("lora")
    if not isinstance(name, str) or name.lower() in _NONE or said.get("on") is False:
        return
    strength, clip = number(said.get("strength")), number(said.get("strengthTwo"))
    yield NamedFile(
        node=node,
        kind="lora",
        name=name,
        address=_address(graph, name),
        strength=strength,
        of_words=clip if clip != strength else None,
    )


def _address(graph: Graph, said: str) -> str:
    if said.startswith("urn:air:"):
        return said
    last = re.split(r"[/\\]", said[-500:])[-1]
    return graph.addresses.get(said) or graph.addresses.get(last, "")


def line(values: GraphValues, link: GraphLink | None, *lanes: str) -> Iterator[GraphNode]:
    """The nodes that a model, or a text encoder, comes through, the sampler's side first."""
    seen: set[str] = set()
    while link is not None and len(seen) < MAX_CHAIN:
        origin = values.origin(link)
        if origin is None or origin[0].id in seen:
            return
        seen.add(origin[0].id)
        yield origin[0]
        link = origin[0].link(*lanes)
