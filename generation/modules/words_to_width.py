"""What brings the words of a text encoder to the width of what reads them: one layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """How wide the words are that come, and that go."""

    read: int
    made: int

    def to_dict(self) -> dict[str, int]:
        return {"read": self.read, "made": self.made}


class WordsToWidth(nn.Module):
    """The layer; named as MusicGen has it."""

    _keep_in_fp32_modules = None  # whoever builds networks asks for it

    def __init__(self, *, read: int, made: int, **_: Any) -> None:
        super().__init__()
        self.config = Widths(read=read, made=made)
        self.enc_to_dec_proj = nn.Linear(read, made)

    def forward(self, words: Tensor) -> Tensor:
        out: Tensor = self.enc_to_dec_proj(words)
        return out

    @property
    def dtype(self) -> torch.dtype:
        return self.enc_to_dec_proj.weight.dtype
