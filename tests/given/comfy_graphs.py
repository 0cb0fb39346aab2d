"""Workflows and prompts of ComfyUI, put together node by node."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

SOCKETS = {  # what the sockets that tests use carry
    **dict.fromkeys(("model",), "MODEL"),
    **dict.fromkeys(("clip",), "CLIP"),
    **dict.fromkeys(("vae",), "VAE"),
    **dict.fromkeys(("positive", "negative", "conditioning"), "CONDITIONING"),
    **dict.fromkeys(("latent_image", "samples", "latent"), "LATENT"),
    **dict.fromkeys(("images", "image", "pixels"), "IMAGE"),
    "mask": "MASK",
}


class GraphDrawing:
    """A workflow of the editor, while it is drawn; of a subgraph, with its inputs and outputs."""

    def __init__(self, name: str = "", inputs: Sequence[str] = (), outputs: Sequence[str] = ()):
        self.name, self.inputs, self.outputs = name, inputs, outputs
        self.nodes: list[dict[str, Any]] = []
        self.links: list[list[Any]] = []

    def add(
        self,
        kind: str,
        values: Sequence[Any] | Mapping[str, Any] = (),
        *,
        widgets: Mapping[str, Any] | None = None,
        gives: Sequence[str] = ("*",),
        mode: int = 0,
        promoted: Sequence[tuple[str, str]] = (),
        models: Mapping[str, str] | None = None,
        **links: Any,
    ) -> int:
        """A node; a link is (node, slot), a widget that is given something is in `widgets`."""
        number = len(self.nodes) + 1
        sockets: list[dict[str, Any]] = []
        for name, origin in {**links, **(widgets or {})}.items():
            socket: dict[str, Any] = {"name": name, "type": SOCKETS.get(name, "*"), "link": None}
            if name in (widgets or {}):
                socket |= {"widget": {"name": name}, "type": "COMBO"}
            if origin is not None:
                self.links.append([len(self.links) + 1, *origin, number, len(sockets), "*"])
                socket["link"] = len(self.links)
            sockets.append(socket)
        self.nodes.append(
            {
                "id": number,
                "type": kind,
                "mode": mode,
                "inputs": sockets,
                "outputs": [{"name": one, "type": one} for one in gives],
                "widgets_values": values if isinstance(values, dict) else list(values),
                "properties": {
                    "proxyWidgets": [list(pair) for pair in promoted],
                    "models": [{"name": n, "url": url} for n, url in (models or {}).items()],
                },
            }
        )
        return number

    def ends(self, slot: int, origin: tuple[int, int]) -> None:
        """What an output of a subgraph is given."""
        self.links.append([len(self.links) + 1, *origin, -20, slot, "*"])

    def said(self, *subgraphs: GraphDrawing, **more: Any) -> dict[str, Any]:
        """The workflow, as it is stored."""
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        inner = [
            {
                "id": one.name,
                "name": one.name,
                "inputs": [{"name": name} for name in one.inputs],
                "outputs": [{"name": name} for name in one.outputs],
                "nodes": one.nodes,
                "links": [dict(zip(keys, link, strict=True)) for link in one.links],
            }
            for one in subgraphs
        ]
        top = {"nodes": self.nodes, "links": self.links, "version": 0.4}
        return top | {"definitions": {"subgraphs": inner}} | more


INPUT = -10  # of a subgraph

WORDS = "a red cat"
DENIED = "blurry"


def loaded(graph: GraphDrawing, name: str = "sd_xl_base_1.0.safetensors") -> int:
    """A checkpoint."""
    models = {name: f"https://example.com/{name}"}
    return graph.add(
        "CheckpointLoaderSimple", [name], gives=["MODEL", "CLIP", "VAE"], models=models
    )


def text_to_image(graph: GraphDrawing, **other: Any) -> int:
    """The usual graph around a sampler; `other` replaces what the sampler is given."""
    model = loaded(graph)
    words = graph.add("CLIPTextEncode", [WORDS], clip=(model, 1), gives=["CONDITIONING"])
    denied = graph.add("CLIPTextEncode", [DENIED], clip=(model, 1), gives=["CONDITIONING"])
    empty = graph.add("EmptyLatentImage", [1216, 832, 1], gives=["LATENT"])
    given = {
        "model": (model, 0),
        "positive": (words, 0),
        "negative": (denied, 0),
        "latent_image": (empty, 0),
    } | other
    values = [721897303308196, "randomize", 25, 7, "dpmpp_2m", "karras", 1]
    sampler = graph.add("KSampler", values, gives=["LATENT"], **given)
    saved(graph, (sampler, 0), model)
    return sampler


def saved(graph: GraphDrawing, samples: tuple[int, int], model: int) -> int:
    """A decoder and what saves its picture."""
    decoded = graph.add("VAEDecode", samples=samples, vae=(model, 2), gives=["IMAGE"])
    return graph.add("SaveImage", ["ComfyUI"], images=(decoded, 0))


def prompt(**nodes: tuple[str, Mapping[str, Any]]) -> str:
    """A prompt of the server: nodes by their ids, which begin with "n"."""
    return json.dumps(
        {
            name.removeprefix("n"): {"class_type": kind, "inputs": dict(inputs)}
            for name, (kind, inputs) in nodes.items()
        }
    )


def a_subgraph(name: str = "words") -> GraphDrawing:
    """Encodes words that it is given, or its own."""
    inner = GraphDrawing(name, inputs=["clip", "text"], outputs=["CONDITIONING"])
    encoder = inner.add(
        "CLIPTextEncode",
        ["its own"],
        clip=(INPUT, 0),
        widgets={"text": (INPUT, 1)},
        gives=["CONDITIONING"],
    )
    inner.ends(0, (encoder, 0))
    return inner


Nodes = Mapping[str, tuple[str, Mapping[str, Any]]]

USUAL: Nodes = {
    "n1": ("CheckpointLoaderSimple", {"ckpt_name": "SDXL/base.safetensors"}),
    "n2": ("CLIPTextEncode", {"text": "a cat", "clip": ["1", 1]}),
    "n3": ("CLIPTextEncode", {"text": "blurry", "clip": ["1", 1]}),
    "n4": ("EmptyLatentImage", {"width": 1024, "height": 768, "batch_size": 1}),
    "n5": (
        "KSampler",
        {
            "seed": 2**63,
            "steps": 30,
            "cfg": 4.5,
            "sampler_name": "euler_ancestral",
            "scheduler": "sgm_uniform",
            "denoise": 1,
            "model": ["1", 0],
            "positive": ["2", 0],
            "negative": ["3", 0],
            "latent_image": ["4", 0],
        },
    ),
    "n6": ("VAEDecode", {"samples": ["5", 0], "vae": ["1", 2]}),
    "n7": ("SaveImage", {"images": ["6", 0], "filename_prefix": "x"}),
}

CUSTOM: Nodes = {
    "n1": ("UNETLoader", {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}),
    "n2": ("DualCLIPLoader", {"clip_name1": "clip_l.safetensors", "clip_name2": "t5.safetensors"}),
    "n3": ("CLIPTextEncode", {"text": "a fox", "clip": ["2", 0]}),
    "n4": ("FluxGuidance", {"guidance": 3.2, "conditioning": ["3", 0]}),
    "n5": (
        "ModelSamplingFlux",
        {
            "max_shift": 1.15,
            "base_shift": 0.5,
            "width": 1024,
            "height": 1024,
            "model": ["1", 0],
        },
    ),
    "n6": ("BasicGuider", {"model": ["5", 0], "conditioning": ["4", 0]}),
    "n7": ("RandomNoise", {"noise_seed": 7}),
    "n8": ("KSamplerSelect", {"sampler_name": "dpmpp_2m"}),
    "n9": ("BasicScheduler", {"scheduler": "beta", "steps": 22, "denoise": 1, "model": ["5", 0]}),
    "n10": ("EmptySD3LatentImage", {"width": 1024, "height": 1024, "batch_size": 4}),
    "n11": (
        "SamplerCustomAdvanced",
        {
            "noise": ["7", 0],
            "guider": ["6", 0],
            "sampler": ["8", 0],
            "sigmas": ["9", 0],
            "latent_image": ["10", 0],
        },
    ),
    "n12": ("VAELoader", {"vae_name": "ae.safetensors"}),
    "n13": ("VAEDecode", {"samples": ["11", 0], "vae": ["12", 0]}),
    "n14": ("SaveImage", {"images": ["13", 0]}),
}
