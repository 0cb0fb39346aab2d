"""Textual inversions: a new word, as the vectors that a text encoder reads for it.

Invariant: no weight of the checkpoint changes; the word stands in captions like any other, and
takes as much room in a prompt as it has vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from generation.training.adapters.checkpoint import TaughtCheckpoint
from generation.training.adapters.lora import Batches, denoising_loss
from generation.training.adapters.written import write_tensors

# As A1111 and ComfyUI name a file's tensors, for one text encoder and for SDXL's two.
KEYS = {1: ("emb_params",), 2: ("clip_l", "clip_g")}


class NewWord:
    """A word that the text encoders have not read before, and its vectors."""

    def __init__(self, taught: TaughtCheckpoint, word: str, vectors: int, like: str) -> None:
        self.word, self.vectors = word, []
        for tokenizer, encoder in zip(taught.tokenizers, taught.encoders, strict=True):
            begin = _read_as(tokenizer, encoder, like, vectors)
            names = [word, *(f"{word}_{n}" for n in range(1, vectors))]
            if tokenizer.add_tokens(names) != vectors:
                raise SystemExit(f"{word!r} is a word of this checkpoint already; take another")
            # Rows for the new tokens, never read: the hook puts the vectors in their place.
            encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
            encoder.requires_grad_(False)
            learned = nn.Parameter(begin.to(taught.device))
            ids = tokenizer.convert_tokens_to_ids(names)
            encoder.get_input_embeddings().register_forward_hook(_in_place(ids, learned))
            self.vectors.append(learned)


def _read_as(tokenizer: Any, encoder: Any, like: str, count: int) -> Tensor:
    """Vectors to begin with: those of other words, in turn."""
    ids = tokenizer(like, add_special_tokens=False)["input_ids"]
    table = encoder.get_input_embeddings().weight.detach()
    rows = [ids[n % len(ids)] for n in range(count)]
    begin: Tensor = table[rows].clone().float()
    return begin


def _in_place(ids: Sequence[int], learned: Tensor) -> Any:
    def put_in(_table: Any, inputs: tuple[Tensor, ...], out: Tensor) -> Tensor:
        for n, one in enumerate(ids):
            out = torch.where((inputs[0] == one)[..., None], learned[n].to(out.dtype), out)
        return out

    return put_in


@dataclass(slots=True, kw_only=True)
class WordCourse:
    """A word that learns to mean what the pictures have in common."""

    taught: TaughtCheckpoint
    word: NewWord
    batches: Batches
    metadata: Mapping[str, str]

    def learns(self) -> Mapping[str, Tensor]:
        return dict(zip(KEYS[len(self.word.vectors)], self.word.vectors, strict=True))

    def loss(self, generator: torch.Generator) -> Tensor:
        rows, _ = self.batches.rows(generator)
        captions = [self.batches.bank.captions[row] for row in rows.tolist()]
        clean = self.batches.bank.drawn(rows, generator)
        return denoising_loss(self.taught, clean, self.taught.words(captions), generator)

    def export(self, numbers: Mapping[str, Tensor], path: Path) -> None:
        write_tensors(numbers, path, self.metadata)
