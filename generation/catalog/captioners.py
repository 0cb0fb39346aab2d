"""Which folders say in words what a picture shows: ours, and those that transformers keeps.

    config.json      its model_type is one of TYPES
    *.safetensors    has the tensors by which the type's own networks are told from others of it
    tokenizer.json, or vocab.json and merges.txt, or vocab.txt: where its words are spelled

The invariant: nothing is told by a folder's name, and code that comes with a folder is never run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.catalog.header import read_header
from generation.catalog.modelfolder import files_of_network, read_json
from generation.errors import BrokenWeights, UnusableWeights

OURS = "atelier-attributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionerType:
    """What a folder of one model_type must have.

    `tensors`: of each entry one must be there, under any of the names that were published.
    """

    title: str
    tensors: tuple[tuple[str, ...], ...]
    spells: bool = True  # whether a tokenizer makes its words


_VISION_LANGUAGE = (
    ("model.text_model.embed_tokens.weight",),
    ("model.vision_model.embeddings.patch_embedding.weight",),
    ("model.connector.modality_projection.proj.weight",),
)

TYPES: Mapping[str, CaptionerType] = {
    OURS: CaptionerType(
        title="a captioner of attributes",
        tensors=(("heads.object.weight",), ("centres",), ("reach",)),
        spells=False,
    ),
    "florence2": CaptionerType(
        title="Florence-2",
        tensors=(
            ("model.vision_tower.convs.0.conv.weight",),
            ("model.language_model.shared.weight",),
        ),
    ),
    "blip": CaptionerType(
        title="BLIP",
        tensors=(("text_decoder.cls.predictions.bias",), ("vision_model.post_layernorm.weight",)),
    ),
    "qwen2_5_vl": CaptionerType(
        title="Qwen2.5-VL",
        tensors=(
            ("visual.patch_embed.proj.weight", "model.visual.patch_embed.proj.weight"),
            ("model.embed_tokens.weight", "model.language_model.embed_tokens.weight"),
        ),
    ),
    "qwen3_vl": CaptionerType(
        title="Qwen3-VL",
        tensors=(
            ("model.visual.patch_embed.proj.weight",),
            ("model.language_model.embed_tokens.weight",),
        ),
    ),
    "idefics3": CaptionerType(title="SmolVLM", tensors=_VISION_LANGUAGE),
    "smolvlm": CaptionerType(title="SmolVLM", tensors=_VISION_LANGUAGE),
}


def files_of_captioner(path: Path, name: str) -> list[Path]:
    """The files that decide what it says.  Raises UnusableWeights where it lacks any."""
    config = read_json(path / "config.json", name)
    kind = TYPES[str(config.get("model_type"))]
    files = files_of_network(path, name, reads_words=kind.spells)
    here = {
        key
        for file in files
        if file.suffix == ".safetensors"
        for key in read_header(file, f"{name}/{file.name}").shapes
    }
    for names in kind.tensors:
        if not here & set(names):
            if "auto_map" in config:
                raise UnusableWeights(
                    name,
                    f"{kind.title} that is run by code of its own, which is never done here: the "
                    "same weights are published for transformers' own classes",
                )
            raise BrokenWeights(name, f"its tensor {names[0]} is missing")
    return files
