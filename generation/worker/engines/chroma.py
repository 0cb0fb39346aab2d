"""Chroma at work: FLUX.1's tokens and places, T5 alone, and cfg.

    words -> T5, which reads no padding -> the words and one padding token -> transformer

All other padding is left out of what the transformer reads: so it was trained, and so ComfyUI does.
The stock pipeline means to hide it and weighs it instead (diffusers' issue 12116); without it, and
with the padding cut off, it has the same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL.Image import Image
from torch import Tensor

from generation.recipe import Recipe, needed
from generation.worker.engines.flux import Flux
from generation.worker.parts import Parts
from generation.worker.text import t5
from generation.worker.text.clip import Clip, EncodedWords, Learned

LETTERS = 4  # of a token of T5, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Chroma(Flux):
    """How its networks draw."""

    def learners(self, _parts: Parts) -> tuple[Clip, ...]:
        return ()

    def condition(
        self,
        parts: Parts,
        recipe: Recipe,
        _learned: Sequence[Learned],
        _pictures: Sequence[Image],
    ) -> EncodedWords:
        said, name = needed(recipe.words), "text_encoder"
        reader = t5.T5(tokenizer=parts.tokenizers[name], encoder=parts[name])
        texts = said.prompt, said.negative_prompt
        context, negative = t5.encode(
            reader, texts, syntax=said.syntax, least=self.tokens, padding=1
        )
        return EncodedWords(context=context, negative=negative, pooled=None, negative_pooled=None)

    def tokens_of_words(self, recipe: Recipe) -> int:
        return max(map(len, recipe.texts)) // LETTERS + 2

    def reads(
        self, _parts: Parts, _recipe: Recipe, words: EncodedWords, *, negative: bool
    ) -> Mapping[str, Tensor | None]:
        return {"encoder_hidden_states": words.negative if negative else words.context}
