"""Prompts -> the states of UMT5's encoder, as models of films read them.

The words are cleaned first: letters that were garbled on their way are mended (ftfy), marks of HTML
become what they stand for, and blanks one.  The invariant: the states of a prompt's own tokens,
and zeros up to as many as the stock pipelines fill it up to.
"""

from __future__ import annotations

import html
import re

import torch
from torch import Tensor

from generation.recipe import Words
from generation.worker.parts import Parts
from generation.worker.text.t5 import T5, encode

TOKENS = 512  # that a prompt is filled up to


def read_words(parts: Parts, said: Words, *, tokens: int = TOKENS) -> tuple[Tensor, Tensor]:
    """The prompt and the negative one: (1, `tokens` or more, width) each."""
    t5 = T5(tokenizer=parts.tokenizers["text_encoder"], encoder=parts["text_encoder"])
    texts = [cleaned(text) for text in (said.prompt, said.negative_prompt)]
    states = encode(t5, texts, syntax=said.syntax, least=tokens, padding=0)
    context, negative = (_filled(state, tokens) for state in states)
    return context, negative


def _filled(state: Tensor, tokens: int) -> Tensor:
    """With zeros behind the words."""
    _, length, width = state.shape
    return torch.cat([state, state.new_zeros(1, max(0, tokens - length), width)], dim=1)


def cleaned(text: str) -> str:
    """The text as the stock pipelines clean it."""
    import ftfy

    mended = html.unescape(html.unescape(ftfy.fix_text(text)))
    return re.sub(r"\s+", " ", mended.strip()).strip()
