"""The engine of recipes in which nothing is drawn: pictures that are enlarged alone.

The invariant: none of its networks is ever asked, as it has none.
"""

from __future__ import annotations

from typing import NoReturn

from generation.errors import RenderFailed
from generation.worker.text.clip import Clip


def _fault(*_: object, **__: object) -> NoReturn:
    raise RenderFailed("something was to be drawn without a model")


def _one(*_: object, **__: object) -> int:
    return 1


def _no_bytes(*_: object, **__: object) -> int:
    return 0


def _no_clips(*_: object, **__: object) -> tuple[Clip, ...]:
    return ()


class NothingDrawn:
    """Whoever asks it to draw has found a fault."""

    scale = staticmethod(_one)
    learners = staticmethod(_no_clips)
    activation_bytes = staticmethod(_no_bytes)
    condition = staticmethod(_fault)
    noise_shape = staticmethod(_fault)
    predictor = staticmethod(_fault)
    encode = staticmethod(_fault)
    look = staticmethod(_fault)
    decode = staticmethod(_fault)
