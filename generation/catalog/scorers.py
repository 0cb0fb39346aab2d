"""Which folders say how well words fit a picture: CLIP and SigLIP, as transformers keeps them.

    config.json      its model_type is one of SCORERS, and it has both encoders
    *.safetensors    every tensor by which the sizes of both are told, as the config says
    tokenizer.json, or vocab.json and merges.txt

The invariant: what is listed can be loaded; nothing is told by a folder's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generation.catalog.header import read_header
from generation.catalog.modelfolder import files_of_network, read_json
from generation.errors import BrokenWeights

Shapes = Mapping[str, tuple[int, ...]]

_PATCHES = "vision_model.embeddings.patch_embedding.weight"
_WORDS = "text_model.embeddings.token_embedding.weight"
_POSITIONS = "text_model.embeddings.position_embedding.weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a config says of a size, where it says nothing by the class's own."""

    wide: int  # of what is seen
    patch: int
    words: int  # that are known
    width: int  # of these
    joint: int  # in which both are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerType:
    """Folders of one model_type: the tensors that tell one, and what its class takes as said."""

    title: str
    usual: Sizes
    longest: int  # tokens of a text, where the config says nothing
    tensors: Callable[[Sizes], Shapes]


def _clip(sizes: Sizes) -> Shapes:
    return {
        "visual_projection.weight": (sizes.joint, sizes.wide),
        "text_projection.weight": (sizes.joint, sizes.width),
        _PATCHES: (sizes.wide, 3, sizes.patch, sizes.patch),
        _WORDS: (sizes.words, sizes.width),
        "logit_scale": (),
    }


def _siglip(sizes: Sizes) -> Shapes:
    return {
        "vision_model.head.probe": (1, 1, sizes.wide),
        "text_model.head.bias": (sizes.joint,),
        _PATCHES: (sizes.wide, 3, sizes.patch, sizes.patch),
        _WORDS: (sizes.words, sizes.width),
        "logit_scale": (1,),
        "logit_bias": (1,),
    }


def _siglip2(sizes: Sizes) -> Shapes:
    """As SigLIP; a patch is numbers in a row, whatever shape the picture has."""
    return {**_siglip(sizes), _PATCHES: (sizes.wide, 3 * sizes.patch**2)}


_SIGLIP = Sizes(wide=768, patch=16, words=32_000, width=768, joint=768)

SCORERS: Mapping[str, ScorerType] = {
    "clip": ScorerType(
        title="CLIP",
        usual=Sizes(wide=768, patch=32, words=49_408, width=512, joint=512),
        longest=77,
        tensors=_clip,
    ),
    "siglip": ScorerType(title="SigLIP", usual=_SIGLIP, longest=64, tensors=_siglip),
    "siglip2": ScorerType(title="SigLIP 2", usual=_SIGLIP, longest=64, tensors=_siglip2),
}


def files_of_scorer(path: Path, name: str) -> list[Path]:
    """The files that decide what it says.  Raises UnusableWeights where it lacks any."""
    config = read_json(path / "config.json", name)
    kind = SCORERS[str(config.get("model_type"))]
    expected = kind.tensors(_sizes(config, kind.usual, name))
    files = files_of_network(path, name, reads_words=True)
    found: dict[str, tuple[int, ...]] = {}
    for file in files:
        if file.suffix == ".safetensors":
            found |= read_header(file, f"{name}/{file.name}").shapes
    for key, shape in expected.items():
        if key not in found:
            raise BrokenWeights(name, f"its tensor {key} is missing")
        if found[key] != shape:
            raise BrokenWeights(name, f"its tensor {key} has another shape than its config says")
    return files


def _sizes(config: Mapping[str, object], usual: Sizes, name: str) -> Sizes:
    """The sizes that a config says.  Raises BrokenWeights."""
    words, sight = (config.get(part) for part in ("text_config", "vision_config"))
    if not isinstance(words, dict) or not isinstance(sight, dict):
        raise BrokenWeights(name, "its config does not describe its two encoders")
    width = words.get("hidden_size", usual.width)
    joint = config.get("projection_dim", usual.joint)
    if config.get("model_type") != "clip":
        joint = words.get("projection_size", width)
    numbers = (
        sight.get("hidden_size", usual.wide),
        sight.get("patch_size", usual.patch),
        words.get("vocab_size", usual.words),
        width,
        joint,
    )
    if not all(isinstance(number, int) for number in numbers):
        raise BrokenWeights(name, "its config has no numbers where sizes stand")
    wide, patch, known, width, joint = (int(str(number)) for number in numbers)
    return Sizes(wide=wide, patch=patch, words=known, width=width, joint=joint)
