"""A second reading of prompts by ComfyUI's rules, written apart from ours to check it; its formula.

Depths are summed up along the text, and pairs are found where the sum is nought again.  Recursive,
plain, and sharing no line with `generation.worker`.
"""

from __future__ import annotations

import math
from itertools import accumulate, pairwise
from typing import Any

import torch

_HIDDEN = {"\\)": "\x01", "\\(": "\x02"}


def weighed(text: str) -> list[tuple[str, float]]:
    """Each piece with its weight, none of them empty."""
    for shown, hidden in _HIDDEN.items():
        text = text.replace(shown, hidden)
    found = []
    for piece, weight in _inside(text, 1.0):
        for shown, hidden in _HIDDEN.items():
            piece = piece.replace(hidden, shown[1])
        if piece:
            found.append((piece, max(-100.0, min(100.0, weight))))
    return found


def _inside(text: str, weight: float) -> list[tuple[str, float]]:
    depths = list(accumulate((letter == "(") - (letter == ")") for letter in text))
    edges = {0, len(text)}
    for at, letter in enumerate(text):
        if letter == "(" and depths[at] == 1:
            edges.add(at)
        if letter == ")" and depths[at] == 0:
            edges.add(at + 1)
    ordered = sorted(edges)
    found: list[tuple[str, float]] = []
    for first, last in pairwise(ordered):
        piece = text[first:last]
        if len(piece) > 1 and piece[0] == "(" and piece[-1] == ")":
            body, colon, said = piece[1:-1].rpartition(":")
            try:
                own = float(said) if colon and body else None
            except ValueError:
                own = None
            if own is None or not math.isfinite(own):
                found += _inside(piece[1:-1], weight * 1.1)
            else:
                found += _inside(body, own)
        else:
            found.append((piece, weight))
    return found


def by_formula(clip: Any, pieces: list[tuple[str, float]]) -> torch.Tensor:
    """What one chunk says to a denoiser: empty + (state - empty) x weight, token by token."""
    tokenizer = clip.tokenizer
    ids, weights = [tokenizer.bos_token_id], [1.0]
    for text, weight in pieces:
        found = tokenizer(text, add_special_tokens=False).input_ids
        ids, weights = ids + found, weights + [weight] * len(found)
    states = []
    for row in (ids, ids[:1]):
        full = [*row, tokenizer.eos_token_id]
        full += [tokenizer.pad_token_id] * (77 - len(full))
        states.append(clip.encoder(torch.tensor([full]))[0])
    factors = torch.tensor(weights + [1.0] * (77 - len(weights)))[None, :, None]
    return torch.where(factors == 1.0, states[0], (states[0] - states[1]) * factors + states[1])
