"""What a prompt has in quotes, as ByT5 reads it: letter by letter, so that it can be written.

    a cat holds a sign "Hello"  ->  Text "Hello".   ->  the states of its bytes, filled up

Nothing in quotes is no text at all: zeros, of which none counts.  The invariant: the stock
pipeline's bits, for what fits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from generation.errors import OutOfRange
from generation.worker import pulse

BYTES = 256  # that texts in quotes are filled up to, with what is said of them
_QUOTED = re.compile(r'"(.*?)"|“(.*?)”')


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """What ByT5 says of a prompt's texts in quotes."""

    states: Tensor  # (1, BYTES, width)
    mask: Tensor  # (1, BYTES): which of them are of a text


def sentence(prompt: str) -> str:
    """The texts in quotes, each once, as ByT5 is told of them; empty: there are none."""
    found = dict.fromkeys(straight or curved for straight, curved in _QUOTED.findall(prompt))
    return "".join(f'Text "{text}". ' for text in found)


def glyphs_of(tokenizer: Any, encoder: Any, prompt: str) -> Glyphs:
    """Raises OutOfRange for more text in quotes than is read."""
    text, device = sentence(prompt), encoder.device
    if not text:
        states = torch.zeros(1, BYTES, encoder.config.d_model, dtype=encoder.dtype, device=device)
        return Glyphs(states=states, mask=torch.zeros(1, BYTES, dtype=torch.bool, device=device))
    row = tokenizer(text, verbose=False).input_ids
    if len(row) > BYTES:
        raise OutOfRange("prompt", f"{len(row)} bytes in quotes", f"at most {BYTES} of them")
    pulse.rest()
    ids = torch.tensor([[*row, *[tokenizer.pad_token_id] * (BYTES - len(row))]], device=device)
    mask = torch.arange(BYTES, device=device)[None] < len(row)
    return Glyphs(states=encoder(input_ids=ids, attention_mask=mask.float())[0], mask=mask)
