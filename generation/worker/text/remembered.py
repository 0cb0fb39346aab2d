"""What text encoders made of words, kept for the next picture of the same words.

A picture with another seed reads its words no second time, and where a stage's parts take turns its
encoders need not come at all.  The invariant: what is given back are the bits that encoding gives;
whoever asks names by the key all that decides them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import fields, replace

import torch
from torch import Tensor

from generation.worker.text.clip import EncodedWords

MOST = 2**26  # bytes: a hundred prompts of SDXL's, a dozen of T5's


class RememberedWords:
    """Encoded words by what they were made of, the latest used last; in host memory."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: dict[Hashable, EncodedWords] = {}
        self._lock = threading.Lock()

    def of(
        self, key: Hashable, device: torch.device, encode: Callable[[], EncodedWords]
    ) -> EncodedWords:
        """Those of this key, on the device; encoded if they are not here."""
        with self._lock:
            if (found := self._kept.pop(key, None)) is not None:
                self._kept[key] = found
        if found is not None:
            return _moved(found, device)
        words = encode()
        kept = _moved(words, torch.device("cpu"))
        with self._lock:
            self._kept[key] = kept
            while sum(map(_bytes, self._kept.values())) > self._most:
                del self._kept[next(iter(self._kept))]
        return words


def _tensors(words: EncodedWords) -> dict[str, Tensor]:
    found = {each.name: getattr(words, each.name) for each in fields(words)}
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def _moved(words: EncodedWords, device: torch.device) -> EncodedWords:
    moved = {name: tensor.to(device) for name, tensor in _tensors(words).items()}
    more = {name: tensor.to(device) for name, tensor in words.more.items()}
    return replace(words, **moved, more=more)


def _bytes(words: EncodedWords) -> int:
    return sum(one.nbytes for one in (*_tensors(words).values(), *words.more.values()))
