"""The port of what is added to a model for one picture: a kind of adapter.

    patches -> what it adds to what the model's layers put out       LoRAs
    words   -> vectors for words that no encoder was taught          embeddings, and some LoRAs

A kind is one file beside this one and a row in `generation.worker.adapters.table`.  The invariant:
no weight of the model is touched, and what a kind keeps it keeps in `Model.adapters`, which is
emptied when the model leaves the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor

from generation.errors import UnusableWeights
from generation.recipe import Adapter, Weights
from generation.worker.adapters.patches import Layer, Patch
from generation.worker.model import Model

Locate = Callable[[Weights], Path]

# A word -> its vectors (vectors, width); one such table for each text encoder that learns.
Tables = Sequence[Mapping[str, Tensor]]


class AdapterKind(Protocol):
    """What adapters of one kind do.  Both raise UnusableWeights for what does not fit the model."""

    def patches(
        self, model: Model, adapter: Adapter, locate: Locate, /
    ) -> Iterable[tuple[Layer, Patch]]:
        """What it adds to layers, before its strength; empty where it adds nothing."""

    def words(self, model: Model, adapter: Adapter, locate: Locate, /) -> Tables:
        """The words that it teaches, at its strength; empty where it teaches none."""


def tables_of(model: Model, words: Mapping[str, Sequence[Tensor]], name: str) -> Tables:
    """The vectors of words, for each text encoder.  Raises UnusableWeights for other ones."""
    if not words:
        return ()
    clips = model.engine.learners(model.parts)
    for vectors in words.values():
        if len(vectors) != len(clips):
            raise UnusableWeights(name, "an embedding for other text encoders")
        for clip, table in zip(clips, vectors, strict=True):
            width = clip.encoder.config.hidden_size
            if table.shape[-1] != width:
                raise UnusableWeights(name, f"it is {table.shape[-1]} wide, the model {width}")
    return tuple(
        {word: vectors[n].reshape(-1, vectors[n].shape[-1]) for word, vectors in words.items()}
        for n in range(len(clips))
    )
