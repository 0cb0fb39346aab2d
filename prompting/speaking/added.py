"""What the assistant's part of a prompt is, and whether two prompts differ for who reads them.

The invariant: what is named as added stands in the prompt, in the words in which it stands there.
"""

from __future__ import annotations

import re

from prompting.reading.lexicon import fold
from prompting.reading.prose import divided
from prompting.slots import Slots


def additions_of(slots: Slots) -> tuple[str, ...]:
    """What the slots say beside the wish: details, and the sentences of a scene."""
    return (*slots.details, *divided(slots.scene)[0])


def added(slots: Slots, prompt: str) -> tuple[str, ...]:
    """The additions that the prompt holds, in order."""
    said = fold(prompt)
    found = {fold(part).strip(" .。"): part.strip(" .。") for part in additions_of(slots)}
    return tuple(part for folded, part in found.items() if folded and folded in said)


def seen(text: str) -> frozenset[str]:
    """The words of a prompt; those of another in which only form and order differ are the same."""
    return frozenset(_WORD.findall(fold(text))) - _ARTICLES


_WORD = re.compile(r"\w+")
_ARTICLES = frozenset(("a", "an", "the"))
