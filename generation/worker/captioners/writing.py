"""Words that a language model writes one after the other, by the likeliest each time.

The invariant: it writes no more than LONGEST tokens, and is as sure of its words as the geometric
mean of their probabilities says.
"""

from __future__ import annotations

import re
from math import exp
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.worker.captioners.captioner import Captioned, CaptionerAtHand

LONGEST = 96  # tokens
ASKED = (
    "Describe this picture in one or two plain sentences: what it shows, where, in what light and "
    "in what style."
)

# How such models like to begin, which says nothing of the picture.
_OPENINGS = re.compile(
    r"(?:(?:the|this|an?) )?(?:image|picture|photo|photograph|illustration)"
    r"(?: here)? (?:shows|depicts|features|displays|presents|is of|captures) ",
    re.IGNORECASE,
)


def processors(folder: Path) -> tuple[Any, Any]:
    """What brings a picture to the shape that a network takes, and its tokenizer."""
    from transformers import AutoImageProcessor, AutoTokenizer

    return (
        AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil"),
        AutoTokenizer.from_pretrained(folder, local_files_only=True),
    )


def written(it: CaptionerAtHand, writer: Any, tokenizer: Any, inputs: dict[str, Any]) -> Captioned:
    """What it writes of these inputs; `writer`: the module that generates."""
    on_device = {
        key: value.to(it.device, it.dtype if value.is_floating_point() else None)
        for key, value in inputs.items()
    }
    said = writer.generate(
        **on_device,
        do_sample=False,
        num_beams=1,
        max_new_tokens=LONGEST,
        return_dict_in_generate=True,
        output_scores=True,
    )
    chosen = said.sequences[0, -len(said.scores) :]
    text = tokenizer.decode(chosen, skip_special_tokens=True)
    return Captioned(words=plainly(text), sure=_sure(said.scores, chosen))


def _sure(scores: tuple[Tensor, ...], chosen: Tensor) -> float:
    likely = [
        float(torch.log_softmax(score[0].float(), -1)[token])
        for score, token in zip(scores, chosen, strict=True)
    ]
    return min(1.0, exp(sum(likely) / len(likely))) if likely else 0.0


def plainly(text: str) -> str:
    """The words in one line, without an opening that any picture could have."""
    line = " ".join(text.split())
    bare = _OPENINGS.sub("", line, count=1) if _OPENINGS.match(line) else line
    return bare[:1].upper() + bare[1:]


def ids_of(tokenizer: Any, *parts: str | list[int]) -> Tensor:
    """(1, length) token ids: texts as the tokenizer reads them, and ids as they are."""
    ids: list[int] = []
    for part in parts:
        ids += (
            tokenizer(part, add_special_tokens=False).input_ids if isinstance(part, str) else part
        )
    return torch.tensor([ids])
