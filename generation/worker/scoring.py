"""How well words say what a picture shows: CLIP (Radford et al. 2021), SigLIP (Zhai et al. 2023).

    CLIP      the cosine of the angle between picture and text, -1 to 1; 0.3 is much
    SigLIP    its logit: above 0 it believes the words, below it does not

The invariant: a score is a function of the folder with its digest, the picture's bytes and the
text; it is computed in fp32, one picture at a time, and nothing is drawn from a generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from generation.catalog.modelfolder import model_type
from generation.catalog.scorers import SCORERS
from generation.errors import BrokenWeights, UnusableWeights
from generation.families.architecture import Network
from generation.fleet.wire import Loading, Report, Score
from generation.media.photos import as_rgb, upright
from generation.worker import pulse
from generation.worker.alone import built_alone
from generation.worker.baton import Turn
from generation.worker.loading.loader import translated
from generation.worker.memory.model_cache import ModelCache
from generation.worker.model import LoadedPart, PartKey

_PART = "scorer"
Inputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """How networks of one model_type are asked.

    `masked`: whether they are told which tokens only fill; SigLIP learned to read all of them.
    """

    name: str  # of the class
    masked: bool
    lowers: bool  # capitals, which it never read
    score: Callable[[Any], Tensor]  # of what the network says: (1, texts)


def _cosine(said: Any) -> Tensor:
    cosine: Tensor = said.image_embeds @ said.text_embeds.T
    return cosine


def _logit(said: Any) -> Tensor:
    logit: Tensor = said.logits_per_image
    return logit


SCORINGS = {
    "clip": Scoring(name="CLIPModel", masked=True, lowers=False, score=_cosine),
    "siglip": Scoring(name="SiglipModel", masked=False, lowers=True, score=_logit),
    "siglip2": Scoring(name="Siglip2Model", masked=False, lowers=True, score=_logit),
}


def scored(
    order: Score, cache: ModelCache, place: Turn, say: Callable[[Report], None]
) -> tuple[tuple[float, ...], float]:
    """The score of each text, and the seconds that went into weights.

    Raises BadPicture, UnusableWeights and OutOfMemory.
    """
    picture = as_rgb(upright(order.picture))
    weights = order.weights
    folder = cache.catalog.locate(weights)
    kind = model_type(folder) or ""
    if kind not in SCORINGS:
        raise UnusableWeights(weights.name, "it scores no pictures")
    network = Network(
        module=f"transformers.models.{kind}",
        name=SCORINGS[kind].name,
        weights="model",
        tensors=lambda _: None,
        settings=None,
    )
    key = PartKey(file=weights.sha256, part=_PART, dtype=torch.float32)

    def build() -> LoadedPart:
        return built_alone(network, folder, folder, weights.name, key)

    def loads(name: str) -> None:
        say(Loading(job=order.job, name=name))

    began = place.seconds
    with cache.take_alone(key, build, weights.name, on_load=loads) as part:
        loading = place.seconds - began
        pulse.stage("words")
        with torch.inference_mode(), translated(weights.name):
            inputs = read(folder, picture, order.texts, part.module.config)
            said = part.module(**{key: one.to(cache.device) for key, one in inputs.items()})
            scores = SCORINGS[kind].score(said)[0].float().cpu()
    numbers = tuple(float(number) for number in scores)
    if not all(map(math.isfinite, numbers)):
        raise BrokenWeights(weights.name, "what it says of a picture is no number")
    return numbers, loading


def read(folder: Path, picture: Image.Image, texts: Sequence[str], config: Any) -> Inputs:
    """The picture and the texts as the network takes them; a text is cut where its encoder ends."""
    from transformers import AutoImageProcessor, AutoTokenizer

    looking: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    kind = config.model_type
    how, usual = SCORINGS[kind], SCORERS[kind].longest
    longest = getattr(config.text_config, "max_position_embeddings", usual)
    tokens = tokenizer(
        [text.lower() if how.lowers else text for text in texts],
        padding="max_length",
        max_length=longest,
        truncation=True,
        return_tensors="pt",
    )
    inputs: Inputs = {**looking(picture, return_tensors="pt"), "input_ids": tokens["input_ids"]}
    return inputs | {"attention_mask": tokens["attention_mask"]} if how.masked else inputs
